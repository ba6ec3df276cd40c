"""The baseline: what production runs at a poll, and the record of it over a window."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from airflow_shadow.analysis import Baseline, epoch
from airflow_shadow.exceptions import AwsAccessDeniedError, AwsRefusedError
from airflow_shadow.experiments.lifecycle import Status, production_variant, sampling, status_of
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook

#: States that a record holds at most: it travels with the wait.
_MOST = 50


def recorded(
    hook: InferenceExperimentHook,
    experiment: Mapping[str, Any],
    record: Sequence[Baseline],
    *,
    start: float,
    end: float,
) -> tuple[Baseline, ...]:
    """Return the record of a window, and the present state of production if it belongs there.

    If another model serves already, production as the experiment deployed it comes first. A state
    that differs from the last one counts from the endpoint's `LastModifiedTime`.

    :param experiment: what DescribeInferenceExperiment shows
    :param record: the states that earlier polls found
    :param start: begin of the window, in seconds since 1970
    :param end: its end; what changed later does not belong to it
    """
    state = find_baseline(hook, experiment, record)
    if state is None or state.changed > end:
        return tuple(record)
    if not record:
        record = list(_deployed(experiment, state, start))
    if not record:
        return (state,)
    last = record[-1]
    if replace(state, at=last.at, changed=last.changed) == last:
        return tuple(record)
    return thinned([*record, replace(state, at=max(last.at, state.changed))])


def _deployed(experiment: Mapping[str, Any], state: Baseline, start: float) -> list[Baseline]:
    variant = production_variant(experiment) or {}
    own = replace(
        state,
        at=min(math.floor(start), state.at),
        changed=min(math.floor(start), state.changed),
        variant=variant.get("VariantName", state.variant),
        model=variant.get("ModelName", state.model),
    )
    return [own] if own.identity != state.identity else []


def deciding_states(record: Sequence[Baseline]) -> list[Baseline]:
    """Return the first state, and those that differ from the one before in what a verdict reads."""
    return [
        state
        for number, state in enumerate(record)
        if not number or _decisive(state) != _decisive(record[number - 1])
    ]


def _decisive(state: Baseline) -> tuple[Any, ...]:
    return *state.identity, state.modified, state.shadow_instances > state.instances > 0


def thinned(record: Sequence[Baseline]) -> tuple[Baseline, ...]:
    """Return a record of limited length; states that only differ in scaling are left out first."""
    return tuple(record) if len(record) <= _MOST else tuple(deciding_states(record)[:_MOST])


def find_baseline(
    hook: InferenceExperimentHook, experiment: Mapping[str, Any], record: Sequence[Baseline] = ()
) -> Baseline | None:
    """Return the present state of production (DescribeEndpoint, DescribeEndpointConfig).

    `None` unless the experiment is `Running`: its own updates change the endpoint, and after its
    end the endpoint tells nothing about it. `None`, too, if the endpoint was deleted or may not be
    described, which is logged once.

    :param record: the states that earlier polls found; a known configuration is not read again
    """
    if status_of(experiment) is not Status.RUNNING:
        return None
    name = experiment["EndpointMetadata"]["EndpointName"]
    try:
        endpoint = hook.find_endpoint(name)
        state = endpoint and _state(hook, experiment, endpoint, record)
    except (AwsAccessDeniedError, AwsRefusedError) as error:
        hook.warn_once(f"It is unknown whether production stays the same. {error}")
        return None
    if not state:
        found = "was deleted" if endpoint is None else "does not run the production variant"
        hook.warn_once(
            f"It is unknown whether production stays the same: endpoint {name!r} {found}."
        )
    return state or None


def _state(
    hook: InferenceExperimentHook,
    experiment: Mapping[str, Any],
    endpoint: Mapping[str, Any],
    record: Sequence[Baseline],
) -> Baseline | None:
    source = experiment["ShadowModeConfig"]["SourceModelVariantName"]
    production = _variant(endpoint, "ProductionVariants", source)
    if not production:
        return None
    variant, configuration = production["VariantName"], endpoint["EndpointConfigName"]
    model = _model(hook, configuration, variant, record)
    if model is None:
        return None
    shadow = _variant(endpoint, "ShadowProductionVariants", sampling(experiment)[0] or "")
    return Baseline(
        at=math.floor(hook.now().timestamp()),
        changed=math.floor(epoch(endpoint["LastModifiedTime"])),
        modified=math.floor(epoch(experiment.get("LastModifiedTime", 0))),
        variant=variant,
        model=model,
        configuration=configuration,
        instances=_instances(production),
        shadow_instances=_instances(shadow),
    )


def _variant(described: Mapping[str, Any], kind: str, name: str) -> Mapping[str, Any]:
    """Return the variant of a name, or else the first one."""
    variants: list[dict[str, Any]] = described.get(kind) or [{}]
    return next((one for one in variants if one.get("VariantName") == name), variants[0])


def _instances(variant: Mapping[str, Any]) -> int:
    return int(variant.get("CurrentInstanceCount") or variant.get("DesiredInstanceCount") or 0)


def _model(
    hook: InferenceExperimentHook, configuration: str, variant: str, record: Sequence[Baseline]
) -> str | None:
    """Return the model of a variant, `None` if its configuration was deleted."""
    for state in record:
        if (state.configuration, state.variant) == (configuration, variant):
            return state.model
    config = hook.find_endpoint_config(configuration) or {}
    model: str | None = _variant(config, "ProductionVariants", variant).get("ModelName")
    return model
