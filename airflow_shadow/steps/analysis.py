"""Judge a candidate once, or at interim looks until there is a verdict."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import Any, TypeAlias, TypeVar

from airflow_shadow._compat import AirflowFailException
from airflow_shadow.analysis import (
    AnalysisSpec,
    Verdict,
    markdown_table,
    read_spec,
    text_table,
)
from airflow_shadow.exceptions import AwsRefusedError, InvalidRequestError
from airflow_shadow.experiments.lifecycle import (
    CONCLUDED,
    FULL_SAMPLING,
    MAX_DAYS,
    UPDATABLE,
    status_of,
)
from airflow_shadow.experiments.schedule import DEFAULT_DURATION
from airflow_shadow.hooks.errors import CONFLICT
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.hooks.metric_sources import SOURCES, check_metrics, read_sources
from airflow_shadow.operators.analysis import ShadowAnalysisOperator
from airflow_shadow.operators.rollout import RolloutPlanOperator
from airflow_shadow.sensors.analysis import ShadowAnalysisSensor
from airflow_shadow.steps.base import PAUSE, persist_links
from airflow_shadow.steps.baseline_tags import KnownBaseline, find_known_baseline, keep_record
from airflow_shadow.steps.load_argument import load_structure
from airflow_shadow.steps.operator import OperatorSteps
from airflow_shadow.steps.report import stage_of, write_report
from airflow_shadow.steps.status import SensorSteps
from airflow_shadow.steps.wait import Step, Wait
from airflow_shadow.text.messages import short_repr
from airflow_shadow.text.numbers import finite
from airflow_shadow.text.values import to_timestamp
from airflow_shadow.waiters import (
    FILLING_SECONDS,
    MARGIN_SECONDS,
    AnyCondition,
    Description,
    Judged,
    LookSchedule,
    WaitState,
    concluded_at,
    planned_window,
)

Judging_co = TypeVar("Judging_co", bound=ShadowAnalysisSensor, covariant=True)

#: The tasks that judge a window.
Judges: TypeAlias = ShadowAnalysisOperator | ShadowAnalysisSensor
#: The default interval between two looks: seconds at least, and part of the window.
_LEAST_INTERVAL, _LOOKS = 300.0, 200


class AnalysisSensorSteps(SensorSteps[Judging_co]):
    """What :class:`ShadowAnalysisSensor` does."""

    known = KnownBaseline()

    @cached_property
    def spec(self) -> AnalysisSpec:
        """Return the specification, parsed once."""
        return spec_of(self.op)

    def condition(self) -> Judged:
        """Wait for a verdict."""
        op, since = self.op, moment(self.op.since)
        if op.max_duration is not None and op.duration is None:
            raise InvalidRequestError(
                asked="max_duration",
                found="no duration",
                next_step="Give the duration, at whose end the first planned look is.",
            )
        whole = op.max_duration or op.duration or DEFAULT_DURATION.total_seconds()
        return Judged(
            since=since,
            duration=op.duration,
            max_duration=op.max_duration,
            interval=op.interval or max(_LEAST_INTERVAL, whole / _LOOKS),
            margin=max(MARGIN_SECONDS, op.min_remaining or 0),
            limits=self.known.plain_limits,
            # Without `since` the window would begin anew with each change of the experiment.
            halts=since is not None and self._moves_end,
            **_asked(op, self.spec),
        )

    def _waits(self, condition: AnyCondition, state: WaitState) -> Wait:
        """Wait with the parsed specification, also for a condition from plain values."""
        if isinstance(condition, Judged):
            condition = replace(condition, spec=self.spec)
        return super()._waits(condition, state)

    @property
    def _moves_end(self) -> bool:
        """Whether to move the experiment's end: a window without a duration would move with it."""
        return self.op.min_remaining is not None and self.op.duration is not None

    def prepare(self) -> None:
        """Move the experiment's end if it would come too soon after the next look."""
        if not self._moves_end:
            return
        experiment = self.hook.find_experiment(self.op.name)
        if experiment is not None:
            condition = self.condition()
            looks, now = _looks(condition, experiment), self.hook.now().timestamp()
            # The look is not late while its last metrics still come in.
            late = now - MARGIN_SECONDS
            needed = looks.after(late) if condition.halts else looks.limit
            over = now if needed is None or needed <= late else needed
            # A window that begins with the experiment's last change begins anew with this one.
            anew = now + max(condition.duration or 0, condition.max_duration or 0)
            self._extend(experiment, over=over, until=over if condition.since else max(over, anew))

    def goes_on(self, _: AnyCondition, view: Description) -> bool:
        """Move the experiment's end if a planned look has decided nothing."""
        if "next" not in view:
            return False
        self.log.info(
            "Planned look %s of %s decided nothing, so the window becomes longer: %s",
            view["verdict"]["look"],
            len(view["verdict"]["looks"]),
            view["verdict"]["reason"],
        )
        self._extend(view["experiment"], over=view["next"], until=view["next"])
        return True

    def _extend(self, experiment: Description, *, over: float, until: float) -> None:
        """Let the experiment go on for `min_remaining` after a look.

        :param over: when that look is, in seconds since 1970
        :param until: when it is if the experiment is changed now
        """
        if status_of(experiment) not in UPDATABLE:
            return
        remaining = self.op.min_remaining
        try:
            self.ends = extend(
                self.hook, experiment, needed=over + remaining, until=until + remaining
            )
        except AwsRefusedError as error:
            if error.code != CONFLICT:
                raise
            # Somebody else has changed the experiment; the next poll shows how.
            self.log.warning("The experiment's end was not moved: %s.", error.reason)

    def state(self) -> WaitState:
        """Begin with what is known of production: its limits, and what earlier tries saw."""
        if experiment := self.hook.find_experiment(self.op.name):
            looks = _looks(self.condition(), experiment)
            metrics = read_sources(self.op.metrics)
            window = {"start": looks.start, "end": looks.limit}
            self.known = find_known_baseline(
                self.hook, experiment, spec=self.spec, metrics=metrics, **window
            )
        return WaitState(record=self.known.plain_record)

    def finish(self, view: Description) -> dict[str, Any]:
        """Deliver the verdict."""
        return deliver(self.op, self.spec, self.context, self.hook, view)


