"""What can be waited for: each goal asks its questions and judges the answers."""

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
from airflow_shadow.text.values import epoch
from airflow_shadow.waiters.engine import Asking, Judgement, Look, Progress, View

#: Seconds after a change of ours in which AWS may show what was before; nothing is promised.
LAG_SECONDS = 300.0
#: For `ReachStatus.tolerates`: it only matters that the experiment has ended.
ANY_ENDING = (str(Ending.STOPPED), str(Ending.BROKEN))


def ended_badly(
    asked: str, experiment: View, progress: Progress, tolerates: tuple[str, ...] = ()
) -> ShadowError | None:
    """Return the error of an experiment that broke or was stopped by somebody, else `None`."""
    how = ending(
        experiment,
        last_live=Status(progress.last_live) if progress.last_live else None,
        known_failure=progress.known_failure,
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


def note_health(experiment: View, progress: Progress) -> None:
    """Remember how a living experiment was, to tell later how it ended."""
    status = status_of(experiment)
    if status is None or status in CONCLUDED:
        return
    progress.last_live = status
    if progress.known_failure is None:
        progress.known_failure = failure_reason(experiment)


@dataclass(frozen=True)
class ReachStatus:
    """Wait until an experiment shows one of some statuses.

    :param name: the experiment
    :param targets: the statuses that end the wait well
    :param missing_ok: wait for an experiment to appear instead of failing
    :param tolerates: bad endings (:class:`Ending`) that count as `Cancelled` all the same
    :param created: AWS's time of a creation of ours, epoch seconds: for a while afterwards AWS may
        not show it, or show the one before it
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
        return f"experiment {self.name!r} to be {' or '.join(self.targets)}"

    def look(self, progress: Progress) -> Asking:
        """Describe the experiment and judge its status."""
        reply = yield Look("experiment", self.name)
        experiment = reply.view
        is_new = progress.last_live is None and reply.aws_now - self.created < LAG_SECONDS
        if is_new and not self._is_ours(experiment):
            return Judgement("not shown yet")
        if experiment is None:
            if self.missing_ok:
                return Judgement("no such experiment yet")
            return Judgement("missing", error=missing(self.asked, self.name))
        note_health(experiment, progress)
        return self._judge(experiment, progress)

    def _is_ours(self, experiment: View | None) -> bool:
        """Tell whether this is what was created; AWS's clock is known to the second only."""
        if experiment is None:
            return False
        made = experiment.get("CreationTime")
        return not made or epoch(made) > self.created - 1

    def _judge(self, experiment: View, progress: Progress) -> Judgement:
        status, shown = status_of(experiment), str(experiment.get("Status"))
        if error := ended_badly(self.asked, experiment, progress, self.tolerates):
            return Judgement(shown, error=error, view=experiment)
        if shown in self.targets:
            seen = f"experiment {self.name!r} is {shown}"
            return Judgement(seen, done=True, view=experiment)
        if not can_reach(status, [Status(target) for target in self.targets]):
            found = f"experiment {self.name!r} is {shown}, which cannot get there any more"
            reason = experiment.get("StatusReason") or ""
            error = StatusUnreachableError(asked=self.asked, found=found, reason=reason)
            return Judgement(shown, error=error, view=experiment)
        if status is None:
            shown = f"{shown} (a status this version does not know)"
        return Judgement(shown, view=experiment)


@dataclass(frozen=True)
class UpdateApplied:
    """Wait until an experiment shows what an update asked for, and rests again.

    The status alone proves nothing: right after the call it may still look idle.

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

    def look(self, progress: Progress) -> Asking:
        """Describe the experiment and compare it with what was asked."""
        experiment = (yield Look("experiment", self.name)).view
        if experiment is None:
            return Judgement("missing", error=missing(self.asked, self.name))
        note_health(experiment, progress)
        status, shown = status_of(experiment), str(experiment.get("Status"))
        if error := ended_badly(self.asked, experiment, progress) or self._gone(experiment):
            return Judgement(shown, error=error, view=experiment)
        if status in SETTLED:
            if shows(experiment, self.expected):
                seen = f"experiment {self.name!r} is {shown} and shows its update"
                return Judgement(seen, done=True, view=experiment)
            if self._has_failed(experiment, progress):
                return Judgement(shown, error=self._rolled_back(experiment), view=experiment)
            shown = f"{shown}, still with the old values"
        return Judgement(shown, view=experiment)

    def _has_failed(self, experiment: View, progress: Progress) -> bool:
        """Tell a failure of this update from one that stood there: it may have the same text."""
        failure, modified = failure_reason(experiment), experiment.get("LastModifiedTime")
        is_later = bool(self.modified and modified) and modified != self.modified
        return bool(failure) and (is_later or failure != (progress.known_failure or ""))

    def _gone(self, experiment: View) -> ShadowError | None:
        if can_reach(status_of(experiment), SETTLED):
            return None
        found = f"experiment {self.name!r} is {experiment['Status']}"
        return StatusUnreachableError(
            asked=self.asked, found=found, reason=experiment.get("StatusReason") or ""
        )

    def _rolled_back(self, experiment: View) -> ShadowError:
        found = f"experiment {self.name!r} is {experiment['Status']} with its old values"
        return UpdateRolledBackError(
            asked=self.asked, found=found, reason=failure_reason(experiment)
        )


@dataclass(frozen=True)
class EndpointFree:
    """Wait until an endpoint is InService and no experiment holds it.

    :param name: the endpoint
    :param own: name of an experiment of ours; if it holds the endpoint, an answer was lost and AWS
        showed it late: the view names it as `Holder`
    :param created: AWS's time at which we may have created it, epoch seconds; 0 if we have not
    :param thorough: look for an experiment also where the endpoint bears no shadow: a scheduled
        one may hold it all the same (assumed)
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

    def look(self, progress: Progress) -> Asking:
        """Describe the endpoint and, where needed, find the experiment that holds it."""
        reply = yield Look("endpoint", self.name)
        endpoint = reply.view
        if endpoint is None:
            return Judgement("missing", error=endpoint_missing(self.asked, self.name))
        status = str(endpoint["EndpointStatus"])
        if error := endpoint_failed(self.asked, endpoint):
            return Judgement(status, error=error, view=endpoint)
        if self.thorough or not is_idle(endpoint):
            holder = (yield Look("holder", self.name)).view
            if holder is not None:
                return self._judge_held(endpoint, holder)
        if not in_service(endpoint):
            seen = f"endpoint {self.name!r} is {status}"
            seen += " with a deployment under way" if status == "InService" else ""
            return Judgement(seen, view=endpoint, is_sentence=True)
        if endpoint.get("ShadowProductionVariants"):
            may_be_ours = reply.aws_now - self.created < LAG_SECONDS
            return self._judge_shadowed(endpoint, progress, may_be_ours=may_be_ours)
        return Judgement(f"endpoint {self.name!r} is {status} and free", done=True, view=endpoint)

    def _judge_held(self, endpoint: View, holder: View) -> Judgement:
        seen = _busy(endpoint, holder)
        if holder["Name"] == self.own:
            return Judgement(seen, done=True, view={**endpoint, "Holder": self.own})
        return Judgement(seen, view=endpoint, is_sentence=True)

    def _judge_shadowed(
        self, endpoint: View, progress: Progress, *, may_be_ours: bool
    ) -> Judgement:
        """Believe in a shadow without an experiment at the second look in a row.

        An experiment that ends between the questions of one look is found by none of them.
        """
        shadow = endpoint["ShadowProductionVariants"][0]["VariantName"]
        found = f"shadow variant {shadow!r} on endpoint {self.name!r}, owned by no experiment"
        if may_be_ours or progress.seen[-1:] != [found]:
            return Judgement(found, view=endpoint, is_sentence=True)
        error = EndpointShadowedError(asked=self.asked, found=found)
        return Judgement(found, error=error, view=endpoint)


def is_idle(endpoint: View) -> bool:
    """Tell whether an endpoint is in service and bears no shadow."""
    return in_service(endpoint) and not endpoint.get("ShadowProductionVariants")


def in_service(endpoint: Mapping[str, Any]) -> bool:
    """Tell whether an endpoint is in service, with no deployment under way."""
    pending = endpoint.get("PendingDeploymentSummary")
    return endpoint.get("EndpointStatus") == "InService" and not pending


def endpoint_missing(asked: str, name: str) -> EndpointNotFoundError:
    """Return the error of an endpoint that does not exist."""
    return EndpointNotFoundError(asked=asked, found=f"no endpoint named {name!r}")


def endpoint_failed(asked: str, endpoint: View) -> EndpointFailedError | None:
    """Return the error of an endpoint whose status no waiting mends."""
    status = str(endpoint["EndpointStatus"])
    if status not in {"Failed", "OutOfService", "UpdateRollbackFailed", "Deleting"}:
        return None
    found = f"endpoint {endpoint['EndpointName']!r} is {status}"
    return EndpointFailedError(
        asked=asked, found=found, reason=str(endpoint.get("FailureReason") or "")
    )


def _busy(endpoint: View, holder: View) -> str:
    until = (holder.get("Schedule") or {}).get("EndTime") or "an unknown time"
    return (
        f"endpoint {endpoint['EndpointName']!r} is busy with experiment {holder['Name']!r} "
        f"({holder['Status']}) until {until}"
    )


@dataclass(frozen=True)
class ExperimentGone:
    """Wait until a deleted experiment is not described any more.

    :param name: the experiment
    """

    name: str
    kind: ClassVar[str] = "gone"

    @property
    def asked(self) -> str:
        """Say what is waited for."""
        return f"experiment {self.name!r} to be deleted"

    def look(self, progress: Progress) -> Asking:
        """Describe the experiment until that fails."""
        experiment = (yield Look("experiment", self.name)).view
        if experiment is None:
            return Judgement(
                f"experiment {self.name!r} is deleted", done=True, view={"Name": self.name}
            )
        return Judgement(f"still {experiment.get('Status')}", view=experiment)
