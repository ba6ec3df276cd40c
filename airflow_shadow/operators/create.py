"""Create an experiment, or find the one that this task created before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from airflow.providers.amazon.aws.utils.mixins import aws_template_fields

from airflow_shadow._compat import Context
from airflow_shadow.exceptions import (
    AwsAccessDeniedError,
    AwsRefusedError,
    CreationFailedError,
    ExperimentBrokenError,
    ExperimentExistsError,
    InvalidRequestError,
    ProductionChangeError,
)
from airflow_shadow.hooks.endpoints import check_candidate, production_changes, running
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
from airflow_shadow.operators.base import ShadowOperator, Step, Wait, deadline
from airflow_shadow.operators.creation import (
    UNREAD,
    CreationRequest,
    differences,
    plan,
    with_legal_name,
)
from airflow_shadow.ownership import Claim, Identity, claim, default_names, known_failure
from airflow_shadow.waiting import (
    ANY_ENDING,
    EndpointFree,
    ExperimentGone,
    Outcome,
    Progress,
    ReachStatus,
    View,
    ended_badly,
    is_idle,
)


class CreateInferenceExperimentOperator(ShadowOperator):
    """Create a shadow test on an endpoint (CreateInferenceExperiment) and wait until it runs.

    With `shadow_model_name` and `sampling_percentage`, everything else is read from the endpoint as
    it runs now, so that production stays as it is. A retry, a clear or a second copy of the task
    finds the experiment again instead of creating another.

    Returns the experiment's name; its description goes to the XCom `experiment`.

    :param role_arn: role that SageMaker assumes to manage the endpoint (templated)
    :param endpoint_name: endpoint whose traffic is copied (templated)
    :param shadow_model_name: the candidate's model (templated)
    :param sampling_percentage: share of requests copied to the candidate, 0 to 100 (templated)
    :param shadow_variant_name: name of the shadow variant; derived from the model if not given
        (templated)
    :param name: name of the experiment; derived from endpoint and run if not given (templated)
    :param type: `ShadowMode` is the only type that AWS knows (templated)
    :param schedule: `StartTime` and `EndTime` (templated)
    :param start_time: instead of `schedule`; in the past it means now (templated)
    :param end_time: instead of `schedule` (templated)
    :param duration: instead of an end: a timedelta, seconds, `"90m"` or ISO-8601 (templated)
    :param shift_past_schedule: run a window that lies wholly in the past now, keeping its length
    :param description: free text (templated)
    :param model_variants: production and shadow in full, instead of `shadow_model_name` (templated)
    :param shadow_mode_config: which variant shadows which, likewise (templated)
    :param data_storage_config: where to capture requests and responses (templated)
    :param kms_key: key of the instances' volumes; the endpoint's own if not given (templated)
    :param tags: mapping, or list of `Key` and `Value` (templated)
    :param if_exists: what to do if somebody else has taken the name: `"fail"`, `"adopt"` it if its
        configuration is the same, or `"replace"` it if it is concluded
    :param allow_production_change: create even if `model_variants` changes what production runs
    :param endpoint_timeout: seconds to wait for a busy endpoint, a day by default
    :raises AirflowFailException: where another try would end the same
    :raises AirflowException: where a retry may help
    """

    api_operation = "CreateInferenceExperiment"
    deadline_row = "create"
    template_fields: Sequence[str] = aws_template_fields(
        "config",
        "data_storage_config",
        "description",
        "duration",
        "end_time",
        "endpoint_name",
        "kms_key",
        "model_variants",
        "name",
        "role_arn",
        "sampling_percentage",
        "schedule",
        "shadow_mode_config",
        "shadow_model_name",
        "shadow_variant_name",
        "start_time",
        "tags",
        "type",
    )
    template_fields_renderers = dict.fromkeys(
        (
            "config",
            "data_storage_config",
            "model_variants",
            "schedule",
            "shadow_mode_config",
            "tags",
        ),
        "json",
    )

    def __init__(
        self,
        *,
        role_arn: str | None = None,
        endpoint_name: str | None = None,
        shadow_model_name: str | None = None,
        sampling_percentage: int | str | None = None,
        shadow_variant_name: str | None = None,
        name: str | None = None,
        type: str = "ShadowMode",  # noqa: A002 - the API's field
        schedule: Mapping[str, Any] | str | None = None,
        start_time: datetime | str | None = None,
        end_time: datetime | str | None = None,
        duration: Any = None,
        shift_past_schedule: bool = False,
        description: str | None = None,
        model_variants: Sequence[Mapping[str, Any]] | str | None = None,
        shadow_mode_config: Mapping[str, Any] | str | None = None,
        data_storage_config: Mapping[str, Any] | str | None = None,
        kms_key: str | None = None,
        tags: Mapping[str, str] | Sequence[Mapping[str, str]] | str | None = None,
        if_exists: Literal["fail", "adopt", "replace"] = "fail",
        allow_production_change: bool = False,
        endpoint_timeout: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.role_arn = role_arn
        self.endpoint_name = endpoint_name
        self.shadow_model_name = shadow_model_name
        self.sampling_percentage = sampling_percentage
        self.shadow_variant_name = shadow_variant_name
        self.name = name
        self.type = type
        self.schedule = schedule
        self.start_time = start_time
        self.end_time = end_time
        self.duration = duration
        self.shift_past_schedule = shift_past_schedule
        self.description = description
        self.model_variants = model_variants
        self.shadow_mode_config = shadow_mode_config
        self.data_storage_config = data_storage_config
        self.kms_key = kms_key
        self.tags = tags
        self.if_exists = if_exists
        self.allow_production_change = allow_production_change
        self.endpoint_timeout = endpoint_timeout

    # --- whose experiment is it? ---------------------------------------------------------

    def begin(self, context: Context) -> Step:
        """Check the request before anything is asked of AWS or waited for, then look for ours."""
        me = self._identity(context)
        wanted = self._wanted()
        self._checked(wanted.complete(UNREAD, name=next(self._names(me, wanted))))
        wanted.check_schedule()
        deadlines = {
            "claim_deadline": deadline("remove"),
            "endpoint_deadline": deadline("endpoint", self.endpoint_timeout),
        }
        return self._claim(context, me, deadlines)

    def _wanted(self) -> CreationRequest:
        return CreationRequest(
            given=self.hook.coerce(self.api_operation, self._given(self._times())),
            shadow_model_name=self.shadow_model_name,
            sampling_percentage=self.sampling_percentage,
            shadow_variant_name=self.shadow_variant_name,
            duration=self.duration,
        )

    def _times(self) -> dict[str, Any]:
        times = {"StartTime": self.start_time, "EndTime": self.end_time}
        return {"Schedule": {key: value for key, value in times.items() if value is not None}}

    def _checked(self, request: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return self.hook.prepare(self.api_operation, request, validate=self.validate).params
        except InvalidRequestError as error:
            raise with_legal_name(error, name=str(request["Name"])) from error

    def _names(self, me: Identity, wanted: CreationRequest) -> Iterator[str]:
        if given := wanted.given.get("Name"):
            return iter([given])
        return default_names(me, endpoint_name=wanted.endpoint_name)

    def _claim(self, context: Context, me: Identity, carry: dict[str, Any]) -> Step:
        wanted = self._wanted()
        for name in self._names(me, wanted):
            found = self.hook.find_experiment(name)
            what = claim(found, self._tags_of(found), me, name_is_given="Name" in wanted.given)
            if what is not Claim.NEXT_NAME:
                break
        if found is None:
            return self._await_endpoint(context, me, {**carry, "name": name})
        return self._act(context, what, found, me, carry)

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

    def _act(
        self, context: Context, what: Claim, found: View, me: Identity, carry: dict[str, Any]
    ) -> Step:
        self.log.info("Found %r (%s): %s.", found["Name"], found["Status"], what)
        if what is Claim.FOREIGN:
            what = self._foreign(found, carry)
        if what is Claim.ADOPT:
            return self._adopt(found, me)
        if what is Claim.RECREATE:
            return self._delete_first(found, carry)
        if what is Claim.SUPERSEDE:
            return self._supersede(found, carry)
        return self._await_any(found, CONCLUDED, carry)

    def _claim_again(self, context: Context, outcome: Outcome, carry: dict[str, Any]) -> Step:
        if outcome.error:
            raise outcome.error
        return self._claim(context, self._identity(context), carry)

    def _await_any(self, found: View, targets: Iterable[Status], carry: dict[str, Any]) -> Wait:
        goal = ReachStatus(found["Name"], tuple(map(str, targets)), tolerates=ANY_ENDING)
        return Wait(goal, "_claim_again", carry["claim_deadline"], carry)

    def _adopt(self, found: View, me: Identity) -> Step:
        tags = self._tags_of(found) or {}
        if me.is_owner(tags):
            self._retag(found, me, tags)
        failure = known_failure(found, tags)
        asked = f"experiment {found['Name']!r} to run"
        if error := ended_badly(asked, found, Progress(known_failure=failure)):
            raise error
        if status_of(found) in CONCLUDED:
            return found
        return self._await_running(found["Name"], found, failure)

    def _retag(self, found: View, me: Identity, tags: Mapping[str, str]) -> None:
        """Make an adopted experiment this generation's, so that the next try finds it so."""
        if not me.is_same_generation(tags):
            arn, own = found["Arn"], me.tags(known_failure="")
            own = {key: value for key, value in own.items() if not key.endswith("known-failure")}
            self.hook.add_tags(arn, own)

    def _delete_first(self, found: View, carry: dict[str, Any]) -> Step:
        self._delete(found["Name"])
        return Wait(ExperimentGone(found["Name"]), "_claim_again", carry["claim_deadline"], carry)

    def _supersede(self, found: View, carry: dict[str, Any]) -> Step:
        """End our own experiment of an earlier generation, which has other arguments."""
        status = status_of(found)
        if status is Status.CREATED:  # no shadow stands yet; CloudFormation deletes it likewise
            return self._delete_first(found, carry)
        if status is not Status.RUNNING:
            return self._await_any(found, SETTLED | CONCLUDED, carry)
        reason = mark(Action.SUPERSEDE, "Superseded: its Airflow task was cleared and has changed.")
        request = stop_request(found, promote=False, desired_state="Cancelled", reason=reason)
        try:
            self.hook.stop_inference_experiment(request)
        except AwsRefusedError as error:
            again = self._after_conflict(error, carry)
            return self._await_any(found, SETTLED | CONCLUDED, again)
        return self._await_any(found, CONCLUDED, carry)

    def _foreign(self, found: View, carry: Mapping[str, Any]) -> Claim:
        """Decide about somebody else's experiment as `if_exists` says."""
        wanted = self._wanted()
        now_runs = running(self.hook, wanted.endpoint_name, asked=self._asked(wanted))
        request = self._checked(wanted.complete(now_runs, name=found["Name"]))
        differs = differences(request, found)
        concluded = status_of(found) in CONCLUDED
        if self.if_exists == "adopt" and not differs:
            return Claim.ADOPT
        if self.if_exists == "replace" and concluded:
            return Claim.RECREATE
        difference = "; ".join(differs) or "nothing differs"
        raise ExperimentExistsError(
            asked=f"{self._asked(wanted)} as {found['Name']!r} with if_exists={self.if_exists!r}",
            found=f"somebody else's experiment of that name, {found['Status']}; {difference}",
        )

    @staticmethod
    def _asked(wanted: CreationRequest) -> str:
        return f"a shadow test on endpoint {wanted.endpoint_name!r}"

    # --- the endpoint --------------------------------------------------------------------

    def _await_endpoint(self, context: Context, me: Identity, carry: dict[str, Any]) -> Step:
        endpoint_name, thorough = self._wanted().endpoint_name, "refusals" in carry
        goal = EndpointFree(endpoint_name, thorough=thorough)
        endpoint = self.hook.find_endpoint(endpoint_name)
        if endpoint and (thorough or not is_idle(endpoint)):
            holder = self.hook.find_holder(endpoint_name)
            what = claim(holder, self._tags_of(holder), me, name_is_given=True)
            if holder and what is not Claim.FOREIGN:  # ours, under a name that rendered otherwise
                return self._act(context, what, holder, me, carry)
        return Wait(goal, "_create", carry["endpoint_deadline"], carry)

    def _create(self, context: Context, outcome: Outcome, carry: dict[str, Any]) -> Step:
        if outcome.error:
            raise outcome.error
        me, name = self._identity(context), carry["name"]
        failure = str(outcome.view.get("FailureReason") or "")
        request = self._request(name, me.tags(known_failure=failure))
        self.log.info("%s", plan(request, now=self.hook.now()))
        try:
            self.hook.create_inference_experiment(request, validate=self.validate)
        except AwsRefusedError as error:
            if error.code not in BUSY:
                raise
            return self._refused(context, me, carry, error)
        return self._await_running(name, request, failure)

    def _request(self, name: str, own_tags: Mapping[str, str]) -> dict[str, Any]:
        wanted = self._wanted()
        asked = self._asked(wanted)
        now_runs = running(self.hook, wanted.endpoint_name, asked=asked)
        request = self._checked(wanted.complete(now_runs, name=name, tags=own_tags))
        changes = production_changes(request, now_runs)
        if changes and not self.allow_production_change:
            raise ProductionChangeError(asked=asked, found="; ".join(changes))
        for variant in request["ModelVariants"]:
            check_candidate(self.hook, variant["ModelName"], asked=asked)
        schedule = wanted.schedule(now=self.hook.now(), shift_past=self.shift_past_schedule)
        return {**{k: v for k, v in request.items() if k != "Schedule"}, **schedule}

    def _refused(
        self, context: Context, me: Identity, carry: dict[str, Any], error: AwsRefusedError
    ) -> Step:
        """Describe again what AWS may have meant: our name taken, the endpoint busy, or neither.

        AWS documents no code for a busy endpoint, and two tasks may have asked at the same moment.
        """
        if self.hook.find_experiment(carry["name"]):
            return self._claim(context, me, carry)
        refusals = 0 if self._is_busy() else carry.get("refusals", 0) + 1
        if refusals > 1:
            raise error
        self.log.info("AWS refused the creation (%s); asking again.", error.reason)
        return self._await_endpoint(context, me, {**carry, "refusals": refusals})

    def _is_busy(self) -> bool:
        endpoint_name = self._wanted().endpoint_name
        endpoint = self.hook.find_endpoint(endpoint_name) or {}
        return not is_idle(endpoint) or self.hook.find_holder(endpoint_name) is not None

    # --- running -------------------------------------------------------------------------

    def _await_running(self, name: str, shown: Mapping[str, Any], failure: str) -> Step:
        if not self.wait_for_completion:
            return self.hook.describe_inference_experiment(name)
        targets = [Status.RUNNING, Status.COMPLETED]
        if self._starts_later(shown):
            targets += [Status.CREATED, Status.STARTING, Status.UPDATING]
        goal = ReachStatus(name, tuple(map(str, targets)))
        return Wait(goal, "_ended", self._deadline(), progress=Progress(known_failure=failure))

    def _ended(self, context: Context, outcome: Outcome, carry: dict[str, Any]) -> Step:
        """End as the wait did; a broken experiment of our own is worth another try."""
        error = outcome.error
        if isinstance(error, ExperimentBrokenError):
            raise CreationFailedError(asked=error.asked, found=error.found, reason=error.reason)
        return self._settled(context, outcome, carry)

    def _starts_later(self, shown: Mapping[str, Any]) -> bool:
        start = (shown.get("Schedule") or {}).get("StartTime")
        if isinstance(start, str):
            start = datetime.fromisoformat(start)
        # AWS's clock is known to the second only.
        return start is not None and start > self.hook.now() + timedelta(seconds=1)
