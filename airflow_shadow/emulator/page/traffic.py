"""What the variants of an endpoint got and did lately, in numbers and as a small chart."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from airflow_shadow.emulator.account_state import AccountState, Endpoint
from airflow_shadow.emulator.cloudwatch.minutes import Part, errors, mean_latency, unseen_parts

#: Minutes in the chart, and minutes that the numbers are means of.
CHART, LATELY = 60, 10
WIDTH, HEIGHT = 240.0, 40.0


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """Means of a variant over its last minutes; latency in milliseconds, errors as a share."""

    requests: float
    errors: float
    latency: float


@dataclass(frozen=True, kw_only=True)
class Line:
    """Requests of each minute of a variant, oldest first, without minutes in which it did not run.

    :param path: of SVG
    """

    role: str
    low: int
    high: int
    path: str


@dataclass(frozen=True, kw_only=True)
class Lately:
    """The traffic of an endpoint: numbers and lines by the variants' names."""

    numbers: Mapping[str, Numbers]
    lines: Mapping[str, Line]


def lately(state: AccountState, endpoint: Endpoint, now: datetime) -> Lately | None:
    """Return what an endpoint's variants got in the last hour; None if it got nothing."""
    end = int(now.timestamp() // 60)
    window, parts = range(end - CHART, end), _parts(state, endpoint, end)
    counts = {name: _counts(found) for name, found in parts.items()}
    top = max((most for each in counts.values() for most in each.values()), default=0)
    if not top:
        return None
    roles = {one.name: "production" for one in endpoint.production}
    recent = {name: _numbers(found, end - LATELY) for name, found in parts.items()}
    return Lately(
        numbers={name: numbers for name, numbers in recent.items() if numbers},
        lines={
            name: _line(roles.get(name, "shadow"), each, window, top)
            for name, each in counts.items()
            if each
        },
    )


def _parts(state: AccountState, endpoint: Endpoint, end: int) -> dict[str, list[Part]]:
    flows, timeline = state.flows.get(endpoint.name), state.timelines.get(endpoint.name)
    if not flows or not timeline:
        return {}
    window = range(end - CHART, end)
    names = (one.name for one in endpoint.deployed)
    return {name: list(unseen_parts(timeline, flows, name, window)) for name in names}


def _counts(parts: list[Part]) -> Counter[int]:
    counts: Counter[int] = Counter()
    for part in parts:
        counts[part.minute] += part.requests
    return counts


def _numbers(found: list[Part], since: int) -> Numbers | None:
    parts = [part for part in found if part.minute >= since]
    requests = sum(part.requests for part in parts)
    if not requests:
        return None
    failed = [errors(part) for part in parts]
    return Numbers(
        requests=requests / len({part.minute for part in parts}),
        errors=sum(each.server + each.client + each.other for each in failed) / requests,
        latency=sum(mean_latency(part) * part.requests for part in parts) / requests / 1000,
    )


def _line(role: str, counts: Mapping[int, int], window: range, top: int) -> Line:
    steps, before = [], None
    for minute, count in sorted(counts.items()):
        x = WIDTH * (minute - window.start) / (CHART - 1)
        y = HEIGHT - 1 - (HEIGHT - 2) * count / top
        steps.append(f"{'L' if before == minute - 1 else 'M'}{x:.1f} {y:.1f}")
        before = minute
    return Line(role=role, low=min(counts.values()), high=max(counts.values()), path="".join(steps))
