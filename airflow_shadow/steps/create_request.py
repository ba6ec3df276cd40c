"""The request of a creation, completed by what the endpoint runs and checked against it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.experiments.ownership import default_names
from airflow_shadow.experiments.production import ProductionVariant
from airflow_shadow.experiments.request import (
    UNREAD,
    CreationRequest,
    check_variant_names,
    with_legal_name,
)
from airflow_shadow.experiments.schedule import too_short
from airflow_shadow.operators.create import CreateInferenceExperimentOperator
from airflow_shadow.request_model import Prepared
from airflow_shadow.steps.capture import check_bucket, warn_of_capture, with_capture
from airflow_shadow.steps.deployment_wait import DeploymentWaitSteps
from airflow_shadow.steps.production import check_model, missing_model, read_production
from airflow_shadow.steps.safeguards import refuse_change, refuse_exchanged
from airflow_shadow.steps.skips import skip_creation
from airflow_shadow.steps.wait import Carry, Step, view_of
from airflow_shadow.waiters import Description, WaitResult


class CreateRequestSteps(DeploymentWaitSteps[CreateInferenceExperimentOperator]):
    """What a creation asks for; :class:`CreateInferenceExperimentSteps` decides when."""

    @cached_property
    def creation(self) -> CreationRequest:
        """What the user asked for."""
        return CreationRequest(
            given=self.request,
            shadow_model_name=self.op.shadow_model_name,
            sampling_percentage=self.op.sampling_percentage,
            shadow_variant_name=self.op.shadow_variant_name,
            duration=self.op.duration,
        )

    def _given(self) -> dict[str, Any]:
        return with_capture(self.op, super()._given(), region=self.hook.conn_region_name)

    def times(self) -> Mapping[str, Any]:
        """Return the fields of `Schedule` that are arguments of their own."""
        return {"StartTime": self.op.start_time, "EndTime": self.op.end_time}

    @property
    def given_name(self) -> str | None:
        """The name that the user gave, if any."""
        return self.creation.given.get("Name")

    def names(self) -> Iterator[str]:
        """Return the names to try: the user's, or those derived from endpoint, run and task."""
        if self.given_name:
            return iter([self.given_name])
        return default_names(self.identity, endpoint_name=self.creation.endpoint_name)

    @cached_property
    def draft(self) -> Mapping[str, Any]:
        """The request before the endpoint is read, checked as far as the user gave it.

        :raises InvalidRequestError: with all faults that are known without AWS
        """
        name, tags = next(self.names()), self.identity.tags(known_failure="")
        return self._prepared(self.creation.complete(UNREAD, name=name, tags=tags)).params

    def check_before_waiting(self) -> None:
        """Refuse what no wait for the endpoint makes right, and warn of a short window.

        An experiment that exists already needs none of this: its window may be over by now.

        :raises NotFoundError: a model or a bucket that the user named does not exist
        :raises InvalidRequestError: the window lies in the past, or is too long, or the bucket is
            in another region
        """
        self.check_models()
        check_bucket(self.hook, self.op.capture, asked=self.creation.asked)
        now = self.hook.now()
        schedule = self.creation.window.schedule(now=now, shift_past=self.op.shift_past_schedule)
        if warning := too_short(schedule, now=now):
            self.log.warning("%s", warning)

    def check_models(self) -> None:
        """Refuse models of the user's that do not exist (DescribeModel).

        :raises NotFoundError: one of them does not exist
        """
        for variant in self.draft["ModelVariants"]:
            if variant["ModelName"] != UNREAD.model_name:
                check_model(self.hook, variant["ModelName"], asked=self.creation.asked)

    def complete(
        self,
        name: str,
        tags: Mapping[str, str] | None = None,
        *,
        endpoint: Description | None = None,
    ) -> tuple[Prepared, ProductionVariant]:
        """Return the whole request, and production as it was read for it.

        :param endpoint: DescribeEndpoint, if it was called just now
        """
        creation = self.creation
        production = read_production(
            self.hook, creation.endpoint_name, asked=creation.asked, endpoint=endpoint
        )
        prepared = self._prepared(creation.complete(production, name=name, tags=tags))
        check_variant_names(prepared.params, production, asked=creation.asked)
        return prepared, production

    def _prepared(self, request: Mapping[str, Any]) -> Prepared:
        try:
            return self.hook.prepare(self.op.api_operation, request)
        except InvalidRequestError as error:
            raise with_legal_name(error, name=str(request["Name"])) from error

    def approved(
        self, prepared: Prepared, production: ProductionVariant, tags: Mapping[str, str]
    ) -> Prepared:
        """Return the request to send, with its schedule, if it does production no harm.

        :param tags: the endpoint's
        :raises AirflowSkipException: the candidate serves already, or a newer run's model does
        :raises ProductionChangeError: production would change or lose settings
        """
        request, asked = prepared.params, self.creation.asked
        refuse_exchanged(self, production, asked=asked)
        skip_creation(self, request, production, tags)
        refuse_change(self, request, production, asked=asked)
        models = [variant["ModelName"] for variant in request["ModelVariants"]]
        if not production.model_exists and production.model_name in models:
            raise missing_model(asked, production.model_name)
        others = {key: value for key, value in request.items() if key != "Schedule"}
        return replace(prepared, params={**others, **self._schedule()})

    def settled(self, outcome: WaitResult, carry: Carry) -> Step:
        """End as the wait did, and say so if a running test does not capture what it should."""
        step = super().settled(outcome, carry)
        warn_of_capture(self.hook, view_of(outcome), self.request.get("DataStorageConfig"))
        return step

    def _schedule(self) -> dict[str, Any]:
        window, now = self.creation.window, self.hook.now()
        schedule = window.schedule(now=now, shift_past=self.op.shift_past_schedule)
        if change := window.change(schedule, now=now):
            self.log.info("%s", change)
        return {"Schedule": schedule} if schedule else {}
