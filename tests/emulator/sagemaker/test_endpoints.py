"""Endpoints: transitions, shadow variants, scaling, and what Describe shows."""

import pytest
from botocore.exceptions import WaiterError

from airflow_shadow.emulator.fleet import (
    ROLE_ARN,
    create_endpoint,
    create_model,
    wait_in_service,
)

VARIANT = {
    "VariantName": "AllTraffic",
    "ModelName": "m1",
    "InstanceType": "ml.m5.xlarge",
    "InitialInstanceCount": 1,
}


def _statuses(client, count, name="ep"):
    return [client.describe_endpoint(EndpointName=name)["EndpointStatus"] for _ in range(count)]


@pytest.fixture
def other_config(client, fleet):
    """Create a configuration "other" that runs model m2 on one instance."""
    variant = VARIANT | {"ModelName": "m2"}
    client.create_endpoint_config(EndpointConfigName="other", ProductionVariants=[variant])


def test_creation_shows_creating_first(client, fleet):
    """A new endpoint is Creating for two reads, and shows no variants until then."""
    client.create_endpoint(EndpointName="new", EndpointConfigName="ep-config")
    description = client.describe_endpoint(EndpointName="new")
    assert (
        False,
        ["Creating", "InService"],
    ) == ("ProductionVariants" in description, _statuses(client, 2, "new"))


def test_creation_by_the_clock(client, emulator, fleet):
    """At pace "time" a creation takes five minutes."""
    emulator.pace = "time"
    client.create_endpoint(EndpointName="new", EndpointConfigName="ep-config")
    before = _statuses(client, 3, "new")
    emulator.clock.advance(300)
    assert ["Creating"] * 3 + ["InService"] == [*before, *_statuses(client, 1, "new")]


def test_an_update_swaps_the_configuration(client, other_config):
    """It is Updating with the old configuration, then InService with the new one."""
    client.update_endpoint(EndpointName="ep", EndpointConfigName="other")
    seen = [client.describe_endpoint(EndpointName="ep") for _ in range(3)]
    assert [
        ("Updating", "ep-config"),
        ("Updating", "ep-config"),
        ("InService", "other"),
    ] == [(one["EndpointStatus"], one["EndpointConfigName"]) for one in seen]


def test_an_update_may_retain_the_counts(client, other_config):
    """RetainAllVariantProperties keeps scaled counts."""
    client.update_endpoint(
        EndpointName="ep", EndpointConfigName="other", RetainAllVariantProperties=True
    )
    _statuses(client, 2)
    [variant] = client.describe_endpoint(EndpointName="ep")["ProductionVariants"]
    assert 2 == variant["CurrentInstanceCount"]


def test_an_update_under_way_refuses_another(client, experiments, other_config):
    """An update is refused while another is in progress."""
    client.update_endpoint(EndpointName="ep", EndpointConfigName="other")
    found = experiments.refusal(
        client.update_endpoint, EndpointName="ep", EndpointConfigName="other"
    )
    assert "ValidationException" == found.code


def test_scaling_changes_desired_then_current(client, fleet):
    """The desired count changes at once, the current one when the update is done."""
    wanted = {"VariantName": "AllTraffic", "DesiredInstanceCount": 10, "DesiredWeight": 2.0}
    client.update_endpoint_weights_and_capacities(
        EndpointName="ep", DesiredWeightsAndCapacities=[wanted]
    )
    seen = [client.describe_endpoint(EndpointName="ep") for _ in range(3)]
    counts = [
        (one["EndpointStatus"], variant["CurrentInstanceCount"], variant["DesiredInstanceCount"])
        for one in seen
        for variant in one["ProductionVariants"]
    ]
    assert [("Updating", 2, 10), ("Updating", 2, 10), ("InService", 10, 10)] == counts
    assert 2.0 == seen[-1]["ProductionVariants"][0]["CurrentWeight"]


def test_the_image_is_shown(client, fleet):
    """DeployedImages has the image of the model."""
    create_endpoint(client, endpoint_name="other", model_name="m2")
    [variant] = client.describe_endpoint(EndpointName="other")["ProductionVariants"]
    assert "candidate:2" == variant["DeployedImages"][0]["SpecifiedImage"]


