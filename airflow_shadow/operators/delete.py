"""Delete the record of an experiment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_shadow._compat import Context
from airflow_shadow.operators.base import RequestOperator

if TYPE_CHECKING:
    from airflow_shadow.steps.base import Steps


class DeleteInferenceExperimentOperator(RequestOperator):
    """Delete a shadow test (DeleteInferenceExperiment) and wait until it is gone.

    Only its record is deleted: endpoint, variants and captured data stay as they are. An experiment
    that does not exist is a success. AWS refuses to delete one that runs: conclude it first.

    Returns the experiment's name.
    """

    api_operation = "DeleteInferenceExperiment"
    deadline_row = "delete"

    def _steps(self, context: Context) -> Steps[Any]:
        from airflow_shadow.steps.delete import DeleteInferenceExperimentSteps

        return DeleteInferenceExperimentSteps(self, context)
