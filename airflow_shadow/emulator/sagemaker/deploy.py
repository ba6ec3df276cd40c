"""Put a configuration on an endpoint: the end of every deployment."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from datetime import datetime

from airflow_shadow.emulator.account_state import (
    AccountState,
    Deployed,
    Document,
    Endpoint,
    EndpointStatus,
)
from airflow_shadow.emulator.faults import KEPT_UPDATES
from airflow_shadow.emulator.sagemaker.models import image_of
from airflow_shadow.emulator.sagemaker.recorder import record

Capacities = Mapping[str, Document]

_OWN_FIELDS = ("EndpointConfigName", "EndpointConfigArn", "CreationTime")


def set_endpoint(
    state: AccountState,
    endpoint: Endpoint,
    at: datetime,
    *,
    cause: str,
    status: EndpointStatus,
    config: str | None = None,
) -> None:
    """Change an endpoint's status and configuration, and record it in the history."""
    new = {"status": status, "config": config or endpoint.config}
    changed = [name for name, value in new.items() if value != getattr(endpoint, name)]
    if status == "Updating" and changed:
        endpoint.past.append(deepcopy(replace(endpoint, past=[])))
        del endpoint.past[:-KEPT_UPDATES]
    endpoint.status, endpoint.config = status, new["config"]
    if changed:
        endpoint.modified = at  # (assumed: endpoint-modified)
        state.note("endpoint", at, endpoint=endpoint.name, cause=cause, changed=changed, **new)


def deploy(
    state: AccountState,
    endpoint: Endpoint,
    config: str,
    at: datetime,
    *,
    cause: str,
    capacities: Capacities,
) -> None:
    """Run the variants of a configuration, at the end of a deployment (assumed: config-at-end).

    Counts and weights in `capacities` replace those of the configuration.
    """
    endpoint.document = document = deepcopy(state.configs[config])
    endpoint.production, endpoint.shadow = (
        [_deployed(state, variant, at, capacities) for variant in document.get(name) or ()]
        for name in ("ProductionVariants", "ShadowProductionVariants")
    )
    endpoint.failure = None
    record(state, endpoint, at)
    set_endpoint(state, endpoint, at, cause=cause, status="InService", config=config)


def _deployed(
    state: AccountState, variant: Document, at: datetime, capacities: Capacities
) -> Deployed:
    capacity = {
        "DesiredInstanceCount": variant.get("InitialInstanceCount"),
        "DesiredWeight": variant.get("InitialVariantWeight", 1.0),
        **capacities.get(variant["VariantName"], {}),
    }
    count, weight = capacity["DesiredInstanceCount"], capacity["DesiredWeight"]
    return Deployed(
        name=variant["VariantName"],
        model=variant.get("ModelName"),
        image=image_of(state, variant.get("ModelName")),
        since=at,
        instance_type=variant.get("InstanceType"),
        current_count=count,
        desired_count=count,
        current_weight=weight,
        desired_weight=weight,
        serverless=variant.get("ServerlessConfig"),
    )


def make_config(state: AccountState, content: Document, at: datetime, *, owner: str) -> str:
    """Store a configuration that the service creates for an experiment; return its name."""
    state.made_configs += 1
    # (assumed: config-name)
    name = f"{owner[:48].rstrip('-')}-shadow-{state.made_configs}"
    state.configs[name] = {
        **content,
        "EndpointConfigName": name,
        "EndpointConfigArn": state.arn("endpoint-config", name),
        "CreationTime": at,
    }
    return name


def content_of(document: Document) -> Document:
    """Return a configuration without its name, ARN and creation time."""
    return {key: deepcopy(value) for key, value in document.items() if key not in _OWN_FIELDS}


def with_variants(
    document: Document, *, production: list[Document], shadow: list[Document]
) -> Document:
    """Return a configuration's content with other variants."""
    content = {key: value for key, value in content_of(document).items() if "Variants" not in key}
    lists = {"ProductionVariants": production, "ShadowProductionVariants": shadow}
    return content | {key: variants for key, variants in lists.items() if variants}
