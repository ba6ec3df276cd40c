"""Skip a task that would repeat a rollout, undo a newer one, or run in a backfill unasked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from airflow_shadow._compat import AirflowSkipException, is_backfill, run_moment
from airflow_shadow.experiments.lifecycle import shadow_variant
from airflow_shadow.experiments.production import ProductionVariant
from airflow_shadow.experiments.promotions import (
    SERVES,
    Promotion,
    latest_promotion,
    parse_promotions,
)
from airflow_shadow.operators.base import ShadowOperator
from airflow_shadow.operators.conclude import PromoteShadowVariantOperator
from airflow_shadow.operators.create import CreateInferenceExperimentOperator
from airflow_shadow.steps.operator import OperatorSteps


def skip_backfill(
    steps: OperatorSteps[CreateInferenceExperimentOperator | PromoteShadowVariantOperator],
    *,
    on: Collection[str],
) -> None:
    """Skip the task if its run is a backfill and the operator's `on_backfill` is one of `on`.

    :raises AirflowSkipException: both are true
    """
    chosen = steps.op.on_backfill
    if chosen in on and is_backfill(steps.context):
        raise AirflowSkipException(f"Skipped: the run is a backfill, and on_backfill={chosen!r}.")


def moment_of(steps: OperatorSteps[ShadowOperator]) -> datetime:
    """Return the moment by which runs are compared, in whole seconds."""
    return run_moment(steps.context).astimezone(UTC).replace(microsecond=0)


def skip_creation(
    steps: OperatorSteps[CreateInferenceExperimentOperator],
    request: Mapping[str, Any],
    production: ProductionVariant,
    tags: Mapping[str, str],
) -> None:
    """Skip a creation whose candidate serves already, or is older than what serves.

    :param request: complete, as it would be sent
    :param tags: the endpoint's
    :raises AirflowSkipException: one of these is true, and no argument allows it
    """
    shadow = shadow_variant(request)
    if shadow is None:
        return  # AWS says what is wrong
    if not steps.op.allow_serving and not production.model_is_newer:
        _skip_serving(shadow, production)
    if not steps.op.allow_older:
        skip_older(steps, parse_promotions(tags.get(SERVES, "")), shadow["ModelName"], production)


def _skip_serving(shadow: Mapping[str, Any], production: ProductionVariant) -> None:
    uses = shadow["InfrastructureConfig"]["RealTimeInferenceConfig"]["InstanceType"]
    asked = (shadow["ModelName"], uses)
    if asked == (production.model_name, production.instance_type):
        raise AirflowSkipException(
            f"Skipped: endpoint {production.endpoint_name!r} serves {production.model_name!r} on "
            f"{production.instance_type} already; allow_serving=True tests it against itself."
        )


def skip_older(
    steps: OperatorSteps[CreateInferenceExperimentOperator | PromoteShadowVariantOperator],
    promotions: list[Promotion],
    model_name: str,
    production: ProductionVariant,
) -> None:
    """Skip what would replace a newer run's model by an older run's.

    :param promotions: those that the endpoint's tag lists
    :param model_name: the candidate
    :raises AirflowSkipException: a newer run's model serves
    """
    newer, moment = latest_promotion(promotions, production.model_name), moment_of(steps)
    steps.log.info("Runs are compared by their moment; this run's is %s.", moment.isoformat())
    if newer and newer.moment > moment:
        raise AirflowSkipException(
            f"Skipped: endpoint {production.endpoint_name!r} serves {newer.model_name!r}, promoted "
            f"by the run of {newer.moment.isoformat()}, and {model_name!r} is of the older run of "
            f"{moment.isoformat()}; allow_older=True tests or promotes it all the same."
        )
