"""The report of an analysis: read what was judged once more, write one HTML file, link to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from airflow_shadow._compat import Context
from airflow_shadow.analysis import (
    AnalysisSpec,
    Baseline,
    Verdict,
    epoch,
    parse_statistic,
)
from airflow_shadow.analysis.answer_summary import AnswerSummary
from airflow_shadow.experiments.lifecycle import (
    CONCLUDED,
    production_variant,
    recorded_promotion,
    shadow_variant,
    status_of,
)
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.hooks.metric_sources import MetricSource
from airflow_shadow.hooks.observations import read_observations
from airflow_shadow.hooks.periods import readable_period
from airflow_shadow.hooks.reports import report_address, report_place
from airflow_shadow.hooks.storage import write_text
from airflow_shadow.links import ReportLink
from airflow_shadow.report import Ending, Experiment, Stage, render_report

_PACKAGES = ("airflow-shadow", "apache-airflow", "boto3")


def stage_of(
    hook: InferenceExperimentHook,
    *,
    experiment: Mapping[str, Any],
    verdict: Mapping[str, Any],
    spec: AnalysisSpec,
    metrics: Mapping[str, MetricSource] | None = None,
    answers: Mapping[str, Any] | None = None,
) -> Stage:
    """Read what a verdict was judged on once more (GetMetricData), for the report's charts.

    Alarms are not read again: their states are today's.

    :param experiment: what DescribeInferenceExperiment shows
    :param verdict: what an analysis returns
    :param spec: the specification of that verdict
    :param metrics: where to find metrics that are not SageMaker's own
    :param answers: what a comparison left in its XCom of that name
    :raises AwsAccessDeniedError: GetMetricData is not allowed
    :raises MetricsUnreadableError: CloudWatch could not answer in full
    """
    judged = Verdict.from_dict(verdict)
    observations = read_observations(
        hook,
        spec,
        experiment,
        start=datetime.fromtimestamp(judged.start, UTC),
        end=datetime.fromtimestamp(judged.end, UTC),
        looks=judged.looks,
        sampling_percentage=judged.sampling_percentage,
        metrics=metrics,
        limits=limits_of(judged),
        stage=judged.stage,
        stages=judged.stages,
        baseline=[Baseline(**state) for state in verdict.get("baseline", ())],
    )
    return Stage(
        observations=observations,
        verdict=judged,
        looks=tuple(verdict["looked"]),
        answers={name: AnswerSummary.from_dict(each) for name, each in (answers or {}).items()},
    )


def limits_of(verdict: Verdict) -> dict[tuple[str, str], float]:
    """Return production's own percentiles, which a verdict compared requests with."""
    limits = (
        (one.metric, parse_statistic(one.statistic).reference, one.limit)
        for one in verdict.findings
        if one.limit is not None
    )
    return {(metric, name): limit for metric, name, limit in limits if name}


def write_report(
    operator: Any,
    context: Context,
    *,
    path: str,
    stages: Sequence[Stage],
    experiment: Mapping[str, Any],
    spec: AnalysisSpec,
    promoted: bool = False,
) -> str:
    """Write the report and link to it from the task; return its path.

    :param operator: an operator or sensor with our hook
    :param path: below the reports folder, or, if the Dag's author wrote its begin, a local path,
        whose folders are made, or a URL of Airflow's object storage, like `s3://bucket/key` (with
        the operator's connection) or `s3://conn_id@bucket/key`
    :param stages: one for each sampling percentage, in the order of time
    :param experiment: what DescribeInferenceExperiment shows
    :param promoted: whether it is known that the candidate was promoted
    :raises InvalidRequestError: the path leaves its folder, or does not end in `.html`
    :raises ReportNotWrittenError: the file could not be written
    """
    base, way = report_place(path, written=operator.report_begins)
    hook: InferenceExperimentHook = operator.hook
    page = render_report(
        stages=stages,
        experiment=facts_of(experiment, context),
        spec=_as_read(spec, stages, now=hook.now().timestamp()),
        ending=ending_of(experiment, promoted=promoted),
        versions=_versions(),
        made_at=hook.now().timestamp(),
    )
    written = write_text(base, way, page, conn_id=operator.aws_conn_id)
    operator.log.info("Wrote the report to %s", written)
    ReportLink.persist(
        context=context,
        operator=operator,
        region_name=hook.conn_region_name,
        aws_partition=hook.conn_partition,
        path=report_address(base, way, written=written),
    )
    return written


def ending_of(experiment: Mapping[str, Any], *, promoted: bool = False) -> Ending:
    """Return whether an experiment is over, when, and whether its candidate was promoted.

    :param promoted: whether that is known besides the experiment's own record
    """
    if status_of(experiment) not in CONCLUDED:
        end = (experiment.get("Schedule") or {}).get("EndTime")
        return Ending(at=None if end is None else epoch(end))
    at = experiment.get("CompletionTime")
    return Ending(
        concluded=True,
        promoted=promoted or recorded_promotion(experiment),
        at=None if at is None else epoch(at),
    )


def _as_read(spec: AnalysisSpec, stages: Sequence[Stage], *, now: float) -> AnalysisSpec:
    """Return the specification with the period that was read: CloudWatch forgets short ones."""
    oldest = min((stage.observations.start for stage in stages), default=now)
    age = timedelta(seconds=max(0.0, now - oldest))
    return replace(spec, period=readable_period(spec.period, age=age))


def facts_of(experiment: Mapping[str, Any], context: Any) -> Experiment:
    """Return what the report says about an experiment, and about the run that judged it, if any."""
    ti = context["ti"]
    # arn:partition:service:region:account:...
    _, _, _, region, account, *_ = f"{experiment.get('Arn', '')}:::::".split(":")
    return Experiment(
        name=experiment["Name"],
        endpoint=(experiment.get("EndpointMetadata") or {}).get("EndpointName", ""),
        production_model=_model(production_variant(experiment)),
        shadow_model=_model(shadow_variant(experiment)),
        account=account,
        region=region,
        more={"Dag": ti.dag_id, "Dag run": ti.run_id} if ti.dag_id else {},
    )


def _model(variant: Mapping[str, Any] | None) -> str:
    return str((variant or {}).get("ModelName", ""))


def _versions() -> dict[str, str]:
    """Return the versions that a verdict depends on; a worker may lack one of the packages."""
    found = {}
    for package in _PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
