"""Whether a rollout compares answers, how long that may take, and what can be wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_shadow.experiments.lifecycle import DEADLINES
from airflow_shadow.experiments.schedule import parse_duration
from airflow_shadow.rollout.plan import is_templated, known_spec

if TYPE_CHECKING:
    from airflow_shadow.analysis import AnalysisSpec

#: How long files are waited for unless the comparison's `capture_timeout` says otherwise.
_LATE = timedelta(minutes=30)
#: Time to read them unless its `waiter_timeout` says otherwise.
_READING = timedelta(seconds=DEADLINES["answers"].seconds)


def is_captured(capture: str | None, given: Mapping[str, Any]) -> bool:
    """Tell whether the experiment is to capture what both variants answer.

    :param given: further arguments of the creation
    """
    return capture is not None or given.get("data_storage_config") is not None


def is_compared(spec: Any, *, captured: bool) -> bool:
    """Tell whether each stage compares answers.

    What a template says is known only when the tasks run, and they pass on a verdict without
    answers, so there the capture tells.
    """
    if not captured or spec is None:
        return False
    known = known_spec(spec)
    return known is None or bool(known.answers)


def comparison_time(spec: Any, compare: Mapping[str, Any]) -> timedelta:
    """Return how long a comparison may take: for files and labels that are late, and to read them.

    :param compare: arguments of the comparisons; a duration that is a template is known only when
        they run, so here it counts as its default
    :raises InvalidRequestError: a duration cannot be read
    """
    known: AnalysisSpec | None = known_spec(spec)
    waits = [one.labels_wait for one in known.answers.values()] if known else []
    late = _duration(compare, "capture_timeout", _LATE)
    reading = _duration(compare, "waiter_timeout", _READING)
    return max(late, timedelta(seconds=max(waits, default=0))) + reading


def _duration(given: Mapping[str, Any], name: str, default: timedelta) -> timedelta:
    value = given.get(name)
    if value is None or is_templated(value):
        return default
    return parse_duration(value, argument=name, may_be_zero=True)


def comparison_faults(spec: Any, *, captured: bool) -> Iterator[str]:
    """Yield why answers could never be compared, as far as the specification is known."""
    known = None if spec is None or captured else known_spec(spec)
    if known and known.answers:
        names = ", ".join(sorted(known.answers))
        yield (
            f"the specification compares answers ({names}), but nothing captures them: give "
            "capture='s3://bucket/prefix'"
        )
