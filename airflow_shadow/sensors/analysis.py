"""Judge a candidate while its experiment runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.utils.mixins import aws_template_fields

from airflow_shadow._compat import Context
from airflow_shadow.links import EndpointLink, MetricsLink, ReportLink
from airflow_shadow.operators.templating import NEVER_NOTHING
from airflow_shadow.sensors.base import ShadowSensor

if TYPE_CHECKING:
    from airflow_shadow.analysis import AnalysisSpec
    from airflow_shadow.steps.status import SensorSteps


class ShadowAnalysisSensor(ShadowSensor):
    """Judge the evidence at interim looks until it suffices, or the window is over.

    FAIL ends the wait at any look, PASS at a planned one, and so does "good so far" below 100 %
    sampling; the last planned look ends it with any verdict. FAIL does not fail the task. The first
    planned look is after `duration`, the last after `max_duration`; the specification's
    `planned_looks` says how many there are. More looks make no error more likely, see
    docs/analysis.md. If somebody concludes the experiment, the verdict is FAIL or INCONCLUSIVE.

    Each poll calls DescribeInferenceExperiment; each look GetMetricData, DescribeAlarms and
    DescribeEndpoint, and once DescribeEndpointConfig: a change of production in the window makes
    the verdict INCONCLUSIVE. With `min_remaining` and `duration` the task first moves the
    experiment's end, if needed (UpdateInferenceExperiment), and again where a planned look decides
    nothing. Before the first look it tags the experiment with production's own limits and with what
    production is (ListTags, GetMetricData, AddTags), so that a later verdict on the window is the
    same; without permission to tag there is a warning.

    Returns the verdict as JSON-able values; the evidence as a table in Markdown goes to the XCom
    `evidence`, the experiment's description to `experiment`. The same experiment and window give
    the same verdict, apart from alarms, as long as CloudWatch keeps the minutes.

    :param spec: what is judged: an `AnalysisSpec`, a mapping, JSON or YAML text, or the path of a
        `.json` or `.yaml` file on the template path; the default one unless given (templated)
    :param since: begin of the window, such as the XCom `since` of the task that created or updated
        the experiment; unless given, the experiment's last change, which may be its creation, when
        the shadow was still being deployed (templated)
    :param duration: length of the window up to the first planned look; unless given, up to
        `min_remaining`, or a quarter of an hour, before the experiment's end; a template that
        renders to nothing is refused (duration, templated)
    :param max_duration: length up to the last planned look; unless given, or where it is not longer
        than `duration`, there is one planned look (duration, templated)
    :param interval: time between two looks, by AWS's clock; by default a 200th of the longest
        window, of seven days without a duration, but at least five minutes (duration, templated)
    :param sampling_percentage: that of the window, 0 to 100, if it was changed since (templated)
    :param metrics: metrics that are not SageMaker's own: name to a mapping with `namespace`, `name`
        and `dimensions`
    :param min_remaining: how long the experiment must live on after the window, or 0; if there is a
        `duration`, its end is moved when needed, from planned look to planned look, to 30 days
        after its start at most; without `since` it is moved for the last one at once (duration,
        templated)
    :param report: where to write an HTML report, such as `"{{ ds }}.html"`: a path below
        `[airflow_shadow] reports_folder`, or a local path or URL such as
        `s3://bucket/{{ ds }}.html`, whose first part must not be a template (templated)
    :raises AirflowSensorTimeout: the timeout ran out
    :raises AirflowFailException: the experiment failed, the metrics may not be read, or without a
        `duration` the experiment ends too early
    """

    template_fields: Sequence[str] = aws_template_fields(
        "duration",
        "interval",
        "max_duration",
        "min_remaining",
        "name",
        "report",
        "sampling_percentage",
        "since",
        "spec",
    )
    file_fields = ("spec",)
    #: Without a duration the window would last as long as the experiment.
    never_nothing = NEVER_NOTHING | {"duration", "max_duration", "min_remaining"}
    template_fields_renderers = {"spec": "json"}  # noqa: RUF012 - as in Airflow's own operators
    operator_extra_links = (EndpointLink(), MetricsLink(), ReportLink())

    def __init__(
        self,
        *,
        spec: AnalysisSpec | Mapping[str, Any] | str | None = None,
        since: datetime | str | None = None,
        duration: timedelta | float | str | None = None,
        max_duration: timedelta | float | str | None = None,
        interval: timedelta | float | str | None = None,
        sampling_percentage: float | str | None = None,
        metrics: Mapping[str, Mapping[str, Any]] | None = None,
        min_remaining: timedelta | float | str | None = None,
        report: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.spec = spec
        self.has_spec = spec is not None
        self.since = since
        self.duration: Any = duration
        self.max_duration: Any = max_duration
        self.interval: Any = interval
        self.sampling_percentage = sampling_percentage
        self.metrics = metrics
        self.min_remaining: Any = min_remaining
        self.report = report

    def _steps(self, context: Context) -> SensorSteps[Any]:
        from airflow_shadow.steps.analysis import AnalysisSensorSteps

        return AnalysisSensorSteps(self, context)
