"""Whether production was the same as long as it was compared with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from airflow_shadow.analysis import formatting
from airflow_shadow.analysis.look import Look
from airflow_shadow.analysis.observations import Baseline

#: Part of a window in which the shadow may have more instances than production.
MOST_AHEAD = 0.1


def baseline_faults(look: Look) -> Iterator[str]:
    """Yield why production's numbers are no baseline for this window.

    Scaling alone decides nothing; more instances of the shadow than of production do.
    """
    seen = look.observations.baseline
    if changed := next(changes(seen), None):
        yield _changed(*changed)
        return
    ahead = _part_ahead(seen, look.window.end)
    if ahead > MOST_AHEAD:
        yield (
            f"the shadow had more instances than production in {100 * ahead:.0f} % of the window, "
            f"at most {100 * MOST_AHEAD:.0f} % are allowed"
        )


def changes(seen: Sequence[Baseline]) -> Iterator[tuple[Baseline, Baseline]]:
    """Yield what production was before and after each change of it."""
    for one, other in pairwise(seen):
        if one.identity != other.identity and not one.is_own_update(other):
            yield one, other


def _changed(one: Baseline, other: Baseline) -> str:
    told = " and ".join(
        f"{name} {before!r} to {after!r}"
        for name, before, after in zip(
            ("its variant", "its model", "the endpoint's configuration"),
            one.identity,
            other.identity,
            strict=True,
        )
        if before != after
    )
    when = formatting.moment(changed_at(one, other))
    return f"production was changed at {when} UTC, {told}: another baseline"


def changed_at(one: Baseline, other: Baseline) -> float:
    """Return when production became another: AWS's time if it lies between the two looks."""
    return other.changed if one.at < other.changed <= other.at else other.at


def _part_ahead(seen: Sequence[Baseline], end: float) -> float:
    """Return in which part of the time the shadow had more instances, each look until the next."""
    times = [*(one.at for one in seen), max(end, seen[-1].at)] if seen else [0.0, 0.0]
    whole = times[-1] - times[0]
    if whole <= 0:
        return float(bool(seen) and seen[-1].shadow_instances > seen[-1].instances > 0)
    ahead = (
        until - since
        for one, since, until in zip(seen, times, times[1:], strict=False)
        if one.shadow_instances > one.instances > 0
    )
    return sum(ahead) / whole
