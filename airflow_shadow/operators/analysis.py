"""Judge a candidate once, on a window that is over."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow_shadow._compat import Context
from airflow_shadow.links import EndpointLink, MetricsLink, ReportLink
from airflow_shadow.operators.base import ShadowOperator, template_fields
from airflow_shadow.operators.choices import Choices, VerdictOutcome
from airflow_shadow.operators.templating import NEVER_NOTHING

if TYPE_CHECKING:
    from airflow_shadow.analysis import AnalysisSpec
    from airflow_shadow.steps.base import Steps


class ShadowAnalysisOperator(ShadowOperator):
    """Judge a shadow test on one window, as a planned look (GetMetricData, DescribeAlarms).

    What production is (DescribeEndpoint, DescribeEndpointConfig) is read at the begin and at the
    look, and kept in tags of the experiment (ListTags, AddTags), as are production's own limits.

    The task waits until CloudWatch has the window's last minutes. The same experiment and window
    give the same verdict, apart from alarms, which are read as they are now, as long as CloudWatch
    keeps the minutes: 15 days, or with longer periods 63 and 455.

    Returns the verdict as JSON-able values, whatever it is; the evidence as a table in Markdown
    goes to the XCom `evidence`, the experiment's description to `experiment`.

    :param name: name of the experiment (templated)
    :param spec: what is judged: an `AnalysisSpec`, a mapping, JSON or YAML text, or the path of a
        `.json` or `.yaml` file on the template path; the default one unless given (templated)
    :param since: begin of the window, such as the XCom `since` of the task that created or updated
        the experiment; of a live one its last change unless given, else its start (templated)
    :param duration: length of the window; unless given, up to the experiment's end or AWS's now
        (duration, templated)
    :param until: end of the window, instead of its length (templated)
    :param sampling_percentage: that of the window, 0 to 100, if it was changed since (templated)
    :param metrics: metrics that are not SageMaker's own: name to a mapping with `namespace`, `name`
        and `dimensions`
    :param fail_on: outcomes that fail the task, such as `("FAIL", "INCONCLUSIVE")`
    :param report: where to write an HTML report, such as `"{{ ds }}.html"`: a path below
        `[airflow_shadow] reports_folder`, or a local path or URL such as
        `s3://bucket/{{ ds }}.html`, whose first part must not be a template (templated)
    :raises AirflowFailException: the outcome is one of `fail_on`, or the metrics may not be read
    :raises AirflowException: where a retry may help
    """

    api_operation = "DescribeInferenceExperiment"
    deadline_row = "analysis"
    choices: ClassVar[Choices] = {"fail_on": get_args(VerdictOutcome)}
    template_fields: Sequence[str] = template_fields(
        "duration", "name", "report", "sampling_percentage", "since", "spec", "until"
    )
    #: Without a length the window would last as long as the experiment.
    never_nothing = NEVER_NOTHING | {"duration"}
    file_fields = ("spec",)
    template_fields_renderers = {"spec": "json"}  # noqa: RUF012 - as in Airflow's own operators
    operator_extra_links = (EndpointLink(), MetricsLink(), ReportLink())

    def __init__(
        self,
        *,
        name: str | None = None,
        spec: AnalysisSpec | Mapping[str, Any] | str | None = None,
        since: datetime | str | None = None,
        duration: timedelta | float | str | None = None,
        until: datetime | str | None = None,
        sampling_percentage: float | str | None = None,
        metrics: Mapping[str, Mapping[str, Any]] | None = None,
        fail_on: Collection[VerdictOutcome] = (),
        report: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.spec = spec
        self.has_spec = spec is not None
        self.since = since
        self.duration: Any = duration
        self.until = until
        self.sampling_percentage = sampling_percentage
        self.metrics = metrics
        self.fail_on = fail_on
        self.report = report
        self.check_literals()

    def _steps(self, context: Context) -> Steps[Any]:
        from airflow_shadow.steps.analysis import ShadowAnalysisSteps

        return ShadowAnalysisSteps(self, context)
