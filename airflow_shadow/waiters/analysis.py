"""Wait for a verdict: look at the evidence again and again, and know when to stop."""

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
from airflow_shadow.text.shown import printable, shortened
from airflow_shadow.text.values import epoch, to_timestamp
from airflow_shadow.waiters.conditions import ended_badly, missing, note_health
from airflow_shadow.waiters.engine import Asking, Judgement, Look, Progress, View
from airflow_shadow.waiters.looks import Looks
from airflow_shadow.waiters.progress import progress_line

#: How long CloudWatch's newest minutes still fill (assumed: AWS documents no delay). A window is
#: looked at this long after its end.
FILLING_SECONDS = 180
#: A window that ends by itself leaves so much of the experiment's life for its conclusion.
MARGIN_SECONDS = 900


@dataclass(frozen=True)
class Judged:
    """Wait until the evidence for or against a candidate suffices, or the window is over.

    FAIL ends the wait at any look, PASS at a planned one, and at the last of these every verdict
    does. An experiment that somebody concludes ends it too: then nothing but FAIL can be said.

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
    :param margin: seconds of the experiment's life that a window without a duration leaves
    :param limits: what is known of production before the experiment: metric, percentile and value
        of each
    :param stage: which stage of a rollout this is, from 1
    :param stages: how many stages share the alpha of FAIL
    :param earlier: criterion to its counts at the stages before, of this experiment, as plain
        values
    :param halts: end the wait also where a planned look leaves it open, so that a worker can move
        the experiment's end: the view then has the `next` planned end
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

    @cached_property
    def parsed_spec(self) -> AnalysisSpec:
        """Return the specification; the plain values of a trigger are parsed once."""
        return read_spec(self.spec)

    @property
    def asked(self) -> str:
        """Say what is waited for."""
        return f"a verdict on experiment {self.name!r}"

    def looks(self, experiment: View, since: float | None = None) -> Looks:
        """Return when to judge, as far as the experiment decides it.

        A window begins when the experiment does at the earliest: what was before is not its
        evidence, and may be another's.

        :param since: begin that an earlier look found
        """
        begin = since or (_begin(experiment) if self.since is None else self.since)
        start = max(begin, _born(experiment))
        first = self._first(experiment, start)
        count, longest = self.parsed_spec.planned_looks, self.max_duration or 0.0
        if self.duration is None or count == 1 or longest <= self.duration:
            return Looks(start, first, first, self.interval)
        return Looks(start, first, start + longest, self.interval, count)

    def _first(self, experiment: View, start: float) -> float:
        """Return the end of the first planned look."""
        ends = planned_window(experiment)[1].timestamp() - self.margin - FILLING_SECONDS
        first = ends if self.duration is None else start + self.duration
        if self.interval is None and status_of(experiment) in CONCLUDED:
            first = min(first, concluded_at(experiment))
        return max(start, first)

    def look(self, progress: Progress) -> Asking:
        """Describe the experiment and judge what is due."""
        reply = yield Look("experiment", self.name)
        experiment = reply.view
        if experiment is None:
            return Judgement("missing", error=missing(self.asked, self.name))
        note_health(experiment, progress)
        shown = str(experiment.get("Status"))
        if self.interval is not None and (error := self._broke(experiment, progress)):
            return Judgement(shown, error=error, view=experiment)
        if status_of(experiment) in NOT_BEGUN:
            return Judgement(shown, view=experiment)
        return (yield from self._judge(experiment, progress, reply.aws_now))

    def _broke(self, experiment: View, progress: Progress) -> Any:
        return ended_badly(self.asked, experiment, progress, (str(Ending.STOPPED),))

    def _judge(self, experiment: View, progress: Progress, now: float) -> Asking:
        looks, ended = self.looks(experiment, progress.since), self._ended(experiment)
        progress.since = looks.start
        if self.duration is None and looks.limit <= looks.start and not ended:
            lives_on = status_of(experiment) in UPDATABLE
            error = self._too_short(experiment, looks) if lives_on else None
            return Judgement(str(experiment["Status"]), error=error, view=experiment)
        filled = min(now, ended or now) - FILLING_SECONDS
        view: View = {}
        for end in looks.due(filled, after=progress.looked):
            view = yield from self._ask(experiment, looks, end, progress)
            progress.looked = end
            if end >= looks.limit or _decides(view["verdict"]):
                return _done(view)
            if self.halts and end in looks.planned and not ended:
                return Judgement("", done=True, view={**view, "next": looks.after(end)})
        if ended:
            end = progress.looked or max(looks.start, filled)
            view = view or (yield from self._ask(experiment, looks, end, progress))
            return _done(_without_future(view, experiment, ended))
        return self._not_yet(experiment, looks, view, progress)

    def _not_yet(self, experiment: View, looks: Looks, view: View, progress: Progress) -> Judgement:
        """Wait on; between two looks nothing new is said."""
        if view:
            seen = progress_line(view["verdict"], looks, needed=self.parsed_spec.min_periods)
        else:
            said = progress.seen[-1:] if progress.looked else []
            seen = said[0] if said else str(experiment["Status"])
        return Judgement(seen, view=experiment)

    def _too_short(self, experiment: View, looks: Looks) -> InvalidRequestError:
        end = planned_window(experiment)[1]
        life = end - datetime.fromtimestamp(looks.start, end.tzinfo)
        return InvalidRequestError(
            asked=f"{self.asked} with min_remaining={self.margin:g} and no duration",
            found=(
                f"the experiment ends at {end.isoformat()}, {life} after the window's begin: too "
                f"early for a window before these seconds and the {FILLING_SECONDS} in which the "
                "last metrics come in"
            ),
            next_step="Give a duration, and the experiment's end is moved; or less min_remaining.",
        )

    def _ended(self, experiment: View) -> float | None:
        """Return when the experiment was concluded, if that matters, in seconds since 1970."""
        if self.interval is None or status_of(experiment) not in CONCLUDED:
            return None
        return concluded_at(experiment)

    def _ask(self, experiment: View, looks: Looks, end: float, progress: Progress) -> Any:
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
            "record": progress.record,
        }
        reply = yield Look("verdict", self.name, about)
        progress.record = reply.view.get("baseline", progress.record)
        return {"experiment": experiment, "verdict": reply.view, "looked": looks.until(end)}


def _decides(verdict: Mapping[str, Any]) -> bool:
    return verdict["outcome"] in {"PASS", "FAIL"} or bool(verdict["stage_passed"])


def _done(view: View) -> Judgement:
    return Judgement(str(view["verdict"]["reason"]), done=True, view=view)


def _without_future(view: View, experiment: View, ended: float) -> View:
    """Return a verdict on an experiment that is over: no promotion can follow any more."""
    verdict = view["verdict"]
    if verdict["outcome"] == "FAIL":
        return view
    minutes = (ended - verdict["start"]) / 60
    said = experiment.get("StatusReason") or "no reason is given"
    because = (
        f"the experiment is {experiment['Status']} after {minutes:.0f} min, before the analysis "
        f"was over ({said}); until then"
    )
    over = {"stage_passed": False, "concluded": True}
    return {**view, "verdict": {**inconclusive(verdict, because), **over}}


def inconclusive(verdict: Mapping[str, Any], because: str) -> dict[str, Any]:
    """Return a verdict that says no more than INCONCLUSIVE, and why.

    :param verdict: as plain values
    """
    caveat = Verdict.from_dict(verdict).caveat
    reason = printable(f"INCONCLUSIVE ({caveat}): {because} {verdict['reason']}")
    return {**verdict, "outcome": "INCONCLUSIVE", "reason": shortened(reason, most=MAX_REASON)}


def _modified(experiment: View) -> float:
    """Return when an experiment was changed last; its creation is a change, too."""
    return epoch(experiment.get("LastModifiedTime") or experiment["CreationTime"])


def _begin(experiment: View) -> float:
    """Return since when the sampling percentage holds, as far as AWS tells.

    assumed: `LastModifiedTime` moves with each change. Of a concluded experiment it is the end.
    """
    if status_of(experiment) not in CONCLUDED:
        return _modified(experiment)
    return planned_window(experiment)[0].timestamp()


def _born(experiment: View) -> float:
    """Return the earliest time at which the experiment can have run."""
    created = epoch(experiment["CreationTime"])
    start = (experiment.get("Schedule") or {}).get("StartTime")
    # One that a person started early may keep its planned start.
    ahead = start and epoch(start) > _modified(experiment)
    return created if not start or ahead else max(created, epoch(start))


def concluded_at(experiment: View) -> float:
    """Return when an experiment was concluded, in seconds since 1970."""
    end = experiment.get("CompletionTime")
    return epoch(end) if end else _modified(experiment)


def planned_window(experiment: View) -> tuple[datetime, datetime]:
    """Return from when until when an experiment runs by its schedule.

    assumed: AWS's default of seven days is counted from the start also if only that was given.
    """
    schedule = experiment.get("Schedule") or {}
    start = to_timestamp(schedule.get("StartTime") or experiment["CreationTime"])
    end = schedule.get("EndTime") or experiment.get("CompletionTime")
    return start, to_timestamp(end) if end else start + timedelta(days=DEFAULT_DAYS)
