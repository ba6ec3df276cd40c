"""Wait for a verdict: when to judge, and when to stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar

from airflow_shadow.analysis import AnalysisSpec, Verdict, read_spec
from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.experiments.lifecycle import (
    CONCLUDED,
    DEFAULT_DAYS,
    MAX_REASON,
    NOT_BEGUN,
    UPDATABLE,
    Ending,
    status_of,
)
from airflow_shadow.text.messages import printable, shorten
from airflow_shadow.text.values import epoch, to_timestamp
from airflow_shadow.waiters.conditions import ended_badly, missing, note_health
from airflow_shadow.waiters.engine import Description, Poll, Polling, PollResult, WaitState
from airflow_shadow.waiters.look_schedule import LookSchedule
from airflow_shadow.waiters.progress import progress_line

#: How long CloudWatch's newest minutes still fill (assumed: AWS documents no delay). A window is
#: judged so many seconds after its end.
FILLING_SECONDS = 180
#: A window without a duration ends so many seconds before the experiment, to leave time for its
#: conclusion.
MARGIN_SECONDS = 900


@dataclass(frozen=True)
class Judged:
    """Wait until the evidence for or against a candidate suffices, or the window is over.

    FAIL ends the wait at any look, PASS at a planned one, and every verdict at the last of these.
    An experiment that somebody concludes ends it too: the verdict is FAIL or INCONCLUSIVE then.

    :param name: the experiment
    :param spec: the specification of :mod:`airflow_shadow.analysis`; plain values in a trigger
    :param metrics: where CloudWatch keeps metrics that are not SageMaker's own, as plain values
    :param since: begin of the window in seconds since 1970; `None` for when the experiment was
        changed last
    :param duration: seconds up to the first planned look; `None` for up to shortly before the
        experiment's end, where the only one is
    :param max_duration: seconds up to the last planned look, if that is another
    :param interval: seconds between two looks, by AWS's clock; `None` for one look at the end,
        whatever became of the experiment
    :param sampling_percentage: that of the window, 0 to 100; `None` for the experiment's own
    :param margin: seconds between the end of a window without a duration and the experiment's end
    :param limits: what is known of production before the experiment: metric, percentile and value
        of each
    :param stage: which stage of a rollout this is, from 1
    :param stages: how many stages share the alpha of FAIL
    :param earlier: criterion to its counts at the earlier stages of this experiment, as plain
        values
    :param halts: end the wait also at a planned look that decides nothing, so that a worker can
        move the experiment's end: `next` in the description is the next planned look then
    """

    name: str
    spec: AnalysisSpec | Mapping[str, Any]
    metrics: Mapping[str, Any]
    since: float | None = None
    duration: float | None = None
    max_duration: float | None = None
    interval: float | None = None
    sampling_percentage: float | None = None
    margin: float = MARGIN_SECONDS
    limits: Sequence[Sequence[Any]] = ()
    stage: int = 1
    stages: int = 1
    earlier: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    halts: bool = False
    kind: ClassVar[str] = "verdict"

    @property
    def asked(self) -> str:
        """Say what is waited for."""
        return f"a verdict on experiment {self.name!r}"

    @cached_property
    def parsed_spec(self) -> AnalysisSpec:
        """Return the specification; the plain values of a trigger are parsed once."""
        return read_spec(self.spec)

    def looks(self, experiment: Description, since: float | None = None) -> LookSchedule:
        """Return when to judge, as far as the experiment decides it.

        A window does not begin before the experiment does: earlier metrics are not about it.

        :param since: begin of the window that an earlier poll found
        """
        begin = since or (_begin(experiment) if self.since is None else self.since)
        start = max(begin, _born(experiment))
        first = self._first(experiment, start)
        count, longest = self.parsed_spec.planned_looks, self.max_duration or 0.0
        if self.duration is None or count == 1 or longest <= self.duration:
            return LookSchedule(start, first, first, self.interval)
        return LookSchedule(start, first, start + longest, self.interval, count)

    def _first(self, experiment: Description, start: float) -> float:
        """Return the end of the first planned look."""
        ends = planned_window(experiment)[1].timestamp() - self.margin - FILLING_SECONDS
        first = ends if self.duration is None else start + self.duration
        if self.interval is None and status_of(experiment) in CONCLUDED:
            first = min(first, concluded_at(experiment))
        return max(start, first)

    def poll(self, state: WaitState) -> Polling:
        """Describe the experiment and judge what is due."""
        known, due = state.described, state.soonest
        reply = yield Poll("experiment", self.name, known=known, until=due, soonest=due)
        experiment, state.soonest = reply.description, None
        if experiment is None:
            return PollResult("missing", error=missing(self.asked, self.name))
        note_health(experiment, state)
        shown = str(experiment.get("Status"))
        stopped = (str(Ending.STOPPED),)
        error = ended_badly(self.asked, experiment, state, tolerates=stopped)
        if self.interval is not None and error:
            return PollResult(shown, error=error, description=experiment)
        if status_of(experiment) in NOT_BEGUN:
            return PollResult(shown, description=experiment)
        return (yield from self._judge(experiment, state, reply.aws_now))

    def _judge(self, experiment: Description, state: WaitState, now: float) -> Polling:
        looks, ended = self.looks(experiment, state.since), self._ended(experiment)
        state.since = looks.start
        if self.duration is None and looks.limit <= looks.start and not ended:
            lives_on = status_of(experiment) in UPDATABLE
            error = self._too_short(experiment, looks) if lives_on else None
            return PollResult(str(experiment["Status"]), error=error, description=experiment)
        filled = min(now, ended or now) - FILLING_SECONDS
        judged: Description = {}
        for end in looks.due(filled, after=state.looked):
            judged = yield from self._ask(experiment, looks, end, state)
            state.looked = end
            if end >= looks.limit or _decides(judged["verdict"]):
                return _done(judged)
            if self.halts and end in looks.planned and not ended:
                return PollResult("", done=True, description={**judged, "next": looks.after(end)})
        if ended:
            end = state.looked or max(looks.start, filled)
            judged = judged or (yield from self._ask(experiment, looks, end, state))
            return _done(_without_future(judged, experiment, ended))
        return self._not_yet(experiment, looks, judged, state)

    def _not_yet(
        self, experiment: Description, looks: LookSchedule, judged: Description, state: WaitState
    ) -> PollResult:
        """Wait on; nothing new is logged between two looks."""
        end = looks.next_after(state.looked or looks.start)
        state.soonest = end + FILLING_SECONDS if end else None
        if judged:
            seen = progress_line(judged["verdict"], looks, needed=self.parsed_spec.min_periods)
        else:
            said = state.seen[-1:] if state.looked else []
            seen = said[0] if said else str(experiment["Status"])
        return PollResult(seen, description=experiment)

    def _too_short(self, experiment: Description, looks: LookSchedule) -> InvalidRequestError:
        end = planned_window(experiment)[1]
        life = end - datetime.fromtimestamp(looks.start, end.tzinfo)
        return InvalidRequestError(
            asked=f"{self.asked} with min_remaining={self.margin:g} and no duration",
            found=(
                f"the experiment ends at {end.isoformat()}, {life} after the window's begin, which "
                f"leaves no time to judge: CloudWatch needs {FILLING_SECONDS} seconds besides"
            ),
            next_step="Give a duration, so that the experiment's end is moved, or a smaller "
            "min_remaining.",
        )

    def _ended(self, experiment: Description) -> float | None:
        """Return when the experiment was concluded, if that matters, in seconds since 1970."""
        if self.interval is None or status_of(experiment) not in CONCLUDED:
            return None
        return concluded_at(experiment)

    def _ask(
        self, experiment: Description, looks: LookSchedule, end: float, state: WaitState
    ) -> Any:
        about = {
            "experiment": experiment,
            "spec": self.parsed_spec,
            "metrics": self.metrics,
            "start": looks.start,
            "end": end,
            "looks": looks.planned,
            "sampling_percentage": self.sampling_percentage,
            "stage": self.stage,
            "stages": self.stages,
            "earlier": self.earlier,
            "limits": self.limits,
            "record": state.record,
        }
        reply = yield Poll("verdict", self.name, about)
        state.record = reply.description.get("baseline", state.record)
        return {"experiment": experiment, "verdict": reply.description, "looked": looks.until(end)}


def _decides(verdict: Mapping[str, Any]) -> bool:
    return verdict["outcome"] in {"PASS", "FAIL"} or bool(verdict["stage_passed"])


def _done(judged: Description) -> PollResult:
    return PollResult(str(judged["verdict"]["reason"]), done=True, description=judged)


def _without_future(judged: Description, experiment: Description, ended: float) -> Description:
    """Return the verdict on an experiment that is over: it cannot be promoted any more."""
    verdict = judged["verdict"]
    if verdict["outcome"] == "FAIL":
        return judged
    minutes = (ended - verdict["start"]) / 60
    said = experiment.get("StatusReason") or "no reason is given"
    because = (
        f"the experiment is {experiment['Status']} after {minutes:.0f} min, before the analysis "
        f"was over ({said}); until then"
    )
    over = {"stage_passed": False, "concluded": True}
    return {**judged, "verdict": {**inconclusive(verdict, because), **over}}


def inconclusive(verdict: Mapping[str, Any], because: str) -> dict[str, Any]:
    """Return a verdict as INCONCLUSIVE, with the reason for it.

    :param verdict: as plain values
    """
    caveat = Verdict.from_dict(verdict).caveat
    reason = printable(f"INCONCLUSIVE ({caveat}): {because} {verdict['reason']}")
    return {**verdict, "outcome": "INCONCLUSIVE", "reason": shorten(reason, most=MAX_REASON)}


def _modified(experiment: Description) -> float:
    """Return when an experiment was changed last, or created."""
    return epoch(experiment.get("LastModifiedTime") or experiment["CreationTime"])


def _begin(experiment: Description) -> float:
    """Return since when the sampling percentage is what it is, as far as AWS shows it.

    assumed: `LastModifiedTime` moves with each change. Of a concluded experiment it is the end.
    """
    if status_of(experiment) not in CONCLUDED:
        return _modified(experiment)
    return planned_window(experiment)[0].timestamp()


def _born(experiment: Description) -> float:
    """Return the earliest time at which the experiment can have run."""
    created = epoch(experiment["CreationTime"])
    start = (experiment.get("Schedule") or {}).get("StartTime")
    # An experiment that a person started early may keep its planned start.
    ahead = start and epoch(start) > _modified(experiment)
    return created if not start or ahead else max(created, epoch(start))


def concluded_at(experiment: Description) -> float:
    """Return when an experiment was concluded, in seconds since 1970."""
    end = experiment.get("CompletionTime")
    return epoch(end) if end else _modified(experiment)


def planned_window(experiment: Description) -> tuple[datetime, datetime]:
    """Return from when until when an experiment runs by its schedule.

    assumed: AWS's default of seven days is counted from the start also if only that was given.
    """
    schedule = experiment.get("Schedule") or {}
    start = to_timestamp(schedule.get("StartTime") or experiment["CreationTime"])
    end = schedule.get("EndTime") or experiment.get("CompletionTime")
    return start, to_timestamp(end) if end else start + timedelta(days=DEFAULT_DAYS)
