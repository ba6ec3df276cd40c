"""A wait in the triggerer ends with exactly one event, which names its end."""

from __future__ import annotations

import asyncio
import time

import pytest

from airflow_shadow.operators import CreateInferenceExperimentOperator
from airflow_shadow.triggers.inference_experiment import InferenceExperimentTrigger
from tests.helpers import CREATE

#: The end -> what is waited for, and what goes wrong.
ENDS = {
    "reached": {"targets": ["Running"]},
    "unreachable": {"targets": ["Created"]},
    "missing": {"targets": ["Running"], "name": "nobodys"},
    "timeout": {"targets": ["Completed"], "patience": 0.05},
    "denied": {"targets": ["Completed"], "fault": "access-denied"},
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.usefixtures("churn")
def test_each_end_has_its_event(end, worker, emulator):
    """Whatever ends the wait, the trigger yields one event and then no more."""
    name = worker.run(CreateInferenceExperimentOperator, **CREATE).value
    wanted = ENDS[end]
    if fault := wanted.get("fault"):
        emulator.faults.add(operation="DescribeInferenceExperiment", kind=fault, times=None)
    trigger = InferenceExperimentTrigger(
        goal={
            "kind": "status",
            "name": wanted.get("name", name),
            "targets": wanted["targets"],
        },
        then="settled",
        carry={},
        progress={},
        deadline=time.time() + wanted.get("patience", 20),
        waiter_delay=0.01,
    )

    async def events() -> list[str]:
        return [event.payload["event"] async for event in trigger.run()]

    assert [end] == asyncio.run(events())
