"""What can go wrong, as one tree.

::

    ShadowError
     ├── InvalidRequestError            the arguments do not make a request AWS could accept
     │    └── NotFoundError             something that the request names is not there
     ├── AwsError                       AWS did not do what was asked
     │    ├── AwsUnavailableError       AWS, the network or the credentials were lost for too long
     │    │    ├── MetricsUnreadableError  CloudWatch answered only in part
     │    │    └── ConnectionMissingError  Airflow knows no connection of that name
     │    ├── AwsAccessDeniedError      the caller lacks a permission
     │    └── AwsRefusedError           AWS refused the call
     ├── EndpointError                  the endpoint cannot take a shadow test
     │    ├── EndpointNotFoundError
     │    ├── EndpointConfigGoneError   its configuration was deleted
     │    ├── EndpointUnsupportedError  a kind of endpoint that shadow tests do not support
     │    ├── EndpointFailedError       its status does not change without a repair
     │    ├── EndpointShadowedError     it has a shadow variant that belongs to no experiment
     │    ├── ProductionChangeError     the request would change what production runs
     │    └── EndpointStaleError        AWS describes what no longer serves
     ├── ExperimentError                the experiment is not in the state that the task needs
     │    ├── ExperimentNotFoundError
     │    ├── ExperimentExistsError     the name is taken by somebody else
     │    ├── ExperimentBrokenError     AWS cancelled it after a failure
     │    │    └── CreationFailedError  before it ran; another try replaces it
     │    ├── ExperimentStoppedError    somebody stopped it on purpose
     │    ├── StatusUnreachableError    it can no longer reach the status that is waited for
     │    ├── UpdateRefusedError        not changeable in its status
     │    ├── UpdateRolledBackError     AWS took the update back
     │    ├── PromotionRefusedError     nothing supports a promotion now
     │    └── UnconcludedError          a rollout ended before it was concluded
     ├── AnswersError                   the captured answers cannot be compared
     │    ├── AnswersUnreadableError    one of their files cannot be read
     │    ├── AnswersTooLargeError      they need more memory or room than is allowed
     │    └── AnswersJobFailedError     the job that was to compare them failed
     ├── ReportNotWrittenError          the report could not be written where it was asked for
     └── WaitTimeoutError               the deadline or the attempts ran out

An error carries facts: what was `asked`, what was `found`, AWS's own `reason`, and the `next_step`
for whoever reads it. The message is made of them, one line each and shortened, so that it looks
the same wherever the error is raised; the facts also travel from the triggerer to the worker and
through `pickle`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from airflow_shadow.text.messages import printable, shorten


def message(*, asked: str, found: str, next_step: str, reason: str = "") -> str:
    """Return an error's message, one line for each fact."""
    says = [f"AWS says: {reason.rstrip('.')}."] if reason else []
    return "\n".join([f"Asked: {asked}.", f"Found: {found}.", *says, f"Next: {next_step}"])


def no_event(task_id: str) -> str:
    """Return the message of a task that the triggerer resumed without an event."""
    return message(
        asked=f"how the wait of task {task_id!r} ended",
        found="the trigger sent no event",
        next_step="Retry the task.",
    )


