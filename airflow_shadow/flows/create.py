"""Create an experiment, or find the one that this task created before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from airflow_shadow.exceptions import (
    AwsAccessDeniedError,
    AwsRefusedError,
    CreationFailedError,
    ExperimentBrokenError,
    ExperimentExistsError,
)
from airflow_shadow.flows.base import Step, Wait, deadline
from airflow_shadow.flows.creation import (
    UNREAD,
    CreationRequest,
    differences,
    plan,
)
from airflow_shadow.flows.guard import skip_backfill, skip_creation
from airflow_shadow.flows.harm import (
    describe_scaling,
    look_again,
)
from airflow_shadow.flows.requesting import RequestingFlow
from airflow_shadow.hooks.endpoints import (
    is_unchanged,
)
from airflow_shadow.hooks.errors import BUSY
from airflow_shadow.lifecycle import (
    CONCLUDED,
    SETTLED,
    Action,
    Status,
    mark,
    status_of,
    stop_request,
)
from airflow_shadow.ownership import (
    Claim,
    Identity,
    adoption,
    claim,
    default_names,
    known_failure,
)
from airflow_shadow.waiting import (
    ANY_ENDING,
    EndpointFree,
    ExperimentGone,
    Outcome,
    Progress,
    ReachStatus,
    View,
    ended_badly,
    in_service,
    is_idle,
)


class CreateInferenceExperimentFlow(RequestingFlow):
    """The steps of :class:`CreateInferenceExperimentOperator`."""

    begins_window = True

    # --- whose experiment is it? ---------------------------------------------------------

    def begin(self) -> Step:
        """Check the request before anything is asked of AWS or waited for, then look for ours."""
        skip_backfill(self, on={"skip"})
        me = self.identity()
        self._warn_unnamed(me)
        wanted = self._wanted()
        self._checked(wanted.complete(UNREAD, name=next(self._names(me, wanted))))
        wanted.check_schedule()
        deadlines = {
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

    def _names(self, me: Identity, wanted: CreationRequest) -> Iterator[str]:
        if given := wanted.given.get("Name"):
            return iter([given])
        return default_names(me, endpoint_name=wanted.endpoint_name)

    def _claim(self, me: Identity, carry: dict[str, Any]) -> Step:
        wanted, taken = self._wanted(), None
        for name in self._names(me, wanted):
            found = self.hook.find_experiment(name)
            what = claim(found, self._tags_of(found), me, name_is_given="Name" in wanted.given)
            if what is not Claim.NEXT_NAME:
                break
            taken = found
        if found is None:
            self._explain_name(name, wanted, taken)
            return self._await_endpoint(me, {**carry, "name": name})
        return self._act(what, found, me, carry)

    def _explain_name(self, name: str, wanted: CreationRequest, taken: View | None) -> None:
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

    def _tags_of(self, experiment: View | None) -> dict[str, str] | None:
        if experiment is None:
            return None
        try:
            return self.hook.find_tags(experiment["Arn"])
        except AwsAccessDeniedError:
            self.log.warning(
                "sagemaker:ListTags is denied: %r counts as somebody else's.", experiment["Name"]
            )
            return None

    def _act(self, what: Claim, found: View, me: Identity, carry: dict[str, Any]) -> Step:
        if what is Claim.FOREIGN:
            what = self._foreign(found)
        if what is Claim.ADOPT:
            return self._adopt(found, me)
        self.log.info("Found %r (%s): %s.", found["Name"], found["Status"], what)
        if what is Claim.RECREATE:
            request, now_runs = self._complete(found["Name"])
            if in_service(now_runs.shown):
                # A record is not deleted for a creation that will be skipped.
                skip_creation(self, request, now_runs, self._endpoint_tags(now_runs))
            return self._delete_first(found, carry)
        if what is Claim.SUPERSEDE:
            return self._supersede(found, carry)
        return self._await_any(found, CONCLUDED, carry)

    def _claim_again(self, outcome: Outcome, carry: dict[str, Any]) -> Step:
        if outcome.error:
            raise outcome.error
        return self._claim(self.identity(), carry)

    def _await_any(self, found: View, targets: Iterable[Status], carry: dict[str, Any]) -> Wait:
        goal = ReachStatus(found["Name"], tuple(map(str, targets)), tolerates=ANY_ENDING)
        return Wait(goal, "_claim_again", carry["claim_deadline"], carry)

    def _adopt(self, found: View, me: Identity) -> Step:
        tags = self._tags_of(found) or {}
        self.log.info("%s", adoption(found, tags, me))
        if me.is_owner(tags) and not me.is_same_generation(tags):
            # So that the next try finds it as this generation's.
            self.hook.add_tags(found["Arn"], me.tags_of_adoption())
        failure = known_failure(found, tags)
        asked = f"experiment {found['Name']!r} to run"
        if error := ended_badly(asked, found, Progress(known_failure=failure)):
            raise error
        if status_of(found) in CONCLUDED:
            return found
        return self._await_running(found["Name"], found, failure)

    def _delete_first(self, found: View, carry: dict[str, Any]) -> Step:
        self.delete(found["Name"])
        return Wait(ExperimentGone(found["Name"]), "_claim_again", carry["claim_deadline"], carry)

    def _supersede(self, found: View, carry: dict[str, Any]) -> Step:
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
            again = self.after_conflict(error, carry)
            return self._await_any(found, SETTLED | CONCLUDED, again)
        return self._await_any(found, CONCLUDED, carry)

    def _foreign(self, found: View) -> Claim:
        """Decide about somebody else's experiment as `if_exists` says."""
        wanted = self._wanted()
        request, _ = self._complete(found["Name"])
        differs = differences(request, found)
        concluded = status_of(found) in CONCLUDED
        if self.op.if_exists == "adopt" and not differs:
            return Claim.ADOPT
        if self.op.if_exists == "replace" and concluded:
            return Claim.RECREATE
        difference = "; ".join(differs) or "nothing differs"
        me, next_step = self.identity(), None
        whose = "somebody else's experiment of that name"
        if there := me.namesake(self._tags_of(found) or {}):
            whose += f", created by the same task of the Airflow at {there}, and this one is at "
            whose += me.address
            next_step = "Set [airflow_shadow] deployment in each Airflow that shares the account."
        raise ExperimentExistsError(
            asked=f"{self._asked(wanted)} as {found['Name']!r}, if_exists={self.op.if_exists!r}",
            found=f"{whose}, {found['Status']}; {difference}",
            next_step=next_step,
        )

    # --- the endpoint --------------------------------------------------------------------

    def _await_endpoint(self, me: Identity, carry: dict[str, Any]) -> Step:
        endpoint_name, thorough = self._wanted().endpoint_name, "refusals" in carry
        goal = EndpointFree(endpoint_name, thorough=thorough)
        endpoint = self.hook.find_endpoint(endpoint_name)
        if endpoint and (thorough or not is_idle(endpoint)):
            holder = self.hook.find_holder(endpoint_name)
            what = claim(holder, self._tags_of(holder), me, name_is_given=True)
            if holder and what is not Claim.FOREIGN:  # ours, under a name that rendered otherwise
                return self._act(what, holder, me, carry)
        return Wait(goal, "_create", carry["endpoint_deadline"], carry)

    def _create(self, outcome: Outcome, carry: dict[str, Any]) -> Step:
        if outcome.error:
            raise outcome.error
        me, name = self.identity(), carry["name"]
        failure = str(outcome.view.get("FailureReason") or "")
        request, now_runs = self._complete(name, me.tags(known_failure=failure))
        tags, asked = self._endpoint_tags(now_runs), self._asked(self._wanted())
        again = look_again(self, tags, now_runs, carry, asked=asked)
        if again or not in_service(now_runs.shown):
            return self._await_endpoint(me, again or carry)
        request = self._request(request, now_runs, tags)
        self.log.info("%s", plan(request, now=self.hook.now()))
        if scaling := describe_scaling(self, now_runs):
            self.log.info("%s; a promotion will be refused unless autoscaling='ignore'.", scaling)
        if not is_unchanged(self.hook, now_runs):
            self.log.info(
                "Somebody changes endpoint %r; waiting and reading it anew.", now_runs.endpoint_name
            )
            return self._await_endpoint(me, carry)
        try:
            self.hook.create_inference_experiment(request, validate=self.op.validate)
        except AwsRefusedError as error:
            if error.code not in BUSY:
                raise
            return self._refused(me, carry, error)
        return self._await_running(name, request, failure)

    def _refused(self, me: Identity, carry: dict[str, Any], error: AwsRefusedError) -> Step:
        """Describe again what AWS may have meant: our name taken, the endpoint busy, or neither.

        AWS documents no code for a busy endpoint, and two tasks may have asked at the same moment.
        """
        if self.hook.find_experiment(carry["name"]):
            return self._claim(me, carry)
        refusals = 0 if self._is_busy() else carry.get("refusals", 0) + 1
        if refusals > 1:
            raise error
        self.log.info("AWS refused the creation (%s); asking again.", error.reason)
        return self._await_endpoint(me, {**carry, "refusals": refusals})

    def _is_busy(self) -> bool:
        endpoint_name = self._wanted().endpoint_name
        endpoint = self.hook.find_endpoint(endpoint_name) or {}
        return not is_idle(endpoint) or self.hook.find_holder(endpoint_name) is not None

    # --- running -------------------------------------------------------------------------

    def _await_running(self, name: str, shown: Mapping[str, Any], failure: str) -> Step:
        self.meet(shown)
        if not self.op.wait_for_completion:
            return self.hook.describe_inference_experiment(name)
        targets = [Status.RUNNING, Status.COMPLETED]
        if self._starts_later(shown):
            targets += [Status.CREATED, Status.STARTING, Status.UPDATING]
        goal = ReachStatus(name, tuple(map(str, targets)))
        return Wait(goal, "_ended", self.deadline(), progress=Progress(known_failure=failure))

    def _ended(self, outcome: Outcome, carry: dict[str, Any]) -> Step:
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
