"""Serving: several at once, the control API, and the command line."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from http.client import HTTPConnection

import pytest

from airflow_shadow.emulator import Emulator

pytestmark = pytest.mark.http


def call(url, method="GET", body=None):
    """Return status and JSON of a request to the control API."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


@pytest.fixture
def control(emulator):
    """Call the control API."""

    def make(name, method="GET", body=None):
        return call(f"{emulator.url}/shadow-api/{name}", method, body)

    return make


def test_the_clock_over_http(emulator, control):
    """Read, advance and speed up."""
    before = emulator.clock.now()
    _, answer = control("clock", "POST", {"advance": 3600, "speed": 0})
    assert (answer["now"], control("clock")[1]["speed"]) == (
        (before + timedelta(hours=1)).isoformat(),
        0,
    )
    assert datetime.fromisoformat(control("clock")[1]["now"]) == emulator.clock.now()


def test_the_pace_over_http(emulator, control):
    """Switch the pace and the number of reads."""
    control("pace", "POST", {"pace": "time", "reads": 5})
    assert (emulator.pace, control("pace")[1]) == ("time", {"pace": "time", "reads": 5})


def test_faults_over_http(emulator, control, experiments):
    """Add, see and clear."""
    body = {"kind": "throttle", "operation": "ListInferenceExperiments", "times": None}
    _, waiting = control("faults", "POST", body)
    found = experiments.refusal(experiments.client.list_inference_experiments)
    _, after = control("faults", "DELETE")
    assert (waiting[0]["kind"], found.code, after) == ("throttle", "ThrottlingException", [])


def test_history_over_http(emulator, control, experiments):
    """The same as in process, by account and region."""
    experiments.create()
    status, history = control("history?account=123456789012&region=us-east-1")
    assert (status, history) == (200, emulator.history())


def test_the_busy_code_over_http(emulator, control):
    """Choose what a busy endpoint answers."""
    control("busy-code", "POST", {"busy_code": "ConflictException"})
    assert emulator.busy_code == "ConflictException"


def test_the_samples_of_errors_over_http(emulator, control):
    """Choose whether requests that did not fail send a 0."""
    answers = [
        control("error-samples"),
        control("error-samples", "POST", {"error_samples": "ones"}),
    ]
    assert [(200, {"error_samples": "zeros"}), (200, {"error_samples": "ones"})] == answers
    assert emulator.error_samples == "ones"


def test_reset_over_http(control, emulator, experiments):
    """Everything is as new, moto's state as well."""
    emulator.busy_code, emulator.pace = "ConflictException", "time"
    emulator.error_samples = "ones"
    experiments.create()
    control("reset", "POST", {})
    assert emulator.history() == []
    assert (emulator.busy_code, emulator.pace) == ("ResourceInUse", "count")
    assert emulator.error_samples == "zeros"
    assert experiments.client.list_models()["Models"] == []


def test_motos_own_reset_clears_experiments(emulator, experiments):
    """Users of moto know /moto-api/reset."""
    experiments.create()
    call(f"{emulator.url}/moto-api/reset", "POST", {})
    assert experiments.client.list_inference_experiments()["InferenceExperiments"] == []


@pytest.mark.parametrize(
    ("name", "method", "body", "status"),
    [
        ("nonsense", "GET", None, 404),
        ("pace", "POST", {"pace": "quick"}, 400),
        ("faults", "POST", {"kind": "nonsense"}, 400),
        ("clock", "POST", {"advance": -1}, 400),
        ("clock", "POST", [], 400),
        ("clock", "POST", {"advance": 3e11}, 400),
        ("clock", "POST", {"advance": 10**400}, 400),
        ("clock", "POST", {"speed": float("inf")}, 400),
        ("clock", "POST", {"speed": float("nan")}, 400),
        ("clock", "POST", {"speed": 1e308}, 400),
        ("pace", "POST", {"reads": float("inf")}, 400),
        ("busy-code", "POST", {"busy_code": "Nonsense"}, 400),
        ("error-samples", "POST", {"error_samples": "twos"}, 400),
    ],
)
def test_mistakes_are_explained(control, name, method, body, status):
    """A wrong call of the control API says what is wrong."""
    found, answer = control(name, method, body)
    assert (found, bool(answer["message"])) == (status, True)
    assert 200 == control("clock")[0]


