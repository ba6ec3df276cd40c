"""What operators and sensors share: templates, a hook, and steps that do the work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_shadow._compat import AirflowException, Context
from airflow_shadow.exceptions import no_event
from airflow_shadow.links import EndpointLink, MetricsLink
from airflow_shadow.operators.templating import TextTemplates
from airflow_shadow.text.values import as_boolean

if TYPE_CHECKING:
    from airflow_shadow.steps.base import Steps


class ShadowTask(TextTemplates):
    """Base of operators and sensors; steps and hook are imported when it runs, not by Dag files.

    :param aws_conn_id: Airflow connection of type `aws` (templated)
    :param region_name: AWS region, if not the connection's (templated)
    :param verify: whether, or with which CA bundle, to verify TLS certificates (templated)
    :param botocore_config: settings of the botocore client
    """

    # Airflow would read every nested string that ends so as a file.
    template_ext: Sequence[str] = ()
    ui_color = "#e8f0fe"
    operator_extra_links: Any = (EndpointLink(), MetricsLink())
    _running: Steps[Any] | None = None
    #: Whether this run of the task, in this process or before a deferral, may have left its links.
    has_links = False

    def _steps(self, context: Context) -> Steps[Any]:
        """Return what the task does."""
        raise NotImplementedError

    # Not named `execute`: Airflow 2.11 guards that method, and only of operators' own classes.
    def _run(self, context: Context, event: Mapping[str, Any] | None = None) -> Any:
        self.has_links = event is not None
        self._running = self._steps(context)
        return self._running.run(event)

    def execute_complete(self, context: Context, event: Mapping[str, Any] | None = None) -> Any:
        """Go on after a wait in the triggerer; the event has all that is needed."""
        if event is None:
            raise AirflowException(no_event(self.task_id))  # type: ignore[attr-defined]
        # `dag.test()` resumes in the same process: what the hook knows of AWS is old by now.
        vars(self).pop("hook", None)
        return self._run(context, event)

    @property
    def aws_hook_class(self) -> Any:
        """Return the hook's class."""
        from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook

        return InferenceExperimentHook

    @property
    def hook_verify(self) -> bool | str | None:
        """Return `verify` with its type, which a template loses: `"False"` is no path."""
        verify: bool | str | None = as_boolean(self.verify)  # type: ignore[attr-defined]
        return verify

    @property
    def _hook_parameters(self) -> dict[str, Any]:
        parameters: dict[str, Any] = super()._hook_parameters  # type: ignore[misc]
        return {**parameters, "verify": self.hook_verify}

    def validate_attributes(self) -> None:
        """Skip the base's check of the hook's class, which would import it in every Dag file."""
