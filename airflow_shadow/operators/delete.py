"""Delete the record of an experiment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_shadow._compat import Context
from airflow_shadow.operators.base import RequestOperator, template_fields

if TYPE_CHECKING:
    from airflow_shadow.steps.base import Steps


class DeleteInferenceExperimentOperator(RequestOperator):
    """Delete a shadow test (DeleteInferenceExperiment) and wait until it is gone.

    Only its record goes: endpoint, variants and captured data stay as they are. One that does not
    exist is a success. AWS refuses while it runs: conclude it first.

    Returns the experiment's name.

    :param name: name of the experiment (templated)
    :raises AirflowFailException: where another try would end the same
    :raises AirflowException: where a retry may help
    """

    api_operation = "DeleteInferenceExperiment"
    deadline_row = "delete"
    template_fields: Sequence[str] = template_fields("config", "name")

    def __init__(self, *, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.name = name

    def _steps(self, context: Context) -> Steps[Any]:
        from airflow_shadow.steps.delete import DeleteInferenceExperimentSteps

        return DeleteInferenceExperimentSteps(self, context)
