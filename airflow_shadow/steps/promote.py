"""Promote an experiment's candidate to production, on all that speaks for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from airflow_shadow._compat import AirflowSkipException, expanded_entries
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
from airflow_shadow.experiments.production import ProductionVariant, model_variant
from airflow_shadow.experiments.promotions import Promotion, latest_promotion
from airflow_shadow.operators.conclude import PromoteShadowVariantOperator
from airflow_shadow.steps.approval import next_wait, skip_refused
from airflow_shadow.steps.branch_decisions import skip_unfollowed
from airflow_shadow.steps.conclude import ConcludeSteps
from airflow_shadow.steps.endpoint_tags import find_promotions, tag_promoted, tag_serves
from airflow_shadow.steps.production import is_unchanged, read_production
from airflow_shadow.steps.safeguards import (
    refuse_loss_by_promotion,
    refuse_promotion_over,
    refuse_scaled,
)
from airflow_shadow.steps.skips import moment_of, skip_backfill, skip_older
from airflow_shadow.steps.wait import Carry, Step, Wait, view_of
from airflow_shadow.text.messages import short_repr
from airflow_shadow.text.values import to_timestamp
from airflow_shadow.waiters import Description, WaitResult, in_service


class PromoteShadowVariantSteps(ConcludeSteps[PromoteShadowVariantOperator]):
    """The steps of :class:`PromoteShadowVariantOperator`."""

    def begin(self) -> Step:
        """Check what was decided, then wait out an update or a start that is under way."""
        skip_backfill(self, on={"skip", "observe"})
        skip_unfollowed(self, needs_decision=True)
        if objection := self._objection():
            # Whether the verdict is about this experiment is known without waiting.
            if experiment := self.hook.find_experiment(self.name()):
                self._refuse_another(experiment)
            raise AirflowSkipException(f"Skipped: {objection}")
        return self.begin_again({})

    def _verdict(self) -> Mapping[str, Any] | None:
        """Return the verdict that the task was given, `None` if it asks for none.

        :raises InvalidRequestError: it holds none, or that of another experiment
        """
        asked = f"to promote the candidate of experiment {self.name()!r} on a verdict"
        if not self.op.has_verdict:
            self._refuse_forgotten(asked)
            return None
        verdict = read_verdict(self.op.verdict, asked=asked)
        if verdict.get("experiment") != self.name():
            raise InvalidRequestError(
                asked=asked,
                found=f"one on experiment {short_repr(verdict.get('experiment'))}",
                next_step="Give the output of this experiment's analysis; nothing was changed.",
            )
        share = verdict.get("sampling_percentage", FULL_SAMPLING)
        if verdict["outcome"] == "PASS" and share < FULL_SAMPLING:
            self._refuse_partial(asked, f"a verdict on {share:.15g} % of the requests")
        return verdict

    def _refuse_forgotten(self, asked: str) -> None:
        """Refuse an entry of `expand_kwargs()` that lacks the verdict which others have.

        :raises InvalidRequestError: it does
        """
        entries = expanded_entries(self.op)
        if any(isinstance(entry, Mapping) and "verdict" in entry for entry in entries):
            raise InvalidRequestError(
                asked=asked,
                found="none in this entry of expand_kwargs(), though others have one",
                next_step="Give each entry its verdict; nothing was changed.",
            )

    def _refuse_partial(self, asked: str, found: str) -> None:
        if not self.op.allow_partial_sampling:
            raise PromotionRefusedError(
                asked=asked,
                found=f"{found}, so the candidate never had the full load",
                next_step="Update it to sampling_percentage=100 and test again, or pass "
                "allow_partial_sampling=True.",
            )

    def _objection(self) -> str:
        """Return why the verdict, if there is one, does not count as PASS, else `""`."""
        verdict = self._verdict()
        if verdict is None:
            return ""
        outcome, why = taken_as(verdict, promote_on=self.op.promote_on)
        return "" if outcome == "PASS" else why

    def conclude(self, outcome: WaitResult, carry: Carry) -> Step:
        """Promote, unless it has happened, nothing supports it, or it must wait."""
        experiment = view_of(outcome)
        skip_unfollowed(self, needs_decision=True)
        self._refuse_another(experiment)
        if objection := self._objection():
            raise AirflowSkipException(f"Skipped: {objection}")
        if status_of(experiment) in CONCLUDED:
            return self._already(experiment)
        self._refuse_untested(experiment)
        self.refuse_exchanged(experiment, asked=_asked(experiment))
        return self._promote(experiment, carry)

    def _promote(self, experiment: Description, carry: Carry) -> Step:
        """Replace production as it is now, if that loses nothing and nobody is deploying."""
        asked, anew = _asked(experiment), Carry(**{**carry, "passed": []})
        production = read_production(self.hook, _endpoint_of(experiment), asked=asked)
        if not in_service(production.endpoint):
            return self.await_settled(production.endpoint_name, anew)
        if again := self.ended_since(experiment, production, carry):
            return again
        refuse_loss_by_promotion(self, production, asked=asked)
        refuse_scaled(self, production, asked=asked)
        promotions = find_promotions(self.hook, production.arn)
        candidate = self._candidate(experiment)
        if not self.op.allow_older:
            skip_older(self, promotions or [], candidate.model_name, production)
        request = self._request(experiment, production)
        if wait := self._next_wait(experiment, carry):
            return wait
        serves = production.model_name
        tag_serves(self.hook, production.arn, promotions, serves=serves, candidate=candidate)
        if not is_unchanged(self.hook, production):
            return self.await_settled(production.endpoint_name, anew)
        return self.stop(request, experiment, anew) or self.await_promotion(experiment)

    def _next_wait(self, experiment: Description, carry: Carry) -> Wait | None:
        asked = _asked(experiment)
        return next_wait(self, experiment, carry, asked=asked, then=self.cleared)

    def await_promotion(self, experiment: Description) -> Step:
        """Wait as a stop does, then tag the endpoint."""
        step = super().await_promotion(experiment)
        return replace(step, then=self.promoted) if isinstance(step, Wait) else step

    def promoted(self, outcome: WaitResult, carry: Carry) -> Step:
        """Tag the endpoint with the model that serves now, and end as a stop does."""
        endpoint = (
            None if outcome.error else self.hook.find_endpoint(_endpoint_of(outcome.description))
        )
        if endpoint:
            self._tag_promoted(outcome.description, endpoint["EndpointArn"])
        return self.settled(outcome, carry)

    def _tag_promoted(self, experiment: Description, endpoint_arn: str) -> None:
        ended = experiment.get("CompletionTime")
        moment = to_timestamp(ended) if ended else self.hook.now()
        promoted = Promotion(self._candidate(experiment).model_name, moment)
        tag_promoted(self.hook, endpoint_arn, promoted)

    def cleared(self, outcome: WaitResult, carry: Carry) -> Step:
        """Repeat all checks if nothing objects: the wait may have been long."""
        view = view_of(outcome)
        skip_refused(view)
        experiment = view["experiment"]
        if self.resumed:
            # Since the trigger's poll the task may have waited long for a worker: poll once more.
            self.resumed = False
            before: Carry = {**carry, "passed": carry["passed"][:-1]}
            if wait := self._next_wait(experiment, before):
                return wait
        if status_of(experiment) in SETTLED | CONCLUDED:
            return self.conclude(replace(outcome, description=experiment), carry)
        return self.begin_again({**carry, "passed": []})

    def _candidate(self, experiment: Description) -> Promotion:
        shadow = shadow_variant(experiment) or {}
        return Promotion(str(shadow.get("ModelName")), moment_of(self))

    def _already(self, experiment: Description) -> Step:
        """Judge a concluded experiment by its own record; the endpoint may have changed since."""
        promoted = recorded_promotion(experiment)
        if promoted is None:
            return self.await_promotion(experiment)
        if not promoted:
            raise self._not_promoted(experiment)
        self.log.info("The candidate of experiment %r was promoted before.", experiment["Name"])
        self._tag_late(experiment)
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
            asked=_asked(experiment),
            found=found,
            reason=experiment.get("StatusReason") or "",
            next_step=next_step,
        )

    def _tag_late(self, experiment: Description) -> None:
        """Tag the endpoint if it serves the candidate and no tag says since when."""
        candidate = self._candidate(experiment)
        try:
            endpoint = self.hook.find_running(_endpoint_of(experiment)) or {}
        except AwsAccessDeniedError:
            return  # a promotion that has happened does not need the endpoint
        serves = candidate.model_name
        if endpoint.get("ModelName") != serves:
            return
        arn = endpoint["EndpointArn"]
        self._tag_promoted(experiment, arn)
        promotions = find_promotions(self.hook, arn)
        if latest_promotion(promotions or [], serves) is None:
            tag_serves(self.hook, arn, promotions, serves=serves, candidate=candidate)

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
                    asked=f"{_asked(experiment)} that was created at {judged.isoformat()}",
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
                asked=_asked(experiment),
                found=f"it is {experiment['Status']}: it has not started",
                next_step="Start it, test the candidate, then promote it.",
            )
        _, percentage = sampling(experiment)
        if percentage != FULL_SAMPLING:
            found = f"it copies {percentage} % of the requests"
            self._refuse_partial(_asked(experiment), found)

    def _request(self, experiment: Description, production: ProductionVariant) -> dict[str, Any]:
        """Return the stop that promotes: the tested type, at least production's instance count."""
        refuse_promotion_over(experiment, production, asked=_asked(experiment))
        shadow = shadow_variant(experiment) or {}
        tested = shadow["InfrastructureConfig"]["RealTimeInferenceConfig"]
        reason = mark(Action.PROMOTE, self.reason("Promoted"))
        request = stop_request(
            experiment, promote=True, desired_state=str(Status.COMPLETED), reason=reason
        )
        request["DesiredModelVariants"] = [
            model_variant(
                model_name=shadow["ModelName"],
                variant_name=shadow["VariantName"],
                instance_type=tested["InstanceType"],
                instance_count=max(tested["InstanceCount"], production.instance_count),
            )
        ]
        return request


def _asked(experiment: Description) -> str:
    return f"to promote the candidate of experiment {experiment['Name']!r}"


def _ended_by_schedule(experiment: Description) -> bool:
    """Tell whether it ended by its schedule: without a reason, and not before the planned end.

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
            asked=f"creation_time={short_repr(value)}", found="not a time"
        ) from error