def test_a_shadow_in_a_configuration_is_deployed(client, fleet):
    """ShadowProductionVariants of a configuration run on the endpoint."""
    shadow = VARIANT | {"VariantName": "S", "ModelName": "m2", "InitialVariantWeight": 0.25}
    client.create_endpoint_config(
        EndpointConfigName="both", ProductionVariants=[VARIANT], ShadowProductionVariants=[shadow]
    )
    client.update_endpoint(EndpointName="ep", EndpointConfigName="both")
    _statuses(client, 2)
    [deployed] = client.describe_endpoint(EndpointName="ep")["ShadowProductionVariants"]
    assert ("S", 0.25) == (deployed["VariantName"], deployed["CurrentWeight"])


@pytest.mark.parametrize(
    "members",
    [
        {
            "ShadowProductionVariants": [
                VARIANT | {"VariantName": "S"},
                VARIANT | {"VariantName": "T"},
            ]
        },
        {
            "ProductionVariants": [VARIANT, VARIANT | {"VariantName": "B"}],
            "ShadowProductionVariants": [VARIANT | {"VariantName": "S"}],
        },
        {"ShadowProductionVariants": [VARIANT]},
        {"ProductionVariants": [VARIANT | {"ModelName": "nobody"}]},
        {"ProductionVariants": [VARIANT | {"InstanceType": "ml.m5.tiny"}]},
    ],
    ids=["two shadows", "two productions", "same name", "missing model", "unknown type"],
)
def test_impossible_configurations_are_refused(client, experiments, members):
    """Wrong numbers of variants, and unknown models and types, are refused."""
    request = {"EndpointConfigName": "c", "ProductionVariants": [VARIANT], **members}
    found = experiments.refusal(client.create_endpoint_config, **request)
    assert "ValidationException" == found.code


@pytest.mark.parametrize("instance_type", ["ml.m5.large", "ml.g6.xlarge", "ml.inf2.xlarge"])
def test_all_instance_types_of_the_model_are_accepted(client, fleet, instance_type):
    """Types of botocore's model are accepted that moto's list of 2020 lacks."""
    variant = VARIANT | {"InstanceType": instance_type}
    client.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    shown = client.describe_endpoint_config(EndpointConfigName="c")
    assert instance_type == shown["ProductionVariants"][0]["InstanceType"]


def test_a_configuration_keeps_what_it_was_given(client, fleet):
    """Describe returns the members that mark unsupported endpoints."""
    request = {
        "EndpointConfigName": "odd",
        "ProductionVariants": [
            {
                "VariantName": "A",
                "ModelName": "m1",
                "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5},
            },
            {"VariantName": "C", "InstanceType": "ml.g5.xlarge", "InitialInstanceCount": 1},
        ],
        "AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://b/o"}},
        "ExecutionRoleArn": ROLE_ARN,
        "KmsKeyId": "key",
    }
    client.create_endpoint_config(**request)
    shown = client.describe_endpoint_config(EndpointConfigName="odd")
    assert request == {key: shown[key] for key in request}


def test_a_model_keeps_its_containers_and_mode(client, fleet):
    """DescribeModel returns what marks multi-model and multi-container models."""
    client.create_model(
        ModelName="many", ExecutionRoleArn=ROLE_ARN, PrimaryContainer={"Mode": "MultiModel"}
    )
    client.create_model(
        ModelName="pair", ExecutionRoleArn=ROLE_ARN, Containers=[{"Image": "a"}, {"Image": "b"}]
    )
    many, pair = (client.describe_model(ModelName=name) for name in ("many", "pair"))
    assert ("MultiModel", 2) == (many["PrimaryContainer"]["Mode"], len(pair["Containers"]))


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("describe_endpoint", {"EndpointName": "none"}),
        ("delete_endpoint", {"EndpointName": "none"}),
        ("update_endpoint", {"EndpointName": "none", "EndpointConfigName": "ep-config"}),
        ("update_endpoint", {"EndpointName": "ep", "EndpointConfigName": "none"}),
        ("create_endpoint", {"EndpointName": "new", "EndpointConfigName": "none"}),
        ("create_endpoint", {"EndpointName": "ep", "EndpointConfigName": "ep-config"}),
        ("describe_endpoint_config", {"EndpointConfigName": "none"}),
        ("delete_endpoint_config", {"EndpointConfigName": "none"}),
        ("describe_model", {"ModelName": "none"}),
        ("create_model", {"ModelName": "m1", "ExecutionRoleArn": ROLE_ARN}),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_is_missing_or_taken_is_a_validation_error(client, experiments, call, arguments):
    """SageMaker has no other code for missing or existing endpoints and models."""
    assert "ValidationException" == experiments.refusal(getattr(client, call), **arguments).code


