"""Wait for what is outside the experiment: the model registry's approval, silent alarms."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from airflow_shadow.exceptions import NotFoundError, PromotionRefusedError, ShadowError
from airflow_shadow.experiments.lifecycle import CONCLUDED, status_of
from airflow_shadow.waiters.conditions import missing, note_health
from airflow_shadow.waiters.engine import Description, Poll, Polling, PollResult, Reply, WaitState

APPROVED, REJECTED, PENDING = "Approved", "Rejected", "PendingManualApproval"


@dataclass(frozen=True)
class PromotionCleared:
    """Wait until a model package is approved and no alarm fires.

    A package that is rejected or not approved in time ends the wait without an error, and so does
    an experiment that is concluded meanwhile: the description has the `experiment`, and in
    `refused` why the registry does not allow the promotion, or `""`.

    :param name: the experiment
    :param package: ARN or name of the model package, `None` if no approval is needed
    :param approval_until: when to stop waiting for the approval, driver's clock, epoch seconds
    :param alarms: names of CloudWatch alarms; none of them may be in the state `ALARM`
    """

    name: str
    package: str | None = None
    approval_until: float = 0.0
    alarms: tuple[str, ...] = ()
    kind: ClassVar[str] = "clearance"

    @property
    def asked(self) -> str:
        """Say what is waited for."""
        return f"a decision on the promotion of experiment {self.name!r}"

    def poll(self, state: WaitState) -> Polling:
        """Describe the experiment, then ask the registry, then the alarms."""
        experiment = (yield Poll("experiment", self.name)).description
        if experiment is None:
            return PollResult("missing", error=missing(self.asked, self.name))
        note_health(experiment, state)
        if status_of(experiment) in CONCLUDED:
            return _decided(
                f"experiment {self.name!r} is {experiment['Status']} by now", experiment
            )
        if self.package and (result := (yield from self._ask_registry(experiment))):
            return result
        if self.alarms and (result := (yield from self._ask_alarms(experiment))):
            return result
        return _decided(self._all_clear(), experiment)

    def _ask_registry(self, experiment: Description) -> Generator[Poll, Reply, PollResult | None]:
        reply = yield Poll("package", str(self.package))
        if reply.description is None:
            return PollResult("missing", error=self._no_package(), description=experiment)
        found = reply.description.get("ModelApprovalStatus")
        if found is None:
            return PollResult("unversioned", error=self._unversioned(), description=experiment)
        seen = f"model package {self.package!r} is {found}"
        if found == APPROVED:
            return None
        if found == REJECTED:
            reason = reply.description.get("ApprovalDescription")
            refused = f"{seen} ({reason})" if reason else seen
            return _decided(seen, experiment, refused=refused)
        if reply.now >= self.approval_until:
            until = datetime.fromtimestamp(self.approval_until, UTC).isoformat(timespec="seconds")
            refused = f"{seen}, and was not approved until {until}"
            return _decided(seen, experiment, refused=refused)
        seen += "" if found == PENDING else " (a status this version does not know)"
        return PollResult(seen, description=experiment, is_sentence=True)

    def _ask_alarms(self, experiment: Description) -> Generator[Poll, Reply, PollResult | None]:
        about = {"names": list(self.alarms)}
        states = (yield Poll("alarms", self.name, about)).description or {}
        firing = [name for name in self.alarms if states.get(name) == "ALARM"]
        if not firing:
            return None
        seen = f"CloudWatch alarms in ALARM: {', '.join(map(repr, firing))}"
        return PollResult(seen, description=experiment, is_sentence=True)

    def _all_clear(self) -> str:
        approved = f"model package {self.package!r} is {APPROVED}" if self.package else ""
        return ", ".join(filter(None, [approved, "no alarm fires" if self.alarms else ""]))

    def _no_package(self) -> ShadowError:
        return NotFoundError(
            asked=self.asked,
            found=f"no model package {self.package!r}",
            next_step="Correct require_approved_model_package: the ARN of a model package, or the "
            "name of one in the connection's account and region.",
        )

    def _unversioned(self) -> ShadowError:
        return PromotionRefusedError(
            asked=self.asked,
            found=f"model package {self.package!r} has no approval status, as those outside of a "
            "model package group",
            next_step="Register the model in a model package group, whose versions are approved.",
        )


def _decided(seen: str, experiment: Description, *, refused: str = "") -> PollResult:
    return PollResult(seen, done=True, description={"experiment": experiment, "refused": refused})
