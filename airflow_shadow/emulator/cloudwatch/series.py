"""Points of a metric over time: samples pooled into periods, as long as CloudWatch keeps them."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Protocol

from airflow_shadow.emulator.account_state import AccountState, Document
from airflow_shadow.emulator.cloudwatch import minutes
from airflow_shadow.emulator.cloudwatch.metrics import METRICS, Metric
from airflow_shadow.emulator.cloudwatch.minutes import Part
from airflow_shadow.emulator.cloudwatch.samples import Samples, same
from airflow_shadow.emulator.cloudwatch.statistic import Statistic
from airflow_shadow.emulator.cloudwatch.timeline import Timeline
from airflow_shadow.emulator.errors import Invalid

Point = tuple[datetime, float]
Moment = tuple[float, list[Samples]]  # seconds since 1970, and what was sent then

_MINUTE = 60
_SHORT_PERIODS = (1, 5, 10, 30)
# How long points are kept that can be read with a period of so many seconds, or its multiples.
_KEPT = ((3600, timedelta(days=455)), (300, timedelta(days=63)), (_MINUTE, timedelta(days=15)))


class Source(Protocol):
    """The samples of one metric."""

    @property
    def unit(self) -> str | None:
        """The unit of all samples."""

    def samples(self, begin: datetime, end: datetime) -> Iterable[Moment]:
        """Return the samples from `begin` until before `end`."""


class Reader:
    """The minutes of an account's variants as CloudWatch shows them at one time, each read once."""

    def __init__(self, state: AccountState, now: datetime) -> None:
        self.state, self.now = state, now
        self._read: dict[tuple[str, str, range], list[Part]] = {}

    def parts(self, endpoint: str, variant: str, window: range) -> list[Part]:
        """Return the minutes of a variant within a window of minutes since 1970."""
        key = (endpoint, variant, window)
        if key not in self._read:
            timeline = self.state.timelines.get(endpoint) or Timeline()
            flows = self.state.flows[endpoint]
            self._read[key] = list(minutes.parts(timeline, flows, variant, window, self.now))
        return self._read[key]

    def metric(self, metric: Document) -> "Emulated | None":
        """Return a variant's metric; None if it is not one of an endpoint with traffic."""
        dimensions = {one["Name"]: one["Value"] for one in metric.get("Dimensions") or ()}
        known = METRICS.get((metric["Namespace"], metric["MetricName"]))
        if not known or set(dimensions) != {"EndpointName", "VariantName"}:
            return None
        endpoint, variant = dimensions["EndpointName"], dimensions["VariantName"]
        if endpoint not in self.state.flows:
            return None
        return Emulated(metric=known, endpoint=endpoint, variant=variant, reader=self)


