"""Models, endpoints and requests for tests, created with any boto3 SageMaker client."""

import time
from collections.abc import Mapping
from typing import Any

from airflow_shadow.emulator.traffic import Traffic, tag

ROLE_ARN = "arn:aws:iam::123456789012:role/shadow-tests"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/model:1"

# Real seconds. An endpoint at pace "time" and speed 600 takes half a second.
_PAUSE = 0.01
_PATIENCE = 60.0


def create_model(
    client: Any, *, name: str, image: str = IMAGE, environment: Mapping[str, str] | None = None
) -> str:
    """Create a model with one container and return its ARN.

    environment: how the model behaves, `{"SHADOW_LATENCY_MS": "80"}`; see docs/emulator.md.
    """
    container = {"Image": image, "Environment": dict(environment or {})}
    answer = client.create_model(
        ModelName=name, ExecutionRoleArn=ROLE_ARN, PrimaryContainer=container
    )
    return str(answer["ModelArn"])


def create_endpoint(
    client: Any,
    *,
    endpoint_name: str,
    model_name: str,
    variant_name: str = "AllTraffic",
    instance_type: str = "ml.m5.xlarge",
    instance_count: int = 2,
    traffic: Traffic | None = None,
) -> str:
    """Create a model, a configuration and an endpoint; return the endpoint's ARN once InService.

    traffic: the requests that it gets; without them it has no metrics.
    The default instance type is one that experiments accept too; they do not accept ml.m5.large.
    An existing model of the name is used. Raises RuntimeError if the endpoint fails, and
    TimeoutError if it is not InService after a minute.
    """
    _ensure_model(client, model_name)
    variant = {
        "VariantName": variant_name,
        "ModelName": model_name,
        "InstanceType": instance_type,
        "InitialInstanceCount": instance_count,
        "InitialVariantWeight": 1.0,
    }
    config = f"{endpoint_name}-config"
    client.create_endpoint_config(EndpointConfigName=config, ProductionVariants=[variant])
    tags = [tag(traffic)] if traffic else []
    answer = client.create_endpoint(
        EndpointName=endpoint_name, EndpointConfigName=config, Tags=tags
    )
    wait_in_service(client, endpoint_name=endpoint_name)
    return str(answer["EndpointArn"])


def _ensure_model(client: Any, name: str) -> None:
    try:
        client.describe_model(ModelName=name)
    except client.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        create_model(client, name=name)


def wait_in_service(client: Any, *, endpoint_name: str) -> None:
    """Read an endpoint until it is InService.

    Raises RuntimeError if it fails, and TimeoutError if that takes more than a minute.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        status = client.describe_endpoint(EndpointName=endpoint_name)["EndpointStatus"]
        if status == "InService":
            return
        if status == "Failed":
            raise RuntimeError(f"Endpoint {endpoint_name} failed. Describe it for the reason.")
        if time.monotonic() > deadline:
            raise TimeoutError(
                f"Endpoint {endpoint_name} is still {status} after {_PATIENCE:.0f} s."
                " Raise the emulator's speed, or choose the pace 'count'."
            )
        time.sleep(_PAUSE)


def model_variant(
    *,
    variant_name: str,
    model_name: str,
    instance_type: str = "ml.m5.xlarge",
    instance_count: int = 2,
) -> dict[str, Any]:
    """Return a ModelVariantConfig."""
    infrastructure = {"InstanceType": instance_type, "InstanceCount": instance_count}
    return {
        "ModelName": model_name,
        "VariantName": variant_name,
        "InfrastructureConfig": {
            "InfrastructureType": "RealTimeInference",
            "RealTimeInferenceConfig": infrastructure,
        },
    }


def shadow_mode(*, source: str, shadow: str, sampling_percentage: int) -> dict[str, Any]:
    """Return a ShadowModeConfig."""
    entry = {"ShadowModelVariantName": shadow, "SamplingPercentage": sampling_percentage}
    return {"SourceModelVariantName": source, "ShadowModelVariants": [entry]}


def experiment_request(
    *,
    name: str,
    endpoint_name: str,
    model_name: str,
    shadow_model_name: str,
    variant_name: str = "AllTraffic",
    shadow_variant_name: str = "Shadow",
    sampling_percentage: int = 50,
    **members: Any,
) -> dict[str, Any]:
    """Return a request of CreateInferenceExperiment; `members` are further members of the API."""
    return {
        "Name": name,
        "Type": "ShadowMode",
        "RoleArn": ROLE_ARN,
        "EndpointName": endpoint_name,
        "ModelVariants": [
            model_variant(variant_name=variant_name, model_name=model_name),
            model_variant(variant_name=shadow_variant_name, model_name=shadow_model_name),
        ],
        "ShadowModeConfig": shadow_mode(
            source=variant_name,
            shadow=shadow_variant_name,
            sampling_percentage=sampling_percentage,
        ),
        **members,
    }
