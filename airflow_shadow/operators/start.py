"""Start a scheduled experiment now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_shadow._compat import Context
from airflow_shadow.operators.base import LivingOperator, template_fields

if TYPE_CHECKING:
    from airflow_shadow.steps.base import Steps


class StartInferenceExperimentOperator(LivingOperator):
    """Start a scheduled shadow test early (StartInferenceExperiment) and wait until it runs.

    AWS keeps its end, at most 30 days from the new start. One that runs or starts already is a
    success.

    Returns the experiment's name; its description goes to the XCom `experiment`.

    :param name: name of the experiment (templated)
    :raises AirflowFailException: where another try would end the same
    :raises AirflowException: where a retry may help
    """

    api_operation = "StartInferenceExperiment"
    deadline_row = "start"
    template_fields: Sequence[str] = template_fields("config", "name")

    def __init__(self, *, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.name = name

    def _steps(self, context: Context) -> Steps[Any]:
        from airflow_shadow.steps.start import StartInferenceExperimentSteps

        return StartInferenceExperimentSteps(self, context)
