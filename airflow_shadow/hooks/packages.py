"""The package of SageMaker's model registry from which a model was created."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_shadow.exceptions import PromotionRefusedError
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook

_NAME_IT = (
    'Name the package: require_approved_model_package="<its ARN>"; or create the model from a '
    "version of the model registry (ModelPackageName)."
)


def package_of(hook: InferenceExperimentHook, model_name: str, *, asked: str) -> str:
    """Return ARN or name of the package that a model was created from (DescribeModel).

    :raises PromotionRefusedError: there is no such model, or it was created otherwise
    """
    model = hook.find_model(model_name)
    if model is None:
        found = f"no model named {model_name!r} any more {hook.place}"
        raise PromotionRefusedError(asked=asked, found=found, next_step=_NAME_IT)
    containers = _containers(model)
    package = containers[0].get("ModelPackageName") if len(containers) == 1 else None
    if not package:
        found = f"model {model_name!r} was not created from one model package"
        raise PromotionRefusedError(asked=asked, found=found, next_step=_NAME_IT)
    return str(package)


def _containers(model: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    primary = model.get("PrimaryContainer")
    return [primary] if primary else list(model.get("Containers") or ())
