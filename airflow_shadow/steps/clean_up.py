"""Clean up after a rollout, and fail where it ended without a conclusion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_shadow._compat import AirflowSkipException
from airflow_shadow.exceptions import UnconcludedError
from airflow_shadow.experiments.lifecycle import Action, mark
from airflow_shadow.operators.rollout import RolloutCleanUpOperator
from airflow_shadow.steps.conclude import RemoveShadowVariantSteps
from airflow_shadow.steps.promote import PromoteShadowVariantSteps
from airflow_shadow.steps.rollout import pulled
from airflow_shadow.steps.wait import Carry, Step
from airflow_shadow.waiters import KILLED, Description, WaitResult

#: XCom with the experiment that a skipped promotion leaves to the teardown.
LEFT = "left"


class RolloutPromoteSteps(PromoteShadowVariantSteps):
    """The steps of :class:`~airflow_shadow.operators.rollout.RolloutPromoteOperator`."""

    def run(self, event: Mapping[str, Any] | None = None) -> Any:
        """Promote; a skip, as of a package that was rejected, is a conclusion too."""
        try:
            return super().run(event)
        except AirflowSkipException:
            left = [self.op.name, self.op.creation_time]
            self.context["ti"].xcom_push(key=LEFT, value=left)
            raise


class CleanUpSteps(RemoveShadowVariantSteps[RolloutCleanUpOperator]):
    """The steps of :class:`~airflow_shadow.operators.rollout.RolloutCleanUpOperator`."""

    #: Name and creation time of the experiment that this try has removed.
    removed: list[Any] | None = None

    def removing(self, experiment: Description, carry: Carry) -> Carry:
        """Carry name and creation time of what is removed: its record may be deleted meanwhile."""
        return {**carry, "removed": _known(experiment)}

    def settled(self, outcome: WaitResult, carry: Carry) -> Step:
        """End with what was waited for, or with its error."""
        experiment = super().settled(outcome, carry)
        self.removed = carry["removed"]
        return experiment

    def finish(self, view: Description) -> Any:
        """End as a removal does, or fail if no task had concluded the removed experiment."""
        name = super().finish(view)
        if self._is_own(view):
            self.removed = _known(view)
        if self.removed and not self.op.is_dry_run and self.removed != self._left():
            raise UnconcludedError(
                asked=f"to clean up after experiment {self.removed[0]!r}",
                found="no task had concluded it, so its shadow was removed",
            )
        return name

    def _is_own(self, experiment: Description) -> bool:
        """Tell whether this task removed it before: in another try, a kill, or a lost answer."""
        own = {mark(Action.REMOVE, text) for text in (self.reason("Removed"), KILLED)}
        return experiment.get("StatusReason") in own

    def _left(self) -> Any:
        return pulled(self.context, self.op.promotion, LEFT)


def _known(experiment: Description) -> list[Any]:
    return [experiment["Name"], experiment.get("CreationTime")]
