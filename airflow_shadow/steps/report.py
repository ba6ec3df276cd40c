"""The report of an analysis: read again what was judged, write one HTML file, link to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from airflow_shadow._compat import Context
from airflow_shadow.analysis import AnalysisSpec, Baseline, Verdict, parse_statistic
from airflow_shadow.experiments.lifecycle import production_variant, shadow_variant
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.hooks.observations import read_observations
from airflow_shadow.hooks.periods import readable_period
from airflow_shadow.hooks.reports import report_place
from airflow_shadow.hooks.sources import MetricSource
from airflow_shadow.hooks.storage import write_text
from airflow_shadow.links import ReportLink
from airflow_shadow.report import Experiment, Stage, render_report

_PACKAGES = ("airflow-shadow", "apache-airflow", "boto3")


def stage_of(
    hook: InferenceExperimentHook,
    *,
    experiment: Mapping[str, Any],
    spec: AnalysisSpec,
    verdict: Verdict,
    metrics: Mapping[str, MetricSource] | None = None,
    looks: Sequence[float] = (),
    record: Sequence[Mapping[str, Any]] = (),
) -> Stage:
    """Read what a verdict was judged on once more (GetMetricData), for the report's charts.

    Alarms are not asked again: they would tell of today.

    :param experiment: what DescribeInferenceExperiment shows
    :param spec: the one that was judged by
    :param metrics: where to find metrics that are not SageMaker's own
    :param looks: when it was judged, seconds since 1970
    :param record: what production was then, as plain values
    :raises AwsAccessDeniedError: of `cloudwatch:GetMetricData`
    :raises MetricsUnreadableError: CloudWatch could not answer in full
    """
    start, end = (datetime.fromtimestamp(each, UTC) for each in (verdict.start, verdict.end))
    observations = read_observations(
        hook,
        replace(spec, outside=()),
        experiment,
        start=start,
        end=end,
        looks=verdict.looks,
        sampling_percentage=verdict.sampling_percentage,
        metrics=metrics,
        limits=limits_of(verdict),
        stage=verdict.stage,
        stages=verdict.stages,
        baseline=[Baseline(**state) for state in record],
    )
    return Stage(observations=observations, verdict=verdict, looks=tuple(looks))


def limits_of(verdict: Verdict) -> dict[tuple[str, str], float]:
    """Return production's own percentiles that a verdict held requests against."""
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
    title: str,
    stages: Sequence[Stage],
    experiment: Mapping[str, Any],
    spec: AnalysisSpec,
) -> str:
    """Write the report and link to it from the task; return where it lies.

    :param operator: an operator or sensor with our hook
    :param path: below the reports folder, or what the Dag's author wrote out: a local path, whose
        folders are made, or a URL of Airflow's object storage, like `s3://bucket/key` (with the
        operator's connection) or `s3://conn_id@bucket/key`
    :param title: heading of the page
    :param stages: one for each sampling percentage, in the order of time
    :param experiment: what DescribeInferenceExperiment shows
    :param spec: what was judged by
    :raises InvalidRequestError: it would leave its folder, or is no `.html` file
    :raises ReportNotWrittenError: it could not be written there
    """
    base, way = report_place(path, written=operator.report_begins)
    hook: InferenceExperimentHook = operator.hook
    page = render_report(
        title=title,
        stages=stages,
        experiment=facts_of(experiment, context),
        spec=_as_read(spec, stages, now=hook.now().timestamp()),
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
        path=written,
    )
    return written


def _as_read(spec: AnalysisSpec, stages: Sequence[Stage], *, now: float) -> AnalysisSpec:
    """Return the specification with the period that was read: CloudWatch forgets short ones."""
    oldest = min((stage.observations.start for stage in stages), default=now)
    age = timedelta(seconds=max(0.0, now - oldest))
    return replace(spec, period=readable_period(spec.period, age=age))


def facts_of(experiment: Mapping[str, Any], context: Any) -> Experiment:
    """Return what the report tells of an experiment, and of the run that judged it."""
    ti = context["ti"]
    region, account = _region_and_account(experiment.get("Arn", ""))
    return Experiment(
        name=experiment["Name"],
        endpoint=(experiment.get("EndpointMetadata") or {}).get("EndpointName", ""),
        production_model=_model(production_variant(experiment)),
        shadow_model=_model(shadow_variant(experiment)),
        account=account,
        region=region,
        more={"Dag": ti.dag_id, "Dag run": ti.run_id},
    )


def _model(variant: Mapping[str, Any] | None) -> str:
    return str((variant or {}).get("ModelName", ""))


def _region_and_account(arn: str) -> tuple[str, str]:
    """Return region and account of `arn:partition:service:region:account:...`."""
    _, _, _, region, account, *_ = [*arn.split(":"), "", "", "", "", ""]
    return region, account


def _versions() -> dict[str, str]:
    """Return the versions that a verdict depends on; a worker may lack one of the packages."""
    found = {package: _version(package) for package in _PACKAGES}
    return {package: known for package, known in found.items() if known}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
