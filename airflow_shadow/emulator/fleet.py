"""Models, endpoints and requests for tests, created with any boto3 SageMaker client."""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from airflow_shadow.emulator.capture.answers import Answers
from airflow_shadow.emulator.capture.answers import environment as answers_environment
from airflow_shadow.emulator.traffic import Traffic, tag

ROLE_ARN = "arn:aws:iam::123456789012:role/shadow-tests"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/model:1"
#: Contents of these types are captured as they are, others as BASE64.
CONTENT_TYPES = {
    "CsvContentTypes": ["text/csv"],
    "JsonContentTypes": ["application/json", "application/jsonlines"],
}

# Real seconds. An endpoint at pace "time" and speed 600 takes half a second.
_PAUSE = 0.01
_PATIENCE = 60.0


def create_model(
    client: Any,
    *,
    name: str,
    image: str = IMAGE,
    environment: Mapping[str, str] | None = None,
    answers: Answers | None = None,
) -> str:
    """Create a model with one container and return its ARN.

    environment: how the model behaves, `{"SHADOW_LATENCY_MS": "80"}`; see docs/emulator.md.
    answers: what it answers, which is declared there, too.
    """
    declared = {**(environment or {}), **(answers_environment(answers) if answers else {})}
    container = {"Image": image, "Environment": declared}
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
    shadow_model_name: str | None = None,
    shadow_variant_name: str = "Shadow",
    capture: str | None = None,
) -> str:
    """Create a model, a configuration and an endpoint; return the endpoint's ARN once InService.

    traffic: the requests that it gets; without them it has no metrics.
    shadow_model_name: a model that gets a copy of all requests, without an experiment.
    capture: where requests and answers are captured, `s3://bucket/prefix`; the bucket has to exist.
    The default instance type is one that experiments accept too; they do not accept ml.m5.large.
    An existing model of the name is used. Raises RuntimeError if the endpoint fails, and
    TimeoutError if it is not InService after a minute.
    """
    variants = {variant_name: model_name}
    if shadow_model_name:
        variants[shadow_variant_name] = shadow_model_name
    for model in variants.values():
        _ensure_model(client, model)
    [production, *shadow] = (
        {
            "VariantName": name,
            "ModelName": model,
            "InstanceType": instance_type,
            "InitialInstanceCount": instance_count,
            "InitialVariantWeight": 1.0,
        }
        for name, model in variants.items()
    )
    config, members = f"{endpoint_name}-config", _members(shadow, capture)
    client.create_endpoint_config(
        EndpointConfigName=config, ProductionVariants=[production], **members
    )
    tags = [tag(traffic)] if traffic else []
    answer = client.create_endpoint(
        EndpointName=endpoint_name, EndpointConfigName=config, Tags=tags
    )
    wait_in_service(client, endpoint_name=endpoint_name)
    return str(answer["EndpointArn"])


def _members(shadow: list[dict[str, Any]], capture: str | None) -> dict[str, Any]:
    members: dict[str, Any] = {"ShadowProductionVariants": shadow} if shadow else {}
    return members | ({"DataCaptureConfig": data_capture(capture)} if capture else {})


def data_capture(destination: str) -> dict[str, Any]:
    """Return a DataCaptureConfig that captures all requests and answers as texts."""
    return {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": destination,
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": CONTENT_TYPES,
    }


def data_storage(destination: str) -> dict[str, Any]:
    """Return a DataStorageConfig, the capture of an experiment, that is not BASE64."""
    return {"Destination": destination, "ContentType": CONTENT_TYPES}


def create_answering(
    client: Any,
    s3: Any,
    *,
    endpoint_name: str = "answering",
    production: Answers | None = None,
    candidate: Answers | None = None,
    capture: str = "s3://captured/answers",
    traffic: Traffic | None = None,
) -> None:
    """Create an endpoint whose production and shadow answer, and are captured.

    client, s3: boto3's clients; the bucket of `capture` is created.
    production, candidate: what the models answer; they are named after the endpoint, with `-1`
    and `-2`, and the variants AllTraffic and Shadow.
    """
    s3.create_bucket(Bucket=urlsplit(capture).netloc)
    models = [f"{endpoint_name}-{number}" for number in (1, 2)]
    for model, answers in zip(models, (production, candidate), strict=True):
        create_model(client, name=model, answers=answers)
    create_endpoint(
        client,
        endpoint_name=endpoint_name,
        model_name=models[0],
        shadow_model_name=models[1],
        capture=capture,
        traffic=traffic or Traffic(),
    )


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
