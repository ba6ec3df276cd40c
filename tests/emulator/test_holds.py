"""Calls that a test holds at a chosen point."""

import json
import time
import urllib.request
from contextlib import suppress
from threading import Thread

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from airflow_shadow.emulator.fleet import create_model
from tests.metrics import metric, query

pytestmark = pytest.mark.http


def control(emulator, method, what):
    """Call the control API."""
    request = urllib.request.Request(f"{emulator.url}/shadow-api/{what}", method=method)
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read())


def held(emulator):
    """Wait until a call is held and return it."""
    deadline = time.monotonic() + 30
    while not (found := control(emulator, "GET", "held")):
        assert time.monotonic() < deadline, "no call was held"
        time.sleep(0.01)
    return found[0]


@pytest.mark.parametrize(("kind", "acted"), [("hold-before", []), ("hold-after", ["held-model"])])
def test_a_call_is_held_before_or_after_aws_acts(connect, emulator, kind, acted):
    """While a call is held, AWS has acted or not, as the kind says."""
    emulator.faults.add(kind=kind, operation="CreateModel")
    caller = Thread(target=create_model, args=(connect(),), kwargs={"name": "held-model"})
    caller.start()
    found = held(emulator)
    seen = [entry["name"] for entry in emulator.history()]
    control(emulator, "DELETE", "held")
    caller.join(30)
    assert ("CreateModel", "held-model", acted) == (found["operation"], found["name"], seen)
    assert ["held-model"] == [entry["name"] for entry in emulator.history()]


def test_a_dropped_call_never_happens(connect, emulator):
    """A call that is dropped before AWS acts has no effect."""
    emulator.faults.add(kind="hold-before", operation="CreateModel")
    errors = []

    def call():
        try:
            create_model(connect(), name="lost")
        except Exception as error:  # noqa: BLE001 - whatever botocore makes of it
            errors.append(type(error).__name__)

    caller = Thread(target=call)
    caller.start()
    held(emulator)
    emulator.faults.add(kind="drop-before", operation="CreateModel", times=None)
    control(emulator, "DELETE", "held?drop=true&name=lost")
    caller.join(60)
    assert (["ConnectionClosedError"], []) == (errors, emulator.history())


def test_a_held_call_is_held_when_it_is_sent_again(connect, emulator):
    """A client that times out sends the call again, and that one is held, too."""
    emulator.faults.add(kind="hold-before", operation="CreateModel")
    impatient = boto3.client(
        "sagemaker",
        endpoint_url=emulator.url,
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(read_timeout=0.2, retries={"total_max_attempts": 2}),
    )

    def call():
        with suppress(ReadTimeoutError):
            create_model(impatient, name="twice")

    caller = Thread(target=call)
    caller.start()
    deadline = time.monotonic() + 30
    while len(control(emulator, "GET", "held")) < 2:
        assert time.monotonic() < deadline, "the call was not held again"
    caller.join(30)
    control(emulator, "DELETE", "held?drop=true")
    assert [] == emulator.history()


def test_a_fault_is_about_what_a_request_names(connect, emulator, experiments):
    """Tests that share an emulator do not disturb each other."""
    emulator.faults.add(kind="throttle", operation="CreateModel", about="mine", times=None)
    create_model(connect(), name="other")
    client = connect()
    found = experiments.refusal(lambda **named: create_model(client, **named), name="mine-1")
    assert ("ThrottlingException", "other") == (found.code, emulator.history()[-1]["name"])


def test_a_held_query_of_metrics_names_its_endpoint(connect, emulator):
    """GetMetricData has no name of its own, so the endpoint's is shown."""
    emulator.faults.add(kind="hold-before", operation="GetMetricData", about="mine")
    asked = query("Invocations", "AllTraffic", "Sum")
    asked["MetricStat"]["Metric"] = metric("Invocations", "AllTraffic", endpoint="mine")
    arguments = {"MetricDataQueries": [asked], "StartTime": 0, "EndTime": 60}
    caller = Thread(target=connect("cloudwatch").get_metric_data, kwargs=arguments)
    caller.start()
    assert "mine" in held(emulator)["name"]
    control(emulator, "DELETE", "held")
    caller.join(30)
