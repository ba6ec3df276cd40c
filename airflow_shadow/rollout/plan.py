"""The ramp and times of a rollout, what can be wrong with them, and if it could ever promote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_shadow.decision import TO_PROMOTE
from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.experiments.lifecycle import DEADLINES, FULL_SAMPLING, MAX_DAYS
from airflow_shadow.experiments.schedule import parse_duration
from airflow_shadow.text.messages import short_repr

if TYPE_CHECKING:
    from airflow_shadow.analysis import AnalysisSpec

#: Time for a creation or an update: as long as each may take.
ROOM = timedelta(seconds=DEADLINES["update"].seconds)
#: Time for the promotion, which waits while alarms fire.
CONCLUSION = timedelta(seconds=DEADLINES["promote"].seconds)
#: How many times longer the last stage may become by default.
LONGER = 3


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How long an experiment must live, so that it can be promoted in the end.

    :param ramp: sampling percentages, one a stage
    :param stage: how long each stage is watched; the last one up to its first planned look
    :param max_stage: how long the last stage is watched at most, `None` for the default
    :param approval: how long a person and the model registry may take
    :param comparison: how long the comparison of a stage's answers may take
    """

    ramp: tuple[int, ...]
    stage: timedelta
    max_stage: timedelta | None = None
    approval: timedelta = timedelta()
    comparison: timedelta = timedelta()

    @property
    def total(self) -> timedelta:
        """Return the time from the creation to the end if the first planned looks decide."""
        return self.stage + ROOM + self.after(0)

    @property
    def longest(self) -> timedelta:
        """Return how long the last stage is watched at most."""
        if self.max_stage is not None:
            return self.max_stage
        fits = self.stage + timedelta(days=MAX_DAYS) - self.total
        return max(self.stage, min(LONGER * self.stage, fits))

    @property
    def most(self) -> timedelta:
        """Return the time from the creation to the end at most."""
        return self.total + self.longest - self.stage

    @property
    def sentence(self) -> str:
        """Say in one line what is planned."""
        shares = ", ".join(map(str, self.ramp))
        is_longer = self.longest > self.stage
        last = f", the last one up to {text_of(self.longest)} if need be" if is_longer else ""
        planned = f"{text_of(self.total)} as planned, " if is_longer else ""
        return (
            f"A shadow test at {shares} %, {text_of(self.stage)} each{last}: {planned}"
            f"{text_of(self.most)} at most with changes, approvals and the conclusion."
        )

    def after(self, index: int) -> timedelta:
        """Return the time that is needed after a stage.

        :param index: the stage, from 0
        """
        later = len(self.ramp) - index - 1
        stages = later * (self.stage + ROOM) + (later + 1) * self.comparison
        return stages + self.approval + CONCLUSION

    def faults(self) -> Iterator[str]:
        """Yield what is wrong."""
        ramp = short_repr(list(self.ramp))
        if not (self._whole() and list(self.ramp) == sorted(set(self.ramp))):
            yield f"ramp={ramp} is not a rising list of whole percentages, 1 to 100"
        elif self.ramp[-1] != FULL_SAMPLING:
            yield (
                f"ramp={ramp} does not end at 100: only a candidate that was tested with all "
                "requests is promoted"
            )
        if self.longest < self.stage:
            yield (
                f"max_stage_duration={text_of(self.longest)} is shorter than stage_duration="
                f"{text_of(self.stage)}"
            )
        if self.most > timedelta(days=MAX_DAYS):
            yield (
                f"the plan takes {text_of(self.most)}, and AWS ends an experiment after "
                f"{MAX_DAYS} days: stages of {text_of(self.stage)}, the last one of "
                f"{text_of(self.longest)} at most, {text_of(ROOM)} for each change, "
                f"{self._for_comparisons}{text_of(self.approval)} for the approval, "
                f"{text_of(CONCLUSION)} for the conclusion"
            )

    @property
    def _for_comparisons(self) -> str:
        return f"{text_of(self.comparison)} for each comparison, " if self.comparison else ""

    def _whole(self) -> bool:
        return bool(self.ramp) and all(
            type(x) is int and 1 <= x <= FULL_SAMPLING for x in self.ramp
        )


def text_of(duration: timedelta) -> str:
    """Return a duration as text such as `1d2h30m`, which the operators read."""
    minutes, seconds = divmod(int(duration.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = {"d": days, "h": hours, "m": minutes, "s": seconds}
    return "".join(f"{number}{unit}" for unit, number in parts.items() if number) or "0s"


def known_spec(spec: Any) -> AnalysisSpec | None:
    """Return a specification if it is known when the Dag is read, else `None`.

    :param spec: a text may be a template or a path, so it is not known yet
    :raises InvalidRequestError: naming all of its faults
    """
    if isinstance(spec, str) or is_templated(spec):
        return None
    # Imported here to keep Dag files fast.
    from airflow_shadow.analysis import read_spec  # noqa: PLC0415

    return read_spec({} if spec is None else spec)


def known_duration(value: Any, *, argument: str) -> timedelta:
    """Return a duration that must be known when the Dag is read.

    :param argument: its name, for the message
    :raises InvalidRequestError: it is a template, or no duration
    """
    if is_templated(value):
        raise InvalidRequestError(
            asked=f"{argument}={short_repr(value)}",
            found="a template, and whether the plan fits into AWS's 30 days is checked when the "
            "Dag is read",
            next_step="Give a timedelta, seconds, '90m', '1d12h' or 'PT36H'; interval can be a "
            "template.",
        )
    return parse_duration(value, argument=argument)


def is_templated(value: Any) -> bool:
    """Tell whether a value, or any in it, is a template, so that it is known only in a task."""
    if isinstance(value, Mapping):
        return any(map(is_templated, [*value, *value.values()]))
    if isinstance(value, list | tuple):
        return any(map(is_templated, value))
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def could_promote(spec: AnalysisSpec | None, plan: Plan, *, needs_answers: bool) -> Iterator[str]:
    """Yield why no verdict could lead to the promotion that the arguments ask for.

    :param needs_answers: whether only a verdict that compares the answers promotes
    """
    if spec is None:
        return
    # Imported here to keep Dag files fast; by now it is read.
    from airflow_shadow.analysis.answer_measures import is_content  # noqa: PLC0415

    critical = (each for each in spec.on_answers if each.severity == "critical")
    if needs_answers and not any(is_content(each.metric) for each in critical):
        yield (
            "promote and require_approved_model_package are about a promotion, but no criterion "
            "compares the answers themselves, and latency and errors alone promote nothing: "
            f"{TO_PROMOTE}"
        )
    yield from too_short(spec, plan.stage)


def too_short(spec: AnalysisSpec, stage: timedelta) -> Iterator[str]:
    """Yield why a stage could not PASS at its first planned look, whatever the traffic is."""
    seconds, length = stage.total_seconds(), text_of(stage)
    if seconds < spec.min_duration:
        yield (
            f"stages of {length} are shorter than the specification's min_duration of "
            f"{spec.min_duration} s, so none could PASS"
        )
    periods = int(max(seconds - spec.initial_delay, 0) // spec.period)
    for name in ("min_periods", "min_effective_periods"):
        needed = getattr(spec, name)
        if periods < needed:
            yield (
                f"stages of {length} have {periods} periods of {spec.period} s after the "
                f"specification's initial_delay of {spec.initial_delay} s, fewer than its {name} "
                f"of {needed}, so none could PASS"
            )
