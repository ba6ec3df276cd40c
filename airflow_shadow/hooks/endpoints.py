"""What an endpoint runs now, and the experiment that leaves its production as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_shadow.exceptions import (
    AwsAccessDeniedError,
    EndpointConfigGoneError,
    EndpointUnsupportedError,
    NotFoundError,
)
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.text.values import epoch
from airflow_shadow.waiters.conditions import endpoint_missing, in_service

_VARIANT_NAME_LIMIT = 63
#: What moves with every deployment, beside the status.
_IDENTITY = ("EndpointArn", "EndpointConfigName", "CreationTime", "LastModifiedTime")


@dataclass(frozen=True)
class Running:
    """The production variant as the endpoint runs it at this moment.

    :param instance_count: the desired count, which scaling may have moved far from the
        configuration's initial count
    :param kms_key: the key of the instances' storage volumes, if any
    :param shown: DescribeEndpoint, with DescribeEndpointConfig as `Config`
    :param model_is_newer: whether the model was created after the endpoint's configuration, so
        that its name stands for something else than what runs
    """

    arn: str
    endpoint_name: str
    variant_name: str
    model_name: str
    instance_type: str
    instance_count: int
    kms_key: str | None = None
    shown: Mapping[str, Any] = field(default_factory=dict)
    model_is_newer: bool = False

    @property
    def config(self) -> Mapping[str, Any]:
        """Return the endpoint's configuration (DescribeEndpointConfig)."""
        config: Mapping[str, Any] = self.shown.get("Config") or {}
        return config

    def as_variant(self) -> dict[str, Any]:
        """Return the entry of `ModelVariants` that leaves production as it is."""
        return model_variant(
            model_name=self.model_name,
            variant_name=self.variant_name,
            instance_type=self.instance_type,
            instance_count=self.instance_count,
        )


def model_variant(
    *, model_name: str, variant_name: str, instance_type: str, instance_count: int
) -> dict[str, Any]:
    """Return a `ModelVariantConfig` in the API's words."""
    return {
        "ModelName": model_name,
        "VariantName": variant_name,
        "InfrastructureConfig": {
            "InfrastructureType": "RealTimeInference",
            "RealTimeInferenceConfig": {
                "InstanceType": instance_type,
                "InstanceCount": instance_count,
            },
        },
    }


def running(hook: InferenceExperimentHook, endpoint_name: str, *, asked: str) -> Running:
    """Read what an endpoint runs (DescribeEndpoint, DescribeEndpointConfig, DescribeModel).

    :raises EndpointNotFoundError: there is none of that name
    :raises EndpointConfigGoneError: somebody deleted its configuration
    :raises EndpointUnsupportedError: shadow tests do not support it; with every reason
    """
    endpoint = hook.find_running(endpoint_name)
    if endpoint is None:
        raise endpoint_missing(asked, endpoint_name)
    if not endpoint["Config"]:
        config = endpoint["EndpointConfigName"]
        found = f"endpoint {endpoint_name!r} runs on configuration {config!r}, which does not exist"
        raise EndpointConfigGoneError(asked=asked, found=found)
    configured, shown = _production(endpoint)
    model = _find_model(hook, configured.get("ModelName"))
    reasons = list(_unsupported(endpoint, model))
    if reasons:
        found = f"endpoint {endpoint_name!r}: {'; '.join(reasons)}"
        raise EndpointUnsupportedError(asked=asked, found=found)
    count = shown.get("DesiredInstanceCount") or shown.get("CurrentInstanceCount")
    return Running(
        arn=endpoint["EndpointArn"],
        endpoint_name=endpoint_name,
        variant_name=configured["VariantName"],
        model_name=configured["ModelName"],
        instance_type=configured["InstanceType"],
        instance_count=int(count or configured["InitialInstanceCount"]),
        kms_key=endpoint["Config"].get("KmsKeyId"),
        shown=endpoint,
        model_is_newer=_is_later(model, endpoint["Config"]),
    )


def is_unchanged(hook: InferenceExperimentHook, now_runs: Running) -> bool:
    """Tell whether an endpoint is in service as it was read (DescribeEndpoint).

    To be asked right before a call that redeploys production: somebody may have deployed since, or
    be about to. What is left of the gap is this one call.
    """
    endpoint = hook.find_endpoint(now_runs.endpoint_name) or {}
    read = [now_runs.shown.get(member) for member in _IDENTITY]
    return in_service(endpoint) and read == [endpoint.get(member) for member in _IDENTITY]


def _find_model(hook: InferenceExperimentHook, name: str | None) -> dict[str, Any]:
    if not name:
        return {}
    try:
        return hook.find_model(name) or {}
    except AwsAccessDeniedError:
        hook.log.warning("sagemaker:DescribeModel is denied; AWS will check model %r itself.", name)
        return {}


