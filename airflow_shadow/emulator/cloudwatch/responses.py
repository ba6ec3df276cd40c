"""CloudWatch: moto's, with the metrics of endpoints, and statistics that moto lacks."""

import json
from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.common_types import TYPE_RESPONSE
from moto.core.responses import ActionResult

from airflow_shadow.emulator.account_state import Document
from airflow_shadow.emulator.base_response import EmulatedResponse
from airflow_shadow.emulator.cloudwatch import metric_data, series
from airflow_shadow.emulator.cloudwatch.metric_data import Moto
from airflow_shadow.emulator.cloudwatch.series import Reader, Source, Window
from airflow_shadow.emulator.cloudwatch.statistic import Pool, parse
from airflow_shadow.emulator.errors import Invalid
from airflow_shadow.emulator.sagemaker import listing

_PAGE = 500
_JSON = ("application/x-amz-json-1.0", "application/x-amz-json-1.1")
_MOST_POINTS = 1440


class ShadowMetrics(EmulatedResponse, CloudWatchResponse):
    """Moto's CloudWatch with the metrics that variants of endpoints send."""

    def get_metric_data(self) -> ActionResult:
        moto = Moto(self.cloudwatch_backend, self._motos_data)
        answer = metric_data.answer(self.state, self.request, self.now, moto)
        names = metric_data.names(self.request)
        fault = self.state.take_fault("metric-status", operation=self.operation, names=names)
        if fault:
            metric_data.apply_fault(answer, fault)
        return ActionResult(answer)

    def serialized(self, action_result: ActionResult) -> TYPE_RESPONSE:
        """Serialise the points here, because moto takes three times as long for a week of them."""
        kind, answer = self.headers.get("Content-Type", ""), action_result.result
        if kind not in _JSON or not isinstance(answer, dict) or "MetricDataResults" not in answer:
            return super().serialized(action_result)
        kept = {name: value for name, value in answer.items() if value is not None}
        headers = {"Content-Type": kind, **self.response_headers}
        return 200, headers, json.dumps(kept, default=datetime.timestamp)

    def _motos_data(self, queries: list[Document]) -> list[Document]:
        params = self.params
        self.params = {**dict(params), "MetricDataQueries": queries, "NextToken": None}
        try:
            answer: Any = super().get_metric_data().result
        finally:
            self.params = params
        return list(answer["MetricDataResults"])

    def get_metric_statistics(self) -> ActionResult:
        request = self.request
        source: Source | None = Reader(self.state, self.now).metric(request)
        if source is None and request.get("ExtendedStatistics"):
            source = series.sent(self.cloudwatch_backend, request)
        if source is None:
            return super().get_metric_statistics()
        points = _datapoints(source, request, self.now)
        return ActionResult({"Label": request["MetricName"], "Datapoints": points})

    def list_metrics(self) -> ActionResult:
        """List the metrics that users sent, then those of endpoints."""
        request = self.request
        backend: Any = self.cloudwatch_backend
        theirs = backend.get_filtered_metrics(
            request.get("MetricName"), request.get("Namespace"), request.get("Dimensions") or []
        )
        ours = [one for one in series.listed(self.state) if _fits(one, request)]
        found = [*(_listing(one) for one in theirs), *ours]
        page, token = listing.page(found, request, key=lambda one: (str(one),), size=_PAGE)
        return ActionResult({"Metrics": page, "NextToken": token})


def _datapoints(source: Source, request: Document, now: datetime) -> list[Document]:
    plain = request.get("Statistics") or []
    extended = request.get("ExtendedStatistics") or []
    _require(plain or extended, "Must specify either Statistics or ExtendedStatistics.")
    _require(
        request["StartTime"] < request["EndTime"],
        "The parameter StartTime must be less than the parameter EndTime.",
    )
    window = Window.of(request["StartTime"], request["EndTime"], request["Period"], now)
    if request.get("Unit") not in (None, source.unit):
        return []
    periods = series.pooled(source, window)
    _require(
        len(periods) <= _MOST_POINTS,
        f"You have requested {len(periods)} datapoints, which exceeds the limit of 1440.",
    )
    return [
        {
            "Timestamp": at.astimezone(UTC),
            "Unit": source.unit,
            **_values(plain, pool),
            **({"ExtendedStatistics": _values(extended, pool)} if extended else {}),
        }
        for at, pool in periods.items()
    ]


def _values(names: list[str], pool: Pool) -> dict[str, float]:
    return {name: parse(name)(pool) for name in names}


def _require(condition: object, problem: str) -> None:
    if not condition:
        raise Invalid(problem, code="InvalidParameterCombination")


def _listing(datum: Any) -> Document:
    """Return a metric of moto's as ListMetrics shows it."""
    dimensions = [{"Name": one.name, "Value": one.value} for one in datum.dimensions]
    return {"Namespace": datum.namespace, "MetricName": datum.name, "Dimensions": dimensions}


def _fits(metric: Document, request: Document) -> bool:
    own = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
    return (
        request.get("Namespace") in (None, metric["Namespace"])
        and request.get("MetricName") in (None, metric["MetricName"])
        and all(
            one["Name"] in own and one.get("Value") in (None, own[one["Name"]])
            for one in request.get("Dimensions") or ()
        )
    )
