"""What a promotion waits for besides the experiment: the registry's approval, silent alarms."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from airflow_shadow._compat import AirflowSkipException
from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.experiments.lifecycle import shadow_variant
from airflow_shadow.hooks.packages import package_of
from airflow_shadow.operators.conclude import PromoteShadowVariantOperator
from airflow_shadow.steps.load_argument import list_of_text
from airflow_shadow.steps.operator import OperatorSteps
from airflow_shadow.steps.wait import Carry, Step, Wait
from airflow_shadow.text.values import as_boolean
from airflow_shadow.waiters import Description, PromotionCleared, WaitResult

_APPROVAL_SECONDS = 24 * 3600


def next_wait(
    steps: OperatorSteps[PromoteShadowVariantOperator],
    experiment: Description,
    carry: Carry,
    *,
    asked: str,
    then: Callable[[WaitResult, Carry], Step],
) -> Wait | None:
    """Return the next wait: first for the approval, then for the alarms, then `None`.

    Each has its own deadline. The second one polls the approval too, which may be withdrawn.

    :param carry: what was waited for before, and when the wait for the approval ends
    :raises InvalidRequestError: an argument is wrong
    :raises PromotionRefusedError: the candidate was not created from a model package
    """
    alarms, passed = _alarms(steps.op.alarms), list(carry.get("passed", ()))
    package = _package(steps, experiment, asked=asked)
    timeout = steps.op.approval_timeout
    patience = _APPROVAL_SECONDS if timeout is None else timeout
    until = carry.get("approval_until") or time.time() + patience
    carry = {**carry, "approval_until": until}
    name = experiment["Name"]
    if package and "approval" not in passed:
        condition = PromotionCleared(name, package, until)
        return Wait(condition, then, until, {**carry, "passed": [*passed, "approval"]})
    if alarms and "alarms" not in passed:
        condition = PromotionCleared(name, package, until, alarms)
        return Wait(condition, then, steps.deadline(), {**carry, "passed": [*passed, "alarms"]})
    return None


def skip_refused(view: Description) -> None:
    """Skip the task if the registry does not allow the promotion.

    :param view: what a wait for :class:`~airflow_shadow.waiters.PromotionCleared` ended with
    :raises AirflowSkipException: it is so
    """
    if view["refused"]:
        experiment = view["experiment"]
        end = (experiment.get("Schedule") or {}).get("EndTime") or "its end"
        raise AirflowSkipException(
            f"Skipped: {view['refused']}; experiment {experiment['Name']!r} is not promoted and "
            f"goes on until {end} unless it is removed."
        )


def _package(
    steps: OperatorSteps[PromoteShadowVariantOperator], experiment: Description, *, asked: str
) -> str | None:
    """Return the package that must be approved, `None` if none must."""
    wanted = as_boolean(steps.op.require_approved_model_package)
    wanted = wanted.strip() if isinstance(wanted, str) else wanted
    if wanted is None or wanted == "":
        raise _nothing("require_approved_model_package", "False")
    if wanted is True:
        model = str((shadow_variant(experiment) or {}).get("ModelName"))
        return package_of(steps.hook, model, asked=asked)
    return str(wanted) if wanted else None


def _alarms(given: Any) -> tuple[str, ...]:
    names = list_of_text(given, what="alarms")
    if given is None or not all(names):
        raise _nothing("alarms", "[]")
    return tuple(names)


def _nothing(argument: str, no: str) -> InvalidRequestError:
    """Return the error of a safeguard whose template rendered to nothing."""
    return InvalidRequestError(
        asked=argument,
        found="a template that rendered to nothing, so nothing would be waited for",
        next_step=f"Correct the template, or give {no} if that is meant; nothing was changed.",
    )
