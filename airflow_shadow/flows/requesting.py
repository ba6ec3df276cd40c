"""The request of a creation, completed by what the endpoint runs and checked against it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.flows.changing import ChangingFlow
from airflow_shadow.flows.creation import (
    UNREAD,
    CreationRequest,
    check_variant_names,
    short_window,
    with_legal_name,
)
from airflow_shadow.flows.guard import skip_creation
from airflow_shadow.flows.harm import refuse_change, refuse_exchanged
from airflow_shadow.flows.rollout import find_endpoint_tags
from airflow_shadow.hooks.endpoints import Running, check_candidate, running
from airflow_shadow.ownership import Identity


class RequestingFlow(ChangingFlow):
    """What a creation asks for; :class:`CreateInferenceExperimentFlow` decides when."""

    def _wanted(self) -> CreationRequest:
        return CreationRequest(
            given=self.hook.coerce(self.op.api_operation, self.given(self._times())),
            shadow_model_name=self.op.shadow_model_name,
            sampling_percentage=self.op.sampling_percentage,
            shadow_variant_name=self.op.shadow_variant_name,
            duration=self.op.duration,
        )

    def _times(self) -> dict[str, Any]:
        times = {"StartTime": self.op.start_time, "EndTime": self.op.end_time}
        return {"Schedule": {key: value for key, value in times.items() if value is not None}}

    def _checked(self, request: Mapping[str, Any]) -> dict[str, Any]:
        try:
            prepared = self.hook.prepare(self.op.api_operation, request)
        except InvalidRequestError as error:
            raise with_legal_name(error, name=str(request["Name"])) from error
        return prepared.params

    def _complete(
        self, name: str, tags: Mapping[str, str] | None = None
    ) -> tuple[dict[str, Any], Running]:
        """Return the whole request, and what the endpoint runs that it was completed by."""
        wanted = self._wanted()
        now_runs = running(self.hook, wanted.endpoint_name, asked=self._asked(wanted))
        request = self._checked(wanted.complete(now_runs, name=name, tags=tags))
        check_variant_names(request, now_runs, asked=self._asked(wanted))
        return request, now_runs

    def _check_before_waiting(self, wanted: CreationRequest, name: str, me: Identity) -> None:
        """Refuse what no wait for the endpoint mends.

        An experiment that stands already is past this: its window may be over by now.
        """
        tags = me.tags(known_failure="")
        request = self._checked(wanted.complete(UNREAD, name=name, tags=tags))
        for variant in request["ModelVariants"]:
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

    def _request(
        self, request: dict[str, Any], now_runs: Running, tags: Mapping[str, str]
    ) -> dict[str, Any]:
        """Return the request to send, if it does no harm to what the endpoint runs."""
        asked = self._asked(self._wanted())
        refuse_exchanged(self, now_runs, asked=asked)
        skip_creation(self, request, now_runs, tags)
        refuse_change(self, request, now_runs, asked=asked)
        for variant in request["ModelVariants"]:
            check_candidate(self.hook, variant["ModelName"], asked=asked)
        return {**{k: v for k, v in request.items() if k != "Schedule"}, **self._schedule()}

    def _schedule(self) -> dict[str, Any]:
        wanted, now = self._wanted(), self.hook.now()
        schedule = wanted.schedule(now=now, shift_past=self.op.shift_past_schedule)
        if moved := wanted.moved(schedule.get("Schedule", {}), now=now):
            self.log.info("%s", moved)
        return schedule