def test_a_failed_creation_stays_failed(client, emulator, fleet):
    """With fault "fail-endpoint" it is Creating, then Failed with a reason."""
    emulator.faults.add(kind="fail-endpoint", reason="no capacity")
    client.create_endpoint(EndpointName="new", EndpointConfigName="ep-config")
    with pytest.raises(WaiterError):
        client.get_waiter("endpoint_in_service").wait(
            EndpointName="new", WaiterConfig={"Delay": 0, "MaxAttempts": 9}
        )
    description = client.describe_endpoint(EndpointName="new")
    assert (
        "Failed",
        "no capacity",
    ) == (description["EndpointStatus"], description["FailureReason"])


def test_a_failed_update_keeps_the_old_configuration(client, emulator, other_config):
    """It is InService again, with a reason and without the change."""
    emulator.faults.add(kind="fail-endpoint", operation="UpdateEndpoint")
    client.update_endpoint(EndpointName="ep", EndpointConfigName="other")
    _statuses(client, 2)
    description = client.describe_endpoint(EndpointName="ep")
    shown = [description[key] for key in ("EndpointStatus", "EndpointConfigName")]
    assert (["InService", "ep-config"], True) == (shown, "FailureReason" in description)


def test_lists_page_and_filter(client, fleet):
    """ListEndpoints and ListEndpointConfigs filter by name and status, and have pages."""
    create_model(client, name="m9")
    create_endpoint(client, endpoint_name="other", model_name="m9")
    listed = client.list_endpoints(NameContains="oth", StatusEquals="InService")["Endpoints"]
    pages = client.get_paginator("list_endpoint_configs").paginate(PaginationConfig={"PageSize": 1})
    configs = [one["EndpointConfigName"] for page in pages for one in page["EndpointConfigs"]]
    assert (
        ["other"],
        ["ep-config", "other-config"],
    ) == ([one["EndpointName"] for one in listed], sorted(configs))


def test_a_later_success_clears_the_failure(client, emulator, other_config):
    """A successful update removes FailureReason."""
    emulator.faults.add(kind="fail-endpoint", operation="UpdateEndpoint")
    for _ in range(2):
        client.update_endpoint(EndpointName="ep", EndpointConfigName="other")
        _statuses(client, 2)
    assert "FailureReason" not in client.describe_endpoint(EndpointName="ep")


def test_the_capture_of_an_endpoint_is_shown(client, experiments):
    """Describe shows the endpoint's own capture, or its experiment's while that runs."""
    config = client.describe_endpoint_config(
        EndpointConfigName=experiments.endpoint()["EndpointConfigName"]
    )
    client.create_endpoint_config(
        EndpointConfigName="captured",
        ProductionVariants=config["ProductionVariants"],
        DataCaptureConfig={
            "EnableCapture": True,
            "InitialSamplingPercentage": 20,
            "DestinationS3Uri": "s3://bucket/own",
            "CaptureOptions": [{"CaptureMode": "Input"}],
        },
    )
    client.update_endpoint(EndpointName="ep", EndpointConfigName="captured")
    wait_in_service(client, endpoint_name="ep")
    own = experiments.endpoint()["DataCaptureConfig"]
    experiments.running(DataStorageConfig={"Destination": "s3://bucket/test"})
    tested = experiments.endpoint()["DataCaptureConfig"]
    experiments.stop()
    experiments.seen_until("Completed")
    keys = ("DestinationS3Uri", "CurrentSamplingPercentage", "CaptureStatus")
    assert [
        ("s3://bucket/own", 20, "Started"),
        ("s3://bucket/test", 100, "Started"),
        ("s3://bucket/own", 20, "Started"),
    ] == [
        tuple(shown[key] for key in keys)
        for shown in (own, tested, experiments.endpoint()["DataCaptureConfig"])
    ]
