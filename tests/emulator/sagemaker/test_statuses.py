"""Which call is accepted in which status."""

import pytest

STATUSES = (
    "Creating",
    "Created",
    "Starting",
    "Running",
    "Updating",
    "Stopping",
    "Completed",
    "Cancelled",
)

ALLOWED = {
    "update_inference_experiment": {"Created", "Running"},
    "start_inference_experiment": {"Created"},
    "stop_inference_experiment": {"Running"},
    "delete_inference_experiment": {"Created", "Completed", "Cancelled"},
    "describe_inference_experiment": set(STATUSES),
}

CASES = [(status, call) for status in STATUSES for call in ALLOWED]


@pytest.fixture
def bring(client, experiments, scheduled):
    """Bring experiment "x" into a status."""

    def created():
        scheduled()

    def starting():
        scheduled()
        client.start_inference_experiment(Name="x")

    def updating():
        experiments.running()
        client.update_inference_experiment(Name="x", Description="new")
        experiments.seen_until("Updating")

    def stopping():
        experiments.running()
        experiments.stop()

    def completed():
        experiments.running()
        experiments.ended()

    def cancelled():
        experiments.running()
        experiments.ended(state="Cancelled")

    ways = {
        "Creating": experiments.create,
        "Created": created,
        "Starting": starting,
        "Running": experiments.running,
        "Updating": updating,
        "Stopping": stopping,
        "Completed": completed,
        "Cancelled": cancelled,
    }
    return lambda status: ways[status]()


def _arguments(call):
    extra = {
        "update_inference_experiment": {"Description": "changed"},
        "stop_inference_experiment": {
            "ModelVariantActions": {"AllTraffic": "Retain", "Shadow": "Remove"}
        },
    }
    return {"Name": "x", **extra.get(call, {})}


@pytest.mark.parametrize(("status", "call"), CASES)
def test_the_table_of_calls(client, experiments, bring, status, call):
    """A call is accepted, or refused with ConflictException and without an effect."""
    bring(status)
    operation = getattr(client, call)
    if status in ALLOWED[call]:
        answer = operation(**_arguments(call))
        assert 200 == answer["ResponseMetadata"]["HTTPStatusCode"]
    else:
        refusal = experiments.refusal(operation, **_arguments(call))
        assert (
            "ConflictException",
            400,
            status,
        ) == (refusal.code, refusal.status, experiments.status())


@pytest.mark.parametrize("call", ALLOWED)
def test_an_unknown_experiment_is_not_found(client, experiments, call):
    """Every call with an unknown name is refused with ResourceNotFound."""
    refusal = experiments.refusal(getattr(client, call), **_arguments(call))
    assert "ResourceNotFound" == refusal.code


def test_the_errors_are_typed_in_botocore(client, experiments):
    """Documented errors arrive as the client's own exception classes."""
    experiments.create()
    with pytest.raises(client.exceptions.ConflictException):
        client.delete_inference_experiment(Name="x")
    with pytest.raises(client.exceptions.ResourceNotFound):
        client.describe_inference_experiment(Name="y")
    with pytest.raises(client.exceptions.ResourceInUse):
        experiments.create()
