"""What all operators share: arguments, templates, and steps that are imported when it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields

from airflow_shadow._compat import AirflowException, Context, conf
from airflow_shadow.exceptions import no_event
from airflow_shadow.links import EndpointLink, MetricsLink
from airflow_shadow.operators.choices import Choices, ClosedChoices, OnKillAction
from airflow_shadow.operators.templating import LazyHook, TextTemplates

if TYPE_CHECKING:
    from airflow_shadow.steps.base import Steps


#: Seconds between two polls, unless a task says otherwise.
DELAY = conf.getfloat("airflow_shadow", "waiter_delay", fallback=30.0)


def template_fields(*names: str) -> tuple[str, ...]:
    """Return the templated arguments of an operator: its own, and those of all operators."""
    return aws_template_fields("waiter_delay", "waiter_timeout", *names)


class ShadowOperator(  # type: ignore[override]
    ClosedChoices, TextTemplates, LazyHook, AwsBaseOperator[Any]
):
    """Base of the operators; not for use in Dags.

    :param wait_for_completion: wait until the operation has happened
    :param waiter_delay: time between two polls; `[airflow_shadow] waiter_delay` unless given
        (duration, templated)
    :param waiter_max_attempts: how often to poll at most; by default only the deadline ends a wait
    :param waiter_timeout: when the wait gives up; docs/operators.md has the defaults (duration,
        templated)
    :param deferrable: wait in the triggerer, which frees the worker
    :param aws_conn_id: Airflow connection of type `aws` (templated)
    :param region_name: AWS region, if the connection's is not meant (templated)
    :param verify: whether, or with which CA bundle, to verify TLS certificates (templated)
    :param botocore_config: settings of the botocore client
    """

    #: The API operation whose fields are arguments here.
    api_operation: ClassVar[str]
    #: The row of the table of deadlines.
    deadline_row: ClassVar[str]

    template_fields: Sequence[str] = template_fields()
    # Airflow would read every nested string that ends so as a file.
    template_ext: Sequence[str] = ()
    ui_color = "#e8f0fe"
    operator_extra_links: tuple[Any, ...] = (EndpointLink(), MetricsLink())
    _running: Steps[Any] | None = None

    def __init__(
        self,
        *,
        wait_for_completion: bool = True,
        waiter_delay: timedelta | float | str = DELAY,
        waiter_max_attempts: int | None = None,
        waiter_timeout: timedelta | float | str | None = None,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.wait_for_completion = wait_for_completion
        self.waiter_delay: Any = waiter_delay
        self.waiter_max_attempts = waiter_max_attempts
        self.waiter_timeout: Any = waiter_timeout
        self.deferrable = deferrable
        self.check_literals()

    def _steps(self, context: Context) -> Steps[Any]:
        """Return what it does; imported there, for a Dag file should not pay for it."""
        raise NotImplementedError

    def _run(self, context: Context, event: Mapping[str, Any] | None = None) -> Any:
        self._running = self._steps(context)
        return self._running.run(event)

    def execute(self, context: Context) -> Any:
        """Run the operator; `TaskDeferred` leaves it where it must wait."""
        self.check_choices()
        return self._run(context)

    def execute_complete(self, context: Context, event: Mapping[str, Any] | None = None) -> Any:
        """Go on after a wait in the triggerer; the event carries all that is needed."""
        if event is None:
            raise AirflowException(no_event(self.task_id))
        return self._run(context, event)


class RequestOperator(ShadowOperator):
    """Base of the operators that send one request of the API; not for use in Dags.

    :param config: the whole request in the API's own words: a dict, JSON or YAML text, or the path
        of a `.json` or `.yaml` file on the template path; explicit arguments override it. A path
        is one only if it is written out, without a template, as for the other structured arguments;
        the file's text is a template itself (templated)
    """

    template_fields: Sequence[str] = template_fields("config")
    template_fields_renderers: ClassVar[dict[str, str]] = {"config": "json"}
    file_fields: ClassVar[tuple[str, ...]] = ("config",)

    def __init__(self, *, config: Mapping[str, Any] | str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config


class LivingOperator(RequestOperator):
    """Base of the operators that leave a live experiment behind; not for use in Dags.

    :param on_kill_action: `"stop"` removes the shadow, production kept, when the task is marked
        failed while it runs or is deferred; `"leave"` leaves it to its own end. A worker or
        triggerer that shuts down never stops it. Only an experiment that is Running at that moment
        is stopped: one that is being created, started or updated is left to its own end
    """

    choices: ClassVar[Choices] = {"on_kill_action": get_args(OnKillAction)}

    def __init__(self, *, on_kill_action: OnKillAction = "leave", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.on_kill_action = on_kill_action
        self.check_literals()

    def on_kill(self) -> None:
        """Remove the shadow if that is wished and the task has failed, in one short attempt."""
        if self.on_kill_action == "stop" and self._running:
            self._running.kill()
