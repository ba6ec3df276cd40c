"""Change an experiment and wait until the change is in place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from airflow_shadow.exceptions import InvalidRequestError, UpdateRefusedError
from airflow_shadow.experiments.lifecycle import (
    UPDATABLE,
    Status,
    changes_beyond_running,
    failure_reason,
    shows,
    status_of,
    with_sampling,
)
from airflow_shadow.experiments.schedule import parse_duration
from airflow_shadow.hooks.responses import to_plain
from airflow_shadow.operators.update import UpdateInferenceExperimentOperator
from airflow_shadow.request_model import Prepared
from airflow_shadow.steps.deployment_wait import DeploymentWaitSteps
from airflow_shadow.steps.safeguards import refuse_undoing
from airflow_shadow.steps.wait import Carry, Step, Wait, view_of
from airflow_shadow.waiters import Description, UpdateApplied, WaitResult, WaitState

Updating_co = TypeVar("Updating_co", bound=UpdateInferenceExperimentOperator, covariant=True)


class UpdateInferenceExperimentSteps(DeploymentWaitSteps[Updating_co]):
    """The steps of :class:`UpdateInferenceExperimentOperator`."""

    begins_window = True

    def begin(self) -> Step:
        """Wait until AWS takes updates: it documents that only Created and Running do."""
        return self.begin_again({})

    def begin_again(self, carry: Carry) -> Step:
        """Wait until AWS takes updates again."""
        return self.await_statuses(self._update, UPDATABLE, carry)

    def times(self) -> Mapping[str, Any]:
        """Return the fields of `Schedule` that are arguments of their own."""
        return {"StartTime": self.op.start_time, "EndTime": self.op.end_time}

    def _update(self, outcome: WaitResult, carry: Carry) -> Step:
        experiment = view_of(outcome)
        name = experiment["Name"]
        request = self._request(experiment)
        expected = to_plain({k: v for k, v in request.params.items() if k != "Name"})
        if shows(experiment, expected):
            self.log.info("Experiment %r is already as asked; nothing to do.", name)
            return experiment
        self._refuse_beyond_running(experiment, expected)
        if self._redeploys(experiment, expected):
            asked = f"to change the sampling of experiment {name!r}"
            if not refuse_undoing(self.hook, experiment, asked=asked, keeps_count=True):
                return self.await_settled(experiment["EndpointMetadata"]["EndpointName"], carry)
        call = partial(self.hook.update_inference_experiment, request)
        return self.attempt(call, experiment, carry) or self._await_update(experiment, expected)

    def _await_update(self, experiment: Description, expected: Mapping[str, Any]) -> Step:
        modified = experiment.get("LastModifiedTime") or ""
        goal = UpdateApplied(experiment["Name"], expected, modified)
        progress = WaitState(known_failure=failure_reason(experiment))
        return self.await_change(Wait(goal, self.settled, self.deadline(), state=progress))

    @staticmethod
    def _redeploys(experiment: Description, expected: Mapping[str, Any]) -> bool:
        """Tell whether AWS deploys the endpoint anew: not for an end (assumed: own-update)."""
        mode = expected.get("ShadowModeConfig")
        is_new = mode is not None and not shows(experiment.get("ShadowModeConfig"), mode)
        return is_new and status_of(experiment) is Status.RUNNING

    def _request(self, experiment: Description) -> Prepared:
        """Return the request, completed by what the experiment keeps."""
        typed = dict(self.request)
        if self.op.sampling_percentage is not None:
            config = typed.get("ShadowModeConfig") or experiment["ShadowModeConfig"]
            typed["ShadowModeConfig"] = with_sampling(config, self.op.sampling_percentage)
        if schedule := self._schedule(typed, experiment):
            typed["Schedule"] = schedule
        if len(typed) == 1:
            raise InvalidRequestError(
                asked=f"an update of {typed.get('Name')!r}",
                found="no change",
                next_step="Give sampling_percentage, end_time or another field to change.",
            )
        return self.hook.prepare(self.op.api_operation, typed)

    def _schedule(self, typed: Mapping[str, Any], experiment: Description) -> dict[str, Any]:
        given = dict(typed.get("Schedule") or {})
        kept = {
            key: datetime.fromisoformat(value)
            for key, value in (experiment.get("Schedule") or {}).items()
        }
        if self.op.duration is not None:
            start = given.get("StartTime") or kept.get("StartTime") or self.hook.now()
            given["EndTime"] = start + parse_duration(self.op.duration)
        # AWS's own CloudFormation handler sends the unchanged start along.
        return {**kept, **given} if given else {}

    def _refuse_beyond_running(self, experiment: Description, expected: Mapping[str, Any]) -> None:
        """Name the fields that AWS documents as fixed while the experiment runs."""
        if status_of(experiment) is not Status.RUNNING:
            return
        if fixed := changes_beyond_running(experiment, expected):
            raise UpdateRefusedError(
                asked=f"to change {', '.join(fixed)} of experiment {experiment['Name']!r}",
                found=f"it is {experiment['Status']}",
            )
