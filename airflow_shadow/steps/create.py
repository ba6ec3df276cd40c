"""Create an experiment, or find the one that this task created before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
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
from airflow_shadow.experiments.ownership import (
    TASK,
    Claim,
    Identity,
    adoption,
    claim,
    known_failure,
)
from airflow_shadow.hooks.endpoints import is_unchanged
from airflow_shadow.hooks.errors import BUSY, IN_USE
from airflow_shadow.steps.operator import deadline
from airflow_shadow.steps.request import (
    CreationRequest,
    differences,
    plan,
)
from airflow_shadow.steps.requesting import RequestingSteps
from airflow_shadow.steps.safeguards import describe_scaling, look_again
from airflow_shadow.steps.skips import skip_backfill, skip_creation
from airflow_shadow.steps.wait import Carry, Step, Wait
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


class CreateInferenceExperimentSteps(RequestingSteps):
    """The steps of :class:`CreateInferenceExperimentOperator`."""

    begins_window = True
    #: Whether this process has called CreateInferenceExperiment, whatever came of it.
    sent = False

    # --- whose experiment is it? ---------------------------------------------------------

    def begin(self) -> Step:
        """Check the request before anything is asked of AWS or waited for, then look for ours."""
        skip_backfill(self, on={"skip"})
        me = self.identity()
        self._warn_unnamed(me)
        self.check()
        deadlines: Carry = {
            "claim_deadline": deadline("remove"),
            "endpoint_deadline": deadline("endpoint", self.op.endpoint_timeout),
        }
        return self._claim(me, deadlines)

    def _warn_unnamed(self, me: Identity) -> None:
        if self.hook.is_at_aws and not (me.deployment or me.address):
            self.log.warning(
                "Neither [airflow_shadow] deployment nor Airflow's base_url is set: the same Dag "
                "in another Airflow that shares this account would take this test for its own."
            )

    @property
    def given_name(self) -> str | None:
        """Return the name that the user gave, if any."""
        return self.wanted.given.get("Name")

    def _claim(self, me: Identity, carry: Carry) -> Step:
        wanted, taken = self.wanted, None
        for name in self._names(me, wanted):
            found = self.hook.find_experiment(name)
            what = claim(found, self._tags_of(found), me, name_is_given="Name" in wanted.given)
            if what is not Claim.NEXT_NAME:
                break
            taken = found
        if found is None:
            self._explain_name(name, wanted, taken)
            self._check_before_waiting(wanted)
            return self._await_endpoint(me, {**carry, "name": name})
        return self._act(what, found, me, carry)

    def _explain_name(self, name: str, wanted: CreationRequest, taken: Description | None) -> None:
        """Say where a name comes from that the user did not give.

        :param taken: our experiment that bears the name before this one
        """
        if taken:
            self.log.info(
                "Named it %r, because %r (%s) is from before this task was cleared and keeps its "
                "name.",
                name,
                taken["Name"],
                taken["Status"],
            )
        elif "Name" not in wanted.given:
            self.log.info(
                "No name is given: derived %r from endpoint %r, run %r and this task.",
                name,
                wanted.endpoint_name,
                self.context["ti"].run_id,
            )

    def _tags_of(self, experiment: Description | None) -> dict[str, str] | None:
        if experiment is None:
            return None
        try:
            tags = self.hook.find_tags(experiment["Arn"])
        except AwsAccessDeniedError:
            self.log.warning(
                "sagemaker:ListTags is denied: %r counts as somebody else's.", experiment["Name"]
            )
            return None
        if not tags and self._may_be_ours(experiment):
            asked, found = f"tags of experiment {experiment['Name']!r}", "AWS shows none yet"
            raise AwsUnavailableError(asked=asked, found=found, reason=found)
        return tags

    def _may_be_ours(self, experiment: Description) -> bool:
        """Tell whether a new experiment without tags may be one that we created with them."""
        me, name = self.identity(), experiment["Name"]
        made = datetime.fromisoformat(experiment["CreationTime"])
        is_new = (self.hook.now() - made).total_seconds() < LAG_SECONDS
        asked_before = self.sent or me.try_number > 1
        return is_new and (me.owner[:8] in name or (asked_before and name == self.given_name))

    def _act(self, what: Claim, found: Description, me: Identity, carry: Carry) -> Step:
        if what is Claim.FOREIGN:
            what = self._foreign(found)
        if what is Claim.ADOPT:
            return self._adopt(found, me)
        self.log.info("Found %r (%s): %s.", found["Name"], found["Status"], what)
        if what is Claim.RECREATE:
            prepared, now_runs = self._complete(found["Name"])
            if in_service(now_runs.shown):
                # A record is not deleted for a creation that will be skipped.
                skip_creation(self, prepared.params, now_runs, self._endpoint_tags(now_runs))
            return self._delete_first(found, carry)
        if what is Claim.SUPERSEDE:
            return self._supersede(found, carry)
        return self._await_any(found, CONCLUDED, carry)

    def begin_again(self, carry: Carry) -> Step:
        """Look anew whose experiment stands there."""
        return self._claim(self.identity(), carry)

    def _await_any(self, found: Description, targets: Iterable[Status], carry: Carry) -> Wait:
        goal = ReachStatus(found["Name"], tuple(map(str, targets)), tolerates=ANY_ENDING)
        return Wait(goal, self.settled_again, carry["claim_deadline"], carry)

    def _adopt(self, found: Description, me: Identity) -> Step:
        tags = self._tags_of(found) or {}
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
        self.delete(found["Name"])
        return Wait(
            ExperimentGone(found["Name"]), self.settled_again, carry["claim_deadline"], carry
        )

    def _supersede(self, found: Description, carry: Carry) -> Step:
        """End our own experiment of an earlier generation, which has other arguments."""
        status = status_of(found)
        if status is Status.CREATED:  # no shadow stands yet; CloudFormation deletes it likewise
            try:
                return self._delete_first(found, carry)
            except AwsRefusedError as error:  # it has just started
                again = self.after_conflict(error, carry)
                return self._await_any(found, SETTLED | CONCLUDED, again)
        if status is not Status.RUNNING:
            return self._await_any(found, SETTLED | CONCLUDED, carry)
        reason = mark(Action.SUPERSEDE, "Superseded: its Airflow task was cleared and has changed.")
        request = stop_request(found, promote=False, desired_state="Cancelled", reason=reason)
        try:
            self.hook.stop_inference_experiment(request)
        except AwsRefusedError as error:
            if wait := self.await_deployment(error, found, carry):
                return wait
            again = self.after_conflict(error, carry)
            return self._await_any(found, SETTLED | CONCLUDED, again)
        return self._await_any(found, CONCLUDED, carry)

    def _foreign(self, found: Description) -> Claim:
        """Decide about somebody else's experiment as `if_exists` says."""
        wanted = self.wanted
        prepared, _ = self._complete(found["Name"])
        differs = differences(prepared.params, found)
        concluded = status_of(found) in CONCLUDED
        if self.op.if_exists == "adopt" and not differs:
            return Claim.ADOPT
        if self.op.if_exists == "replace" and concluded:
            return Claim.RECREATE
        raise ExperimentExistsError(
            asked=f"{self._asked(wanted)} as {found['Name']!r}, if_exists={self.op.if_exists!r}",
            **self._whose(found, differs),
        )

    def _whose(self, found: Description, differs: Iterable[str]) -> dict[str, Any]:
        """Return what the error says about an experiment of others, and what to do about it."""
        me, tags = self.identity(), self._tags_of(found) or {}
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

    def _await_endpoint(self, me: Identity, carry: Carry) -> Step:
        endpoint_name, thorough = self.wanted.endpoint_name, "refusals" in carry
        created = self.hook.now().timestamp() if self.sent or me.try_number > 1 else 0.0
        goal = EndpointFree(endpoint_name, thorough, own=carry["name"], created=created)
        endpoint = self.hook.find_endpoint(endpoint_name)
        if endpoint and (thorough or not is_idle(endpoint)):
            holder = self.hook.find_holder(endpoint_name)
            what = claim(holder, self._tags_of(holder), me, name_is_given=True)
            if holder and what is not Claim.FOREIGN:  # ours, under a name that rendered otherwise
                return self._act(what, holder, me, carry)
        return Wait(goal, self._create, carry["endpoint_deadline"], carry)

    def _create(self, outcome: WaitResult, carry: Carry) -> Step:
        if outcome.error:
            raise outcome.error
        me, name = self.identity(), carry["name"]
        if "Holder" in outcome.description:
            self.sent = True  # by an earlier process, whose answer was lost
            return self._claim(me, carry)
        failure = str(outcome.description.get("FailureReason") or "")
        prepared, now_runs = self._complete(name, me.tags(known_failure=failure))
        tags, asked = self._endpoint_tags(now_runs), self._asked(self.wanted)
        again = look_again(self, tags, now_runs, carry, asked=asked)
        if again or not in_service(now_runs.shown):
            return self._await_endpoint(me, again or carry)
        prepared = self._request(prepared, now_runs, tags)
        self.log.info("%s", plan(prepared.params, now=self.hook.now()))
        if scaling := describe_scaling(self, now_runs):
            self.log.info("%s; a promotion will be refused unless autoscaling='ignore'.", scaling)
        if not is_unchanged(self.hook, now_runs):
            self.log.info(
                "Somebody changes endpoint %r; waiting and reading it anew.", now_runs.endpoint_name
            )
            return self._await_endpoint(me, carry)
        created, self.sent = self.hook.now().timestamp(), True
        try:
            self.hook.create_inference_experiment(prepared)
        except AwsRefusedError as error:
            if error.code not in BUSY:
                raise
            return self._refused(me, carry, error)
        return self._await_running(name, prepared.params, failure, created)

    def _refused(self, me: Identity, carry: Carry, error: AwsRefusedError) -> Step:
        """Describe again what AWS may have meant: our name taken, the endpoint busy, or neither.

        AWS documents no code for a busy endpoint, and two tasks may have asked at the same moment.
        """
        if self.hook.find_experiment(carry["name"]):
            return self._claim(me, carry)
        refusals = 0 if self._is_busy() else carry.get("refusals", 0) + 1
        if refusals > 1 and error.code == IN_USE:
            found = "it shows neither an experiment of the name nor one on the endpoint yet"
            raise AwsUnavailableError(asked=error.asked, found=found, reason=error.reason)
        if refusals > 1:
            raise error
        self.log.info("AWS refused the creation (%s); asking again.", error.reason)
        return self._await_endpoint(me, {**carry, "refusals": refusals})

    def _is_busy(self) -> bool:
        endpoint_name = self.wanted.endpoint_name
        endpoint = self.hook.find_endpoint(endpoint_name) or {}
        return not is_idle(endpoint) or self.hook.find_holder(endpoint_name) is not None

    # --- running -------------------------------------------------------------------------

    def _await_running(
        self, name: str, shown: Mapping[str, Any], failure: str, created: float
    ) -> Step:
        """Wait until it runs, or is shown at all.

        :param created: AWS's time of the creation, epoch seconds
        """
        self.meet(shown)
        if not self.op.wait_for_completion:
            goal = ReachStatus(name, tuple(Status), tolerates=ANY_ENDING, created=created)
            return Wait(goal, self.settled, self.deadline())
        targets = [Status.RUNNING, Status.COMPLETED]
        if self._starts_later(shown):
            targets += [Status.CREATED, Status.STARTING, Status.UPDATING]
        goal = ReachStatus(name, tuple(map(str, targets)), created=created)
        return Wait(goal, self._ended, self.deadline(), state=WaitState(known_failure=failure))

    def _ended(self, outcome: WaitResult, carry: Carry) -> Step:
        """End as the wait did; a broken experiment of our own is worth another try."""
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
