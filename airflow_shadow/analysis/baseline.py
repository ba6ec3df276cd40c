"""Whether production stayed the same in a window, so that it is a baseline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from airflow_shadow.analysis import formatting
from airflow_shadow.analysis.look import Look
from airflow_shadow.analysis.observations import Baseline

#: Part of a window in which the shadow may have more instances than production.
MAX_AHEAD = 0.1


def baseline_faults(look: Look) -> Iterator[str]:
    """Yield why production's numbers are no baseline for this window.

    Scaling alone decides nothing; more instances of the shadow than of production do.
    """
    states = look.observations.baseline
    if change := next(changes(states), None):
        yield _described(*change)
        return
    ahead = _part_ahead(states, look.window.end)
    if ahead > MAX_AHEAD:
        yield (
            f"the shadow had more instances than production in {100 * ahead:.0f} % of the window, "
            f"at most {100 * MAX_AHEAD:.0f} % are allowed"
        )


def changes(states: Sequence[Baseline]) -> Iterator[tuple[Baseline, Baseline]]:
    """Yield the states of production before and after each change of it."""
    for before, after in pairwise(states):
        if before.identity != after.identity and not before.is_own_update(after):
            yield before, after


def _described(before: Baseline, after: Baseline) -> str:
    names = ("its variant", "its model", "the endpoint's configuration")
    what = " and ".join(
        f"{name} {one!r} to {other!r}"
        for name, one, other in zip(names, before.identity, after.identity, strict=True)
        if one != other
    )
    when = formatting.moment(changed_at(before, after))
    return f"production was changed at {when} UTC, {what}: another baseline"


def changed_at(before: Baseline, after: Baseline) -> float:
    """Return when production changed: by AWS's time if it lies between the two looks."""
    return after.changed if before.at < after.changed <= after.at else after.at


def _part_ahead(states: Sequence[Baseline], end: float) -> float:
    """Return the part of the time in which the shadow had more instances.

    Each state lasts until the next look.
    """
    if not states:
        return 0.0
    times = [*(state.at for state in states), max(end, states[-1].at)]
    whole = times[-1] - times[0]
    ahead = [state.shadow_instances > state.instances > 0 for state in states]
    if whole <= 0:
        return float(ahead[-1])
    spans = (until - since for since, until in pairwise(times))
    return sum(span for span, is_ahead in zip(spans, ahead, strict=True) if is_ahead) / whole
