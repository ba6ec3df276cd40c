"""Whether a rollout compares answers, how long that may take, and what can be wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_shadow.experiments.lifecycle import DEADLINES
from airflow_shadow.experiments.schedule import parse_duration
from airflow_shadow.rollout.plan import known_spec

if TYPE_CHECKING:
    from airflow_shadow.analysis import AnalysisSpec

#: How long files are waited for unless the comparison's `capture_timeout` says otherwise.
_LATE = "30m"
#: Time to read them.
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

    :param compare: further arguments of the comparisons
    """
    known: AnalysisSpec | None = known_spec(spec)
    waits = [one.labels_wait for one in known.answers.values()] if known else []
    given = compare.get("capture_timeout", _LATE)
    late = parse_duration(given, argument="capture_timeout", may_be_zero=True)
    return max(late, timedelta(seconds=max(waits, default=0))) + _READING


def comparison_faults(spec: Any, *, captured: bool) -> Iterator[str]:
    """Yield why answers could never be compared, as far as the specification is known."""
    known = None if spec is None or captured else known_spec(spec)
    if known and known.answers:
        names = ", ".join(sorted(known.answers))
        yield (
            f"the specification compares answers ({names}), but nothing captures them: give "
            "capture='s3://bucket/prefix'"
        )
