"""The verdict as one HTML file that a person can read anywhere, and keep."""

from __future__ import annotations

from airflow_shadow.report.inputs import Ending, Experiment, Stage
from airflow_shadow.report.page import render_report

__all__ = ["Ending", "Experiment", "Stage", "render_report"]