class ShadowAnalysisSteps(OperatorSteps[ShadowAnalysisOperator]):
    """The steps of :class:`ShadowAnalysisOperator`."""

    @cached_property
    def spec(self) -> AnalysisSpec:
        """Return the specification, parsed once."""
        return spec_of(self.op)

    def begin(self) -> Step:
        """Wait until CloudWatch has the window's last minutes."""
        if self.op.duration is not None and self.op.until is not None:
            raise InvalidRequestError(asked="duration and until", found="two ends of one window")
        name = self.name()
        experiment = self.hook.describe_inference_experiment(name)
        self.remember_experiment(experiment)
        whole = Judged(since=moment(self.op.since), duration=0, **_asked(self.op, self.spec))
        start = whole.looks(experiment).start
        end = self._end(experiment, start)
        if end <= start:
            raise InvalidRequestError(
                asked=f"an analysis of {name!r} from {_text(start)} to {_text(end)}",
                found="the end is not after the start",
                next_step="Correct since and until; both are times at AWS.",
            )
        metrics = read_sources(self.op.metrics)
        known = find_known_baseline(
            self.hook, experiment, spec=self.spec, metrics=metrics, start=start, end=end
        )
        condition = replace(whole, since=start, duration=end - start, limits=known.plain_limits)
        ahead = max(0.0, end + FILLING_SECONDS - self.hook.now().timestamp())
        state = WaitState(record=known.plain_record)
        return Wait(condition, self.settled, self.deadline() + ahead, state=state)

    def _end(self, experiment: Description, start: float) -> float:
        """Return the end of the window, which is not after the experiment's own."""
        length = self.op.duration
        asked = moment(self.op.until) if length is None else start + length
        if status_of(experiment) in CONCLUDED:
            concluded = concluded_at(experiment)
            return concluded if asked is None else min(asked, concluded)
        # A minute that has not ended is not read anyway.
        filled = (self.hook.now().timestamp() - FILLING_SECONDS) // 60 * 60
        return filled if asked is None else asked

    def finish(self, view: Description) -> Any:
        """Deliver the verdict, and fail if its outcome is in `fail_on`."""
        verdict = deliver(self.op, self.spec, self.context, self.hook, view)
        if verdict["outcome"] in self.op.fail_on:
            raise AirflowFailException(verdict["reason"])
        return verdict


def _looks(condition: Judged, experiment: Description) -> LookSchedule:
    """Return when to judge.

    :raises InvalidRequestError: the window begins after the experiment's end
    """
    looks, end = condition.looks(experiment), planned_window(experiment)[1]
    if looks.start >= end.timestamp():
        raise InvalidRequestError(
            asked=f"an analysis of {condition.name!r} from {_text(looks.start)} on",
            found=f"the experiment ends at {end.isoformat()}, before the window begins",
            next_step="Correct since, a time at AWS; nothing was changed.",
        )
    return looks


