"""`promote` and `remove`: the steps of the operators, their safeguards included."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from airflow_shadow.cli.access import ReadingHook, confirm, connection, opened
from airflow_shadow.cli.experiments import endpoint_of
from airflow_shadow.cli.logs import progress, say
from airflow_shadow.cli.task import make_context, run_steps
from airflow_shadow.cli.verdicts import judge_window, show
from airflow_shadow.decision import taken_as
from airflow_shadow.exceptions import InvalidRequestError, PromotionRefusedError, ShadowError
from airflow_shadow.experiments.lifecycle import (
    CONCLUDED,
    Status,
    is_promoted,
    production_variant,
    shadow_variant,
    status_of,
)
from airflow_shadow.operators.conclude import (
    PromoteShadowVariantOperator,
    RemoveShadowVariantOperator,
)
from airflow_shadow.steps.conclude import RemoveShadowVariantSteps
from airflow_shadow.steps.promote import PromoteShadowVariantSteps
from airflow_shadow.steps.wait import Carry, Step, view_of
from airflow_shadow.waiters import WaitResult

_DECLINED = "Nothing was changed."
_OPERATIONAL = (
    "Compare the answers in a Dag, or accept latency and errors alone: --promote-on operational."
)
_FORCE = "Test on, or another candidate; --force --reason TEXT promotes it without a PASS."


class _ConfirmedRemoval(RemoveShadowVariantSteps[RemoveShadowVariantOperator]):
    """The steps of the removal, of the experiment that a person was asked about and no other."""

    creation_time = ""

    def conclude(self, outcome: WaitResult, carry: Carry) -> Step:
        """Remove the shadow, unless the name stands for another experiment by now."""
        found = view_of(outcome)["CreationTime"]
        if found != self.creation_time:
            raise PromotionRefusedError(
                asked=f"to remove the shadow of {self.op.name!r}, created {self.creation_time}",
                found=f"one created {found}: somebody has made another of that name",
                next_step="Describe it, and run the command again if it is meant.",
            )
        return super().conclude(outcome, carry)


def promote(args: Namespace) -> int:
    """Judge, ask, and promote; without a PASS only by force and with a reason."""
    asked = f"to promote the candidate of experiment {args.name!r}"
    _check_force(args, asked)
    experiment = _described(args)
    if status_of(experiment) in CONCLUDED:
        return _promote(args, experiment)  # the steps say whether it was promoted
    verdict = _verdict(args)
    reason = _reason(args, verdict, asked=asked)
    if not confirm(_question(experiment), yes=args.yes):
        say(_DECLINED)
        return 1
    on_verdict = {"verdict": verdict, "promote_on": args.promote_on}
    return _promote(
        args, experiment, reason=reason, **(on_verdict if _passes(args, verdict) else {})
    )


def _check_force(args: Namespace, asked: str) -> None:
    """Refuse force without a reason.

    :raises InvalidRequestError: it is so
    """
    if args.force and not (args.reason or "").strip():
        raise InvalidRequestError(
            asked=f"{asked} by force",
            found="no --reason",
            next_step="Say why with --reason; AWS keeps it. Nothing was changed.",
        )


def _described(args: Namespace) -> Mapping[str, Any]:
    with opened(args, ReadingHook) as hook:
        return hook.describe_inference_experiment(args.name)


def _verdict(args: Namespace) -> Mapping[str, Any] | None:
    """Return the verdict, and show it; by force it may be missing."""
    try:
        verdict = judge_window(args)
    except ShadowError as error:
        if not args.force:
            raise
        say(f"Warning: there is no verdict. {error.found}.", style="yellow")
        return None
    show(verdict, "table")
    return verdict


def _passes(args: Namespace, verdict: Mapping[str, Any] | None) -> bool:
    """Tell whether a verdict promotes."""
    return bool(verdict) and taken_as(verdict or {}, promote_on=args.promote_on)[0] == "PASS"


def _reason(args: Namespace, verdict: Mapping[str, Any] | None, *, asked: str) -> str | None:
    """Return the reason that AWS keeps.

    :raises PromotionRefusedError: the verdict does not promote, and nobody forces it
    """
    if verdict is None or _passes(args, verdict):
        return args.reason or (str(verdict["reason"]) if verdict else None)
    outcome, why = taken_as(verdict, promote_on=args.promote_on)
    if args.force:
        return f"{args.reason} (by force, though the verdict was {outcome}: {verdict['reason']})"
    raise PromotionRefusedError(
        asked=f"{asked} on a verdict",
        found=f"it counts as {outcome}: {why.rstrip('.')}",
        next_step=_OPERATIONAL if verdict["outcome"] == "PASS" else _FORCE,
    )


def _question(experiment: Mapping[str, Any]) -> str:
    candidate = (shadow_variant(experiment) or {}).get("ModelName")
    serving = (production_variant(experiment) or {}).get("ModelName")
    return f"Promote {candidate} on endpoint {endpoint_of(experiment)}, replacing {serving}?"


def _promote(args: Namespace, experiment: Mapping[str, Any], **more: Any) -> int:
    """Take the operator's steps on the experiment that was judged, and no other."""
    operator = PromoteShadowVariantOperator(
        task_id="promote",
        name=args.name,
        creation_time=experiment["CreationTime"],
        allow_partial_sampling=args.allow_partial_sampling,
        allow_older=args.allow_older,
        allow_lost_settings=args.allow_lost_settings,
        autoscaling=args.autoscaling,
        require_approved_model_package=args.require_approved_model_package,
        alarms=args.alarms,
        **_waiting(args),
        **connection(args),
        **more,
    )
    with progress(f"Promoting the candidate of {args.name} ...", lines=True):
        run_steps(PromoteShadowVariantSteps(operator, make_context()))
    candidate = (shadow_variant(experiment) or {}).get("ModelName")
    done = "serves" if args.wait_for_completion else "is being promoted"
    done = "was promoted before" if is_promoted(experiment) else done
    print(f"{candidate} {done} on endpoint {endpoint_of(experiment)}.")
    return 0


