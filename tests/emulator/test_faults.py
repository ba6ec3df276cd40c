"""Faults on request: what the client sees, and how often."""

import time
from threading import Thread

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from airflow_shadow.emulator.faults import KEPT_UPDATES
from airflow_shadow.emulator.fleet import shadow_mode, wait_in_service

pytestmark = pytest.mark.http

MODE_75 = shadow_mode(source="AllTraffic", shadow="Shadow", sampling_percentage=75)


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [
        ({"kind": "throttle"}, "ThrottlingException", 400),
        ({"kind": "expired-token"}, "ExpiredTokenException", 400),
        ({"kind": "access-denied"}, "AccessDeniedException", 400),
        ({"kind": "quota"}, "ResourceLimitExceeded", 400),
        ({"kind": "server-error"}, "InternalFailure", 500),
        ({"kind": "server-error", "status": 503}, "ServiceUnavailable", 503),
    ],
    ids=str,
)
def test_refusals_parse_as_their_codes(emulator, experiments, fault, code, status):
    """Botocore reads the code and the HTTP status of each refusal."""
    emulator.faults.add(operation="ListInferenceExperiments", **fault)
    found = experiments.refusal(experiments.client.list_inference_experiments)
    assert (code, status) == (found.code, found.status)


def test_a_fault_strikes_as_often_as_asked(client, emulator, experiments):
    """With times=2 two calls fail and the third succeeds."""
    emulator.faults.add(kind="throttle", operation="*", times=2)
    for _ in range(2):
        experiments.refusal(client.list_inference_experiments)
    assert [] == client.list_inference_experiments()["InferenceExperiments"]


def test_a_fault_without_end_stays_until_cleared(client, emulator, experiments):
    """With times=None calls fail until the faults are cleared."""
    emulator.faults.add(kind="throttle", times=None)
    for _ in range(5):
        experiments.refusal(client.list_inference_experiments)
    emulator.faults.clear()
    assert [] == client.list_inference_experiments()["InferenceExperiments"]


def test_a_fault_of_one_operation_spares_the_others(client, emulator, experiments):
    """Only the named operation fails."""
    emulator.faults.add(kind="throttle", operation="DescribeInferenceExperiment")
    experiments.create()
    found = experiments.refusal(client.describe_inference_experiment, Name="x")
    assert "ThrottlingException" == found.code


def test_a_fault_of_one_region_spares_the_others(emulator, experiments, connect):
    """A fault can be limited to an account and a region."""
    emulator.faults.add(kind="throttle", region="eu-west-1", account="123456789012")
    found = experiments.refusal(connect(region="eu-west-1").list_inference_experiments)
    assert "ThrottlingException" == found.code
    assert [] == connect().list_inference_experiments()["InferenceExperiments"]


def test_botocore_retries_a_throttled_call(emulator, experiments):
    """The code is one that botocore retries."""
    client = boto3.client(
        "sagemaker",
        endpoint_url=emulator.url,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 2}),
    )
    emulator.faults.add(kind="throttle", times=1)
    answer = client.list_inference_experiments()
    assert 1 == answer["ResponseMetadata"]["RetryAttempts"]


@pytest.mark.parametrize(("kind", "created"), [("drop-before", []), ("drop-after", ["x"])])
def test_lost_connections(client, emulator, experiments, kind, created):
    """The connection is lost either before or after the action."""
    emulator.faults.add(kind=kind, operation="CreateInferenceExperiment")
    with pytest.raises(ConnectionClosedError):
        experiments.create()
    listed = client.list_inference_experiments()["InferenceExperiments"]
    assert created == [one["Name"] for one in listed]


def test_a_slow_answer_comes(client, emulator, fleet):
    """A slow call is delayed by real seconds, then answered."""
    emulator.faults.add(kind="slow", seconds=0.2)
    before = time.monotonic()
    client.list_inference_experiments()
    assert time.monotonic() - before >= 0.2


def test_a_slow_call_does_not_hold_up_others(client, emulator, fleet, connect):
    """Other clients are served during a slow call."""
    emulator.faults.add(kind="slow", seconds=1.5, region="eu-west-1")
    slow = connect(region="eu-west-1")
    thread = Thread(target=slow.list_inference_experiments)
    thread.start()
    client.list_inference_experiments()
    waiting = thread.is_alive()
    thread.join()
    assert waiting


def test_empty_pages_carry_a_token(client, emulator, experiments):
    """A client that stops at an empty page misses the rest."""
    experiments.create()
    emulator.faults.add(kind="empty-pages", times=2)
    pages = client.get_paginator("list_inference_experiments").paginate()
    assert [0, 0, 1] == [len(page["InferenceExperiments"]) for page in pages]


def test_empty_pages_leave_other_calls_alone(client, emulator, experiments):
    """A Describe neither fails nor uses up the fault."""
    experiments.create()
    emulator.faults.add(kind="empty-pages", times=1)
    status = experiments.status()
    first = client.list_inference_experiments()
    assert ("Creating", []) == (status, first["InferenceExperiments"])


def _ended_badly(experiments):
    description = experiments.describe()
    return (
        description["Status"],
        description["StatusReason"],
        description["EndpointMetadata"]["FailureReason"],
        "CompletionTime" in description,
    )


BROKEN = ("Cancelled", "broken", "broken", True)


