"""What can be wrong with a rollout's arguments when its Dag is read; ramp and times: `plan`."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from difflib import get_close_matches
from typing import Any, get_args

from airflow_shadow.decision import OUTCOMES, PromoteOn
from airflow_shadow.exceptions import message
from airflow_shadow.operators import (
    CompareAnswersOperator,
    CreateInferenceExperimentOperator,
    PromoteShadowVariantOperator,
    RemoveShadowVariantOperator,
)
from airflow_shadow.rollout.comparison import comparison_faults
from airflow_shadow.rollout.plan import could_promote, known_spec
from airflow_shadow.rollout.tasks import Approval, RolloutTasks
from airflow_shadow.sensors import ShadowAnalysisSensor
from airflow_shadow.text.messages import short_repr

#: Arguments that the rollout itself gives to its tasks, and those that would contradict them.
GIVEN = frozenset(
    {
        "alarms",
        "allow_partial_sampling",
        "config",
        "creation_time",
        "dag",
        "do_xcom_push",
        "duration",
        "end_time",
        "max_duration",
        "min_remaining",
        "model_variants",
        "name",
        "reason",
        "sampling_percentage",
        "schedule",
        "shadow_mode_config",
        "since",
        "start_time",
        "task_group",
        "task_id",
        "trigger_rule",
        "until",
        "verdict",
        "wait_for_completion",
    }
)
#: Arguments of Airflow's own operator that asks a person.
ASKS = frozenset({"assigned_users", "notifiers"})


def raise_faults(rollout: RolloutTasks, *, own: AbstractSet[str]) -> None:
    """Raise one error with all that is wrong.

    :param own: the names of the arguments of `shadow_rollout`
    :raises ValueError: something is wrong
    """
    found = "; ".join([*_faults(rollout), *_argument_faults(rollout, own)])
    if found:
        next_step = "Correct the arguments."
        raise ValueError(message(asked="shadow_rollout", found=found, next_step=next_step))


def _faults(rollout: RolloutTasks) -> Iterator[str]:
    yield from _choice_faults("promote_on", [rollout.promote_on], get_args(PromoteOn))
    yield from _choice_faults("approval", [rollout.approval], get_args(Approval))
    yield from _choice_faults("fail_on", rollout.fail_on, OUTCOMES)
    yield from rollout.plan.faults()
    yield from _capture_faults(rollout)
    yield from comparison_faults(rollout.spec, captured=rollout.captures)
    if rollout.is_unattended:
        is_about_promoting = bool(rollout.promote or rollout.require_approved_model_package)
        needs_answers = rollout.needs_answers and is_about_promoting
        spec = known_spec(rollout.spec)
        yield from could_promote(spec, rollout.plan, needs_answers=needs_answers)


def _capture_faults(rollout: RolloutTasks) -> Iterator[str]:
    given = {**rollout.shared, **rollout.create}
    if rollout.capture is not None and given.get("data_storage_config") is not None:
        yield "capture and data_storage_config are two places for one capture"
    if rollout.capture_kms_key is not None and rollout.capture is None:
        yield "capture_kms_key is given without capture"


def _choice_faults(name: str, values: Iterable[Any], allowed: Sequence[Any]) -> Iterator[str]:
    for value in values:
        if value not in allowed:
            yield f"{name}={short_repr(value)} is none of {', '.join(map(repr, allowed))}"


def _argument_faults(rollout: RolloutTasks, own: AbstractSet[str]) -> Iterator[str]:
    """Yield names that no task knows: Airflow ignores unknown names in `default_args`."""
    creates = _parameters(CreateInferenceExperimentOperator)
    promotes = _parameters(PromoteShadowVariantOperator)
    others = _parameters(ShadowAnalysisSensor) | _parameters(RemoveShadowVariantOperator)
    compares = _parameters(CompareAnswersOperator)
    asks = ASKS if rollout.approval != "none" else set()
    shared = (creates | promotes | others | asks) - GIVEN
    # Only the creation takes a name, and only the promotion alarms.
    yield from _name_faults("create", rollout.create, creates - GIVEN - own | {"name"}, own)
    yield from _name_faults("promote", rollout.promote, promotes - GIVEN - own | {"alarms"}, own)
    yield from _name_faults("compare", rollout.compare, compares - GIVEN - own, own)
    yield from _name_faults("shadow_rollout", rollout.shared, shared | own, own)


def _name_faults(
    what: str, names: Iterable[str], free: AbstractSet[str], own: AbstractSet[str]
) -> Iterator[str]:
    for name in sorted(set(names) - free):
        close = get_close_matches(name, free, n=1)
        if name in GIVEN | own:
            yield f"{what}: {name} is given by the rollout itself"
        else:
            meant = f" (did you mean {close[0]}?)" if close else ""
            yield f"{what}: no task has an argument {name}{meant}"


def _parameters(kind: type) -> set[str]:
    makers = [vars(base)["__init__"] for base in kind.__mro__ if "__init__" in vars(base)]
    return {name for make in makers for name in inspect.signature(make).parameters}
