"""What a call would do to production beside what it is for."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from airflow_shadow.exceptions import EndpointStaleError, ProductionChangeError, ShadowError
from airflow_shadow.experiments.lifecycle import production_variant
from airflow_shadow.experiments.production import ProductionVariant, production_changes
from airflow_shadow.experiments.promotions import PROMOTED, promotion_since_change
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.hooks.settings import CAPTURE, lost_settings, told
from airflow_shadow.operators.base import ShadowOperator
from airflow_shadow.operators.conclude import PromoteShadowVariantOperator
from airflow_shadow.operators.create import CreateInferenceExperimentOperator
from airflow_shadow.steps.base import MOST_CONFLICTS
from airflow_shadow.steps.operator import OperatorSteps
from airflow_shadow.steps.production import is_unchanged, read_production
from airflow_shadow.steps.wait import Carry
from airflow_shadow.waiters import View, in_service

_EXCHANGED = "deleted and created again since production was deployed, would be deployed anew"


def refuse_exchanged(
    steps: OperatorSteps[CreateInferenceExperimentOperator],
    production: ProductionVariant,
    *,
    asked: str,
) -> None:
    """Refuse to deploy production anew from a model that only bears the name of what runs.

    :raises ProductionChangeError: it is so, and not allowed by argument
    """
    if production.model_is_newer and not steps.op.allow_production_change:
        found = f"model {production.model_name!r}, {_EXCHANGED}"
        raise ProductionChangeError(asked=asked, found=found)


def refuse_change(
    steps: OperatorSteps[CreateInferenceExperimentOperator],
    request: Mapping[str, Any],
    production: ProductionVariant,
    *,
    asked: str,
) -> None:
    """Refuse a creation that changes what production runs, or loses what it is configured to.

    :raises ProductionChangeError: it is so, and not allowed by argument
    """
    changes = production_changes(request, production)
    if changes and not steps.op.allow_production_change:
        raise ProductionChangeError(asked=asked, found="; ".join(changes))
    captures_to = str((request.get("DataStorageConfig") or {}).get("Destination") or "")
    _refuse_loss(steps, lost_settings(production.config, captures_to=captures_to), asked=asked)


def refuse_undoing(
    hook: InferenceExperimentHook, experiment: View, *, asked: str, keeps_count: bool
) -> bool:
    """Refuse to deploy production as an experiment has it, where somebody has deployed since.

    :param keeps_count: as for :func:`~airflow_shadow.experiments.production.production_changes`
    :return: whether the endpoint rests, so that this holds for the call that follows
    :raises ProductionChangeError: it is so
    """
    production = read_production(hook, experiment["EndpointMetadata"]["EndpointName"], asked=asked)
    if not in_service(production.endpoint):
        return False
    changes = production_changes(experiment, production, keeps_count=keeps_count)
    if production.model_is_newer:
        changes.append(f"model {production.model_name!r}, {_EXCHANGED}")
    if changes:
        raise ProductionChangeError(
            asked=asked,
            found=f"production was changed since the experiment was created: {'; '.join(changes)}",
            next_step="Remove the shadow (or delete what has not started), and test the candidate "
            "against what production runs now.",
        )
    return is_unchanged(hook, production)


def refuse_promotion_over(experiment: View, production: ProductionVariant, *, asked: str) -> None:
    """Refuse to promote over another model than the one that the candidate was tested against.

    :raises ProductionChangeError: it is so
    """
    baseline = (production_variant(experiment) or {}).get("ModelName")
    if production.model_name != baseline:
        raise ProductionChangeError(
            asked=asked,
            found=f"production runs {production.model_name!r} now, but the candidate was tested "
            f"against {baseline!r}",
            next_step="Test the candidate against what production runs now.",
        )


def warn_of_undoing(hook: InferenceExperimentHook, experiment: View) -> None:
    """Say so if the end of an experiment may undo what somebody deployed (assumed: revert).

    It is no reason to leave the shadow: at its planned end the same would happen.
    """
    endpoint_name = experiment["EndpointMetadata"]["EndpointName"]
    try:
        production = read_production(hook, endpoint_name, asked="to remove a shadow")
    except ShadowError:  # a warning less is no reason to leave the shadow either
        return
    if changes := production_changes(experiment, production, keeps_count=True):
        hook.log.warning(
            "Somebody deployed to endpoint %r during the test, and AWS may put back what ran "
            "before it: %s. Deploy again if it does.",
            endpoint_name,
            "; ".join(changes),
        )


def refuse_loss_by_promotion(
    steps: OperatorSteps[PromoteShadowVariantOperator], production: ProductionVariant, *, asked: str
) -> None:
    """Refuse a promotion that loses settings which production still has during the test.

    What captures now is the experiment's own.

    :raises ProductionChangeError: it is so, and not allowed by argument
    """
    lost = lost_settings(production.config)
    lost.pop(CAPTURE, None)
    _refuse_loss(steps, lost, asked=asked)


def _refuse_loss(
    steps: OperatorSteps[CreateInferenceExperimentOperator | PromoteShadowVariantOperator],
    lost: Mapping[str, Any],
    *,
    asked: str,
) -> None:
    allowed = steps.op.allow_lost_settings
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


def refuse_scaled(
    steps: OperatorSteps[PromoteShadowVariantOperator], production: ProductionVariant, *, asked: str
) -> None:
    """Refuse a promotion that would remove a variant which is scaled automatically.

    :raises ProductionChangeError: it is so, and not ignored by argument
    """
    if steps.op.autoscaling == "ignore":
        return
    if scaling := describe_scaling(steps, production):
        raise ProductionChangeError(
            asked=asked,
            found=f"{scaling}: AWS removes no such variant, and the promoted one would not be "
            "scaled",
            next_step="Deregister the scalable target, promote, and register one for the variant "
            "that serves then; autoscaling='ignore' leaves it to AWS.",
        )


def describe_scaling(steps: OperatorSteps[ShadowOperator], production: ProductionVariant) -> str:
    """Say whether production's variant is scaled automatically, `""` if it is not."""
    target = steps.hook.autoscaling.find_target(production.endpoint_name, production.variant_name)
    if target is None:
        return ""
    least, most = target.get("MinCapacity"), target.get("MaxCapacity")
    return (
        f"variant {production.variant_name!r} of endpoint {production.endpoint_name!r} is scaled "
        f"automatically ({least} to {most} instances)"
    )


def look_again(
    steps: OperatorSteps[CreateInferenceExperimentOperator],
    tags: Mapping[str, str],
    production: ProductionVariant,
    carry: Carry,
    *,
    asked: str,
) -> Carry | None:
    """Return what to carry on with to another look, if AWS describes what no longer serves.

    After a promotion of ours the endpoint's tag names what serves since when. A description that
    shows something else, and was last changed before, is old (assumed: nothing promises that reads
    follow a deployment at once); a creation by it would put the old model back.

    :param tags: the endpoint's
    :raises EndpointStaleError: several looks have shown the same
    """
    proof = promotion_since_change(tags.get(PROMOTED, ""), production.endpoint)
    if proof is None or proof.model_name == production.model_name:
        return None
    endpoint_name, model_name = production.endpoint_name, production.model_name
    found = (
        f"AWS describes endpoint {endpoint_name!r} with model {model_name!r}, but "
        f"{proof.model_name!r} was promoted at {proof.moment.isoformat()}, after that"
    )
    looks = carry.get("stale", 0) + 1
    if looks > MOST_CONFLICTS:
        raise EndpointStaleError(asked=asked, found=found)
    steps.log.info("%s; looking again.", found)
    time.sleep(steps.pause)
    return {**carry, "stale": looks}
