"""Stop an experiment with any map of actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_shadow._compat import Context
from airflow_shadow.operators.base import RequestOperator, template_fields

if TYPE_CHECKING:
    from airflow_shadow.steps.base import Steps


class StopInferenceExperimentOperator(RequestOperator):
    """Stop a shadow test with any map of actions (StopInferenceExperiment) and wait for its end.

    For promotion and removal prefer their own operators, which check more. This one sends what it
    is given, with two defaults of its own: `desired_state` is `Completed` if a variant is promoted
    and else `Cancelled`, and `reason` names the task. An experiment that has concluded already is a
    success, unless a promotion was asked for and did not happen.

    It promotes nothing if production runs another model by now than the candidate was tested
    against, or if the candidate's model was created again since. The safeguards that
    :class:`PromoteShadowVariantOperator` lifts by an argument it lacks, for whoever gives the map
    has lifted them: it reads no verdict, promotes at any sampling percentage, loses settings and
    automatic scaling, and neither looks at nor tells other runs what was promoted.

    Returns the experiment's name; its description goes to the XCom `experiment`.

    :param model_variant_actions: variant name to `Retain`, `Remove` or `Promote`; names are
        rendered too (templated)
    :param desired_model_variants: infrastructure of the variants that remain (templated)
    :param desired_state: `Completed` or `Cancelled` (templated)
    :param reason: why, at most 1,024 characters; becomes the `StatusReason` (templated)
    """

    api_operation = "StopInferenceExperiment"
    deadline_row = "stop"
    file_fields = ("config", "desired_model_variants", "model_variant_actions")
    template_fields: Sequence[str] = template_fields(
        *file_fields, "desired_state", "name", "reason"
    )
    template_fields_renderers = dict.fromkeys(file_fields, "json")

    def __init__(
        self,
        *,
        model_variant_actions: Mapping[str, str] | str | None = None,
        desired_model_variants: Sequence[Mapping[str, Any]] | str | None = None,
        desired_state: str | None = None,
        reason: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.model_variant_actions = model_variant_actions
        self.desired_model_variants = desired_model_variants
        self.desired_state = desired_state
        self.reason = reason

    def _steps(self, context: Context) -> Steps[Any]:
        from airflow_shadow.steps.stop import StopInferenceExperimentSteps

        return StopInferenceExperimentSteps(self, context)
