"""What operators share: how to wait, the request, what to do on a kill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, get_args

from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields

from airflow_shadow._compat import Context, conf
from airflow_shadow.operators.choices import Choices, ClosedChoices, OnKillAction
from airflow_shadow.operators.task import ShadowTask

#: Seconds between two polls, unless a task says otherwise.
DELAY = conf.getfloat("airflow_shadow", "waiter_delay", fallback=30.0)


def template_fields(*names: str) -> tuple[str, ...]:
    """Return the templated arguments of an operator: its own, and those of all operators."""
    return aws_template_fields("waiter_delay", "waiter_timeout", *names)


class ShadowOperator(ClosedChoices, ShadowTask, AwsBaseOperator[Any]):  # type: ignore[override]
    """Base of the operators; not for use in Dags.

    :param wait_for_completion: wait until the operation has happened
    :param waiter_delay: time between two polls; `[airflow_shadow] waiter_delay` unless given
        (duration, templated)
    :param waiter_max_attempts: how often to poll at most; by default only the deadline ends a wait
    :param waiter_timeout: how long to wait; docs/operators.md has the defaults (duration,
        templated)
    :param deferrable: wait in the triggerer, which frees the worker
    :raises AirflowFailException: where another try would end the same
    :raises AirflowException: where a retry may help
    """

    #: The API operation whose fields are arguments here.
    api_operation: ClassVar[str]
    #: The row of the table of deadlines.
    deadline_row: ClassVar[str]

    template_fields: Sequence[str] = template_fields()

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

    def execute(self, context: Context) -> Any:
        """Run the operator; `TaskDeferred` leaves the worker where it must wait."""
        self.check_choices()
        return self._run(context)


class RequestOperator(ShadowOperator):
    """Base of the operators that send one request of the API; not for use in Dags.

    :param name: name of the experiment (templated)
    :param config: the whole request with the API's own field names: a dict, JSON or YAML text, or
        the path of a `.json` or `.yaml` file on the template path, whose text is rendered; explicit
        arguments override it. Here and in other structured arguments a text with a template in it
        is never taken for a path (templated)
    """

    template_fields: Sequence[str] = template_fields("config", "name")
    template_fields_renderers: ClassVar[dict[str, str]] = {"config": "json"}
    file_fields: ClassVar[tuple[str, ...]] = ("config",)

    def __init__(
        self,
        *,
        name: str | None = None,
        config: Mapping[str, Any] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.config = config


class LiveExperimentOperator(RequestOperator):
    """Base of the operators that leave a live experiment behind; not for use in Dags.

    :param on_kill_action: `"stop"` removes the shadow and keeps production when the task is marked
        failed while it runs or is deferred, if the experiment is Running at that moment; one that
        is being created, started or updated goes on until its own end, as with `"leave"`. A worker
        or triggerer that shuts down stops nothing
    """

    choices: ClassVar[Choices] = {"on_kill_action": get_args(OnKillAction)}

    def __init__(self, *, on_kill_action: OnKillAction = "leave", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.on_kill_action = on_kill_action
        self.check_literals()

    def on_kill(self) -> None:
        """Remove the shadow if `on_kill_action` says so and the task has failed, in one attempt."""
        if self.on_kill_action == "stop" and self._running:
            self._running.kill()
