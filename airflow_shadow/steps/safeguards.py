"""Refuse calls that would change production in other ways than the task is meant to."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from airflow_shadow.exceptions import EndpointStaleError, ProductionChangeError, ShadowError
from airflow_shadow.experiments.lifecycle import production_variant
from airflow_shadow.experiments.lost_settings import CAPTURE, described, lost_settings
from airflow_shadow.experiments.production import ProductionVariant, production_changes
from airflow_shadow.experiments.promotions import PROMOTED, promotion_since_change
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.operators.conclude import PromoteShadowVariantOperator
from airflow_shadow.operators.create import CreateInferenceExperimentOperator
from airflow_shadow.steps.base import MOST_CONFLICTS
from airflow_shadow.steps.capture import monitoring_of
from airflow_shadow.steps.operator import OperatorSteps
from airflow_shadow.steps.production import is_unchanged, read_production
from airflow_shadow.steps.wait import Carry
from airflow_shadow.waiters import Description, in_service

_EXCHANGED = "deleted and created again since production was deployed, would be deployed"


def refuse_exchanged(
    steps: OperatorSteps[CreateInferenceExperimentOperator],
    production: ProductionVariant,
    *,
    asked: str,
) -> None:
    """Refuse to redeploy production from a model that only has the name of the one that runs.

    :raises ProductionChangeError: it would be redeployed so, and no argument allows it
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
    """Refuse a creation that changes what production runs, or loses settings of it.

    :raises ProductionChangeError: it does so, and no argument allows it
    """
    changes = production_changes(request, production)
    if changes and not steps.op.allow_production_change:
        raise ProductionChangeError(asked=asked, found="; ".join(changes))
    lost = lost_settings(production.config, storage=request.get("DataStorageConfig"))
    schedules = monitoring_of(steps.hook, production) if CAPTURE in lost else ""
    _refuse_loss(steps, lost, asked=asked, affected=schedules)


def refuse_undoing(
    hook: InferenceExperimentHook, experiment: Description, *, asked: str, keeps_count: bool
) -> bool:
    """Refuse to redeploy production as an experiment has it if somebody has deployed since.

    :param keeps_count: as for :func:`~airflow_shadow.experiments.production.production_changes`
    :return: whether the endpoint is not changing, so that this holds for the call that follows
    :raises ProductionChangeError: somebody has deployed something else
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


def refuse_promotion_over(
    experiment: Description, production: ProductionVariant, *, asked: str
) -> None:
    """Refuse to replace another model than the one that the candidate was tested against.

    :raises ProductionChangeError: production runs another model
    """
    baseline = (production_variant(experiment) or {}).get("ModelName")
    if production.model_name != baseline:
        raise ProductionChangeError(
            asked=asked,
            found=f"production runs {production.model_name!r} now, but the candidate was tested "
            f"against {baseline!r}",
            next_step="Test the candidate against what production runs now.",
        )


def warn_of_undoing(hook: InferenceExperimentHook, experiment: Description) -> None:
    """Log a warning if the end of an experiment may undo a deployment (assumed: revert).

    That is no reason to keep the shadow: at its planned end the same would happen.
    """
    endpoint_name = experiment["EndpointMetadata"]["EndpointName"]
    try:
        production = read_production(hook, endpoint_name, asked="to remove a shadow")
    except ShadowError:  # the shadow is removed without this warning, too
        return
    if changes := production_changes(experiment, production, keeps_count=True):
        hook.log.warning(
            "Somebody deployed to endpoint %r during the test, and AWS may restore what ran "
            "before: %s. Deploy again if it does.",
            endpoint_name,
            "; ".join(changes),
        )


def refuse_loss_by_promotion(
    steps: OperatorSteps[PromoteShadowVariantOperator], production: ProductionVariant, *, asked: str
) -> None:
    """Refuse a promotion that loses settings which production still has during the test.

    Data capture is not one of them: what captures now belongs to the experiment.

    :raises ProductionChangeError: it does so, and no argument allows it
    """
    lost = lost_settings(production.config)
    lost.pop(CAPTURE, None)
    _refuse_loss(steps, lost, asked=asked)


def _refuse_loss(
    steps: OperatorSteps[CreateInferenceExperimentOperator | PromoteShadowVariantOperator],
    lost: Mapping[str, Any],
    *,
    asked: str,
    affected: str = "",
) -> None:
    """Refuse a loss that no argument allows, and log one that is allowed.

    :param affected: who else loses by it
    """
    allowed = steps.op.allow_lost_settings
    names = {allowed} if isinstance(allowed, str) else set(() if allowed is True else allowed or ())
    unnamed = {name: value for name, value in lost.items() if name not in names}
    if unnamed and allowed is not True:
        raise ProductionChangeError(
            asked=asked,
            found="these settings of production would be lost during the test and after a "
            f"promotion: {described(unnamed)}{affected}",
            next_step=f"If that is fine, pass allow_lost_settings={sorted(unnamed)} (or True), "
            "also to the promotion.",
        )
    if lost:
        steps.log.warning(
            "Production loses, as allow_lost_settings allows: %s%s", described(lost), affected
        )


def refuse_scaled(
    steps: OperatorSteps[PromoteShadowVariantOperator], production: ProductionVariant, *, asked: str
) -> None:
    """Refuse a promotion that would remove a variant which is scaled automatically.

    :raises ProductionChangeError: it is scaled, and `autoscaling` is not `"ignore"`
    """
    if steps.op.autoscaling == "ignore":
        return
    if scaling := describe_scaling(steps.hook, production):
        raise ProductionChangeError(
            asked=asked,
            found=f"{scaling}; AWS refuses to remove such a variant, and the promoted one would "
            "not be scaled",
            next_step="Deregister the scalable target, promote, and register one for the promoted "
            "variant; or pass autoscaling='ignore' to leave it to AWS.",
        )


def describe_scaling(hook: InferenceExperimentHook, production: ProductionVariant) -> str:
    """Return how production's variant is scaled automatically, `""` if it is not."""
    target = hook.autoscaling.find_target(production.endpoint_name, production.variant_name)
    if target is None:
        return ""
    least, most = target.get("MinCapacity"), target.get("MaxCapacity")
    return (
        f"variant {production.variant_name!r} of endpoint {production.endpoint_name!r} is scaled "
        f"automatically ({least} to {most} instances)"
    )


def read_again_if_stale(
    steps: OperatorSteps[CreateInferenceExperimentOperator],
    tags: Mapping[str, str],
    production: ProductionVariant,
    carry: Carry,
    *,
    asked: str,
) -> Carry | None:
    """Return what to carry on with to reading it again, if AWS describes what no longer serves.

    After a promotion of ours the endpoint's tag tells what serves since when. A description that
    shows something else, and was last changed before, is old (assumed: AWS does not promise that
    reads show a deployment at once); a creation from it would restore the old model.

    :param tags: the endpoint's
    :raises EndpointStaleError: several reads have shown the same
    """
    proof = promotion_since_change(tags.get(PROMOTED, ""), production.endpoint)
    if proof is None or proof.model_name == production.model_name:
        return None
    endpoint_name, model_name = production.endpoint_name, production.model_name
    found = (
        f"AWS describes endpoint {endpoint_name!r} with model {model_name!r}, but "
        f"{proof.model_name!r} was promoted at {proof.moment.isoformat()}, after that"
    )
    stale = carry.get("stale", 0) + 1
    if stale > MOST_CONFLICTS:
        raise EndpointStaleError(asked=asked, found=found)
    steps.log.info("%s; reading it again.", found)
    time.sleep(steps.pause)
    return {**carry, "stale": stale}