class ShadowError(Exception):
    """Base of all errors of this package.

    :param asked: what was asked for
    :param found: what was found instead
    :param reason: AWS's own words, where it gave any
    :param next_step: what to do about it; each class has a default
    """

    #: Whether another try of the same task can end differently.
    retriable: ClassVar[bool] = False
    #: How the trigger's event names a wait that ends with this error.
    event: ClassVar[str] = "failed"
    #: Whether something was not found, which may exist in another account or region.
    depends_on_place: ClassVar[bool] = False
    next_step: str = "Correct the cause that AWS names above and clear the task."

    def __init__(
        self, *, asked: str, found: str, reason: str = "", next_step: str | None = None
    ) -> None:
        self.asked = shorten(printable(asked), most=500)
        self.found = shorten(printable(found), most=8000)
        self.reason = shorten(printable(reason), most=1000)
        if next_step is not None:
            self.next_step = printable(next_step)
        super().__init__(message(**ShadowError.facts(self)))

    def at(self, place: str) -> ShadowError:
        """Return the error with the region and connection in which nothing was found.

        :param place: like "in eu-west-1 (connection 'aws_prod')"
        """
        return error_from_dict({**self.to_dict(), "found": f"{self.found} {place}"})

    def facts(self) -> dict[str, Any]:
        """Return the facts as JSON-able values."""
        return {
            "asked": self.asked,
            "found": self.found,
            "reason": self.reason,
            "next_step": self.next_step,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return what :func:`error_from_dict` makes the same error of, for a trigger's event."""
        return {"error": type(self).__name__, **self.facts()}

    def __reduce__(self) -> tuple[Any, ...]:
        return error_from_dict, (self.to_dict(),)


class InvalidRequestError(ShadowError):
    """The arguments do not make a request that AWS could accept."""

    next_step = "Correct the arguments named above; nothing was sent to AWS."


class NotFoundError(InvalidRequestError):
    """Something that the request names is not there."""

    depends_on_place = True
    next_step = "Create it first, or correct its name, the region or the connection."


class AwsError(ShadowError):
    """AWS did not do what was asked."""


class AwsUnavailableError(AwsError):
    """AWS was throttling, failing or out of reach, or credentials were missing, for too long."""

    retriable = True
    next_step = "Retry the task; if the error stays, check region, network and credentials."


class MetricsUnreadableError(AwsUnavailableError):
    """CloudWatch answered a query only in part, which must not be taken for no data."""

    next_step = "Retry the task; if the error stays, judge a shorter window or a longer period."


class ConnectionMissingError(AwsUnavailableError):
    """Airflow knows no connection of that name; a secrets backend may be out of reach."""

    next_step = "Create the connection or correct aws_conn_id; if it exists, retry the task."


class AwsAccessDeniedError(AwsError):
    """The caller lacks a permission."""

    event = "denied"
    next_step = "Grant the connection's identity the named action and clear the task."


class AwsRefusedError(AwsError):
    """AWS refused the call.

    :param code: AWS's error code; its texts are documented nowhere, so nothing else is matched
    """

    def __init__(self, *, code: str = "", **facts: Any) -> None:
        self.code = code
        super().__init__(**facts)

    def facts(self) -> dict[str, Any]:
        """Return the facts as JSON-able values."""
        return {**super().facts(), "code": self.code}


class EndpointError(ShadowError):
    """The endpoint cannot take a shadow test."""


class EndpointNotFoundError(EndpointError):
    """There is no such endpoint in this account and region."""

    event = "missing"
    depends_on_place = True
    next_step = "Check the endpoint's name and the connection's account and region."


class EndpointConfigGoneError(EndpointError):
    """The endpoint's configuration was deleted, so nothing tells what production runs."""

    depends_on_place = True
    next_step = (
        "Create the configuration again, or update the endpoint to another one; keep those in use."
    )


class EndpointUnsupportedError(EndpointError):
    """Shadow tests do not support this kind of endpoint."""

    next_step = "Use a real-time endpoint with one production variant that serves one model."


class EndpointFailedError(EndpointError):
    """The endpoint is Failed, OutOfService, UpdateRollbackFailed or Deleting, which stays so."""

    event = "unreachable"
    next_step = "Repair the endpoint (see its FailureReason) and clear the task."


class EndpointShadowedError(EndpointError):
    """The endpoint has a shadow variant that belongs to no experiment, so it stays."""

    event = "unreachable"
    next_step = (
        "Remove the shadow by updating the endpoint to a configuration without "
        "ShadowProductionVariants, then clear the task."
    )


class ProductionChangeError(EndpointError):
    """The request would change what the endpoint serves in production."""

    next_step = (
        "Give shadow_model_name and sampling_percentage instead of model_variants, or pass "
        "allow_production_change=True if production is meant to change."
    )


class EndpointStaleError(EndpointError):
    """AWS still describes what the endpoint ran before a promotion that is complete."""

    retriable = True
    next_step = (
        "Retry the task; if the error stays, check what the endpoint serves and correct its tag "
        "airflow-shadow:promoted."
    )


class ExperimentError(ShadowError):
    """The experiment is not in the state that the task needs."""


class ExperimentNotFoundError(ExperimentError):
    """There is no such experiment in this account and region."""

    event = "missing"
    depends_on_place = True
    next_step = "Check the name and the connection's account and region, or create it again."


class ExperimentExistsError(ExperimentError):
    """The name is taken by an experiment that this task did not create."""

    next_step = (
        'Choose another name, or pass if_exists="adopt" (same configuration) or '
        'if_exists="replace" (a concluded one).'
    )


class ExperimentBrokenError(ExperimentError):
    """AWS cancelled the experiment after a failure."""

    event = "unreachable"
    next_step = "Correct the cause, then clear the task that creates the experiment."


class CreationFailedError(ExperimentBrokenError):
    """AWS cancelled the experiment before it ran, in the task that created it."""

    retriable = True
    next_step = "Correct the cause; the next try deletes the broken experiment and creates it anew."


class ExperimentStoppedError(ExperimentError):
    """Somebody stopped the experiment on purpose before it got as far as this task needs."""

    event = "unreachable"
    next_step = "If it should run after all, clear the task that creates it: it creates a new one."


class StatusUnreachableError(ExperimentError):
    """The experiment can no longer reach the status that is waited for."""

    event = "unreachable"
    next_step = "Create a new experiment, or wait for a status that it can still reach."


class UpdateRefusedError(ExperimentError):
    """The experiment cannot be changed this way in its present status."""

    next_step = "While Running, only description, sampling percentage and end time can change."


class UpdateRolledBackError(ExperimentError):
    """AWS accepted the update, failed to apply it and returned to the old values."""

    retriable = True
    event = "unreachable"
    next_step = "Read the endpoint's FailureReason, correct the cause and clear the task."


class PromotionRefusedError(ExperimentError):
    """Nothing supports a promotion now, or it is not possible any more."""

    event = "unreachable"
    next_step = "Test the candidate again; a concluded experiment cannot be promoted by the API."


class UnconcludedError(ExperimentError):
    """A rollout ended before its experiment was concluded, so its clean-up removed the shadow."""

    next_step = "Find the task that failed or was marked; clear the run to test the candidate anew."


class AnswersError(ShadowError):
    """The captured answers cannot be compared."""


class AnswersUnreadableError(AnswersError):
    """A file of captures, labels or own numbers cannot be read."""

    next_step = "Look at the file named above; remove it if it is broken, and clear the task."


class AnswersTooLargeError(AnswersError):
    """The answers need more memory, or more room on disk, than is allowed."""

    next_step = "Give more with memory_mb or spool_mb and clear the task; hours that are done stay."


class AnswersJobFailedError(AnswersError):
    """The job that was to compare the answers failed; another try starts another one."""

    retriable = True
    next_step = "Correct the cause that is named above, or look into the job's log; then retry."


class ReportNotWrittenError(ShadowError):
    """The report could not be written where it was asked for."""

    retriable = True
    next_step = (
        "Correct the path or its permissions; another try reads the metrics again, so nothing is "
        "lost."
    )


class WaitTimeoutError(ShadowError):
    """The deadline or the attempts ran out."""

    retriable = True
    event = "timeout"
    next_step = "Retry the task to go on waiting, or give it more time."


def _subclasses(base: type[ShadowError]) -> dict[str, type[ShadowError]]:
    tree = {base.__name__: base}
    for child in base.__subclasses__():
        tree |= _subclasses(child)
    return tree


def error_from_dict(data: Mapping[str, Any]) -> ShadowError:
    """Return the error that :meth:`ShadowError.to_dict` described."""
    facts = dict(data)
    return _subclasses(ShadowError)[facts.pop("error")](**facts)
