"""The request of a creation: what the user gave, completed by what the endpoint runs now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.experiments.lifecycle import sampling, shows
from airflow_shadow.experiments.ownership import legal_name
from airflow_shadow.experiments.schedule import (
    SHORTEST,
    moved,
    parse_duration,
    planned_end,
    resolve_schedule,
    window_length,
)
from airflow_shadow.hooks.endpoints import Running, shadow_request
from airflow_shadow.hooks.plain import to_plain
from airflow_shadow.text.shown import listed, shown

#: Tags of one resource (CreateInferenceExperiment).
_MOST_TAGS = 50
#: Stands in for the endpoint while a request is checked before AWS is asked anything.
UNREAD = Running(
    arn="unread",
    endpoint_name="unread",
    variant_name="unread",
    model_name="unread",
    instance_type="unread",
    instance_count=1,
)
#: What is not compared with somebody else's experiment: it says nothing of the configuration.
_NOT_COMPARED = frozenset({"Name", "Tags", "Schedule", "EndpointName"})


@dataclass(frozen=True)
class CreationRequest:
    """What the user asked for, before it is known what the endpoint runs.

    :param given: `config` and the arguments in the API's words, typed
    """

    given: Mapping[str, Any]
    shadow_model_name: str | None
    sampling_percentage: Any
    shadow_variant_name: str | None
    duration: Any

    @property
    def endpoint_name(self) -> str:
        """Return the endpoint's name; checked later, with all other faults."""
        return str(self.given.get("EndpointName") or "")

    def complete(
        self, now_runs: Running, *, name: str, tags: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Return the whole request, production as the endpoint runs it now.

        :raises InvalidRequestError: the candidate is given twice, or not at all
        """
        request = {**self.given, "Name": name}
        if now_runs.kms_key:
            # Without its key the redeployed endpoint would lose the encryption of its volumes.
            request.setdefault("KmsKey", now_runs.kms_key)
        if tags:
            self._check_tags(own=len(tags))
            own = [{"Key": key, "Value": value} for key, value in tags.items()]
            users = [tag for tag in self.given.get("Tags") or [] if tag["Key"] not in tags]
            request["Tags"] = users + own
        return {**request, **self._candidate(now_runs)}

    def _check_tags(self, *, own: int) -> None:
        given, allowed = len(self.given.get("Tags") or []), _MOST_TAGS - own
        if given > allowed:
            raise InvalidRequestError(
                asked=f"a shadow test on endpoint {self.endpoint_name!r} with tags",
                found=f"{given} given, {allowed} allowed: {own} are this package's own",
                next_step=f"Give {allowed} tags or fewer; nothing was sent to AWS.",
            )

    def _check_variants(self) -> None:
        """Refuse a `ShadowModeConfig` that names variants which `ModelVariants` has not."""
        names = [variant.get("VariantName") for variant in self.given.get("ModelVariants") or []]
        mode = self.given.get("ShadowModeConfig") or {}
        shadows = mode.get("ShadowModelVariants") or []
        asked = [mode.get("SourceModelVariantName")]
        asked += [shadow.get("ShadowModelVariantName") for shadow in shadows]
        unknown = [name for name in asked if name and names and name not in names]
        if unknown:
            raise InvalidRequestError(
                asked=f"ShadowModeConfig with variant {listed(unknown)}",
                found=f"ModelVariants has {listed(names)}",
                next_step="Name the same variants in both; nothing was sent to AWS.",
            )

    def _candidate(self, now_runs: Running) -> dict[str, Any]:
        explicit = [m for m in ("ModelVariants", "ShadowModeConfig") if m in self.given]
        if self.shadow_model_name and explicit:
            raise InvalidRequestError(
                asked=f"shadow_model_name={self.shadow_model_name!r} and {' and '.join(explicit)}",
                found="the candidate is given twice",
                next_step="Give one; with shadow_model_name production is read from the endpoint.",
            )
        if self.shadow_model_name:
            return shadow_request(
                now_runs,
                model_name=self.shadow_model_name,
                sampling_percentage=self.sampling_percentage,
                variant_name=self.shadow_variant_name,
            )
        if not explicit:
            raise InvalidRequestError(
                asked=f"a shadow test on endpoint {self.endpoint_name!r}",
                found="no candidate",
                next_step="Give shadow_model_name and sampling_percentage, or model_variants and "
                "shadow_mode_config.",
            )
        self._check_variants()
        return {}

    def schedule(self, *, now: datetime, shift_past: bool) -> dict[str, Any]:
        """Return the `Schedule` of the request at this moment, or nothing.

        :param now: AWS's time
        """
        resolved = resolve_schedule(**self._window(), now=now, shift_past=shift_past)
        return {"Schedule": resolved} if resolved else {}

    def moved(self, schedule: Mapping[str, datetime], *, now: datetime) -> str:
        """Say in one line what became of times in the past, `""` if there were none."""
        return moved(**self._window(), schedule=schedule, now=now)

    def check_schedule(self) -> None:
        """Refuse a schedule that contradicts itself, before an endpoint is waited for."""
        window_length(**self._window())

    def _window(self) -> dict[str, Any]:
        given = self.given.get("Schedule") or {}
        return {
            "start": given.get("StartTime"),
            "end": given.get("EndTime"),
            "duration": parse_duration(self.duration) if self.duration is not None else None,
        }


def check_variant_names(request: Mapping[str, Any], now_runs: Running, *, asked: str) -> None:
    """Refuse a shadow that bears production's name: all that comes after looks it up by its name.

    After a promotion production bears the last shadow's name, so a fixed one is production's then.

    :raises InvalidRequestError: it is so
    """
    shadow, _ = sampling(request)
    source = request["ShadowModeConfig"]["SourceModelVariantName"]
    if shadow in {source, now_runs.variant_name}:
        raise InvalidRequestError(
            asked=f"{asked}, with a shadow variant {shadow!r}",
            found=f"production's variant bears the name {shadow!r}, as the last promoted one does",
            next_step="Leave shadow_variant_name out, so that it is derived from the model, or put "
            "something into it that differs from run to run; nothing was sent to AWS.",
        )


def differences(request: Mapping[str, Any], experiment: Mapping[str, Any]) -> list[str]:
    """Say field by field in what an experiment differs from a request."""
    plain = to_plain(request)
    endpoint = experiment["EndpointMetadata"]["EndpointName"]
    fields = [("EndpointName", plain.get("EndpointName"), endpoint)]
    fields += [(k, v, experiment.get(k)) for k, v in plain.items() if k not in _NOT_COMPARED]
    return [text for field in fields for text in _differences(*field)]


def _differences(path: str, asked: Any, found: Any) -> Iterator[str]:
    """Yield what differs, as deep as both have the same form."""
    if shows(found, asked):
        return
    if isinstance(asked, Mapping) and isinstance(found, Mapping):
        for key, value in asked.items():
            yield from _differences(f"{path}.{key}", value, found.get(key))
    elif isinstance(asked, list) and isinstance(found, list) and len(asked) == len(found):
        for index, pair in enumerate(zip(asked, found, strict=True)):
            yield from _differences(f"{path}[{index}]", *pair)
    else:
        yield f"{path} is {shown(found)}, asked {shown(asked)}"


def plan(request: Mapping[str, Any], *, now: datetime) -> str:
    """Say in one line what a creation will do, until when, and what the shadow will use."""
    schedule = request.get("Schedule", {})
    end = planned_end(schedule, now=now)
    hours = (end - schedule.get("StartTime", now)).total_seconds() / 3600
    shadow_name, percentage = sampling(request)
    shadow = next(v for v in request["ModelVariants"] if v["VariantName"] == shadow_name)
    uses = shadow["InfrastructureConfig"]["RealTimeInferenceConfig"]
    return (
        f"Creating {request['Name']!r} on endpoint {request['EndpointName']!r}: {percentage} % of "
        f"the requests to model {shadow['ModelName']!r}, until {end.isoformat(timespec='seconds')},"
        f" up to {hours * uses['InstanceCount']:.0f} instance-hours of {uses['InstanceType']}."
    )


def short_window(schedule: Mapping[str, datetime], *, now: datetime) -> str:
    """Say that a window is shorter than AWS's console allows, `""` if it is not."""
    length = planned_end(schedule, now=now) - schedule.get("StartTime", now)
    if length >= SHORTEST:
        return ""
    return f"The experiment would last {length}, and AWS's console allows no less than an hour."


def with_legal_name(error: InvalidRequestError, *, name: str) -> InvalidRequestError:
    """Return the error, with a legal name in its advice if AWS would refuse the given one."""
    if not any(fault.path == "Name" for fault in getattr(error.__cause__, "faults", ())):
        return error
    advice = f"A name that AWS accepts: {legal_name(name)!r}. {error.next_step}"
    return InvalidRequestError(asked=error.asked, found=error.found, next_step=advice)