def test_a_creation_that_fails(emulator, experiments):
    """It is Creating, then Cancelled with the reason; the endpoint is unchanged."""
    emulator.faults.add(kind="fail-creation", reason="broken")
    experiments.create()
    seen = experiments.seen_until("Cancelled")
    endpoint = experiments.endpoint()
    assert (["Creating", "Creating", "Cancelled"], BROKEN) == (seen, _ended_badly(experiments))
    assert (
        "InService",
        "ep-config",
    ) == (endpoint["EndpointStatus"], endpoint["EndpointConfigName"])


def test_a_start_that_fails(client, emulator, experiments, scheduled):
    """It is Starting, then Cancelled."""
    scheduled()
    emulator.faults.add(kind="fail-start", reason="broken")
    client.start_inference_experiment(Name="x")
    assert ["Starting", "Starting", "Cancelled"] == experiments.seen_until("Cancelled")
    assert BROKEN == _ended_badly(experiments)


def test_an_update_that_fails(client, emulator, experiments):
    """It is Updating, then Cancelled; the endpoint keeps its configuration."""
    experiments.running()
    emulator.faults.add(kind="fail-update", reason="broken")
    client.update_inference_experiment(Name="x", ShadowModeConfig=MODE_75)
    experiments.seen_until("Cancelled")
    [shadow] = experiments.endpoint()["ShadowProductionVariants"]
    assert (BROKEN, 0.5) == (_ended_badly(experiments), shadow["CurrentWeight"])


def test_an_update_that_rolls_back(client, emulator, experiments):
    """It is idle again with the old values, and with a new FailureReason each time."""
    experiments.running()
    reasons = []
    for _ in range(2):
        emulator.faults.add(kind="fail-update", rollback=True)
        client.update_inference_experiment(Name="x", ShadowModeConfig=MODE_75)
        experiments.seen_until("Updating")
        experiments.seen_until("Running")
        emulator.clock.advance(1)
        reasons.append(experiments.describe()["EndpointMetadata"]["FailureReason"])
    mode = experiments.describe()["ShadowModeConfig"]
    assert 50 == mode["ShadowModelVariants"][0]["SamplingPercentage"]
    assert 2 == len(set(reasons))


@pytest.mark.parametrize("updates", [1, 2])
def test_an_old_description_of_an_endpoint(emulator, experiments, updates):
    """DescribeEndpoint shows it before its last updates, then as it is."""
    past = {2: _facts(experiments.endpoint())}
    emulator.clock.advance(60)
    experiments.running()
    past[1] = _facts(experiments.endpoint())
    emulator.clock.advance(60)
    experiments.ended(experiments.promote)
    now = _facts(experiments.endpoint())
    emulator.faults.add(kind="old-endpoint", about="ep", times=2, updates=updates)
    shown = [_facts(experiments.endpoint()) for _ in range(3)]
    assert now != past[updates]
    assert [past[updates], past[updates], now] == shown


def test_an_endpoint_without_an_update_has_no_old_description(emulator, experiments):
    """An endpoint that was never updated is shown as it is."""
    now = _facts(experiments.endpoint())
    emulator.faults.add(kind="old-endpoint")
    assert now == _facts(experiments.endpoint())


def test_few_old_descriptions_are_kept(client, emulator, experiments):
    """An endpoint that is updated for days does not fill the memory."""
    for weight in range(KEPT_UPDATES + 2):
        client.update_endpoint_weights_and_capacities(
            EndpointName="ep",
            DesiredWeightsAndCapacities=[
                {"VariantName": "AllTraffic", "DesiredInstanceCount": 1 + weight}
            ],
        )
        wait_in_service(client, endpoint_name="ep")
    [state] = emulator.account_states()
    assert KEPT_UPDATES == len(state.endpoints["ep"].past)


def _facts(description):
    return {key: value for key, value in description.items() if key != "ResponseMetadata"}


def test_a_stop_that_fails(emulator, experiments):
    """It is Stopping, then Cancelled with the reason; the shadow stays on the endpoint."""
    experiments.running()
    emulator.faults.add(kind="fail-stop", reason="broken")
    experiments.stop(Reason="mine")
    experiments.seen_until("Cancelled")
    assert (
        BROKEN,
        True,
    ) == (_ended_badly(experiments), "ShadowProductionVariants" in experiments.endpoint())


def test_an_endpoint_that_went_away_breaks_the_experiment(client, experiments):
    """An experiment whose endpoint was deleted is Cancelled when its work ends."""
    experiments.create()
    client.delete_endpoint(EndpointName="ep")
    assert ["Creating", "Creating", "Cancelled"] == experiments.seen_until("Cancelled")


@pytest.mark.parametrize("fault", [{"kind": "nonsense"}, {"kind": "throttle", "times": 0}])
def test_impossible_faults_are_refused(emulator, fault):
    """An unknown kind and a number of times below 1 raise ValueError."""
    with pytest.raises(ValueError, match=r"nonsense|times=0"):
        emulator.faults.add(**fault)


def test_a_bug_in_the_emulator_shows_once(client, emulator, experiments, monkeypatch, capfd):
    """It is answered with InternalFailure, printed to stderr, and not retried."""
    retrying = boto3.client(
        "sagemaker",
        endpoint_url=emulator.url,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )
    monkeypatch.setattr("airflow_shadow.emulator.sagemaker.views.experiment_description", None)
    experiments.create()
    with pytest.raises(ClientError) as caught:
        retrying.describe_inference_experiment(Name="x")
    response = caught.value.response
    assert "InternalFailure" == response["Error"]["Code"]
    assert 0 == response["ResponseMetadata"]["RetryAttempts"]
    assert 1 == capfd.readouterr().err.count("Traceback")
