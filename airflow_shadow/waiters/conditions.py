"""What can be waited for: each condition asks its questions and judges the answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from airflow_shadow.exceptions import (
    EndpointFailedError,
    EndpointNotFoundError,
    EndpointShadowedError,
    ExperimentBrokenError,
    ExperimentNotFoundError,
    ExperimentStoppedError,
    ShadowError,
    StatusUnreachableError,
    UpdateRolledBackError,
)
from airflow_shadow.experiments.lifecycle import (
    CONCLUDED,
    SETTLED,
    Ending,
    Status,
    can_reach,
    ending,
    failure_reason,
    shows,
    status_of,
)
from airflow_shadow.experiments.summary import summary_of
from airflow_shadow.text.values import epoch
from airflow_shadow.waiters.engine import Description, Poll, Polling, PollResult, WaitState

#: Seconds after a change of ours in which AWS may show what was before; nothing is promised.
LAG_SECONDS = 300.0
#: For `ReachStatus.tolerates`: it only matters that the experiment has ended.
ANY_ENDING = (str(Ending.STOPPED), str(Ending.BROKEN))


def ended_badly(
    asked: str, experiment: Description, state: WaitState, tolerates: tuple[str, ...] = ()
) -> ShadowError | None:
    """Return the error of an experiment that broke or was stopped by somebody, else `None`."""
    how = ending(
        experiment,
        last_live=Status(state.last_live) if state.last_live else None,
        known_failure=state.known_failure,
    )
    texts = "; ".join(
        filter(None, [experiment.get("StatusReason") or "", failure_reason(experiment)])
    )
    if how in tolerates:
        return None
    if how is Ending.BROKEN:
        found = f"experiment {experiment['Name']!r} is Cancelled after a failure"
        return ExperimentBrokenError(asked=asked, found=found, reason=texts)
    if how is Ending.STOPPED:
        found = f"experiment {experiment['Name']!r} was stopped by somebody"
        return ExperimentStoppedError(asked=asked, found=found, reason=texts)
    return None


def missing(asked: str, name: str) -> ExperimentNotFoundError:
    """Return the error of an experiment that does not exist."""
    return ExperimentNotFoundError(asked=asked, found=f"no experiment named {name!r}")


def note_health(experiment: Description, state: WaitState) -> None:
    """Keep the status of a live experiment: it tells a failure from a stop on purpose later."""
    state.described = summary_of(experiment)
    status = status_of(experiment)
    if status is None or status in CONCLUDED:
        return
    state.last_live = status
    if state.known_failure is None:
        state.known_failure = failure_reason(experiment)


@dataclass(frozen=True)
class ReachStatus:
    """Wait until an experiment shows one of some statuses.

    :param name: the experiment
    :param targets: the statuses to wait for
    :param missing_ok: wait for an experiment to appear instead of failing
    :param tolerates: endings (:class:`Ending`) that are not errors where `Cancelled` is a target
    :param created: when we created it, by AWS's clock, epoch seconds: for a while afterwards AWS
        may not show it, or show the one before it
    """

    name: str
    targets: tuple[str, ...]
    missing_ok: bool = False
    tolerates: tuple[str, ...] = ()
    created: float = 0.0
    kind: ClassVar[str] = "status"

    @property
    def asked(self) -> str:
        """Say what is waited for."""
        if set(self.targets) >= set(Status):
            return f"experiment {self.name!r} to be shown"
        return f"experiment {self.name!r} to be {' or '.join(sorted(self.targets))}"

    def poll(self, state: WaitState) -> Polling:
        """Describe the experiment and judge its status."""
        known, soonest = state.described, state.soonest
        reply = yield Poll("experiment", self.name, known=known, soonest=soonest)
        experiment = reply.description
        is_new = state.last_live is None and reply.aws_now - self.created < LAG_SECONDS
        if is_new and not self._is_ours(experiment):
            return PollResult("not shown yet")
        if experiment is None:
            if self.missing_ok:
                return PollResult("no such experiment yet")
            return PollResult("missing", error=missing(self.asked, self.name))
        note_health(experiment, state)
        state.soonest = self._soonest(experiment)
        return self._judge(experiment, state)

    def _soonest(self, experiment: Description) -> float | None:
        """Return when the schedule leads to a target."""
        schedule = experiment.get("Schedule") or {}
        planned = "EndTime" if set(self.targets) <= CONCLUDED else "StartTime"
        waits = planned == "EndTime" or status_of(experiment) is Status.CREATED
        return epoch(schedule[planned]) if waits and schedule.get(planned) else None

    def _is_ours(self, experiment: Description | None) -> bool:
        """Tell whether this is what we created; AWS's clock is known to the second only."""
        if experiment is None:
            return False
        made = experiment.get("CreationTime")
        return not made or epoch(made) > self.created - 1

    def _judge(self, experiment: Description, state: WaitState) -> PollResult:
        status, shown = status_of(experiment), str(experiment.get("Status"))
        if error := ended_badly(self.asked, experiment, state, self.tolerates):
            return PollResult(shown, error=error, description=experiment)
        if shown in self.targets:
            seen = f"experiment {self.name!r} is {shown}"
            return PollResult(seen, done=True, description=experiment)
        if not can_reach(status, [Status(target) for target in self.targets]):
            targets = " or ".join(self.targets)
            found = f"experiment {self.name!r} is {shown} and cannot become {targets} any more"
            reason = experiment.get("StatusReason") or ""
            error = StatusUnreachableError(asked=self.asked, found=found, reason=reason)
            return PollResult(shown, error=error, description=experiment)
        if status is None:
            shown = f"{shown} (a status this version does not know)"
        return PollResult(shown, description=experiment)


