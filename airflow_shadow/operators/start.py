"""Start a scheduled experiment now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_shadow._compat import Context
from airflow_shadow.operators.base import LiveExperimentOperator

if TYPE_CHECKING:
    from airflow_shadow.steps.base import Steps


class StartInferenceExperimentOperator(LiveExperimentOperator):
    """Start a scheduled shadow test early (StartInferenceExperiment) and wait until it runs.

    AWS keeps its end, at most 30 days from the new start. An experiment that runs or starts already
    is a success.

    Returns the experiment's name; its description goes to the XCom `experiment`.
    """

    api_operation = "StartInferenceExperiment"
    deadline_row = "start"

    def _steps(self, context: Context) -> Steps[Any]:
        from airflow_shadow.steps.start import StartInferenceExperimentSteps

        return StartInferenceExperimentSteps(self, context)
