"""The request of a creation: what the user gave, completed by what the endpoint runs now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.experiments.lifecycle import sampling, shadow_variant, shows
from airflow_shadow.experiments.ownership import legal_name
from airflow_shadow.experiments.production import ProductionVariant, shadow_request
from airflow_shadow.experiments.schedule import Window, parse_duration, planned_end
from airflow_shadow.text.messages import short_repr, short_reprs

#: Tags of one resource (CreateInferenceExperiment).
_MOST_TAGS = 50
#: Stands for production while a request is checked before the endpoint is read.
UNREAD = ProductionVariant(
    arn="unread",
    endpoint_name="unread",
    variant_name="unread",
    model_name="unread",
    instance_type="unread",
    instance_count=1,
)
#: Fields that say nothing of an experiment's configuration.
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

    @cached_property
    def endpoint_name(self) -> str:
        """The endpoint's name, `""` if it is missing; that is refused with all other faults."""
        return str(self.given.get("EndpointName") or "")

    @cached_property
    def asked(self) -> str:
        """What is asked for, for error messages."""
        return f"a shadow test on endpoint {self.endpoint_name!r}"

    @cached_property
    def window(self) -> Window:
        """When the experiment is to start and end.

        :raises InvalidRequestError: the times contradict each other
        """
        given = self.given.get("Schedule") or {}
        return Window(
            start=given.get("StartTime"),
            end=given.get("EndTime"),
            duration=None if self.duration is None else parse_duration(self.duration),
        )

    def complete(
        self, production: ProductionVariant, *, name: str, tags: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Return the whole request, production as the endpoint runs it now.

        :raises InvalidRequestError: the candidate is given twice, or not at all
        """
        request = {**self.given, "Name": name}
        if production.kms_key:
            # Without its key the redeployed endpoint would lose the encryption of its volumes.
            request.setdefault("KmsKey", production.kms_key)
        if tags:
            request["Tags"] = self._with_tags(tags)
        return {**request, **self._candidate(production)}

    def _with_tags(self, tags: Mapping[str, str]) -> list[dict[str, str]]:
        given, allowed = self.given.get("Tags") or [], _MOST_TAGS - len(tags)
        if len(given) > allowed:
            raise InvalidRequestError(
                asked=f"{self.asked} with {len(given)} tags",
                found=f"AWS allows {_MOST_TAGS}, and this package needs {len(tags)} of them",
                next_step=f"Give {allowed} tags or fewer; nothing was sent to AWS.",
            )
        users = [tag for tag in given if tag["Key"] not in tags]
        return users + [{"Key": key, "Value": value} for key, value in tags.items()]

    def _candidate(self, production: ProductionVariant) -> dict[str, Any]:
        explicit = [m for m in ("ModelVariants", "ShadowModeConfig") if m in self.given]
        if self.shadow_model_name and explicit:
            raise InvalidRequestError(
                asked=f"shadow_model_name={self.shadow_model_name!r} and {' and '.join(explicit)}",
                found="the candidate is given twice",
                next_step="Give one of them; with shadow_model_name production is read from the "
                "endpoint.",
            )
        if self.shadow_model_name:
            return shadow_request(
                production,
                model_name=self.shadow_model_name,
                sampling_percentage=self.sampling_percentage,
                variant_name=self.shadow_variant_name,
            )
        if not explicit:
            raise InvalidRequestError(
                asked=self.asked,
                found="no candidate is given",
                next_step="Give shadow_model_name and sampling_percentage, or model_variants and "
                "shadow_mode_config.",
            )
        self._check_variants()
        return {}

    def _check_variants(self) -> None:
        """Refuse a `ShadowModeConfig` that names variants which `ModelVariants` does not have."""
        names = [variant.get("VariantName") for variant in self.given.get("ModelVariants") or []]
        mode = self.given.get("ShadowModeConfig") or {}
        used = [mode.get("SourceModelVariantName")]
        used += [s.get("ShadowModelVariantName") for s in mode.get("ShadowModelVariants") or []]
        unknown = [name for name in used if name and names and name not in names]
        if unknown:
            raise InvalidRequestError(
                asked=f"ShadowModeConfig with variant {short_reprs(unknown)}",
                found=f"ModelVariants has {short_reprs(names)}",
                next_step="Name the same variants in both; nothing was sent to AWS.",
            )


def check_variant_names(
    request: Mapping[str, Any], production: ProductionVariant, *, asked: str
) -> None:
    """Refuse a shadow variant with production's name: later calls tell the two by their names.

    After a promotion production has the last shadow's name, so a fixed name is production's then.

    :raises InvalidRequestError: the names are the same
    """
    shadow, _ = sampling(request)
    if shadow in {request["ShadowModeConfig"]["SourceModelVariantName"], production.variant_name}:
        raise InvalidRequestError(
            asked=f"{asked} with a shadow variant named {shadow!r}",
            found=f"production's variant has the name {shadow!r}; a promoted shadow keeps its name",
            next_step="Leave shadow_variant_name out, so that it is derived from the model, or "
            "make it differ from run to run; nothing was sent to AWS.",
        )


def differences(request: Mapping[str, Any], experiment: Mapping[str, Any]) -> list[str]:
    """Return field by field in what an experiment differs from a request of plain values."""
    endpoint = experiment["EndpointMetadata"]["EndpointName"]
    fields = [("EndpointName", request.get("EndpointName"), endpoint)]
    fields += [(k, v, experiment.get(k)) for k, v in request.items() if k not in _NOT_COMPARED]
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
        yield f"{path} is {short_repr(found)}, this task asks for {short_repr(asked)}"


def summary(request: Mapping[str, Any], *, now: datetime) -> str:
    """Return in one line what a creation will do, until when, and what the shadow will use."""
    schedule = request.get("Schedule", {})
    end = planned_end(schedule, now=now)
    hours = (end - schedule.get("StartTime", now)).total_seconds() / 3600
    shadow = shadow_variant(request) or {}
    uses = shadow["InfrastructureConfig"]["RealTimeInferenceConfig"]
    return (
        f"Creating experiment {request['Name']!r} on endpoint {request['EndpointName']!r}: copies "
        f"{sampling(request)[1]} % of the requests to model {shadow['ModelName']!r} until "
        f"{end.isoformat(timespec='seconds')}, up to {hours * uses['InstanceCount']:.0f} "
        f"instance-hours of {uses['InstanceType']}."
    )


def with_legal_name(error: InvalidRequestError, *, name: str) -> InvalidRequestError:
    """Return the error, with a legal name in its advice if AWS would refuse the given one."""
    if not any(fault.path == "Name" for fault in getattr(error.__cause__, "faults", ())):
        return error
    advice = f"A name that AWS accepts: {legal_name(name)!r}. {error.next_step}"
    return InvalidRequestError(asked=error.asked, found=error.found, next_step=advice)
