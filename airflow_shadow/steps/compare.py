"""Read what was captured in the window of a verdict, judge it, and join the two verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow_shadow.analysis import (
    AnalysisSpec,
    AnswerSums,
    Baseline,
    Counts,
    Observations,
    Verdict,
    join_verdicts,
    judge_answers,
)
from airflow_shadow.analysis.answer_summary import summarised
from airflow_shadow.analysis.metric_kinds import ERRORS
from airflow_shadow.analysis.spec import COVERAGE
from airflow_shadow.answers import Examples, Limits, compare_captures
from airflow_shadow.answers.job import ComparisonJob
from airflow_shadow.experiments.lifecycle import sampling
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.hooks.observations import read_observations
from airflow_shadow.operators.answers import CompareAnswersOperator
from airflow_shadow.steps.buckets import check_buckets


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What came of a comparison.

    :param verdict: of metrics and answers
    :param coverage: how many answers there were, in one sentence
    :param answers: name of an output to what a report shows of it, as plain values
    :param is_complete: whether enough of the requests are pairs of captured answers
    """

    verdict: Verdict
    coverage: str
    answers: Mapping[str, Any]
    is_complete: bool


def compare(
    op: CompareAnswersOperator,
    spec: AnalysisSpec,
    experiment: Mapping[str, Any],
    verdict: Mapping[str, Any],
    *,
    sums: AnswerSums,
    earlier: Mapping[str, Sequence[Mapping[str, Any]]],
) -> Compared:
    """Judge the compared answers of a verdict's window, and join that to it.

    :param experiment: what DescribeInferenceExperiment shows
    :param verdict: on the metrics, as plain values
    :param sums: of the answers
    :param earlier: what earlier stages of a rollout counted, by the criterion's name
    :raises AwsError: CloudWatch could not be asked
    """
    hook: InferenceExperimentHook = op.hook
    operational = Verdict.from_dict(verdict)
    counted = _counted(
        hook, spec, experiment, operational, baseline=verdict.get("baseline", ()), earlier=earlier
    )
    answers = judge_answers(spec, replace(counted, answers=sums))
    if not _has_records(sums):
        answers = replace(answers, lacking=(*answers.lacking, _nothing(experiment)))
    [coverage] = [one for one in answers.findings if one.name == COVERAGE]
    return Compared(
        verdict=join_verdicts(operational, answers),
        coverage=coverage.sentence,
        answers={
            name: each.to_dict()
            for name, each in summarised(
                spec.answers, sums, start=operational.start, end=operational.end
            ).items()
        },
        is_complete=coverage.outcome == "PASS",
    )


def read_answers(
    op: CompareAnswersOperator,
    spec: AnalysisSpec,
    experiment: Mapping[str, Any],
    verdict: Mapping[str, Any],
    *,
    known: dict[str, AnswerSums],
) -> AnswerSums:
    """Return the sums of what was captured in a window, with the task's own connection to S3.

    :param verdict: on the metrics, as plain values
    :param known: sums of hours that this process has read, to which new ones are added
    :raises AnswersError: files cannot be read, or not within the limits
    :raises AwsError: S3 could not be asked
    """
    hook: InferenceExperimentHook = op.hook
    job = comparison_of(op, spec, experiment, verdict)
    with hook.capture.client(asked=captured_by(job)) as client:
        return compare_captures(
            job.store(client),
            spec.answers,
            production=job.production,
            shadow=job.shadow,
            start=job.start,
            end=job.end,
            results=op.results,
            # Of hours that are not read there are no examples.
            known=None if op.examples else known,
            limits=Limits(spool_mb=op.spool_mb, memory_mb=op.memory_mb),
            examples=_examples(op),
        )


def comparison_of(
    op: CompareAnswersOperator,
    spec: AnalysisSpec,
    experiment: Mapping[str, Any],
    verdict: Mapping[str, Any],
) -> ComparisonJob:
    """Return what is to be compared in a window, as whoever compares it reads it.

    :raises InvalidRequestError: it would read a bucket that the Dag's author did not name
    """
    captures = experiment["DataStorageConfig"]["Destination"]
    check_buckets(op, spec, captures=captures)
    window = Verdict.from_dict(verdict)
    shadow, _ = sampling(experiment)
    return ComparisonJob(
        captures=captures,
        endpoint=experiment["EndpointMetadata"]["EndpointName"],
        production=experiment["ShadowModeConfig"]["SourceModelVariantName"],
        shadow=str(shadow),
        start=window.start,
        end=window.end,
        answers=spec.answers,
        results=op.results,
        spool_mb=op.spool_mb,
        memory_mb=op.memory_mb,
    )


def captured_by(job: ComparisonJob) -> str:
    """Say what is read, for errors."""
    return f"what endpoint {job.endpoint!r} captured at {job.captures}"


def _examples(op: CompareAnswersOperator) -> Examples | None:
    if not op.examples:
        return None
    return Examples(most=op.examples, path=Path(str(op.examples_path)))


def _counted(
    hook: InferenceExperimentHook,
    spec: AnalysisSpec,
    experiment: Mapping[str, Any],
    judged: Verdict,
    *,
    baseline: Sequence[Mapping[str, Any]],
    earlier: Mapping[str, Sequence[Mapping[str, Any]]],
) -> Observations:
    """Read how many requests there were, and how many of them failed (GetMetricData).

    :param baseline: of the verdict, as plain values
    """
    return read_observations(
        hook,
        spec,
        experiment,
        start=datetime.fromtimestamp(judged.start, UTC),
        end=datetime.fromtimestamp(judged.end, UTC),
        looks=judged.looks,
        sampling_percentage=judged.sampling_percentage,
        baseline=[Baseline(**state) for state in baseline],
        stage=judged.stage,
        stages=judged.stages,
        earlier={name: [Counts(**one) for one in counts] for name, counts in earlier.items()},
        needs=[(metric, "rate") for metric in sorted(ERRORS)],
    )


def _has_records(sums: AnswerSums) -> bool:
    return any(sum(sums.records.get(side, ())) for side in ("production", "shadow"))


def _nothing(experiment: Mapping[str, Any]) -> str:
    """Say where to look if there is no file at all."""
    storage = experiment["DataStorageConfig"]
    role = experiment.get("RoleArn", "the experiment's role")
    return (
        f"nothing was captured at {storage['Destination']}: look whether {role} may write there "
        "(s3:PutObject, and its key), whether the bucket still exists, and what DescribeEndpoint "
        "shows as DataCaptureConfig"
    )
