"""Numbers in, verdict out: whether a shadow variant may be promoted, and on what evidence."""

from __future__ import annotations

from airflow_shadow.analysis.answer_path import AnswerPath, parse_answer
from airflow_shadow.analysis.answer_sums import AnswerSums
from airflow_shadow.analysis.breaker import Breaker
from airflow_shadow.analysis.criterion import Criterion, OutsideCriterion
from airflow_shadow.analysis.defaults import default_breakers, default_criteria
from airflow_shadow.analysis.forecast import Forecast, forecast, forecast_table
from airflow_shadow.analysis.history import History
from airflow_shadow.analysis.join import join_verdicts
from airflow_shadow.analysis.judge import judge, judge_answers
from airflow_shadow.analysis.observations import (
    SILENT,
    Baseline,
    Counts,
    Observations,
    Outcome,
    OutsideResult,
    Pair,
    Series,
)
from airflow_shadow.analysis.outputs import Output
from airflow_shadow.analysis.parsing import read_spec
from airflow_shadow.analysis.spec import AnalysisSpec
from airflow_shadow.analysis.stage_forecast import PlannedStage, StageForecast
from airflow_shadow.analysis.statistic import Statistic, parse_statistic
from airflow_shadow.analysis.tables import escaped, markdown_table, text_table
from airflow_shadow.analysis.verdict import BreakerFinding, Finding, Verdict
from airflow_shadow.text.values import epoch

__all__ = [
    "SILENT",
    "AnalysisSpec",
    "AnswerPath",
    "AnswerSums",
    "Baseline",
    "Breaker",
    "BreakerFinding",
    "Counts",
    "Criterion",
    "Finding",
    "Forecast",
    "History",
    "Observations",
    "Outcome",
    "Output",
    "OutsideCriterion",
    "OutsideResult",
    "Pair",
    "PlannedStage",
    "Series",
    "StageForecast",
    "Statistic",
    "Verdict",
    "default_breakers",
    "default_criteria",
    "epoch",
    "escaped",
    "forecast",
    "forecast_table",
    "join_verdicts",
    "judge",
    "judge_answers",
    "markdown_table",
    "parse_answer",
    "parse_statistic",
    "read_spec",
    "text_table",
]
