"""Start a scheduled experiment now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.providers.amazon.aws.utils.mixins import aws_template_fields

from airflow_shadow.operators.base import LivingOperator


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
    flow = "airflow_shadow.flows.start.StartInferenceExperimentFlow"
    deadline_row = "start"
    template_fields: Sequence[str] = aws_template_fields("config", "name")

    def __init__(self, *, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.name = name
