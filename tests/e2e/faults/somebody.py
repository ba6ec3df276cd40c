"""What somebody else does to the experiments in the middle, and what AWS fails to do."""

from __future__ import annotations

from airflow_shadow.experiments.lifecycle import sampling
from tests.e2e.faults.cast import CAST, ROWS
from tests.e2e.faults.stage import Stage
from tests.e2e.processes import until

#: Before it has created there is nothing to disturb; all others are disturbed before they act.
_AFTER = ("create",)
_BEFORE = tuple(row for row in ROWS if row not in _AFTER)


def waits_for(stage: Stage) -> None:
    """Hold each operator where somebody can disturb it."""
    stage.fault_calls("hold-before", _BEFORE)
    stage.fault_calls("hold-after", _AFTER)


def stops(stage: Stage) -> None:
    """Stop each experiment and wait for its end."""
    for row in ROWS:
        _stop(stage, row)
    stage.await_rest()


def deletes(stage: Stage) -> None:
    """Delete each experiment, having stopped it if it ran."""
    for row in ROWS:
        if row != "start":
            _stop(stage, row)
    stage.await_rest()
    for row in ROWS:
        stage.aws.client.delete_inference_experiment(Name=stage.experiments(row)[0]["Name"])


def _stop(stage: Stage, row: str) -> None:
    name = stage.experiments(row)[0]["Name"]
    if row == "start":
        stage.aws.client.start_inference_experiment(Name=name)
    if row == "delete":
        return  # it has been stopped
    until(lambda: stage.experiments(row)[0]["Status"] == "Running", what=f"{name} to run")
    shadow, _ = sampling(stage.experiments(row)[0])
    stage.aws.client.stop_inference_experiment(
        Name=name,
        ModelVariantActions={"AllTraffic": "Retain", shadow: "Remove"},
        DesiredState="Cancelled",
        Reason="Enough.",
    )


def deploys(stage: Stage) -> None:
    """Deploy v3 after two operators have read what serves, and before the calls that rest on it.

    What they call between these reads a creation's tags, and writes a promotion's.
    """
    between = {"create": "ListTags", "promote": "AddTags"}
    for row, operation in between.items():
        stage.fault("hold-before", (row,), operation=operation)
    stage.begin("deferred")
    stage.await_held(tuple(between))
    for row in between:
        stage.aws.deploy(stage.endpoints[row], "v3")
    stage.let_go()


def breaks(stage: Stage) -> None:
    """Let AWS accept what each operator asks, and fail to do it."""
    for row, role in CAST.items():
        if role.breaks:
            stage.fault(role.breaks, (row,), reason="No capacity.")


def rolls_back(stage: Stage) -> None:
    """Let AWS roll back what is under way, and the first change of the update's own."""
    by_hand = tuple(row for row in ROWS if row not in {"create", "update", "delete", "sensor"})
    stage.fault("fail-update", by_hand, rollback=True)
    stage.fault("fail-update", ("update",), rollback=True, times=2)
    for row, kind in (("create", "endpoint"), ("delete", "stop"), ("sensor", "creation")):
        stage.fault(f"fail-{kind}", (row,))
