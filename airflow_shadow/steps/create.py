"""Create an experiment, or find the one that this task created before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from airflow_shadow.exceptions import (
    AwsAccessDeniedError,
    AwsRefusedError,
    AwsUnavailableError,
    CreationFailedError,
    ExperimentBrokenError,
    ExperimentExistsError,
)
from airflow_shadow.experiments.lifecycle import (
    CONCLUDED,
    SETTLED,
    Action,
    Status,
    mark,
    status_of,
    stop_request,
)
from airflow_shadow.experiments.ownership import TASK, Claim, adoption, claim, known_failure
from airflow_shadow.experiments.production import ProductionVariant
from airflow_shadow.experiments.request import differences, summary
from airflow_shadow.hooks.errors import BUSY, IN_USE
from airflow_shadow.hooks.responses import to_plain
from airflow_shadow.request_model import Prepared
from airflow_shadow.steps.create_request import CreateRequestSteps
from airflow_shadow.steps.endpoint_tags import find_endpoint_tags
from airflow_shadow.steps.operator import deadline
from airflow_shadow.steps.production import is_unchanged
from airflow_shadow.steps.safeguards import describe_scaling, read_again_if_stale
from airflow_shadow.steps.skips import skip_backfill, skip_creation
from airflow_shadow.steps.wait import Carry, Step, Wait, view_of
from airflow_shadow.waiters import (
    ANY_ENDING,
    LAG_SECONDS,
    Description,
    EndpointFree,
    ExperimentGone,
    ReachStatus,
    WaitResult,
    WaitState,
    ended_badly,
    in_service,
    is_idle,
)

_NAME_RUNS = "Leave name out, or put {{ run_id }} into it, so that each run has its own."


class CreateInferenceExperimentSteps(CreateRequestSteps):
    """The steps of :class:`CreateInferenceExperimentOperator`."""

    begins_window = True
    #: Whether this process has called CreateInferenceExperiment, whatever came of it.
    sent = False

    # --- whose experiment is it? ---------------------------------------------------------

    def begin(self) -> Step:
        """Check the request before AWS is called or anything is waited for, then look for ours."""
        skip_backfill(self, on={"skip"})
        self._warn_unnamed()
        _ = self.draft, self.creation.window.length  # checked as they are made
        deadlines: Carry = {
            "claim_deadline": deadline("remove"),
            "endpoint_deadline": deadline("endpoint", self.op.endpoint_timeout),
        }
        return self.begin_again(deadlines)

    def _warn_unnamed(self) -> None:
        if self.hook.is_at_aws and not (self.identity.deployment or self.identity.address):
            self.log.warning(
                "Neither [airflow_shadow] deployment nor Airflow's base_url is set: the same Dag "
                "in another Airflow that shares this account would take this test for its own."
            )

    def begin_again(self, carry: Carry) -> Step:
        """Find out whose experiment has the name, if any, and act accordingly."""
        taken = None
        for name in self.names():
            found = self.hook.find_experiment(name)
            what = self._claim(found, name_is_given=bool(self.given_name))
            if what is not Claim.NEXT_NAME:
                break
            taken = found
        if found is not None:
            return self._act(what, found, carry)
        self._explain_name(name, taken)
        self.check_before_waiting()
        return self._create_or_wait({**carry, "name": name})

    def _claim(self, found: Description | None, *, name_is_given: bool) -> Claim:
        return claim(found, self._tags_of(found), self.identity, name_is_given=name_is_given)

    def _explain_name(self, name: str, taken: Description | None) -> None:
        """Log where a name comes from that the user did not give.

        :param taken: our experiment that has the name before this one
        """
        if taken:
            self.log.info(
                "Named it %r, because %r (%s) is from before this task was cleared and keeps its "
                "name.",
                name,
                taken["Name"],
                taken["Status"],
            )
        elif not self.given_name:
            self.log.info(
                "No name is given: derived %r from endpoint %r, run %r and this task.",
                name,
                self.creation.endpoint_name,
                self.context["ti"].run_id,
            )

    def _tags_of(self, experiment: Description | None) -> dict[str, str] | None:
        if experiment is None:
            return None
        try:
            tags = self.hook.find_tags(experiment["Arn"])
        except AwsAccessDeniedError:
            self.log.warning(
                "sagemaker:ListTags is denied, so experiment %r is taken for somebody else's.",
                experiment["Name"],
            )
            return None
        if not tags and self._may_be_ours(experiment):
            asked, found = f"the tags of experiment {experiment['Name']!r}", "AWS shows none yet"
            raise AwsUnavailableError(asked=asked, found=found, reason=found)
        return tags

    def _may_be_ours(self, experiment: Description) -> bool:
        """Tell whether a new experiment without tags may be one that we created with them."""
        me, name = self.identity, experiment["Name"]
        made = datetime.fromisoformat(experiment["CreationTime"])
        is_new = (self.hook.now() - made).total_seconds() < LAG_SECONDS
        asked_before = self.sent or me.try_number > 1
        return is_new and (me.owner[:8] in name or (asked_before and name == self.given_name))

    def _act(self, what: Claim, found: Description, carry: Carry) -> Step:
        if what is Claim.FOREIGN:
            what = self._foreign(found)
        if what is Claim.ADOPT:
            return self._adopt(found)
        self.log.info("Found %r (%s): %s.", found["Name"], found["Status"], what)
        if what is Claim.RECREATE:
            prepared, production = self.complete(found["Name"])
            if in_service(production.endpoint):
                # A record is not deleted for a creation that will be skipped.
                skip_creation(self, prepared.params, production, self._endpoint_tags(production))
            return self._delete_first(found, carry)
        if what is Claim.SUPERSEDE:
            return self._supersede(found, carry)
        return self._await_any(found, CONCLUDED, carry)

    def _await_any(self, found: Description, targets: Iterable[Status], carry: Carry) -> Wait:
        goal = ReachStatus(found["Name"], tuple(map(str, targets)), tolerates=ANY_ENDING)
        return Wait(goal, self.settled_again, carry["claim_deadline"], carry)

    def _adopt(self, found: Description) -> Step:
        me, tags = self.identity, self._tags_of(found) or {}
        self.log.info("%s", adoption(found, tags, me))
        if me.is_owner(tags) and not me.is_same_generation(tags):
            # So that the next try finds it as this generation's.
            self.hook.add_tags(found["Arn"], me.tags_of_adoption())
        failure = known_failure(found, tags)
        asked = f"experiment {found['Name']!r} to run"
        if error := ended_badly(asked, found, WaitState(known_failure=failure)):
            raise error
        if status_of(found) in CONCLUDED:
            return found
        created = datetime.fromisoformat(found["CreationTime"]).timestamp()
        return self._await_running(found["Name"], found, failure, created)

    def _delete_first(self, found: Description, carry: Carry) -> Step:
        gone = ExperimentGone(found["Name"])
        wait = Wait(gone, self.settled_again, carry["claim_deadline"], carry)
        return self.attempt(partial(self.delete, found["Name"]), found, carry) or wait

    def _supersede(self, found: Description, carry: Carry) -> Step:
        """End our own experiment of an earlier generation, which has other arguments."""
        status = status_of(found)
        if status is Status.CREATED:  # it has no shadow yet; CloudFormation deletes it likewise
            return self._delete_first(found, carry)
        if status is not Status.RUNNING:
            return self._await_any(found, SETTLED | CONCLUDED, carry)
        reason = mark(Action.SUPERSEDE, "Superseded: its Airflow task was cleared and has changed.")
        request = stop_request(found, promote=False, desired_state="Cancelled", reason=reason)
        call = partial(self.hook.stop_inference_experiment, request)
        return self.attempt(call, found, carry) or self._await_any(found, CONCLUDED, carry)

    def _foreign(self, found: Description) -> Claim:
        """Decide what to do with somebody else's experiment, by `if_exists`."""
        prepared, _ = self.complete(found["Name"])
        differs = differences(to_plain(prepared.params), found)
        concluded = status_of(found) in CONCLUDED
        if self.op.if_exists == "adopt" and not differs:
            return Claim.ADOPT
        if self.op.if_exists == "replace" and concluded:
            return Claim.RECREATE
        raise ExperimentExistsError(
            asked=f"{self.creation.asked} as {found['Name']!r}, if_exists={self.op.if_exists!r}",
            **self._whose(found, differs),
        )

    def _whose(self, found: Description, differs: Iterable[str]) -> dict[str, Any]:
        """Return what the error says about somebody else's experiment, and what to do about it."""
        me, tags = self.identity, self._tags_of(found) or {}
        whose, advice = "somebody else's experiment of that name", None
        if there := me.namesake(tags):
            whose += f", created by the same task of the Airflow at {there}, and this one is at "
            whose += me.address
            advice = "Set [airflow_shadow] deployment in each Airflow that shares the account."
        elif task := tags.get(TASK):
            whose += f", created by Dag, run and task {task} (its tag {TASK})"
            advice = f"{_NAME_RUNS} {ExperimentExistsError.next_step}"
        difference = "; ".join(differs) or "nothing differs"
        return {"found": f"{whose}, {found['Status']}; {difference}", "next_step": advice}

    # --- the endpoint --------------------------------------------------------------------

    def _create_or_wait(self, carry: Carry) -> Step:
        """Create at once if the endpoint is free, else wait for it."""
        endpoint_name = self.creation.endpoint_name
        endpoint = self.hook.find_endpoint(endpoint_name)
        if not endpoint or not is_idle(endpoint) or "refusals" in carry:
            return self._await_endpoint(carry, endpoint)
        self.log.info("Endpoint %r is InService and free.", endpoint_name)
        return self._create_on(endpoint, carry)

    def _await_endpoint(self, carry: Carry, endpoint: Description | None) -> Step:
        """Wait until the endpoint is free, unless an experiment of ours holds it.

        :param endpoint: DescribeEndpoint, called just now
        """
        endpoint_name, thorough = self.creation.endpoint_name, "refusals" in carry
        if endpoint and (thorough or not is_idle(endpoint)):
            holder = self.hook.find_occupying_experiment(endpoint_name)
            what = self._claim(holder, name_is_given=True)
            if holder and what is not Claim.FOREIGN:  # ours, under a name that rendered otherwise
                return self._act(what, holder, carry)
        may_exist = self.sent or self.identity.try_number > 1
        created = self.hook.now().timestamp() if may_exist else 0.0
        goal = EndpointFree(endpoint_name, thorough, own=carry["name"], created=created)
        return Wait(goal, self._create, carry["endpoint_deadline"], carry)

    def _read_again(self, carry: Carry) -> Step:
        return self._await_endpoint(carry, self.hook.find_endpoint(self.creation.endpoint_name))

    def _create(self, outcome: WaitResult, carry: Carry) -> Step:
        """Create after a wait, which may have been long enough for a model to be deleted."""
        endpoint = view_of(outcome)
        if "Holder" in endpoint:
            self.sent = True  # by an earlier process, whose answer was lost
            return self.begin_again(carry)
        self.check_models()
        if self.resumed:  # the trigger described it, some time ago
            endpoint = self.hook.find_endpoint(self.creation.endpoint_name) or endpoint
        return self._create_on(endpoint, carry)

    def _create_on(self, endpoint: Description, carry: Carry) -> Step:
        """Create on an endpoint that was free when it was described, unless it has changed since.

        :param endpoint: DescribeEndpoint
        """
        failure = str(endpoint.get("FailureReason") or "")
        prepared, production = self.complete(
            carry["name"], self.identity.tags(known_failure=failure), endpoint=endpoint
        )
        tags, asked = self._endpoint_tags(production), self.creation.asked
        again = read_again_if_stale(self, tags, production, carry, asked=asked)
        if again or not in_service(production.endpoint):
            return self._read_again(again or carry)
        prepared = self.approved(prepared, production, tags)
        self.log.info("%s", summary(prepared.params, now=self.hook.now()))
        if scaling := describe_scaling(self.hook, production):
            self.log.info("%s; a promotion will be refused unless autoscaling='ignore'.", scaling)
        if not is_unchanged(self.hook, production):
            self.log.info(
                "Somebody is changing endpoint %r; waiting, then reading it again.",
                production.endpoint_name,
            )
            return self._read_again(carry)
        return self._send(prepared, carry, failure)

    def _endpoint_tags(self, production: ProductionVariant) -> dict[str, str]:
        return find_endpoint_tags(self.hook, production.arn) or {}

    def _send(self, prepared: Prepared, carry: Carry, failure: str) -> Step:
        created, self.sent = self.hook.now().timestamp(), True
        try:
            self.hook.create_inference_experiment(prepared)
        except AwsRefusedError as error:
            if error.code not in BUSY:
                raise
            return self._refused(carry, error)
        return self._await_running(carry["name"], prepared.params, failure, created)

    def _refused(self, carry: Carry, error: AwsRefusedError) -> Step:
        """Describe again what AWS may have meant: our name taken, the endpoint busy, or neither.

        AWS documents no code for a busy endpoint, and two tasks may call at the same moment.
        """
        if self.hook.find_experiment(carry["name"]):
            return self.begin_again(carry)
        refusals = 0 if self._is_busy() else carry.get("refusals", 0) + 1
        if refusals > 1 and error.code == IN_USE:
            found = "AWS shows neither an experiment of the name nor one on the endpoint yet"
            raise AwsUnavailableError(asked=error.asked, found=found, reason=error.reason)
        if refusals > 1:
            raise error
        self.log.info("AWS refused the creation (%s); trying again.", error.reason)
        return self._read_again({**carry, "refusals": refusals})

    def _is_busy(self) -> bool:
        endpoint_name = self.creation.endpoint_name
        endpoint = self.hook.find_endpoint(endpoint_name) or {}
        return (
            not is_idle(endpoint) or self.hook.find_occupying_experiment(endpoint_name) is not None
        )

    # --- running -------------------------------------------------------------------------

    def _await_running(
        self, name: str, shown: Mapping[str, Any], failure: str, created: float
    ) -> Step:
        """Wait until it runs; without `wait_for_completion` only until AWS shows it.

        :param created: AWS's time of the creation, epoch seconds
        """
        self.remember_experiment(shown)
        if not self.op.wait_for_completion:
            goal = ReachStatus(name, tuple(Status), tolerates=ANY_ENDING, created=created)
            return Wait(goal, self.settled, self.deadline())
        targets = [Status.RUNNING, Status.COMPLETED]
        if self._starts_later(shown):
            targets += [Status.CREATED, Status.STARTING, Status.UPDATING]
        goal = ReachStatus(name, tuple(map(str, targets)), created=created)
        return Wait(goal, self._ended, self.deadline(), state=WaitState(known_failure=failure))

    def _ended(self, outcome: WaitResult, carry: Carry) -> Step:
        """End as the wait did; if our own experiment broke, another try may create it again."""
        error = outcome.error
        if isinstance(error, ExperimentBrokenError):
            raise CreationFailedError(asked=error.asked, found=error.found, reason=error.reason)
        return self.settled(outcome, carry)

    def _starts_later(self, shown: Mapping[str, Any]) -> bool:
        start = (shown.get("Schedule") or {}).get("StartTime")
        if isinstance(start, str):
            start = datetime.fromisoformat(start)
        # AWS's clock is known to the second only.
        return start is not None and start > self.hook.now() + timedelta(seconds=1)