def test_clients_at_the_same_moment_are_served_one_by_one(emulator, experiments):
    """Of eight that create the same experiment at once, one succeeds."""
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(experiments.create) for _ in range(8)]
    errors = [one.exception() for one in asked if one.exception()]
    codes = {error.response["Error"]["Code"] for error in errors}
    assert (len(errors), codes) == (7, {"ResourceInUse"})


def test_two_emulators_do_not_mix(emulator, experiments):
    """Each server has its own experiments, clock and faults."""
    with Emulator() as other:
        other.faults.add(kind="throttle", times=None)
        experiments.create()
        assert (other.history(), experiments.status()) == ([], "Creating")


def test_an_emulator_can_be_entered_again():
    """The port is free after the first time."""
    emulator = Emulator()
    urls = []
    for _ in range(2):
        with emulator:
            urls.append(emulator.url)
    assert len(urls) == 2
    with pytest.raises(RuntimeError, match="not serving"):
        _ = emulator.url


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.thorough)]
)
def test_the_command_line_serves_until_told_to_end(number):
    """One line with the address when it accepts connections; a clean end on a signal."""
    options = ["--port", "0", "--speed", "600", "--error-samples", "ones"]
    command = [sys.executable, "-m", "airflow_shadow.emulator", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        line = process.stdout.readline().decode()
        url = re.search(r"http://127\.0\.0\.1:\d+", line).group()
        answer, samples = (call(f"{url}/shadow-api/{name}") for name in ("pace", "error-samples"))
        process.send_signal(number)
        rest, errors = process.communicate(timeout=20)
    assert answer == (200, {"pace": "time", "reads": 2})
    assert samples == (200, {"error_samples": "ones"})
    assert (process.returncode, rest, errors) == (0, b"", b"")


def test_the_package_is_light_to_import():
    """Importing the package loads neither moto nor boto3."""
    code = (
        "import sys, airflow_shadow.emulator\n"
        "print([name for name in ('moto', 'boto3', 'flask') if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, env=environment
    )
    assert shown.stdout.decode().strip() == "[]"


def ask(emulator, path, **headers):
    """Return status, place and text of what a browser is answered, redirections not followed."""
    host, port = emulator.url.removeprefix("http://").split(":")
    with closing(HTTPConnection(host, int(port), timeout=10)) as connection:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Location"), answer.read().decode()


@pytest.mark.parametrize("path", ["/shadow-api/clock", "/shadow", "/moto-api/data.json"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:5000"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Host": "[x]"},
    ],
    ids=str,
)
def test_pages_of_elsewhere_do_not_steer(emulator, path, headers):
    """A browser would send their requests, and by a name that points here read the answers."""
    assert 403 == ask(emulator, path, **headers)[0]


@pytest.mark.parametrize("host", ["localhost:5000", "[::1]:5000", "10.0.0.7", "emulator:5000"])
def test_this_machine_and_containers_steer(emulator, host):
    """By whatever name or address they know it, and from a page of its own."""
    assert 200 == ask(emulator, "/shadow-api/clock", Host=host, Origin=f"http://{host}")[0]


def test_services_are_asked_by_any_name(emulator):
    """What belongs to AWS stays as it is: buckets are part of names there."""
    assert 403 != ask(emulator, "/", Host="bucket.s3.amazonaws.com")[0]


def test_pages_of_elsewhere_ask_no_service(emulator):
    """Moto would let them read what it answers, and change whatever they like."""
    assert 403 == ask(emulator, "/", Origin="https://evil.example")[0]


def test_a_browser_is_led_to_the_page(emulator):
    """Whoever opens the address that was printed wants to see something."""
    assert (302, "/shadow") == ask(emulator, "/", Accept="text/html,*/*")[:2]
