"""Bring a run to a place that the scenario chooses, however fast or slow the machine is."""

from __future__ import annotations

from typing import Any

from tests.e2e.api import Api
from tests.e2e.audit import Later
from tests.e2e.aws import Aws
from tests.e2e.processes import until


def start(api: Api, dag_id: str, endpoint: str, **params: Any) -> str:
    """Trigger a run of a rollout Dag and return its id."""
    api.unpause(dag_id)
    run: str = api.trigger(dag_id, {"endpoint": endpoint, **params})["dag_run_id"]
    return run


def start_and_hold(
    api: Api,
    aws: Aws,
    dag_id: str,
    endpoint: str,
    *,
    kind: str = "hold-before",
    calls: int = 1,
    **params: Any,
) -> str:
    """Start a run and hold its CreateInferenceExperiment before or after AWS acts.

    :param calls: how many calls about the endpoint are held then
    """
    aws.fault(kind=kind, operation="CreateInferenceExperiment", about=endpoint)
    run = start(api, dag_id, endpoint, **params)
    aws.held(endpoint, calls=calls)
    return run


def blind(aws: Aws, endpoint: str) -> None:
    """Let the next description of the endpoint's experiment fail; botocore sends it once only."""
    aws.fault(kind="expired-token", operation="DescribeInferenceExperiment", about=endpoint)


def start_and_defer(api: Api, aws: Aws, dag_id: str, endpoint: str, **params: Any) -> str:
    """Start a run and keep its creation deferred, though the experiment runs.

    The worker's only look fails, so it defers; the trigger's look is held until `aws.let_go`.
    """
    run = start_and_hold(api, aws, dag_id, endpoint, **params)
    blind(aws, endpoint)
    aws.fault(kind="hold-before", operation="DescribeInferenceExperiment", about=endpoint)
    aws.let_go(endpoint)
    api.await_task(dag_id, run, "create", {"deferred"})
    aws.held(endpoint)
    await_status(aws, endpoint, "Running")
    return run


def fail_after_creation(api: Api, aws: Aws, dag_id: str, endpoint: str, **params: Any) -> str:
    """Start a run whose creation takes one look and fails it, though the experiment runs."""
    run = start_and_hold(api, aws, dag_id, endpoint, **params)
    blind(aws, endpoint)
    aws.let_go(endpoint)
    return run


def await_status(aws: Aws, endpoint: str, status: str) -> None:
    """Wait until the endpoint's newest experiment shows a status."""
    until(
        lambda: [one["Status"] for one in aws.experiments(endpoint)][-1:] == [status],
        what=f"the experiment on {endpoint} to be {status}",
    )


def creation(
    dag_id: str,
    run: str,
    *,
    generation: int,
    cleared: bool = False,
    task: str = "create",
    map_index: int = -1,
) -> tuple[str, str]:
    """Return who creates an experiment, as `Aws.created` lists it.

    :param cleared: a later generation than the given one: how much later depends on the tries that
        were used before, and a slow machine may need one more
    """
    known = Later(generation) if cleared else str(generation)
    return f"{dag_id}/{run}/{task}/{map_index}", known


def finished(api: Api, aws: Aws, dag_id: str, run: str, endpoint: str) -> tuple[Any, ...]:
    """Wait for the run's end; return its state, the creations, the promotions and what serves."""
    state = api.finish(dag_id, run)
    return state, aws.created(endpoint), aws.promoted(endpoint), aws.serves(endpoint)


def remove(aws: Aws, endpoint: str) -> None:
    """Stop the endpoint's newest experiment as a person does in the console, and wait."""
    experiment = aws.experiments(endpoint)[-1]
    production, shadow = (variant["VariantName"] for variant in experiment["ModelVariants"])
    aws.client.stop_inference_experiment(
        Name=experiment["Name"], ModelVariantActions={production: "Retain", shadow: "Remove"}
    )
    await_status(aws, endpoint, "Cancelled")