def _is_later(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether something was created after something else, as far as AWS says when."""
    times = [view.get("CreationTime") for view in (one, other)]
    created, before = (epoch(time) if time else None for time in times)
    return created is not None and before is not None and created > before


def _production(endpoint: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    configured = (endpoint["Config"].get("ProductionVariants") or [{}])[0]
    shown = (endpoint.get("ProductionVariants") or [{}])[0]
    return configured, shown


def _unsupported(endpoint: Mapping[str, Any], model: Mapping[str, Any]) -> Iterator[str]:
    """Yield why shadow tests exclude an endpoint (developer guide, shadow tests, exclusions)."""
    configured, _ = _production(endpoint)
    variants = endpoint["Config"].get("ProductionVariants") or []
    if len(variants) > 1:
        yield f"it has {len(variants)} production variants, a shadow test takes one"
    if endpoint["Config"].get("AsyncInferenceConfig"):
        yield "it is asynchronous"
    if configured.get("ServerlessConfig"):
        yield "it is serverless"
    elif not configured.get("ModelName"):
        yield "it hosts inference components, its variant names no model"
    elif not configured.get("InstanceType"):
        yield "its variant names no instance type"
    if str(configured.get("InstanceType")).startswith("ml.inf1."):
        yield "it runs on Inf1 instances"
    name, containers = configured.get("ModelName"), model.get("Containers") or []
    if len(containers) > 1:
        yield f"its model {name!r} has {len(containers)} containers"
    if (model.get("PrimaryContainer") or {}).get("Mode") == "MultiModel":
        yield f"its model {name!r} is a multi-model container"


def was_created_after(
    hook: InferenceExperimentHook, model_name: str, other: Mapping[str, Any]
) -> bool:
    """Tell whether a model was created after something else (DescribeModel), else `False`."""
    return _is_later(_find_model(hook, model_name), other)


def check_candidate(hook: InferenceExperimentHook, model_name: str, *, asked: str) -> None:
    """Refuse a candidate model that does not exist (DescribeModel), before production is touched.

    :raises NotFoundError: there is no such model
    """
    try:
        model = hook.find_model(model_name)
    except AwsAccessDeniedError:
        return  # said already for the production model; AWS has the last word
    if model is None:
        raise NotFoundError(asked=asked, found=f"no model named {model_name!r}")


def shadow_variant_name(model_name: str, *, production: str) -> str:
    """Return the default name of the shadow variant: the model's, unless production bears it.

    A fixed name would collide on the second night: after a promotion production bears the last
    shadow's name.
    """
    name = re.sub(r"[^a-zA-Z0-9]+", "-", model_name).strip("-")[:_VARIANT_NAME_LIMIT].strip("-")
    if name != production:
        return name
    suffix = "-shadow"
    return name[: _VARIANT_NAME_LIMIT - len(suffix)].strip("-") + suffix


def shadow_request(
    now_runs: Running,
    *,
    model_name: str,
    sampling_percentage: Any,
    variant_name: str | None = None,
) -> dict[str, Any]:
    """Return `ModelVariants` and `ShadowModeConfig` that test a model and change nothing else.

    The shadow gets production's instance type and count, as AWS advises.

    :param sampling_percentage: share of the requests that are copied to the shadow, 0 to 100
    """
    shadow = variant_name or shadow_variant_name(str(model_name), production=now_runs.variant_name)
    return {
        "ModelVariants": [
            now_runs.as_variant(),
            model_variant(
                model_name=model_name,
                variant_name=shadow,
                instance_type=now_runs.instance_type,
                instance_count=now_runs.instance_count,
            ),
        ],
        "ShadowModeConfig": {
            "SourceModelVariantName": now_runs.variant_name,
            "ShadowModelVariants": [
                {"ShadowModelVariantName": shadow, "SamplingPercentage": sampling_percentage}
            ],
        },
    }


def production_changes(
    request: Mapping[str, Any], now_runs: Running, *, keeps_count: bool = False
) -> list[str]:
    """Say in what a request's production entry differs from what the endpoint runs.

    CreateInferenceExperiment redeploys production as `ModelVariants` says, so that a wrong entry
    changes what customers get. More instances than now are no harm.

    :param request: or an experiment's description
    :param keeps_count: whether what is about to be done leaves the count as it is
    """
    source = request["ShadowModeConfig"]["SourceModelVariantName"]
    entry = next((v for v in request["ModelVariants"] if v["VariantName"] == source), None)
    if entry is None:
        return [f"no entry for the production variant {source!r}"]
    infrastructure = entry["InfrastructureConfig"]["RealTimeInferenceConfig"]
    pairs = [
        ("variant", now_runs.variant_name, source),
        ("model", now_runs.model_name, entry["ModelName"]),
        ("instance type", now_runs.instance_type, infrastructure["InstanceType"]),
    ]
    changes = [
        f"{what} {runs!r} would become {asks!r}" for what, runs, asks in pairs if runs != asks
    ]
    count = int(infrastructure["InstanceCount"])
    if count < now_runs.instance_count and not keeps_count:
        changes.append(f"{now_runs.instance_count} instances would become {count}")
    return changes
