"""GetMetricData: many queries in one call, page by page."""

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self

from airflow_shadow.emulator.account_state import AccountState, Document
from airflow_shadow.emulator.cloudwatch import series
from airflow_shadow.emulator.cloudwatch.series import Point, Reader, Source, Window
from airflow_shadow.emulator.cloudwatch.statistic import PLAIN, parse
from airflow_shadow.emulator.errors import Invalid
from airflow_shadow.emulator.faults import Fault

_MOST_QUERIES = 500
_MOST_POINTS = 100_800


@dataclass(frozen=True)
class Moto:
    """Moto's data, and its way to answer queries."""

    backend: Any
    answer: Callable[[list[Document]], list[Document]]


@dataclass(frozen=True, kw_only=True)
class Query:
    """A query that the emulator answers itself."""

    source: Source
    window: Window
    stat: str
    unit: str | None

    def points(self) -> list[Point]:
        """Return all points, oldest first; none if the query has another unit than the metric."""
        if self.unit and self.unit != self.source.unit:
            return []
        return series.points(self.source, self.window, parse(self.stat))


@dataclass(frozen=True, kw_only=True)
class PageStart:
    """Where a page begins: a query, the number of its points already returned, and the time.

    All pages of a request are read at one time, that of the first.
    """

    query: int = 0
    returned: int = 0
    now: datetime

    @classmethod
    def read(cls, token: str | None, now: datetime) -> Self:
        """Return the page that a token stands for. Raises Invalid (InvalidNextToken)."""
        if not token:
            return cls(now=now)
        try:
            query, returned, at = json.loads(base64.urlsafe_b64decode(token))
            return cls(query=int(query), returned=int(returned), now=datetime.fromisoformat(at))
        except (ValueError, TypeError, binascii.Error) as error:
            raise Invalid(f"NextToken {token!r} is invalid.", code="InvalidNextToken") from error

    def token(self) -> str:
        """Return the token of this page."""
        text = json.dumps([self.query, self.returned, self.now.isoformat()])
        return base64.urlsafe_b64encode(text.encode()).decode()


def answer(state: AccountState, request: Document, now: datetime, moto: Moto) -> Document:
    """Return the answer of GetMetricData; moto answers queries about other metrics.

    Raises Invalid (ValidationError, InvalidNextToken).
    """
    _check(request)
    start = PageStart.read(request.get("NextToken"), now)
    queries = _queries(request)
    ours = _ours(Reader(state, start.now), moto.backend, request)
    theirs = [query for query in queries if query["Id"] not in ours]
    results, next_page = _page(ours, queries, start, request)
    # Moto returns everything at once, with the first page.
    if theirs and (start.query, start.returned) == (0, 0):
        results |= {one["id"]: _named(one) for one in moto.answer(theirs)}
    returned = [query["Id"] for query in queries if query.get("ReturnData") is not False]
    return {
        "MetricDataResults": [results[name] for name in returned if name in results],
        "NextToken": next_page.token() if next_page else None,
    }


def _named(result: Document) -> Document:
    """Return a result of moto's with the API's names and times in UTC."""
    return {
        "Id": result["id"],
        "Label": result["label"],
        "Timestamps": [at.replace(tzinfo=UTC) for at in result["timestamps"]],
        "Values": result["values"],
        "StatusCode": "Complete",
    }


def _check(request: Document) -> None:
    queries, most = _queries(request), request.get("MaxDatapoints") or _MOST_POINTS
    ids = [query["Id"] for query in queries]
    _require(len(ids) <= _MOST_QUERIES, f"{len(ids)} queries were given; 500 are allowed.")
    _require(len(set(ids)) == len(ids), f"The Ids of the queries repeat: {ids}.")
    _require(0 < most <= _MOST_POINTS, f"MaxDatapoints is {most}; it has to be 1 to 100800.")
    _require(
        request["StartTime"] < request["EndTime"],
        "The parameter EndTime must be greater than StartTime.",
    )


def _require(condition: object, problem: str) -> None:
    if not condition:
        raise Invalid(problem, code="ValidationError")


def _ours(reader: Reader, backend: Any, request: Document) -> dict[str, Query]:
    """Return the queries that the emulator answers, and expressions that only repeat one."""
    ours: dict[str, Query] = {}
    for query in _queries(request):
        if (stat := query.get("MetricStat")) and (source := _source(reader, backend, stat)):
            window = Window.of(request["StartTime"], request["EndTime"], stat["Period"], reader.now)
            ours[query["Id"]] = Query(
                source=source, window=window, stat=stat["Stat"], unit=stat.get("Unit")
            )
    for query in _queries(request):
        if query.get("Expression") in ours:
            ours[query["Id"]] = ours[query["Expression"]]
    return ours


def _source(reader: Reader, backend: Any, stat: Document) -> Source | None:
    """Return the samples to answer from; None for plain statistics of metrics that users sent."""
    if found := reader.metric(stat["Metric"]):
        return found
    return None if stat["Stat"] in PLAIN else series.sent(backend, stat["Metric"])


def _page(
    ours: dict[str, Query], queries: list[Document], start: PageStart, request: Document
) -> tuple[dict[str, Document], PageStart | None]:
    """Return one page of the emulator's queries, and the next one (assumed: metric-pages).

    Points before and after the page are not computed.
    """
    room, next_page = request.get("MaxDatapoints") or _MOST_POINTS, None
    newest_first = request.get("ScanBy") != "TimestampAscending"
    results: dict[str, Document] = {}
    for number, query in enumerate(queries):
        if query["Id"] not in ours:
            continue
        page: list[Point] = []
        if number >= start.query and next_page is None and query.get("ReturnData") is not False:
            first = start.returned if number == start.query else 0
            points = ours[query["Id"]].points()[:: -1 if newest_first else 1]
            page = points[first : first + room]
            if len(points) > first + room:
                next_page = replace(start, query=number, returned=first + room)
            room -= len(page)
        results[query["Id"]] = _result(query, page, complete=next_page is None)
    return results, next_page


def _result(query: Document, points: list[Point], *, complete: bool) -> Document:
    stat = query.get("MetricStat")
    label = f"{stat['Metric']['MetricName']} {stat['Stat']}" if stat else query["Id"]
    return {
        "Id": query["Id"],
        "Label": query.get("Label") or label,
        "Timestamps": [at for at, _ in points],
        "Values": [value for _, value in points],
        "StatusCode": "Complete" if complete else "PartialData",
    }


def names(request: Document) -> str:
    """Return the endpoints and variants that a request names, in one text."""
    metrics = (query.get("MetricStat", {}).get("Metric", {}) for query in _queries(request))
    return " ".join(one["Value"] for metric in metrics for one in metric.get("Dimensions") or ())


def _queries(request: Document) -> list[Document]:
    return list(request.get("MetricDataQueries") or ())


def apply_fault(answer: Document, fault: Fault) -> None:
    """Give one `query`, or all of them, the status of a fault, and take its points away."""
    status = fault.options.get("status", "PartialData")
    for result in answer["MetricDataResults"]:
        if fault.options.get("query") in (None, result.get("Id")):
            # PartialData keeps the first half, and no token leads to the rest.
            kept = len(result["Values"]) // 2 if status == "PartialData" else 0
            result["StatusCode"] = status
            result["Values"] = result["Values"][:kept]
            result["Timestamps"] = result["Timestamps"][:kept]
    answer["NextToken"] = None