@dataclass(frozen=True)
class UpdateApplied:
    """Wait until an experiment shows what an update asked for, and is no longer updating.

    The status alone proves nothing: right after the call AWS may still show the one before it.

    :param name: the experiment
    :param expected: the fields of the update as plain values
    :param modified: LastModifiedTime before the call, `""` if AWS showed none
    """

    name: str
    expected: Mapping[str, Any]
    modified: str = ""
    kind: ClassVar[str] = "update"

    @property
    def asked(self) -> str:
        """Say what is waited for."""
        return f"experiment {self.name!r} to show its update ({', '.join(self.expected)})"

    def poll(self, state: WaitState) -> Polling:
        """Describe the experiment and compare it with what was asked."""
        experiment = (yield Poll("experiment", self.name, known=state.described)).description
        if experiment is None:
            return PollResult("missing", error=missing(self.asked, self.name))
        note_health(experiment, state)
        status, shown = status_of(experiment), str(experiment.get("Status"))
        if error := ended_badly(self.asked, experiment, state) or self._gone(experiment):
            return PollResult(shown, error=error, description=experiment)
        if status in SETTLED:
            if shows(experiment, self.expected):
                seen = f"experiment {self.name!r} is {shown} and shows its update"
                return PollResult(seen, done=True, description=experiment)
            if self._has_failed(experiment, state):
                return PollResult(
                    shown, error=self._rolled_back(experiment), description=experiment
                )
            shown = f"{shown}, still with the old values"
        return PollResult(shown, description=experiment)

    def _has_failed(self, experiment: Description, state: WaitState) -> bool:
        """Tell a failure of this update from an older one, which may have the same text."""
        failure, modified = failure_reason(experiment), experiment.get("LastModifiedTime")
        is_later = bool(self.modified and modified) and modified != self.modified
        return bool(failure) and (is_later or failure != (state.known_failure or ""))

    def _gone(self, experiment: Description) -> ShadowError | None:
        if can_reach(status_of(experiment), SETTLED):
            return None
        found = f"experiment {self.name!r} is {experiment['Status']}"
        return StatusUnreachableError(
            asked=self.asked, found=found, reason=experiment.get("StatusReason") or ""
        )

    def _rolled_back(self, experiment: Description) -> ShadowError:
        found = f"experiment {self.name!r} is {experiment['Status']} with its old values"
        return UpdateRolledBackError(
            asked=self.asked, found=found, reason=failure_reason(experiment)
        )


