"""Wait for a verdict: look at the evidence again and again, and know when to stop."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.lifecycle import (
    CONCLUDED,
    DEFAULT_DAYS,
    MAX_REASON,
    NOT_BEGUN,
    UPDATABLE,
    Ending,
    status_of,
)
from airflow_shadow.waiting.engine import Asking, Judgement, Look, Progress, View
from airflow_shadow.waiting.goals import ended_badly, missing, note_health

#: How long CloudWatch's newest minutes still fill (assumed: AWS documents no delay). A window is
#: looked at this long after its end.
FILLING_SECONDS = 180
#: A window that ends by itself leaves so much of the experiment's life for its conclusion.
MARGIN_SECONDS = 900
#: So many of the looks are told, the newest ones: an XCom is small.
_MOST_LOOKS = 200


@dataclass(frozen=True)
class Looks:
    """Say at which ends a window is judged, in seconds since 1970.

    A look is either *scheduled*, when PASS may be read, or in between, when FAIL may. The scheduled
    ones divide the window evenly and the last is its limit; those in between come each interval.

    :param start: begin of the window
    :param limit: its last end
    :param interval: seconds between two looks, `None` for the scheduled ones only
    :param planned: number of scheduled looks
    """

    start: float
    limit: float
    interval: float | None
    planned: int = 1

    @property
    def scheduled(self) -> Iterator[float]:
        """Yield the ends at which PASS may be read."""
        length = self.limit - self.start
        return (self.start + length * i / self.planned for i in range(1, self.planned + 1))

    def between(self, until: float) -> Iterator[float]:
        """Yield the other ends up to a moment."""
        if self.interval is None:
            return
        for number in range(1, math.floor((until - self.start) / self.interval) + 1):
            end = self.start + number * self.interval
            if end < self.limit:
                yield end

    def until(self, moment: float) -> list[float]:
        """Return all ends up to a moment."""
        planned = (end for end in self.scheduled if end <= moment)
        return sorted({*planned, *self.between(moment)})

    def due(self, moment: float, *, after: float) -> list[tuple[float, bool]]:
        """Return the ends that are to be judged at a moment, and whether each is scheduled.

        Of those in between only the newest counts, and only if no scheduled one follows it: it
        sees what they saw. So a task that begins anew judges as one that never stopped.

        :param after: the end that was judged last
        """
        planned = [end for end in self.scheduled if after < end <= moment]
        newest = max(self.between(moment), default=after)
        last = [(newest, False)] if newest > max([after, *planned]) else []
        return [*((end, True) for end in planned), *last]


@dataclass(frozen=True)
class Judged:
    """Wait until the evidence for or against a candidate suffices, or the window is over.

    FAIL ends the wait at any look, PASS at a scheduled one, and at the limit every verdict does.
    An experiment that somebody concludes ends it too: then nothing but FAIL can be said.

    :param name: the experiment
    :param spec: the specification of :mod:`airflow_shadow.analysis` as plain values
    :param metrics: where CloudWatch keeps metrics that are not SageMaker's own, as plain values
    :param since: begin of the window in seconds since 1970; `None` for when the experiment was
        changed last
    :param duration: seconds of the window; `None` for up to shortly before the experiment's end
    :param interval: seconds between two looks, by AWS's clock; `None` for one look at the end,
        whatever became of the experiment
    :param sampling_percentage: that of the window, 0 to 100; `None` for the experiment's own
    :param margin: seconds of the experiment's life that a window without a duration leaves
    :param limits: what is known of production before the experiment: metric, percentile and value
        of each
    """

    name: str
    spec: Mapping[str, Any]
    metrics: Mapping[str, Any]
    since: float | None = None
    duration: float | None = None
    interval: float | None = None
    sampling_percentage: float | None = None
    margin: float = MARGIN_SECONDS
    limits: Sequence[Sequence[Any]] = ()
    kind: ClassVar[str] = "verdict"

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
        left = self.margin + FILLING_SECONDS
        ends = planned_window(experiment)[1].timestamp()
        limit = ends - left if self.duration is None else start + self.duration
        if self.interval is None and status_of(experiment) in CONCLUDED:
            limit = min(limit, concluded_at(experiment))
        planned = int(self.spec.get("planned_looks", 1)) if self.interval is not None else 1
        return Looks(start, max(start, limit), self.interval, planned)

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
        for end, _ in looks.due(filled, after=progress.looked):
            view = yield from self._ask(experiment, looks, end, progress)
            progress.looked = end
            if end >= looks.limit or _decides(view["verdict"]):
                return _done(view)
        if ended:
            end = progress.looked or max(looks.start, filled)
            view = view or (yield from self._ask(experiment, looks, end, progress))
            return _done(_without_future(view, experiment, ended))
        return _not_yet(experiment, view, progress)

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
            "spec": self.spec,
            "metrics": self.metrics,
            "start": looks.start,
            "end": end,
            "looks": [*looks.scheduled],
            "sampling_percentage": self.sampling_percentage,
            "limits": self.limits,
            "record": progress.record,
        }
        reply = yield Look("verdict", self.name, about)
        progress.record = reply.view.get("baseline", progress.record)
        told = looks.until(end)[-_MOST_LOOKS:]
        return {"experiment": experiment, "verdict": reply.view, "looks": told}


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
    reason = (
        f"INCONCLUSIVE: the experiment is {experiment['Status']} after {minutes:.0f} min, before "
        f"the analysis was over ({said}); until then {verdict['reason']}"
    )
    over = {"outcome": "INCONCLUSIVE", "stage_passed": False, "reason": reason[:MAX_REASON]}
    return {**view, "verdict": {**verdict, **over, "concluded": True}}


def _not_yet(experiment: View, view: View, progress: Progress) -> Judgement:
    """Wait on; between two looks nothing new is said."""
    if view:
        verdict = view["verdict"]
        minutes = (verdict["end"] - verdict["start"]) / 60
        seen = f"{verdict['outcome']} after {minutes:.0f} min"
    else:
        seen = progress.seen[-1] if progress.looked else str(experiment["Status"])
    return Judgement(seen, view=experiment)


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _modified(experiment: View) -> float:
    """Return when an experiment was changed last; its creation is a change, too."""
    return _moment(experiment.get("LastModifiedTime") or experiment["CreationTime"])


def _begin(experiment: View) -> float:
    """Return since when the sampling percentage holds, as far as AWS tells.

    assumed: `LastModifiedTime` moves with each change. Of a concluded experiment it is the end.
    """
    if status_of(experiment) not in CONCLUDED:
        return _modified(experiment)
    return planned_window(experiment)[0].timestamp()


def _born(experiment: View) -> float:
    """Return the earliest time at which the experiment can have run."""
    created = _moment(experiment["CreationTime"])
    start = (experiment.get("Schedule") or {}).get("StartTime")
    # One that a person started early may keep its planned start.
    ahead = start and _moment(start) > _modified(experiment)
    return created if not start or ahead else max(created, _moment(start))


def concluded_at(experiment: View) -> float:
    """Return when an experiment was concluded, in seconds since 1970."""
    end = experiment.get("CompletionTime")
    return _moment(end) if end else _modified(experiment)


def planned_window(experiment: View) -> tuple[datetime, datetime]:
    """Return from when until when an experiment runs by its schedule.

    assumed: AWS's default of seven days is counted from the start also if only that was given.
    """
    schedule = experiment.get("Schedule") or {}
    start = datetime.fromisoformat(schedule.get("StartTime") or experiment["CreationTime"])
    end = schedule.get("EndTime") or experiment.get("CompletionTime")
    return start, datetime.fromisoformat(end) if end else start + timedelta(days=DEFAULT_DAYS)
