"""Judge a candidate: once, or again and again until there is a verdict."""

from __future__ import annotations

import json
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
from airflow_shadow.experiments.schedule import DEFAULT_DURATION, parse_duration
from airflow_shadow.hooks.errors import CONFLICT
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.hooks.sources import SOURCES, check_metrics, read_sources
from airflow_shadow.operators.analysis import ShadowAnalysisOperator
from airflow_shadow.operators.rollout import RolloutPlanOperator
from airflow_shadow.sensors.analysis import ShadowAnalysisSensor
from airflow_shadow.steps.base import PAUSE, persist_links
from airflow_shadow.steps.known import Known, find_known, keep_record
from airflow_shadow.steps.load_argument import load_structure
from airflow_shadow.steps.operator import OperatorSteps
from airflow_shadow.steps.report import stage_of, write_report
from airflow_shadow.steps.status import SensorSteps
from airflow_shadow.steps.wait import Step, Wait
from airflow_shadow.text.numbers import finite
from airflow_shadow.text.shown import shown
from airflow_shadow.text.values import to_timestamp
from airflow_shadow.waiters import (
    FILLING_SECONDS,
    MARGIN_SECONDS,
    AnyGoal,
    Judged,
    Looks,
    Progress,
    View,
    concluded_at,
    planned_window,
)

Judging_co = TypeVar("Judging_co", bound=ShadowAnalysisSensor, covariant=True)

#: Who judges a window, in whichever way.
Judges: TypeAlias = ShadowAnalysisOperator | ShadowAnalysisSensor
#: Between two looks, unless the sensor says otherwise: seconds, and part of the window.
_LEAST_INTERVAL, _LOOKS = 300.0, 200


class AnalysisSensorSteps(SensorSteps[Judging_co]):
    """What :class:`ShadowAnalysisSensor` does."""

    known = Known()

    @cached_property
    def spec(self) -> AnalysisSpec:
        """Return the specification, parsed once."""
        return spec_of(self.op)

    def goal(self) -> Judged:
        """Wait for a verdict."""
        op = self.op
        duration, longest = _seconds(op.duration), _seconds(op.max_duration, "max_duration")
        if longest is not None and duration is None:
            raise InvalidRequestError(
                asked=f"max_duration={shown(op.max_duration)}",
                found="no duration",
                next_step="Give the duration, at whose end the first planned look is.",
            )
        whole = longest or duration or DEFAULT_DURATION.total_seconds()
        interval = max(_LEAST_INTERVAL, whole / _LOOKS)
        if op.interval is not None:
            interval = parse_duration(op.interval, argument="interval").total_seconds()
        since = moment(op.since)
        return Judged(
            since=since,
            duration=duration,
            max_duration=longest,
            interval=interval,
            margin=max(MARGIN_SECONDS, self._remaining),
            limits=self.known.plain_limits,
            # A window that begins with the experiment's last change would begin anew.
            halts=since is not None and self._moves_end,
            **_asked(op, self.spec),
        )

    @property
    def _moves_end(self) -> bool:
        """Tell whether the experiment's end may be moved: a window without a length would, too."""
        return self.op.min_remaining is not None and self.op.duration is not None

    @property
    def _remaining(self) -> float:
        """Return `min_remaining` in seconds."""
        given = 0 if self.op.min_remaining is None else self.op.min_remaining
        return parse_duration(given, argument="min_remaining", may_be_zero=True).total_seconds()

    def prepare(self) -> None:
        """Move the experiment's end if it would come before its conclusion at the next look."""
        if not self._moves_end:
            return
        experiment = self.hook.find_experiment(self.op.name)
        if experiment is not None:
            goal = self.goal()
            looks, now = _looks(goal, experiment), self.hook.now().timestamp()
            # The minutes in which the last metrics come in are no delay of the task's.
            late = now - MARGIN_SECONDS
            needed = looks.after(late) if goal.halts else looks.limit
            over = now if needed is None or needed <= late else needed
            # A window that begins with the experiment's last change begins anew with this one.
            anew = now + max(goal.duration or 0, goal.max_duration or 0)
            self._extend(experiment, over=over, until=over if goal.since else max(over, anew))

    def _waits(self, goal: AnyGoal, progress: Progress) -> Wait:
        """Wait with the parsed specification, also for a goal that comes from plain values."""
        if isinstance(goal, Judged):
            goal = replace(goal, spec=self.spec)
        return super()._waits(goal, progress)

    def goes_on(self, _: AnyGoal, view: View) -> bool:
        """Move the experiment's end along where a planned look has left the verdict open."""
        if "next" not in view:
            return False
        self.log.info(
            "Not decided at planned look %s of %s, so the window becomes longer: %s",
            view["verdict"]["look"],
            len(view["verdict"]["looks"]),
            view["verdict"]["reason"],
        )
        self._extend(view["experiment"], over=view["next"], until=view["next"])
        return True

    def _extend(self, experiment: View, *, over: float, until: float) -> None:
        """Let the experiment live on after a look.

        :param over: when that look is, in seconds since 1970
        :param until: when it is after a change of the experiment
        """
        if status_of(experiment) not in UPDATABLE:
            return
        remaining = self._remaining
        try:
            self.ends = extend(
                self.hook, experiment, needed=over + remaining, until=until + remaining
            )
        except AwsRefusedError as error:
            if error.code != CONFLICT:
                raise
            # Somebody was faster; the next look sees what became of it.
            self.log.warning("The experiment's end was not moved: %s.", error.reason)

    def progress(self) -> Progress:
        """Bring what is known of production: its limits, and what earlier tries saw."""
        self.known = self._find_known()
        return Progress(record=self.known.plain_record)

    def _find_known(self) -> Known:
        experiment = self.hook.find_experiment(self.op.name)
        if experiment is None:
            return Known()
        looks = _looks(self.goal(), experiment)
        metrics = read_sources(self.op.metrics)
        window = {"start": looks.start, "end": looks.limit}
        return find_known(self.hook, experiment, spec=self.spec, metrics=metrics, **window)

    def finish(self, view: View) -> dict[str, Any]:
        """Tell the verdict."""
        return deliver(self.op, self.spec, self.context, self.hook, view)