@dataclass(frozen=True)
class EndpointFree:
    """Wait until an endpoint is InService and no live experiment is on it.

    :param name: the endpoint
    :param own: name of an experiment that we may have created, the answer to which was lost; if it
        is on the endpoint, the description names it as `Holder`
    :param created: when we may have created it, by AWS's clock, epoch seconds; 0 if we have not
    :param thorough: search for an experiment even if the endpoint has no shadow variant: a
        scheduled one may refuse another all the same (assumed)
    """

    name: str
    thorough: bool = False
    own: str = ""
    created: float = 0.0
    kind: ClassVar[str] = "endpoint"

    @property
    def asked(self) -> str:
        """Say what is waited for."""
        return f"endpoint {self.name!r} to be InService and free of other experiments"

    def poll(self, state: WaitState) -> Polling:
        """Describe the endpoint and, where needed, find the experiment that is on it."""
        reply = yield Poll("endpoint", self.name)
        endpoint = reply.description
        if endpoint is None:
            return PollResult("missing", error=endpoint_missing(self.asked, self.name))
        status = str(endpoint["EndpointStatus"])
        if error := endpoint_failed(self.asked, endpoint):
            return PollResult(status, error=error, description=endpoint)
        if self.thorough or not is_idle(endpoint):
            holder = (yield Poll("holder", self.name)).description
            if holder is not None:
                return self._judge_held(endpoint, holder)
        if not in_service(endpoint):
            seen = f"endpoint {self.name!r} is {status}"
            seen += " with a deployment under way" if status == "InService" else ""
            return PollResult(seen, description=endpoint, is_sentence=True)
        if endpoint.get("ShadowProductionVariants"):
            may_be_ours = reply.aws_now - self.created < LAG_SECONDS
            return self._judge_shadowed(endpoint, state, may_be_ours=may_be_ours)
        return PollResult(
            f"endpoint {self.name!r} is {status} and free", done=True, description=endpoint
        )

    def _judge_held(self, endpoint: Description, holder: Description) -> PollResult:
        seen = _busy(endpoint, holder)
        if holder["Name"] == self.own:
            return PollResult(seen, done=True, description={**endpoint, "Holder": self.own})
        return PollResult(seen, description=endpoint, is_sentence=True)

    def _judge_shadowed(
        self, endpoint: Description, state: WaitState, *, may_be_ours: bool
    ) -> PollResult:
        """Fail if the endpoint has a shadow without an experiment at two polls in a row.

        An experiment that ends between the two questions of one poll is found by neither.
        """
        shadow = endpoint["ShadowProductionVariants"][0]["VariantName"]
        found = f"endpoint {self.name!r} has shadow variant {shadow!r}, which no experiment owns"
        if may_be_ours or state.seen[-1:] != [found]:
            return PollResult(found, description=endpoint, is_sentence=True)
        error = EndpointShadowedError(asked=self.asked, found=found)
        return PollResult(found, error=error, description=endpoint)


def is_idle(endpoint: Description) -> bool:
    """Tell whether an endpoint is in service and has no shadow variant."""
    return in_service(endpoint) and not endpoint.get("ShadowProductionVariants")


def in_service(endpoint: Mapping[str, Any]) -> bool:
    """Tell whether an endpoint is in service, with no deployment under way."""
    pending = endpoint.get("PendingDeploymentSummary")
    return endpoint.get("EndpointStatus") == "InService" and not pending


def endpoint_missing(asked: str, name: str) -> EndpointNotFoundError:
    """Return the error of an endpoint that does not exist."""
    return EndpointNotFoundError(asked=asked, found=f"no endpoint named {name!r}")


def endpoint_failed(asked: str, endpoint: Description) -> EndpointFailedError | None:
    """Return the error of an endpoint that will not be InService again by itself, or `None`."""
    status = str(endpoint["EndpointStatus"])
    if status not in {"Failed", "OutOfService", "UpdateRollbackFailed", "Deleting"}:
        return None
    found = f"endpoint {endpoint['EndpointName']!r} is {status}"
    return EndpointFailedError(
        asked=asked, found=found, reason=str(endpoint.get("FailureReason") or "")
    )


def _busy(endpoint: Description, holder: Description) -> str:
    until = (holder.get("Schedule") or {}).get("EndTime") or "an unknown time"
    return (
        f"endpoint {endpoint['EndpointName']!r} is busy with experiment {holder['Name']!r} "
        f"({holder['Status']}) until {until}"
    )


@dataclass(frozen=True)
class ExperimentGone:
    """Wait until a deleted experiment is not described any more."""

    name: str
    kind: ClassVar[str] = "gone"

    @property
    def asked(self) -> str:
        """Say what is waited for."""
        return f"experiment {self.name!r} to be deleted"

    def poll(self, state: WaitState) -> Polling:
        """Describe the experiment."""
        experiment = (yield Poll("experiment", self.name, known=state.described)).description
        if experiment is None:
            return PollResult(
                f"experiment {self.name!r} is deleted", done=True, description={"Name": self.name}
            )
        state.described = summary_of(experiment)
        return PollResult(f"still {experiment.get('Status')}", description=experiment)
