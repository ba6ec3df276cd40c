"""Read what an endpoint's production variant runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_shadow.exceptions import (
    AwsAccessDeniedError,
    EndpointConfigGoneError,
    EndpointUnsupportedError,
    NotFoundError,
)
from airflow_shadow.experiments.production import (
    ProductionVariant,
    is_created_after,
    unsupported_reasons,
)
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.waiters.conditions import endpoint_missing, in_service


def read_production(
    hook: InferenceExperimentHook,
    endpoint_name: str,
    *,
    asked: str,
    endpoint: Mapping[str, Any] | None = None,
) -> ProductionVariant:
    """Read what an endpoint runs (DescribeEndpoint, DescribeEndpointConfig, DescribeModel).

    :param asked: what for, for error messages
    :param endpoint: DescribeEndpoint, if it was called just now
    :raises EndpointNotFoundError: there is none of that name
    :raises EndpointConfigGoneError: somebody deleted its configuration
    :raises EndpointUnsupportedError: shadow tests do not support it; with every reason
    """
    endpoint = endpoint or hook.find_endpoint(endpoint_name)
    if endpoint is None:
        raise endpoint_missing(asked, endpoint_name)
    config_name = endpoint["EndpointConfigName"]
    config = hook.find_endpoint_config(config_name)
    if not config:
        found = f"endpoint {endpoint_name!r} runs configuration {config_name!r}, which was deleted"
        raise EndpointConfigGoneError(asked=asked, found=found)
    endpoint = {**endpoint, "Config": config}
    variants = config.get("ProductionVariants") or [{}]
    model = _find_model(hook, variants[0].get("ModelName"))
    if reasons := list(unsupported_reasons(endpoint, model)):
        found = f"endpoint {endpoint_name!r}: {'; '.join(reasons)}"
        raise EndpointUnsupportedError(asked=asked, found=found)
    return ProductionVariant.of(endpoint, model)


def is_unchanged(hook: InferenceExperimentHook, production: ProductionVariant) -> bool:
    """Tell whether an endpoint is still in service as it was read (DescribeEndpoint).

    To be called right before a call that redeploys production: somebody may have deployed since, or
    be about to. What is left of the gap is this one call.
    """
    endpoint = hook.find_endpoint(production.endpoint_name) or {}
    return in_service(endpoint) and production.is_deployed_as(endpoint)


def _find_model(hook: InferenceExperimentHook, name: str | None) -> Mapping[str, Any] | None:
    if not name:
        return {}
    try:
        return hook.find_model(name)
    except AwsAccessDeniedError:
        hook.log.warning("sagemaker:DescribeModel is denied; AWS will check model %r itself.", name)
        return {}


def was_created_after(
    hook: InferenceExperimentHook, model_name: str, other: Mapping[str, Any]
) -> bool:
    """Tell whether a model was created after something else (DescribeModel), if that is known."""
    return is_created_after(_find_model(hook, model_name) or {}, other)


def check_model(hook: InferenceExperimentHook, model_name: str, *, asked: str) -> None:
    """Refuse a model that does not exist (DescribeModel), before production is touched.

    :raises NotFoundError: there is no such model
    """
    try:
        model = hook.find_model(model_name)
    except AwsAccessDeniedError:
        return  # reading production warns of it; AWS will check the model itself
    if model is None:
        raise missing_model(asked, model_name)


def missing_model(asked: str, model_name: str) -> NotFoundError:
    """Return the error of a model that does not exist."""
    return NotFoundError(asked=asked, found=f"no model named {model_name!r}")
