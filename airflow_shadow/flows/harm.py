"""What a task would do to production beside what it is for."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from airflow_shadow.exceptions import (
    AwsAccessDeniedError,
    EndpointStaleError,
    ProductionChangeError,
)
from airflow_shadow.flows.base import MOST_CONFLICTS, PAUSE, Flow
from airflow_shadow.flows.rollout import PROMOTED, latest_proof
from airflow_shadow.hooks.endpoints import Running, production_changes
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.hooks.settings import CAPTURE, lost_settings, told
from airflow_shadow.lifecycle import production_variant
from airflow_shadow.waiting import View, in_service

_EXCHANGED = "deleted and created again since production was deployed, would be deployed anew"


def refuse_exchanged(flow: Flow, now_runs: Running, *, asked: str) -> None:
    """Refuse to deploy production anew from a model that only bears the name of what runs.

    :raises ProductionChangeError: it is so, and not allowed by argument
    """
    if now_runs.model_is_newer and not flow.op.allow_production_change:
        found = f"model {now_runs.model_name!r}, {_EXCHANGED}"
        raise ProductionChangeError(asked=asked, found=found)


def refuse_change(flow: Flow, request: Mapping[str, Any], now_runs: Running, *, asked: str) -> None:
    """Refuse a creation that changes what production runs, or loses what it is configured to.

    :raises ProductionChangeError: it is so, and not allowed by argument
    """
    changes = production_changes(request, now_runs)
    if changes and not flow.op.allow_production_change:
        raise ProductionChangeError(asked=asked, found="; ".join(changes))
    captures_to = str((request.get("DataStorageConfig") or {}).get("Destination") or "")
    _refuse_loss(flow, lost_settings(now_runs.config, captures_to=captures_to), asked=asked)


def refuse_putting_back(hook: InferenceExperimentHook, experiment: View, *, asked: str) -> bool:
    """Refuse to change the sampling where somebody has deployed another model since.

    For that AWS deploys the endpoint anew, with production as the experiment began with it
    (assumed: own-update). Returns whether the endpoint rests, so that this holds for the call, too.

    :raises ProductionChangeError: it is so
    """
    try:
        endpoint = hook.find_running(experiment["EndpointMetadata"]["EndpointName"])
    except AwsAccessDeniedError:
        hook.log.warning("The endpoint may not be read: a deployment since might be undone.")
        return True
    if endpoint is None or not endpoint.get("ModelName"):
        return True  # AWS says what is wrong
    if not in_service(endpoint):
        return False
    began_with = (production_variant(experiment) or {}).get("ModelName")
    if endpoint["ModelName"] != began_with:
        raise ProductionChangeError(
            asked=asked,
            found=f"production runs {endpoint['ModelName']!r} now, and AWS would deploy "
            f"{began_with!r} again, which it ran when the experiment began",
            next_step="Remove the shadow, and test against what production runs now.",
        )
    return True


def refuse_loss_by_promotion(flow: Flow, now_runs: Running, *, asked: str) -> None:
    """Refuse a promotion that loses settings which production still has during the test.

    What captures now is the experiment's own.

    :raises ProductionChangeError: it is so, and not allowed by argument
    """
    lost = lost_settings(now_runs.config)
    lost.pop(CAPTURE, None)
    _refuse_loss(flow, lost, asked=asked)


def _refuse_loss(flow: Flow, lost: Mapping[str, Any], *, asked: str) -> None:
    allowed = flow.op.allow_lost_settings
    if allowed is True:
        return
    names = {allowed} if isinstance(allowed, str) else set(allowed or ())
    if unnamed := {name: value for name, value in lost.items() if name not in names}:
        raise ProductionChangeError(
            asked=asked,
            found=f"settings of production that a shadow test cannot carry over, so that they "
            f"would be lost during the test and after a promotion: {told(unnamed)}",
            next_step=f"If that is meant, pass allow_lost_settings={sorted(unnamed)} (or True), "
            "also to the promotion.",
        )


def refuse_scaled(flow: Flow, now_runs: Running, *, asked: str) -> None:
    """Refuse a promotion that would remove a variant which is scaled automatically.

    :raises ProductionChangeError: it is so, and not ignored by argument
    """
    if flow.op.autoscaling == "ignore":
        return
    if scaling := describe_scaling(flow, now_runs):
        raise ProductionChangeError(
            asked=asked,
            found=f"{scaling}: AWS removes no such variant, and the promoted one would not be "
            "scaled",
            next_step="Deregister the scalable target, promote, and register one for the variant "
            "that serves then; autoscaling='ignore' leaves it to AWS.",
        )


def describe_scaling(flow: Flow, now_runs: Running) -> str:
    """Say whether production's variant is scaled automatically, `""` if it is not."""
    target = flow.hook.autoscaling.find_target(now_runs.endpoint_name, now_runs.variant_name)
    if target is None:
        return ""
    least, most = target.get("MinCapacity"), target.get("MaxCapacity")
    return (
        f"variant {now_runs.variant_name!r} of endpoint {now_runs.endpoint_name!r} is a scalable "
        f"target ({least} to {most} instances)"
    )


def look_again(
    flow: Flow,
    tags: Mapping[str, str],
    now_runs: Running,
    carry: Mapping[str, Any],
    *,
    asked: str,
) -> dict[str, Any] | None:
    """Return what to carry on with to another look, if AWS describes what no longer serves.

    After a promotion of ours the endpoint's tag names what serves since when. A description that
    shows something else, and was last changed before, is old (assumed: nothing promises that reads
    follow a deployment at once); a creation by it would put the old model back.

    :param tags: the endpoint's
    :raises EndpointStaleError: several looks have shown the same
    """
    proof = latest_proof(tags.get(PROMOTED, ""), now_runs.shown)
    if proof is None or proof.model_name == now_runs.model_name:
        return None
    found = (
        f"AWS describes endpoint {now_runs.endpoint_name!r} with model {now_runs.model_name!r}, "
        f"but {proof.model_name!r} was promoted at {proof.moment.isoformat()}, after that"
    )
    looks = carry.get("stale", 0) + 1
    if looks > MOST_CONFLICTS:
        raise EndpointStaleError(asked=asked, found=found)
    flow.log.info("%s; looking again.", found)
    time.sleep(min(flow.op.waiter_delay, PAUSE))
    return {**carry, "stale": looks}
