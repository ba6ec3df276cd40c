"""What production is at a look, and the record of it over a window."""

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
    """Return the record of a window with what production is now, if that tells of the window.

    Production as the experiment deployed it comes first where another model serves already. What
    differs from the last look is so since the endpoint was changed, which AWS tells.

    :param experiment: what DescribeInferenceExperiment shows
    :param record: what earlier looks saw
    :param start: begin of the window, in seconds since 1970
    :param end: its end; what was changed later is no evidence about it
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


def telling(record: Sequence[Baseline]) -> list[Baseline]:
    """Return the states that decide: the first, and those that differ in what a verdict reads."""
    return [
        state
        for number, state in enumerate(record)
        if not number or _decisive(state) != _decisive(record[number - 1])
    ]


def _decisive(state: Baseline) -> tuple[Any, ...]:
    return *state.identity, state.modified, state.shadow_instances > state.instances > 0


def thinned(record: Sequence[Baseline]) -> tuple[Baseline, ...]:
    """Return a record that is not too long; scaling up and down goes first."""
    return tuple(record) if len(record) <= _MOST else tuple(telling(record)[:_MOST])


def find_baseline(
    hook: InferenceExperimentHook, experiment: Mapping[str, Any], record: Sequence[Baseline] = ()
) -> Baseline | None:
    """Return what production is now (DescribeEndpoint, DescribeEndpointConfig).

    `None` unless the experiment is `Running`: its own updates change the endpoint, and after its
    end the endpoint is no evidence any more. `None`, too, if the endpoint is gone or may not be
    described, which the log says once.

    :param record: what earlier looks saw; a configuration that is known is not asked for again
    """
    if status_of(experiment) is not Status.RUNNING:
        return None
    name = experiment["EndpointMetadata"]["EndpointName"]
    try:
        endpoint = hook.find_endpoint(name)
        state = endpoint and _state(hook, experiment, endpoint, record)
    except (AwsAccessDeniedError, AwsRefusedError) as error:
        hook.warn_once(f"Whether production stays the same is not known. {error}")
        return None
    if not state:
        found = "is gone" if endpoint is None else "runs no variant that is known"
        hook.warn_once(f"Whether production stays the same is not known: endpoint {name!r} {found}")
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
    """Return the variant of a name, the first one if there is none of it."""
    variants: list[dict[str, Any]] = described.get(kind) or [{}]
    return next((one for one in variants if one.get("VariantName") == name), variants[0])


def _instances(variant: Mapping[str, Any]) -> int:
    return int(variant.get("CurrentInstanceCount") or variant.get("DesiredInstanceCount") or 0)


def _model(
    hook: InferenceExperimentHook, configuration: str, variant: str, record: Sequence[Baseline]
) -> str | None:
    """Return the model of a variant, `None` if its configuration is gone."""
    for state in record:
        if (state.configuration, state.variant) == (configuration, variant):
            return state.model
    config = hook.find_endpoint_config(configuration) or {}
    model: str | None = _variant(config, "ProductionVariants", variant).get("ModelName")
    return model
