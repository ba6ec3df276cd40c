"""Skip a task that changes production if a branch directly upstream decided against it.

Airflow itself skips what a branch leaves out, but 3.2 and 3.3 forget that inside mapped task
groups, so the task that changes something reads the decision itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airflow_shadow._compat import AirflowSkipException
from airflow_shadow.operators.base import ShadowOperator
from airflow_shadow.steps.operator import OperatorSteps

#: The XCom in which Airflow's branches (2.11 to 3.3) leave their decision.
_DECISION = "skipmixin_key"


def skip_unfollowed(steps: OperatorSteps[ShadowOperator], *, needs_decision: bool) -> None:
    """Skip the task if a branch directly upstream decided against it.

    :param needs_decision: skip the task also if there are branches on a verdict directly upstream
        and none of them left a decision
    :raises AirflowSkipException: it is so
    """
    if steps.op.is_teardown:
        return  # branches never skip teardowns
    branches = list(_branches(steps.op))
    decisions = {branch.task_id: _decision(steps.context, branch.task_id) for branch in branches}
    for task_id, decision in decisions.items():
        if decision and not _follows(decision, steps.op.task_id):
            followed = ", ".join(decision.get("followed") or ()) or "nothing"
            raise AirflowSkipException(f"Skipped: {task_id!r} decided to follow {followed}.")
    asked = [b.task_id for b in branches if getattr(_kind(b), "decides_on_verdict", False)]
    if needs_decision and asked and not any(map(decisions.get, asked)):
        raise AirflowSkipException(f"Skipped: {', '.join(asked)} left no decision.")


def _kind(task: Any) -> type:
    """Return a task's class, which for a mapped one is that of its instances."""
    kind: type = getattr(task, "operator_class", type(task))
    return kind


def _branches(operator: Any) -> Iterator[Any]:
    for task_id in sorted(operator.upstream_task_ids):
        task = operator.dag.get_task(task_id)
        # By name, because each of Airflow's packages has a class of its own for it.
        if "SkipMixin" in {base.__name__ for base in _kind(task).__mro__}:
            yield task


def _decision(context: Any, task_id: str) -> Mapping[str, Any] | None:
    """Return the decision of a branch, in the same mapped group or outside of it."""
    ti = context["ti"]
    for map_index in dict.fromkeys((ti.map_index, -1)):
        found = ti.xcom_pull(task_ids=task_id, key=_DECISION, map_indexes=map_index)
        if found:
            decision: Mapping[str, Any] = found
            return decision
    return None


def _follows(decision: Mapping[str, Any], task_id: str) -> bool:
    if "followed" in decision:
        return task_id in decision["followed"]
    return task_id not in decision.get("skipped", ())
