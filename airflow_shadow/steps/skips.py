"""What a run had better not do: repeat a rollout, undo a newer one, or act in a backfill."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from airflow_shadow._compat import AirflowSkipException, is_backfill, run_moment
from airflow_shadow.experiments.lifecycle import shadow_variant
from airflow_shadow.hooks.endpoints import Running
from airflow_shadow.operators.base import ShadowOperator
from airflow_shadow.operators.conclude import PromoteShadowVariantOperator
from airflow_shadow.operators.create import CreateInferenceExperimentOperator
from airflow_shadow.steps.operator import OperatorSteps
from airflow_shadow.steps.promotions import SERVES, Rollout, latest, parse


def skip_backfill(
    steps: OperatorSteps[CreateInferenceExperimentOperator | PromoteShadowVariantOperator],
    *,
    on: Collection[str],
) -> None:
    """Skip the task if its run is a backfill and the operator's `on_backfill` is one of `on`.

    :raises AirflowSkipException: it is so
    """
    chosen = steps.op.on_backfill
    if chosen in on and is_backfill(steps.context):
        raise AirflowSkipException(f"Skipped: the run is a backfill, and on_backfill={chosen!r}.")


def moment_of(steps: OperatorSteps[ShadowOperator]) -> datetime:
    """Return what a run is compared by, in whole seconds as tags hold it."""
    return run_moment(steps.context).astimezone(UTC).replace(microsecond=0)


def skip_creation(
    steps: OperatorSteps[CreateInferenceExperimentOperator],
    request: Mapping[str, Any],
    now_runs: Running,
    tags: Mapping[str, str],
) -> None:
    """Skip a creation whose candidate serves already, or that an older run than it asks for.

    :param request: whole, as it would be sent
    :param tags: the endpoint's
    :raises AirflowSkipException: it is so, and not allowed by argument
    """
    shadow = shadow_variant(request)
    if shadow is None:
        return  # AWS says what is wrong
    if not steps.op.allow_serving and not now_runs.model_is_newer:
        _skip_serving(shadow, now_runs)
    if not steps.op.allow_older:
        skip_older(steps, parse(tags.get(SERVES, "")), shadow["ModelName"], now_runs)


def _skip_serving(shadow: Mapping[str, Any], now_runs: Running) -> None:
    uses = shadow["InfrastructureConfig"]["RealTimeInferenceConfig"]["InstanceType"]
    asked = (shadow["ModelName"], uses)
    if asked == (now_runs.model_name, now_runs.instance_type):
        raise AirflowSkipException(
            f"Skipped: endpoint {now_runs.endpoint_name!r} serves {now_runs.model_name!r} on "
            f"{now_runs.instance_type} already; allow_serving=True tests it against itself."
        )


def skip_older(
    steps: OperatorSteps[CreateInferenceExperimentOperator | PromoteShadowVariantOperator],
    rollouts: list[Rollout],
    model_name: str,
    now_runs: Running,
) -> None:
    """Skip what would put an older run's model in the place of a newer run's.

    :param rollouts: those that the endpoint's tag lists
    :param model_name: the candidate
    :raises AirflowSkipException: it is so
    """
    newer, moment = latest(rollouts, now_runs.model_name), moment_of(steps)
    steps.log.info("This run counts as one of %s.", moment.isoformat())
    if newer and newer.moment > moment:
        raise AirflowSkipException(
            f"Skipped: endpoint {now_runs.endpoint_name!r} serves {newer.model_name!r}, promoted "
            f"by the run of {newer.moment.isoformat()}, and {model_name!r} is of the older run of "
            f"{moment.isoformat()}; allow_older=True goes on all the same."
        )
