"""Settings of production that an experiment does not carry over."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from airflow_shadow.experiments.lost_settings import described, lost_settings
from tests.helpers import input_shape

MODEL = boto3.client("sagemaker", "us-east-1").meta.service_model
CONFIG = MODEL.operation_model("DescribeEndpointConfig").output_shape
VARIANT = MODEL.shape_for("ProductionVariant")
CARRIED = {
    "CreationTime",
    "EndpointConfigArn",
    "EndpointConfigName",
    "KmsKeyId",
    "ProductionVariants",
    "ShadowProductionVariants",
}
CARRIED_OF_VARIANT = {
    "InitialInstanceCount",
    "InitialVariantWeight",
    "InstanceType",
    "ModelName",
    "VariantName",
}
BARE: dict[str, Any] = {"ProductionVariants": [{"VariantName": "AllTraffic", "ModelName": "m"}]}


def sample(shape):
    """Return some value of a shape, with every member that is no structure of its own."""
    if shape.type_name == "structure":
        return {name: sample(member) for name, member in shape.members.items()}
    if shape.type_name == "list":
        return [sample(shape.member)]
    if shape.type_name == "map":
        return {"key": sample(shape.value)}
    return {"boolean": True, "string": "text", "timestamp": "2026"}.get(shape.type_name, 7)


@pytest.mark.parametrize("member", sorted(set(CONFIG.members) - CARRIED))
def test_each_setting_of_an_endpoint_is_noticed(member):
    """Along the service's model, so that one which AWS adds is one."""
    value = sample(CONFIG.members[member])
    assert {member: value} == lost_settings({**BARE, member: value})


@pytest.mark.parametrize("member", sorted(set(VARIANT.members) - CARRIED_OF_VARIANT))
def test_each_setting_of_a_variant_is_noticed(member):
    """A ModelVariant has a model, a name, a type and a count."""
    value = sample(VARIANT.members[member])
    variant = {**BARE["ProductionVariants"][0], member: value}
    assert {member: value} == lost_settings({"ProductionVariants": [variant]})


def test_what_is_carried_over_is_all_that_the_request_can_say():
    """A member that AWS adds to ModelVariantConfig may carry over more, and is looked at then."""
    create = input_shape("CreateInferenceExperiment")
    variant = create.members["ModelVariants"].member
    infrastructure = variant.members["InfrastructureConfig"].members["RealTimeInferenceConfig"]
    assert {"ModelName", "VariantName", "InfrastructureConfig"} == set(variant.members)
    assert {"InstanceType", "InstanceCount"} == set(infrastructure.members)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"EnableNetworkIsolation": False, "VpcConfig": {}, "ExecutionRoleArn": ""},
        {"DataCaptureConfig": {"EnableCapture": False, "DestinationS3Uri": "s3://b"}},
        {"ProductionVariants": [{"EnableSSMAccess": False}]},
        {"ProductionVariants": [{"ManagedInstanceScaling": {"Status": "DISABLED"}}]},
    ],
)
def test_what_is_off_is_not_lost(config):
    """AWS shows defaults, too."""
    assert {} == lost_settings({**BARE, **config})


def test_the_same_capture_is_not_lost():
    """The experiment's own takes its place, and writes to where it wrote."""
    capture = {"EnableCapture": True, "DestinationS3Uri": "s3://bucket/captured/"}
    config = {**BARE, "DataCaptureConfig": capture}
    assert {} == lost_settings(config, storage={"Destination": "s3://bucket/captured"})
    elsewhere = {"Destination": "s3://bucket/else"}
    assert {"DataCaptureConfig": capture} == lost_settings(config, storage=elsewhere)


def test_a_capture_that_loses_its_key_is_lost():
    """What is written to the same place without the endpoint's key is protected less."""
    capture = {"EnableCapture": True, "DestinationS3Uri": "s3://bucket/captured", "KmsKeyId": "k"}
    config = {**BARE, "DataCaptureConfig": capture}
    storage = {"Destination": "s3://bucket/captured"}
    assert {"DataCaptureConfig": capture} == lost_settings(config, storage=storage)
    assert {} == lost_settings(config, storage={**storage, "KmsKey": "k"})


def test_long_values_are_shortened():
    """One line of a log."""
    assert f"VpcConfig ({'x' * 77}...), A (1)" == described({"VpcConfig": "x" * 500, "A": 1})