@dataclass(frozen=True, kw_only=True)
class Emulated:
    """A metric of a variant, computed when it is read (assumed: latency-percentiles)."""

    metric: Metric
    endpoint: str
    variant: str
    reader: Reader

    @property
    def unit(self) -> str:
        """The metric's unit."""
        return self.metric.unit

    def samples(self, begin: datetime, end: datetime) -> Iterator[Moment]:
        """Yield minute by minute; minutes in which the variant did not run are absent."""
        first, stop = (math.ceil(at.timestamp() / _MINUTE) for at in (begin, end))
        only_ones = self.metric.zeros and self.reader.state.settings.error_samples == "ones"
        for part in self.reader.parts(self.endpoint, self.variant, range(first, stop)):
            if self.metric.exists(part.interval.served.instance_type):
                samples = self.metric.samples(part)
                if only_ones:  # (assumed: error-zeros)
                    samples = [one for one in samples if one.scale]
                yield part.minute * _MINUTE, samples


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A metric that users sent with PutMetricData, which moto keeps."""

    data: list[Any]
    unit: str | None = None

    def samples(self, begin: datetime, end: datetime) -> Iterator[Moment]:
        """Yield single values; CloudWatch has no percentiles of values sent as statistic sets."""
        for datum in self.data:
            at = datum.timestamp.replace(tzinfo=UTC)
            if begin <= at < end and hasattr(datum, "value"):
                yield at.timestamp(), same(datum.value, 1)


def sent(backend: Any, metric: Document) -> Sent:
    """Return a metric that users sent with exactly these dimensions, in any order."""
    dimensions = {(one["Name"], one["Value"]) for one in metric.get("Dimensions") or ()}
    data = [
        datum
        for datum in backend.metric_data
        if (datum.namespace, datum.name) == (metric["Namespace"], metric["MetricName"])
        and {(one.name, one.value) for one in datum.dimensions} == dimensions
    ]
    return Sent(data=data, unit=next((datum.unit for datum in data), None))


@dataclass(frozen=True, kw_only=True)
class Window:
    """A time to read, divided into periods that count from its start (assumed: periods)."""

    start: datetime
    end: datetime
    period: int  # seconds
    now: datetime

    @classmethod
    def of(cls, start: datetime, end: datetime, period: int, now: datetime) -> "Window":
        """Return the window of a request, its start rounded down by its age as AWS documents.

        Raises Invalid (ValidationError) for a period that CloudWatch does not accept.
        """
        if period not in _SHORT_PERIODS and (period < _MINUTE or period % _MINUTE):
            message = f"Period {period} has to be 1, 5, 10, 30 or a multiple of 60."
            raise Invalid(message, code="ValidationError")
        start, end = (at.replace(tzinfo=UTC) for at in (start, end))
        return cls(start=_rounded(start, now - start), end=end, period=period, now=now)

    @property
    def readable(self) -> datetime:
        """The start, or the oldest time with points of this period that are still kept."""
        kept = [life for seconds, life in _KEPT if self.period % seconds == 0]
        return max(self.start, self.now - (kept[0] if kept else _KEPT[-1][1]))

    def number(self, seconds: float) -> int:
        """Return the number of the period that a time lies in, seconds since 1970."""
        return int((seconds - self._start) // self.period)

    def stamp(self, number: int) -> datetime:
        """Return when a period begins."""
        return self.start + timedelta(seconds=number * self.period)

    @cached_property
    def _start(self) -> float:
        return self.start.timestamp()


def _rounded(start: datetime, age: timedelta) -> datetime:
    """Return a start rounded down to the minute, five minutes or the hour, by its age."""
    older = (seconds for seconds, life in ((3600, _KEPT[1][1]), (300, _KEPT[2][1])) if age > life)
    seconds = next(older, _MINUTE)
    return datetime.fromtimestamp(start.timestamp() // seconds * seconds, UTC)


def pooled(source: Source, window: Window) -> dict[datetime, list[Samples]]:
    """Return the samples of each period that has any, oldest first."""
    periods: dict[int, list[Samples]] = {}
    for seconds, samples in source.samples(window.readable, window.end):
        if samples:
            periods.setdefault(window.number(seconds), []).extend(samples)
    return {window.stamp(number): samples for number, samples in sorted(periods.items())}


def points(source: Source, window: Window, statistic: Statistic) -> list[Point]:
    """Return a statistic of each period that has samples, oldest first."""
    values = ((at, statistic(samples)) for at, samples in pooled(source, window).items())
    # A trimmed mean without samples is not a number, and gives no point.
    return [(at, value) for at, value in values if not math.isnan(value)]


def listed(state: AccountState) -> list[Document]:
    """Return the metrics of all variants that ever ran on an endpoint with traffic."""
    return [
        {
            "Namespace": metric.namespace,
            "MetricName": metric.name,
            "Dimensions": [
                {"Name": "EndpointName", "Value": endpoint},
                {"Name": "VariantName", "Value": variant},
            ],
        }
        for endpoint in state.flows
        if (timeline := state.timelines.get(endpoint))
        for variant in timeline.variants()
        for metric in METRICS.values()
        if any(metric.exists(one.served.instance_type) for one in timeline.intervals_of(variant))
    ]
