"""The request of a creation, completed by what the endpoint runs and checked against it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.experiments.ownership import Identity, default_names
from airflow_shadow.hooks.endpoints import Running, check_candidate, running
from airflow_shadow.operators.create import CreateInferenceExperimentOperator
from airflow_shadow.request_model import Prepared
from airflow_shadow.steps.changing import ChangingSteps
from airflow_shadow.steps.promotions import find_endpoint_tags
from airflow_shadow.steps.request import (
    UNREAD,
    CreationRequest,
    check_variant_names,
    short_window,
    with_legal_name,
)
from airflow_shadow.steps.safeguards import refuse_change, refuse_exchanged
from airflow_shadow.steps.skips import skip_creation


class RequestingSteps(ChangingSteps[CreateInferenceExperimentOperator]):
    """What a creation asks for; :class:`CreateInferenceExperimentSteps` decides when."""

    @cached_property
    def wanted(self) -> CreationRequest:
        """What the user asked for."""
        return CreationRequest(
            given=self.request,
            shadow_model_name=self.op.shadow_model_name,
            sampling_percentage=self.op.sampling_percentage,
            shadow_variant_name=self.op.shadow_variant_name,
            duration=self.op.duration,
        )

    def times(self) -> Mapping[str, Any]:
        """Return the fields of `Schedule` that are arguments of their own."""
        return {"StartTime": self.op.start_time, "EndTime": self.op.end_time}

    def _checked(self, request: Mapping[str, Any]) -> Prepared:
        try:
            return self.hook.prepare(self.op.api_operation, request)
        except InvalidRequestError as error:
            raise with_legal_name(error, name=str(request["Name"])) from error

    def _complete(
        self, name: str, tags: Mapping[str, str] | None = None
    ) -> tuple[Prepared, Running]:
        """Return the whole request, and what the endpoint runs that it was completed by."""
        wanted = self.wanted
        now_runs = running(self.hook, wanted.endpoint_name, asked=self._asked(wanted))
        prepared = self._checked(wanted.complete(now_runs, name=name, tags=tags))
        check_variant_names(prepared.params, now_runs, asked=self._asked(wanted))
        return prepared, now_runs

    def _names(self, me: Identity, wanted: CreationRequest) -> Iterator[str]:
        if given := wanted.given.get("Name"):
            return iter([given])
        return default_names(me, endpoint_name=wanted.endpoint_name)

    @cached_property
    def draft(self) -> Mapping[str, Any]:
        """The request before the endpoint is read, checked as far as the user gave it."""
        me = self.identity()
        name, tags = next(self._names(me, self.wanted)), me.tags(known_failure="")
        return self._checked(self.wanted.complete(UNREAD, name=name, tags=tags)).params

    def check(self) -> None:
        """Refuse what is wrong whatever AWS knows."""
        _ = self.draft
        self.wanted.check_schedule()

    def _check_before_waiting(self, wanted: CreationRequest) -> None:
        """Refuse what no wait for the endpoint mends.

        An experiment that stands already is past this: its window may be over by now.
        """
        for variant in self.draft["ModelVariants"]:
            if variant["ModelName"] != UNREAD.model_name:
                check_candidate(self.hook, variant["ModelName"], asked=self._asked(wanted))
        now = self.hook.now()
        schedule = wanted.schedule(now=now, shift_past=self.op.shift_past_schedule)
        if short := short_window(schedule.get("Schedule", {}), now=now):
            self.log.warning("%s", short)

    @staticmethod
    def _asked(wanted: CreationRequest) -> str:
        return f"a shadow test on endpoint {wanted.endpoint_name!r}"

    def _endpoint_tags(self, now_runs: Running) -> dict[str, str]:
        return find_endpoint_tags(self.hook, now_runs.arn) or {}

    def _request(self, prepared: Prepared, now_runs: Running, tags: Mapping[str, str]) -> Prepared:
        """Return the request to send, if it does no harm to what the endpoint runs."""
        request, asked = prepared.params, self._asked(self.wanted)
        refuse_exchanged(self, now_runs, asked=asked)
        skip_creation(self, request, now_runs, tags)
        refuse_change(self, request, now_runs, asked=asked)
        for variant in request["ModelVariants"]:
            check_candidate(self.hook, variant["ModelName"], asked=asked)
        others = {key: value for key, value in request.items() if key != "Schedule"}
        return replace(prepared, params={**others, **self._schedule()})

    def _schedule(self) -> dict[str, Any]:
        wanted, now = self.wanted, self.hook.now()
        schedule = wanted.schedule(now=now, shift_past=self.op.shift_past_schedule)
        if moved := wanted.moved(schedule.get("Schedule", {}), now=now):
            self.log.info("%s", moved)
        return schedule
