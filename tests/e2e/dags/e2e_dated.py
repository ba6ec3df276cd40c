"""Build a rollout with a candidate for each date; scenarios install Dags of their own with it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG

from airflow_shadow.operators import (
    CreateInferenceExperimentOperator,
    PromoteShadowVariantOperator,
    RemoveShadowVariantOperator,
)

#: The candidate of a run: a name that tells its date, as `tests.e2e.dated.model` makes it.
MODEL = "{{ dag.dag_id }}-{{ dag_run.run_after.strftime('%m%dT%H%M%S') }}"


def dated(
    name: str,
    *,
    region: str,
    schedule: Any,
    create: Mapping[str, Any] | None = None,
    promote: Mapping[str, Any] | None = None,
    default_args: Mapping[str, Any] | None = None,
    removes: bool = False,
    **arguments: Any,
) -> DAG:
    """Return a Dag `name` that rolls the candidate of a run's date out on the endpoint `name`.

    :param removes: end with a teardown, which costs each run a third task
    """
    shared: dict[str, Any] = {
        "region_name": region,
        "retries": 1,
        "retry_delay": timedelta(seconds=1),
        "deferrable": False,
    }
    shared.update(default_args or {})
    with DAG(name, schedule=schedule, default_args=shared, **arguments) as dag:
        given = {"shadow_model_name": MODEL, **(create or {})}
        created = CreateInferenceExperimentOperator(
            task_id="create",
            role_arn="arn:aws:iam::123456789012:role/shadow-tests",
            endpoint_name="{{ dag.dag_id }}",
            sampling_percentage=100,
            duration="2d",
            **given,
        )
        promoted = PromoteShadowVariantOperator(
            task_id="promote", name=created.output, **(promote or {})
        )
        if removes:
            promoted >> RemoveShadowVariantOperator(
                task_id="remove", name=created.output, missing_ok=True
            ).as_teardown(setups=created)
    return dag