def remove(args: Namespace) -> int:
    """Ask, and remove the candidate; what is concluded already is left as it is."""
    experiment = _described(args)
    if status_of(experiment) in CONCLUDED:
        print(f"{args.name} is {experiment['Status']} already; there is no shadow to remove.")
        return 0
    if not confirm(_removal(experiment), yes=args.yes):
        say(_DECLINED)
        return 1
    _remove(args, experiment)
    print(_removed(experiment, "was" if args.wait_for_completion else "is being"))
    return 0


def _removed(experiment: Mapping[str, Any], done: str) -> str:
    if status_of(experiment) is Status.CREATED:
        return f"{experiment['Name']} {done} deleted."
    candidate = (shadow_variant(experiment) or {}).get("ModelName")
    return f"{candidate} {done} removed from endpoint {endpoint_of(experiment)}."


def _remove(args: Namespace, experiment: Mapping[str, Any]) -> None:
    """Take the operator's steps on the experiment that a person was asked about."""
    operator = RemoveShadowVariantOperator(
        task_id="remove",
        name=args.name,
        reason=args.reason or "Removed from the command line.",
        desired_state=args.desired_state,
        **_waiting(args),
        **connection(args),
    )
    steps = _ConfirmedRemoval(operator, make_context())
    steps.creation_time = experiment["CreationTime"]
    with progress(f"Removing the candidate of {args.name} ...", lines=True):
        run_steps(steps)


def _removal(experiment: Mapping[str, Any]) -> str:
    if status_of(experiment) is Status.CREATED:
        return f"Delete experiment {experiment['Name']}, which has not started?"
    candidate = (shadow_variant(experiment) or {}).get("ModelName")
    where = f"endpoint {endpoint_of(experiment)}"
    return f"Remove {candidate} from {where}, ending experiment {experiment['Name']}?"


def _waiting(args: Namespace) -> dict[str, Any]:
    return {
        "waiter_delay": args.waiter_delay,
        "waiter_timeout": args.waiter_timeout,
        "wait_for_completion": args.wait_for_completion,
        "deferrable": False,
    }
