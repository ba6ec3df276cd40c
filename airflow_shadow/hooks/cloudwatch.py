"""CloudWatch: points of metrics, all of them or an error, and the states of alarms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

from airflow_shadow.exceptions import AwsAccessDeniedError, MetricsUnreadableError, NotFoundError
from airflow_shadow.hooks.base import CallingHook
from airflow_shadow.text.messages import short_reprs

Item = TypeVar("Item")
#: Start of a period (seconds since 1970) to value.
Points = dict[float, float]

_MOST_QUERIES = 500  # of one GetMetricData
_MOST_ALARMS = 100  # names in one DescribeAlarms


@dataclass(frozen=True, kw_only=True)
class Query:
    """One statistic of one metric.

    :param dimensions: name and value of each; CloudWatch knows a metric by all of them
    :param statistic: as CloudWatch spells it, like `Sum` or `TC(250000:)`
    """

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str

    def request(self, identifier: str, period: int) -> dict[str, Any]:
        """Return the query in the words of GetMetricData; the period is in seconds."""
        dimensions = [{"Name": name, "Value": value} for name, value in self.dimensions]
        metric = {
            "Namespace": self.namespace,
            "MetricName": self.name,
            "Dimensions": dimensions,
        }
        stat = {"Metric": metric, "Period": period, "Stat": self.statistic}
        return {"Id": identifier, "MetricStat": stat}

    def __str__(self) -> str:
        """Return its name in error messages."""
        dimensions = ", ".join(f"{name}={value}" for name, value in self.dimensions)
        return f"{self.namespace} {self.name} {self.statistic} of {dimensions}"


class CloudWatchHook(CallingHook):
    """Read metrics and alarms of Amazon CloudWatch.

    Every method raises the errors of :mod:`airflow_shadow.exceptions`. The parameters are those of
    :class:`~airflow_shadow.hooks.base.CallingHook`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["client_type"] = "cloudwatch"
        super().__init__(*args, **kwargs)

    def read_points(
        self, queries: Sequence[Query], *, start: float, end: float, period: int
    ) -> dict[Query, Points]:
        """Read all points of each query (GetMetricData), page by page, at most 500 queries a call.

        A period without data is absent. An incomplete answer is an error, because what it lacks
        would look like a period without data.

        :param start: begin of the window in seconds since 1970, from which the periods count
            (assumed: `periods`)
        :param end: its end, exclusive, and later than the start
        :param period: seconds, a multiple of 60
        :raises AwsAccessDeniedError: the caller may not read metrics, or not one of these
        :raises MetricsUnreadableError: CloudWatch could not answer a query in full
        """
        window = {
            "StartTime": datetime.fromtimestamp(start, UTC),
            "EndTime": datetime.fromtimestamp(end, UTC),
            "ScanBy": "TimestampAscending",
        }
        found: dict[Query, Points] = {}
        for batch in _batches(queries, _MOST_QUERIES):
            named = {f"q{number}": query for number, query in enumerate(batch)}
            requests = [query.request(name, period) for name, query in named.items()]
            found |= self._read_pages(named, {**window, "MetricDataQueries": requests})
        return found

    def _read_pages(
        self, named: Mapping[str, Query], request: Mapping[str, Any]
    ) -> dict[Query, Points]:
        points: dict[Query, Points] = {query: {} for query in named.values()}
        last: dict[str, Mapping[str, Any]] = {}
        asked = f"cloudwatch:GetMetricData, {len(named)} queries"
        for page in self.pages("GetMetricData", request, asked=asked):
            for result in page["MetricDataResults"]:
                query, last[result["Id"]] = named[result["Id"]], result
                _refuse_failed(query, result)
                times = (time.timestamp() for time in result["Timestamps"])
                points[query].update(zip(times, result["Values"], strict=True))
        for name, query in named.items():
            _refuse_partial(query, last.get(name))
        return points

    def alarm_states(self, names: Sequence[str]) -> dict[str, str]:
        """Read the state of each alarm (DescribeAlarms): `OK`, `ALARM` or `INSUFFICIENT_DATA`.

        :param names: of metric alarms and composite alarms
        :raises NotFoundError: there is no alarm of one of the names
        """
        states: dict[str, str] = {}
        for batch in _batches(names, _MOST_ALARMS):
            states |= self._alarm_states(batch)
        missing = sorted(set(names) - set(states))
        if missing:
            found = f"no alarm named {short_reprs(missing)}"
            raise NotFoundError(asked="the states of CloudWatch alarms", found=found)
        return states

    def _alarm_states(self, names: Sequence[str]) -> dict[str, str]:
        # Composite alarms are described only on request.
        kinds = ["MetricAlarm", "CompositeAlarm"]
        request = {"AlarmNames": list(names), "AlarmTypes": kinds, "MaxRecords": _MOST_ALARMS}
        asked = f"cloudwatch:DescribeAlarms {', '.join(map(repr, names))}"
        return {
            alarm["AlarmName"]: alarm["StateValue"]
            for page in self.pages("DescribeAlarms", request, asked=asked)
            for kind in ("MetricAlarms", "CompositeAlarms")
            for alarm in page.get(kind, ())
        }


def _batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    left = iter(dict.fromkeys(items))
    while batch := list(islice(left, size)):
        yield batch


def _refuse_failed(query: Query, result: Mapping[str, Any]) -> None:
    """Raise the errors that no later page corrects."""
    asked, reason = f"cloudwatch:GetMetricData {query}", _reason(result)
    if result["StatusCode"] == "Forbidden":
        found = "reading this metric is forbidden"
        raise AwsAccessDeniedError(asked=asked, found=found, reason=reason)
    if result["StatusCode"] == "InternalError":
        found = "CloudWatch failed to answer this query"
        raise MetricsUnreadableError(asked=asked, found=found, reason=reason)


def _refuse_partial(query: Query, result: Mapping[str, Any] | None) -> None:
    """Raise if the last page left a query incomplete; on earlier pages that is normal."""
    if result is None or result["StatusCode"] != "Complete":
        status = result["StatusCode"] if result else "no result"
        raise MetricsUnreadableError(
            asked=f"cloudwatch:GetMetricData {query}",
            found=f"{status} on the last page, so points are missing",
            reason=_reason(result or {}),
        )


def _reason(result: Mapping[str, Any]) -> str:
    return "; ".join(message.get("Value", "") for message in result.get("Messages") or ())