class ShadowAnalysisSteps(OperatorSteps[ShadowAnalysisOperator]):
    """The steps of :class:`ShadowAnalysisOperator`."""

    @cached_property
    def spec(self) -> AnalysisSpec:
        """Return the specification, parsed once."""
        return spec_of(self.op)

    def begin(self) -> Step:
        """Wait until the window's minutes are filled."""
        name = self.name()
        experiment = self.hook.describe_inference_experiment(name)
        self.meet(experiment)
        since = moment(self.op.start)
        whole = Judged(since=since, duration=0, **_asked(self.op, self.spec))
        start, end = whole.looks(experiment).start, self._end(experiment)
        if end <= start:
            raise InvalidRequestError(
                asked=f"an analysis of {name!r} from {_text(start)} to {_text(end)}",
                found="the end is not after the start",
                next_step="Correct start and end; both are times at AWS.",
            )
        metrics = read_sources(self.op.metrics)
        known = find_known(
            self.hook, experiment, spec=self.spec, metrics=metrics, start=start, end=end
        )
        goal = replace(whole, since=start, duration=end - start, limits=known.plain_limits)
        ahead = max(0.0, end + FILLING_SECONDS - self.hook.now().timestamp())
        progress = Progress(record=known.plain_record)
        return Wait(goal, self.settled, self.deadline() + ahead, progress=progress)

    def _end(self, experiment: View) -> float:
        """Return the end of the window: what is asked, but not beyond the experiment's own."""
        asked = moment(self.op.end)
        over = status_of(experiment) in CONCLUDED
        # A minute that has not ended is not read anyway.
        filled = (self.hook.now().timestamp() - FILLING_SECONDS) // 60 * 60
        known = concluded_at(experiment) if over else filled
        if asked is None:
            return known
        return min(asked, known) if over else asked

    def finish(self, view: View) -> Any:
        """Tell the verdict, and fail if it is one of those that shall."""
        verdict = deliver(self.op, self.spec, self.context, self.hook, view)
        if verdict["outcome"] in self.op.fail_on:
            raise AirflowFailException(verdict["reason"])
        return verdict


def _looks(goal: Judged, experiment: View) -> Looks:
    """Return when to judge.

    :raises InvalidRequestError: the window begins after the experiment: it would never be over
    """
    looks, end = goal.looks(experiment), planned_window(experiment)[1]
    if looks.start >= end.timestamp():
        raise InvalidRequestError(
            asked=f"an analysis of {goal.name!r} from {_text(looks.start)} on",
            found=f"the experiment ends at {end.isoformat()}, before the window begins",
            next_step="Correct since, a time at AWS; nothing was changed.",
        )
    return looks


