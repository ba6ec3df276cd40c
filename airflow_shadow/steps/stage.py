"""What a rollout's sensor does besides judging: follow the run's experiment, count stages."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from airflow_shadow._compat import Context
from airflow_shadow.analysis import epoch
from airflow_shadow.exceptions import AwsRefusedError
from airflow_shadow.experiments.lifecycle import (
    DEADLINES,
    Status,
    failure_reason,
    shows,
    with_sampling,
)
from airflow_shadow.hooks.errors import CONFLICT
from airflow_shadow.hooks.polling import wait_for
from airflow_shadow.sensors.rollout import RolloutAnalysisSensor
from airflow_shadow.steps.analysis import AnalysisSensorSteps, moment
from airflow_shadow.steps.base import MOST_CONFLICTS
from airflow_shadow.steps.rollout import counts_of, judged
from airflow_shadow.steps.safeguards import refuse_undoing
from airflow_shadow.waiters import (
    Description,
    EndpointSettled,
    Judged,
    Policy,
    ReachStatus,
    UpdateApplied,
    WaitState,
)


class StageSensorSteps(AnalysisSensorSteps[RolloutAnalysisSensor]):
    """What :class:`~airflow_shadow.sensors.rollout.RolloutAnalysisSensor` does."""

    def __init__(self, operator: RolloutAnalysisSensor, context: Context) -> None:
        super().__init__(operator, context)
        self._earlier: dict[str, list[Any]] = {}

    def condition(self) -> Judged:
        """Wait for a verdict that counts the errors of the earlier stages too."""
        op = self.op
        return replace(super().condition(), stage=op.stage, stages=op.stages, earlier=self._earlier)

    def prepare(self) -> None:
        """Follow a new experiment of the run, and raise its sampling to this stage's.

        A clear of this task runs the creation again, which is its setup; if the experiment was
        concluded, the new one begins at the first stage's sampling.
        """
        created = self.op.created
        if created and self._is_new(created):
            self.log.info("%r took the place of %r.", created, self.op.name)
            self._raise_sampling(created)
            # The window begins with this change, the experiment's last one. The new name is noted
            # only now, so that a repetition of this step checks the sampling again.
            self.op.name, self.op.since = created, None
        self._earlier = self._counts_before()
        super().prepare()

    def _counts_before(self) -> dict[str, list[Any]]:
        """Return the counts of the earlier stages, if they were of this very experiment."""
        verdicts = judged(self.context, self.op.before)
        if not verdicts:
            return {}
        found = self.hook.find_experiment(self.op.name) or {}
        mine = (found.get("Name"), found.get("CreationTime"))
        return counts_of(
            verdict
            for verdict in verdicts
            if mine == (verdict["experiment"], verdict["creation_time"])
        )

    def _is_new(self, created: str) -> bool:
        """Tell whether an experiment is not the one that the upstream task prepared.

        The names do not tell: a name that the user chose is used again.
        """
        if created != self.op.name:
            return True
        found = self.hook.find_experiment(created)
        since = moment(self.op.since)
        return found is not None and since is not None and epoch(found["CreationTime"]) > since

    def _raise_sampling(self, name: str) -> None:
        for attempt in range(1, MOST_CONFLICTS + 1):
            experiment = self._await(ReachStatus(name, (str(Status.RUNNING),)))
            share = int(self.op.sampling_percentage or 0)
            expected = {"ShadowModeConfig": with_sampling(experiment["ShadowModeConfig"], share)}
            if shows(experiment, expected):
                return
            asked = f"to raise the sampling of {name!r}"
            while not refuse_undoing(self.hook, experiment, asked=asked, keeps_count=True):
                self._await(EndpointSettled(experiment["EndpointMetadata"]["EndpointName"]))
            try:
                self.hook.update_inference_experiment({"Name": name, **expected})
            except AwsRefusedError as error:
                # Another copy of this task was faster, or the answer to our own call was lost.
                if error.code != CONFLICT or attempt == MOST_CONFLICTS:
                    raise
                time.sleep(self.op.poke_interval)
                continue
            known = WaitState(known_failure=failure_reason(experiment))
            modified = experiment.get("LastModifiedTime") or ""
            self._await(UpdateApplied(name, expected, modified), known)
            return

    def _await(self, condition: Any, state: WaitState | None = None) -> Description:
        """Wait in the worker; this happens only after a clear."""
        deadline = time.time() + DEADLINES["update"].seconds
        policy = Policy(delay=self.op.poke_interval, deadline=deadline)
        result = wait_for(self.hook, condition, policy=policy, state=state or WaitState())
        if result is None:
            raise AssertionError("a wait in the worker ended without a result")
        if result.error:
            raise result.error
        return result.description