def spec_of(op: Judges | RolloutPlanOperator) -> AnalysisSpec:
    """Return a task's specification, or the default one.

    :raises InvalidRequestError: naming all of its faults
    """
    if op.spec is None and op.has_spec:
        raise InvalidRequestError(
            asked="spec",
            found="a template that rendered to nothing",
            next_step="Correct it; leave spec out to judge by the defaults.",
        )
    spec = read_spec({} if op.spec is None else load_structure(op.spec, what="spec"))
    check_metrics(spec.needs, {**SOURCES, **read_sources(op.metrics)})
    return spec


def _asked(op: Judges, spec: AnalysisSpec) -> dict[str, Any]:
    """Return what sensor and operator have in common."""
    sampling = op.sampling_percentage
    return {
        "name": op.name,
        "spec": spec,
        "metrics": _plain(op.metrics or {}),
        "sampling_percentage": None if sampling is None else _percentage(sampling),
    }


def _plain(value: Any) -> Any:
    """Return JSON's own types: a trigger's arguments and an XCom hold no others."""
    return json.loads(json.dumps(value))


def _percentage(value: Any) -> float:
    with suppress(ValueError):
        if 0 <= (percentage := finite(value)) <= FULL_SAMPLING:
            return percentage
    raise InvalidRequestError(
        asked=f"sampling_percentage={short_repr(value)}", found="not a number from 0 to 100"
    )


def moment(value: datetime | str | None) -> float | None:
    """Return a time as seconds since 1970, `None` for none.

    :raises InvalidRequestError: it is no time
    """
    try:
        return None if value is None else to_timestamp(value).timestamp()
    except (OSError, OverflowError, TypeError, ValueError) as error:
        raise InvalidRequestError(
            asked=f"a window that begins or ends at {short_repr(value)}",
            found="not a time",
            next_step="Give a datetime or ISO-8601 text, such as the XCom `since`.",
        ) from error


def _text(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def extend(
    hook: InferenceExperimentHook, experiment: Description, *, needed: float, until: float
) -> datetime:
    """Move the end of an experiment that would end too early to be promoted; return its end.

    :param needed: when it must not have ended, in seconds since 1970; a minute does not matter
    :param until: the new end if it ends before, in seconds since 1970; AWS allows 30 days
    """
    start, end = planned_window(experiment)
    latest = start + timedelta(days=MAX_DAYS)
    least = min(datetime.fromtimestamp(needed, start.tzinfo), latest)
    if least <= end + timedelta(minutes=1):
        return end
    wanted = min(datetime.fromtimestamp(until, start.tzinfo), latest)
    hook.log.info("Moving the experiment's end from %s to %s: a verdict is pending.", end, wanted)
    # The start is sent only if AWS shows one: a running experiment may not change it.
    shown = {"StartTime": start} if "StartTime" in (experiment.get("Schedule") or {}) else {}
    schedule = {**shown, "EndTime": wanted}
    hook.update_inference_experiment({"Name": experiment["Name"], "Schedule": schedule})
    return wanted


def deliver(
    op: Judges, spec: AnalysisSpec, context: Any, hook: InferenceExperimentHook, view: Description
) -> dict[str, Any]:
    """Log a verdict as a table, push the XComs, write the report if there is to be one; return it.

    :param view: what a wait for :class:`~airflow_shadow.waiters.Judged` ended with
    """
    experiment, verdict = view["experiment"], Verdict.from_dict(view["verdict"])
    record = view["verdict"].get("baseline", ())
    hook.retry_call(
        partial(keep_record, hook, experiment, record, start=verdict.start), delay=PAUSE
    )
    op.log.info("%s", text_table(verdict))
    persist_links(op, context, experiment)
    if op.do_xcom_push:
        context["ti"].xcom_push(key="experiment", value=experiment)
        context["ti"].xcom_push(key="evidence", value=markdown_table(verdict))
        if answers := view.get("answers"):
            context["ti"].xcom_push(key="answers", value=answers)
    result = {
        **view["verdict"],
        "experiment": experiment["Name"],
        "creation_time": experiment["CreationTime"],
        "spec": spec.to_dict(),
        "looked": view["looked"],
    }
    if op.report:
        metrics = read_sources(op.metrics)
        shown = view.get("answers") or {}
        about = {"experiment": experiment, "verdict": result, "spec": spec, "answers": shown}
        stage = stage_of(hook, metrics=metrics, **about)
        write_report(op, context, path=op.report, stages=[stage], experiment=experiment, spec=spec)
    return result