def _seconds(duration: Any, argument: str = "duration") -> float | None:
    """Return a duration in seconds; only `None` is none, for an empty one would mean no end."""
    if duration is None:
        return None
    return parse_duration(duration, argument=argument).total_seconds()


def spec_of(op: Judges | RolloutPlanOperator) -> AnalysisSpec:
    """Return the specification that an operator was given, or the default one.

    :raises InvalidRequestError: naming all of its faults
    """
    if op.spec is None and op.has_spec:
        raise InvalidRequestError(
            asked="spec",
            found="a template that rendered to nothing",
            next_step="Correct it; leave spec out to judge by the defaults.",
        )
    spec = read_spec({} if op.spec is None else load_structure(op.spec, what="spec"))
    check_metrics(spec, {**SOURCES, **read_sources(op.metrics)})
    return spec


def _asked(op: Judges, spec: AnalysisSpec) -> dict[str, Any]:
    """Return what sensor and operator ask alike."""
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
    try:
        if 0 <= (percentage := finite(value)) <= FULL_SAMPLING:
            return percentage
    except ValueError:
        pass  # told below, like a number that is too large
    raise InvalidRequestError(
        asked=f"sampling_percentage={shown(value)}", found="not a number from 0 to 100"
    )


def moment(value: datetime | str | None) -> float | None:
    """Return a time as seconds since 1970, `None` for none.

    :raises InvalidRequestError: it is no time
    """
    try:
        # A time that never comes would be waited for.
        return None if value is None else to_timestamp(value).timestamp()
    except (OSError, OverflowError, TypeError, ValueError) as error:
        raise InvalidRequestError(
            asked=f"a window that begins or ends at {shown(value)}",
            found="not a time",
            next_step="Give a datetime or ISO-8601 text, such as the XCom `since`.",
        ) from error


def _text(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def extend(
    hook: InferenceExperimentHook, experiment: View, *, needed: float, until: float
) -> datetime:
    """Let an experiment that would end too early live on, 30 days after its start at most.

    One that ends by its schedule can no longer be promoted. Returns when it will end.

    :param needed: the end that is early enough, a minute more or less, in seconds since 1970
    :param until: the new end if it is not, in seconds since 1970
    """
    start, end = planned_window(experiment)
    latest = start + timedelta(days=MAX_DAYS)
    least = min(datetime.fromtimestamp(needed, start.tzinfo), latest)
    if least <= end + timedelta(minutes=1):
        return end
    wanted = min(datetime.fromtimestamp(until, start.tzinfo), latest)
    hook.log.info("Moving the experiment's end from %s to %s: a verdict is pending.", end, wanted)
    # The start goes along only if AWS shows one: a running experiment may not change it.
    shown = {"StartTime": start} if "StartTime" in (experiment.get("Schedule") or {}) else {}
    schedule = {**shown, "EndTime": wanted}
    hook.update_inference_experiment({"Name": experiment["Name"], "Schedule": schedule})
    return wanted


def deliver(
    op: Judges, spec: AnalysisSpec, context: Any, hook: InferenceExperimentHook, view: View
) -> dict[str, Any]:
    """Tell a verdict: a table in the log, XComs, a report if one is asked for; and return it.

    :param view: `experiment`, `verdict` and `looked`, as :class:`~airflow_shadow.waiters.Judged`
        ends with
    """
    experiment, verdict = view["experiment"], Verdict.from_dict(view["verdict"])
    record = view["verdict"].get("baseline", ())
    keep = partial(keep_record, hook, experiment, record, start=verdict.start)
    hook.insist(keep, delay=PAUSE)
    op.log.info("%s", text_table(verdict))
    persist_links(op, context, experiment)
    if op.do_xcom_push:
        context["ti"].xcom_push(key="experiment", value=experiment)
        context["ti"].xcom_push(key="evidence", value=markdown_table(verdict))
    if op.report:
        stage = stage_of(
            hook,
            experiment=experiment,
            spec=spec,
            verdict=verdict,
            metrics=read_sources(op.metrics),
            looks=view["looked"],
            record=view["verdict"].get("baseline", ()),
        )
        title = f"Shadow test {experiment['Name']}"
        about = {"title": title, "stages": [stage], "experiment": experiment, "spec": spec}
        write_report(op, context, path=op.report, **about)
    return {
        **view["verdict"],
        "experiment": experiment["Name"],
        "creation_time": experiment["CreationTime"],
        "spec": spec.to_dict(),
        "looked": view["looked"],
    }
