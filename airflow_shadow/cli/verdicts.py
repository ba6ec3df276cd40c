"""`analyze`: the verdict on any window, and its report."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow_shadow.analysis import Verdict, text_table
from airflow_shadow.analysis.tables import HEAD, cells
from airflow_shadow.cli.access import ReadingHook, connection, opened, read_file, read_mapping
from airflow_shadow.cli.endpoints import NO
from airflow_shadow.cli.logs import progress, say
from airflow_shadow.cli.output import emit
from airflow_shadow.cli.task import make_context, run_steps
from airflow_shadow.operators.analysis import ShadowAnalysisOperator
from airflow_shadow.steps.analysis import ShadowAnalysisSteps


class _ReadingAnalysis(ShadowAnalysisOperator):
    """Judge without a tag: a window that somebody is curious about is no part of the test."""

    @property
    def aws_hook_class(self) -> Any:  # type: ignore[override]
        """Return the hook's class."""
        return ReadingHook


def analyze(args: Namespace) -> int:
    """Print the verdict on a window; return 3 if its outcome is one that the caller names."""
    verdict = judge_window(args, report=args.report)
    show(verdict, args.output)
    return NO if verdict["outcome"] in args.fail_on else 0


def show(verdict: Mapping[str, Any], output: str) -> None:
    """Print a verdict."""
    judged = Verdict.from_dict(verdict)
    if output == "table":
        print(text_table(judged))
        return
    rows = [dict(zip(HEAD, cells(one), strict=True)) for one in judged.findings]
    emit(rows, output, whole=verdict)


def judge_window(args: Namespace, *, report: str | None = None) -> dict[str, Any]:
    """Return the verdict on the window that the arguments say, as the operator does.

    :param report: where to write the report
    """
    operator = _ReadingAnalysis(
        task_id="analyze",
        name=args.name,
        spec=args.spec and read_file(args.spec, what="a specification"),
        metrics=args.metrics and read_mapping(args.metrics, what="metrics"),
        since=args.since,
        until=args.until,
        duration=args.duration,
        sampling_percentage=args.sampling_percentage,
        report=report and _place(report),
        waiter_delay=1.0,
        deferrable=False,
        **connection(args),
    )
    # Whoever types a path may write there, as the author of a Dag may.
    operator.report_begins = operator.report or ""
    with opened(args, ReadingHook) as hook:
        hook.describe_inference_experiment(args.name)  # or what is wrong, without a wait
    context = make_context()
    with progress(f"Judging {args.name} ..."):
        verdict: dict[str, Any] = run_steps(ShadowAnalysisSteps(operator, context))
    if report:
        say(f"Report: {operator.report}")
    return verdict


def _place(report: str) -> str:
    """Return the path of a report from the root, or the address of an object as it is."""
    return report if "://" in report else str(Path(report).expanduser().absolute())
