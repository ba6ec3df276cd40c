"""Application Auto Scaling: moto's, and what a scalable target forbids at its endpoint."""

import json
from collections.abc import Iterable
from typing import Any

from moto.applicationautoscaling.models import applicationautoscaling_backends
from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse

from airflow_shadow.emulator.account_state import AccountState, Document, Endpoint
from airflow_shadow.emulator.base_response import EmulatedResponse
from airflow_shadow.emulator.sagemaker import rules

_DIMENSION = "sagemaker:variant:DesiredInstanceCount"


class ScalingResponse(EmulatedResponse, ApplicationAutoScalingResponse):
    """Application Auto Scaling of moto, with the emulator's clock and faults."""

    @property
    def request(self) -> Document:
        """The request's members; moto does not parse the body of this service."""
        return dict(json.loads(self.body or "{}"))


def scaling_limits(state: AccountState, endpoint: Endpoint) -> dict[str, tuple[int, int]]:
    """Return the least and the most instances of the variants that are scalable targets."""
    backend: Any = applicationautoscaling_backends[state.account][state.region]
    targets = backend.targets.get(_DIMENSION, {})
    found = {
        one.name: targets.get(f"endpoint/{endpoint.name}/variant/{one.name}")
        for one in endpoint.production
    }
    return {name: (one.min_capacity, one.max_capacity) for name, one in found.items() if one}


def check_update(state: AccountState, endpoint: Endpoint, variants: Iterable[Document]) -> None:
    """Refuse to remove a scalable target or to change its instance type; its model may change.

    Raises Invalid (ValidationException).
    """
    targets = scaling_limits(state, endpoint)
    types = {one["VariantName"]: one.get("InstanceType") for one in variants}
    for one in endpoint.production:
        kept = one.name in types and types[one.name] == one.instance_type
        rules.require(
            kept or one.name not in targets,
            f"Variant {one.name} of endpoint {endpoint.name} is a target of automatic scaling and"
            " cannot be removed, nor its instance type changed.",
        )
