"""STS gives the credentials of a connection with a role: what passes there is waited out."""

from __future__ import annotations

import socket
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from botocore.config import Config

from airflow_shadow.exceptions import AwsUnavailableError
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from tests.hooks.words import NO_RETRIES, connect


def test_sts_gets_our_timeouts(monkeypatch, emulator):
    """An STS that accepts and never answers is given up like any other service."""
    config = Config(read_timeout=0.2, retries={"total_max_attempts": 1})
    monkeypatch.setattr("airflow_shadow.hooks.base._CONFIG", config)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        role = "arn:aws:iam::123456789012:role/shadow"
        connect(monkeypatch, role_arn=role, service_config={"sts": {"endpoint_url": url}})
        began = time.monotonic()
        with pytest.raises(AwsUnavailableError):
            assert InferenceExperimentHook().conn
    assert time.monotonic() - began < 10


@pytest.fixture
def sts(monkeypatch):
    """Let STS answer with a body that the test gives, and the connection ask it for a role."""
    answers = []

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(answers[0])))
            self.end_headers()
            self.wfile.write(answers[0].encode())

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = Thread(target=server.serve_forever)
    thread.start()
    url, role = f"http://127.0.0.1:{server.server_port}", "arn:aws:iam::123456789012:role/shadow"
    connect(monkeypatch, role_arn=role, service_config={"sts": {"endpoint_url": url}})
    yield answers
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    "body", ["", "<html></html>", "<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>"]
)
def test_no_answer_of_sts_is_waited_out(emulator, sts, body):
    """The provider takes whatever comes for credentials, and ends in a bare KeyError."""
    sts.append(body)
    with pytest.raises(AwsUnavailableError):
        InferenceExperimentHook(config=NO_RETRIES).find_endpoint("churn")


def test_botocores_own_clients_get_our_timeouts(emulator):
    """Those of a web identity, for which the machine's environment speaks."""
    config = InferenceExperimentHook().get_session()._session.get_default_client_config()
    assert (10, 30) == (config.connect_timeout, config.read_timeout)
