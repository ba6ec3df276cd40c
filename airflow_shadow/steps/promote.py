"""Promote an experiment's candidate to production, on all that speaks for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, NoReturn

from airflow_shadow._compat import AirflowSkipException
from airflow_shadow.decision import read_verdict, taken_as
from airflow_shadow.exceptions import (
    AwsAccessDeniedError,
    InvalidRequestError,
    PromotionRefusedError,
)
from airflow_shadow.experiments.lifecycle import (
    CONCLUDED,
    FULL_SAMPLING,
    SETTLED,
    Action,
    Ending,
    Status,
    ending,
    mark,
    recorded_promotion,
    sampling,
    shadow_variant,
    status_of,
    stop_request,
)
from airflow_shadow.hooks.endpoints import (
    Running,
    is_unchanged,
    model_variant,
    running,
    was_created_after,
)
from airflow_shadow.operators.conclude import PromoteShadowVariantOperator
from airflow_shadow.steps.approval import next_wait, skip_refused
from airflow_shadow.steps.branches import skip_unfollowed
from airflow_shadow.steps.conclude import ConcludeSteps
from airflow_shadow.steps.promotions import (
    Rollout,
    find_rollouts,
    latest,
    leave_proof,
    leave_rollout,
)
from airflow_shadow.steps.safeguards import (
    refuse_loss_by_promotion,
    refuse_promotion_over,
    refuse_scaled,
)
from airflow_shadow.steps.skips import moment_of, skip_backfill, skip_older
from airflow_shadow.steps.wait import Carry, Step, Wait
from airflow_shadow.text.shown import shown
from airflow_shadow.text.values import to_timestamp
from airflow_shadow.waiters import Description, WaitResult, in_service


class PromoteShadowVariantSteps(ConcludeSteps[PromoteShadowVariantOperator]):
    """The steps of :class:`PromoteShadowVariantOperator`."""

    def begin(self) -> Step:
        """Ask what was decided, then wait out an update or a start that is under way."""
        skip_backfill(self, on={"skip", "observe"})
        skip_unfollowed(self, needs_decision=True)
        verdict = self._verdict()
        if verdict and self._speaks_against(verdict):
            # Whether the verdict is about this experiment is known without waiting.
            if experiment := self.hook.find_experiment(self.name()):
                self._refuse_another(experiment)
            self._skip(verdict)
        return self.await_rest({})

    def _verdict(self) -> Mapping[str, Any] | None:
        """Return the verdict that the task was given, `None` if it asks for none.

        :raises InvalidRequestError: it holds none, or that of another experiment
        """
        if not self.op.has_verdict:
            return None
        asked = f"to promote the candidate of experiment {self.name()!r} on a verdict"
        verdict = read_verdict(self.op.verdict, asked=asked)
        if verdict.get("experiment") != self.name():
            raise InvalidRequestError(
                asked=asked,
                found=f"one on experiment {shown(verdict.get('experiment'))}",
                next_step="Give the output of this experiment's analysis; nothing was changed.",
            )
        share = verdict.get("sampling_percentage", FULL_SAMPLING)
        if verdict["outcome"] == "PASS" and share < FULL_SAMPLING:
            self._refuse_partial(asked, f"a verdict on {share:.15g} % of the requests")
        return verdict

    def _refuse_partial(self, asked: str, found: str) -> None:
        if not self.op.allow_partial_sampling:
            raise PromotionRefusedError(
                asked=asked,
                found=f"{found}: the candidate never bore the full load",
                next_step="Update it to sampling_percentage=100 and test again, or pass "
                "allow_partial_sampling=True.",
            )

    def _speaks_against(self, verdict: Mapping[str, Any]) -> bool:
        return taken_as(verdict, promote_on=self.op.promote_on)[0] != "PASS"

    def _skip(self, verdict: Mapping[str, Any]) -> NoReturn:
        _, why = taken_as(verdict, promote_on=self.op.promote_on)
        raise AirflowSkipException(f"Skipped: {why}")

    def conclude(self, outcome: WaitResult, carry: Carry) -> Step:
        """Promote, unless it has happened, would rest on no evidence, or must wait."""
        if outcome.error:
            raise outcome.error
        experiment = outcome.description
        skip_unfollowed(self, needs_decision=True)
        self._refuse_another(experiment)
        if (verdict := self._verdict()) and self._speaks_against(verdict):
            self._skip(verdict)
        if status_of(experiment) in CONCLUDED:
            return self._already(experiment)
        self._refuse_untested(experiment)
        self._refuse_exchanged(experiment)
        now_runs = running(self.hook, _endpoint_of(experiment), asked=self._asked(experiment))
        if not in_service(now_runs.shown):
            return self.await_settled(now_runs.endpoint_name, {**carry, "passed": []})
        if again := self.ended_since(experiment, now_runs, carry):
            return again
        refuse_loss_by_promotion(self, now_runs, asked=self._asked(experiment))
        refuse_scaled(self, now_runs, asked=self._asked(experiment))
        rollouts = find_rollouts(self.hook, now_runs.arn)
        candidate = self._candidate(experiment)
        if not self.op.allow_older:
            skip_older(self, rollouts or [], candidate.model_name, now_runs)
        request = self._request(experiment, now_runs)
        if wait := self._next_wait(experiment, carry):
            return wait
        self._leave(rollouts, now_runs.arn, now_runs.model_name, candidate)
        if not is_unchanged(self.hook, now_runs):
            return self.await_settled(now_runs.endpoint_name, {**carry, "passed": []})
        again = self.stop(request, experiment, {**carry, "passed": []})
        return again or self.await_promotion(experiment)

    def _next_wait(self, experiment: Description, carry: Carry) -> Wait | None:
        asked = self._asked(experiment)
        return next_wait(self, experiment, carry, asked=asked, then=self.cleared)

    def await_promotion(self, experiment: Description) -> Step:
        """Wait as a stop does, then leave a proof."""
        step = super().await_promotion(experiment)
        return replace(step, then=self.promoted) if isinstance(step, Wait) else step

    def promoted(self, outcome: WaitResult, carry: Carry) -> Step:
        """Tag the endpoint with what was seen to serve, and end as a stop does."""
        endpoint = (
            None if outcome.error else self.hook.find_endpoint(_endpoint_of(outcome.description))
        )
        if endpoint:
            self._prove(outcome.description, endpoint["EndpointArn"])
        return self.settled(outcome, carry)

    def _prove(self, experiment: Description, endpoint_arn: str) -> None:
        ended = experiment.get("CompletionTime")
        moment = to_timestamp(ended) if ended else self.hook.now()
        promoted = Rollout(self._candidate(experiment).model_name, moment)
        leave_proof(self.hook, endpoint_arn, promoted)

    def cleared(self, outcome: WaitResult, carry: Carry) -> Step:
        """Go on if nothing is against it, with all checks anew: the wait may have been long."""
        if outcome.error:
            raise outcome.error
        skip_refused(outcome.description)
        experiment = outcome.description["experiment"]
        if self.resumed:
            # Since the trigger's look the task may have waited long for a worker: look once more.
            self.resumed = False
            before: Carry = {**carry, "passed": carry["passed"][:-1]}
            if wait := self._next_wait(experiment, before):
                return wait
        if status_of(experiment) in SETTLED | CONCLUDED:
            return self.conclude(replace(outcome, description=experiment), carry)
        return self.await_rest({**carry, "passed": []})

    def _candidate(self, experiment: Description) -> Rollout:
        shadow = shadow_variant(experiment) or {}
        return Rollout(str(shadow.get("ModelName")), moment_of(self))

    def _leave(
        self, rollouts: list[Rollout] | None, endpoint_arn: str, serves: str, candidate: Rollout
    ) -> None:
        if rollouts is not None:  # else a warning has said so
            leave_rollout(
                self.hook, endpoint_arn, rollouts=rollouts, serves=serves, candidate=candidate
            )

    def _already(self, experiment: Description) -> Step:
        """Judge a concluded experiment by its own record; the endpoint may have moved on since."""
        told = recorded_promotion(experiment)
        if told is None:
            return self.await_promotion(experiment)
        if not told:
            raise self._not_promoted(experiment)
        self.log.info("The candidate of %r was promoted before.", experiment["Name"])
        self._leave_late(experiment)
        return experiment

    def _not_promoted(self, experiment: Description) -> PromotionRefusedError:
        found, next_step = f"it is {experiment['Status']} and was not promoted", None
        if _ended_by_schedule(experiment):
            found += (
                f": it ended by its schedule at {experiment['CompletionTime']}, before the "
                "promotion, and AWS offers no call that promotes it now"
            )
            next_step = "Test the candidate again, with a longer duration or a later end_time."
        return PromotionRefusedError(
            asked=self._asked(experiment),
            found=found,
            reason=experiment.get("StatusReason") or "",
            next_step=next_step,
        )

    def _leave_late(self, experiment: Description) -> None:
        """Tag the endpoint if it serves the candidate and no tag says since when."""
        candidate = self._candidate(experiment)
        try:
            endpoint = self.hook.find_running(_endpoint_of(experiment)) or {}
        except AwsAccessDeniedError:
            return  # a promotion that has happened needs no look at the endpoint
        if endpoint.get("ModelName") != candidate.model_name:
            return
        arn = endpoint["EndpointArn"]
        self._prove(experiment, arn)
        rollouts = find_rollouts(self.hook, arn)
        if rollouts is not None and latest(rollouts, candidate.model_name) is None:
            self._leave(rollouts, arn, candidate.model_name, candidate)

    @staticmethod
    def _asked(experiment: Description) -> str:
        return f"to promote the candidate of experiment {experiment['Name']!r}"

    def _refuse_another(self, experiment: Description) -> None:
        if self.op.creation_time is None and self.op.has_creation_time:
            raise InvalidRequestError(
                asked="creation_time",
                found="a template that rendered to nothing, so any experiment would be promoted",
                next_step="Correct the template; nothing was changed.",
            )
        for creation_time in self._creation_times():
            judged, found = _moment(creation_time), _moment(experiment["CreationTime"])
            if judged != found:
                raise PromotionRefusedError(
                    asked=f"{self._asked(experiment)} that was created at {judged.isoformat()}",
                    found=f"one created at {found.isoformat()}: not the one that was judged",
                )

    def _creation_times(self) -> Iterator[Any]:
        if self.op.creation_time is not None:
            yield self.op.creation_time
        if verdict := self._verdict():
            yield verdict.get("creation_time")

    def _refuse_untested(self, experiment: Description) -> None:
        if status_of(experiment) is not Status.RUNNING:
            raise PromotionRefusedError(
                asked=self._asked(experiment),
                found=f"it is {experiment['Status']}: it has not started",
                next_step="Start it, test the candidate, then promote it.",
            )
        _, percentage = sampling(experiment)
        if percentage != FULL_SAMPLING:
            found = f"it copies {percentage} % of the requests"
            self._refuse_partial(self._asked(experiment), found)

    def _refuse_exchanged(self, experiment: Description) -> None:
        """Refuse a candidate whose model was deleted and created again under its name."""
        model_name = str((shadow_variant(experiment) or {}).get("ModelName"))
        if was_created_after(self.hook, model_name, experiment):
            raise PromotionRefusedError(
                asked=self._asked(experiment),
                found=f"model {model_name!r} was created after the experiment: deleted and created "
                "again under its name, it is not what was tested",
                next_step="Test the candidate again, under a model name of its own.",
            )

    def _request(self, experiment: Description, now_runs: Running) -> dict[str, Any]:
        """Return the stop that promotes: tested type, no fewer instances than production has."""
        refuse_promotion_over(experiment, now_runs, asked=self._asked(experiment))
        shadow = shadow_variant(experiment) or {}
        tested = shadow["InfrastructureConfig"]["RealTimeInferenceConfig"]
        reason = mark(Action.PROMOTE, self.text("Promoted"))
        request = stop_request(
            experiment, promote=True, desired_state=str(Status.COMPLETED), reason=reason
        )
        request["DesiredModelVariants"] = [
            model_variant(
                model_name=shadow["ModelName"],
                variant_name=shadow["VariantName"],
                instance_type=tested["InstanceType"],
                instance_count=max(tested["InstanceCount"], now_runs.instance_count),
            )
        ]
        return request


def _ended_by_schedule(experiment: Description) -> bool:
    """Tell whether nobody stopped it: a stop's reason, and an end before its time, say otherwise.

    assumed: AWS gives no `StatusReason` then, and a stop leaves the scheduled end as it was.
    """
    planned = (experiment.get("Schedule") or {}).get("EndTime")
    ended = experiment.get("CompletionTime")
    if ending(experiment) is not Ending.COMPLETED or experiment.get("StatusReason"):
        return False
    return bool(planned and ended) and to_timestamp(ended) >= to_timestamp(planned)


def _endpoint_of(experiment: Description) -> str:
    return str(experiment["EndpointMetadata"]["EndpointName"])


def _moment(value: datetime | str) -> datetime:
    try:
        return to_timestamp(value)
    except (OSError, OverflowError, TypeError, ValueError) as error:
        raise InvalidRequestError(
            asked=f"creation_time={shown(value)}", found="not a time"
        ) from error
