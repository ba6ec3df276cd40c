"""The operations that create, change and delete endpoints and endpoint configurations."""

from copy import deepcopy
from datetime import datetime

from airflow_shadow.emulator.account_state import AccountState, Document, Endpoint
from airflow_shadow.emulator.pace import Work
from airflow_shadow.emulator.sagemaker import rules
from airflow_shadow.emulator.sagemaker.autoscaling import check_update
from airflow_shadow.emulator.sagemaker.checks import enum_values
from airflow_shadow.emulator.sagemaker.endpoint_updates import begin_update
from airflow_shadow.emulator.sagemaker.recorder import add_traffic, record_deletion
from airflow_shadow.emulator.sagemaker.tags import read_tags
from airflow_shadow.emulator.traffic import TAG, read_tag


def create_config(state: AccountState, request: Document, now: datetime) -> Document:
    """Store a configuration with all its members: CreateEndpointConfig."""
    name = request["EndpointConfigName"]
    rules.require(
        name not in state.configs, f'There is an endpoint configuration "{name}" already.'
    )
    production = request.get("ProductionVariants") or []
    shadow = request.get("ShadowProductionVariants") or []
    _check_config_variants(state, production, shadow)
    members = {key: deepcopy(value) for key, value in request.items() if key != "Tags"}
    arn = state.arn("endpoint-config", name)
    state.configs[name] = {**members, "EndpointConfigArn": arn, "CreationTime": now}
    state.tags[arn] = read_tags(request)
    return state.configs[name]


def _check_config_variants(
    state: AccountState, production: list[Document], shadow: list[Document]
) -> None:
    rules.require(production, "An endpoint configuration needs a production variant.")
    rules.require(len(shadow) <= 1, "An endpoint can have one shadow variant at most.")
    rules.require(
        not shadow or len(production) == 1,
        "With a shadow variant an endpoint has exactly one production variant.",
    )
    variants = [*production, *shadow]
    names = [variant["VariantName"] for variant in variants]
    rules.require(len(set(names)) == len(names), f"Variant names repeat: {names}.")
    for variant in variants:
        _check_config_variant(state, variant)


def _check_config_variant(state: AccountState, variant: Document) -> None:
    if "ModelName" in variant:
        rules.known_model(state, variant["ModelName"])
    instance_type = variant.get("InstanceType")
    rules.require(
        instance_type or "ServerlessConfig" in variant,
        f"Variant {variant['VariantName']} needs an InstanceType or a ServerlessConfig.",
    )
    rules.require(
        instance_type is None or instance_type in enum_values("ProductionVariantInstanceType"),
        f"1 validation error detected: Value '{instance_type}' at 'instanceType' failed to satisfy"
        " constraint: Member must satisfy enum value set",
    )


def config(state: AccountState, name: str) -> Document:
    """Return a configuration. Raises Invalid (ValidationException) if there is none."""
    arn = state.arn("endpoint-config", name)
    rules.require(name in state.configs, f'Could not find endpoint configuration "{arn}".')
    return state.configs[name]


def delete_config(state: AccountState, name: str) -> None:
    """Delete a configuration: DeleteEndpointConfig."""
    arn = config(state, name)["EndpointConfigArn"]
    del state.configs[name]
    state.tags.pop(arn, None)


def create(state: AccountState, request: Document, now: datetime) -> Endpoint:
    """Begin to create an endpoint: CreateEndpoint."""
    name, config_name = request["EndpointName"], request["EndpointConfigName"]
    rules.require(name not in state.endpoints, f'There is an endpoint "{name}" already.')
    document, tags = deepcopy(config(state, config_name)), read_tags(request)
    if TAG in tags:
        add_traffic(state, name, read_tag(tags[TAG]), now)
    endpoint = Endpoint(
        name=name,
        arn=state.arn("endpoint", name),
        config=config_name,
        document=document,
        created=now,
        modified=now,
        work=Work(kind="endpoint-create", since=now),
        next_config=config_name,
    )
    state.endpoints[name] = endpoint
    state.tags[endpoint.arn] = tags
    facts = {"status": "Creating", "config": config_name, "changed": ["status", "config"]}
    state.note("endpoint", now, endpoint=name, cause="CreateEndpoint", **facts)
    return endpoint


def delete(state: AccountState, name: str, now: datetime) -> None:
    """Delete an endpoint at once: DeleteEndpoint (assumed: endpoint-deletable)."""
    endpoint = rules.known_endpoint(state, name)
    record_deletion(state, endpoint, now)
    del state.endpoints[name]
    state.tags.pop(endpoint.arn, None)


def update(state: AccountState, request: Document, now: datetime) -> Endpoint:
    """Begin to put another configuration on an endpoint: UpdateEndpoint."""
    endpoint = _ready(state, request["EndpointName"])
    name = request["EndpointConfigName"]
    check_update(state, endpoint, config(state, name).get("ProductionVariants") or ())
    retained = endpoint.deployed if request.get("RetainAllVariantProperties") else []
    capacities = {
        one.name: {"DesiredInstanceCount": one.desired_count, "DesiredWeight": one.desired_weight}
        for one in retained
    }
    begin_update(state, endpoint, now, cause="UpdateEndpoint", config=name, capacities=capacities)
    return endpoint


def _ready(state: AccountState, name: str) -> Endpoint:
    endpoint = rules.known_endpoint(state, name)
    # A running experiment is no reason to refuse (assumed: update-under-test).
    rules.require(
        endpoint.status == "InService",
        f'Endpoint "{name}" is {endpoint.status} and cannot be updated.',
    )
    return endpoint


def scale(state: AccountState, request: Document, now: datetime) -> Endpoint:
    """Begin to change counts and weights: UpdateEndpointWeightsAndCapacities."""
    endpoint = _ready(state, request["EndpointName"])
    variants = {variant.name: variant for variant in endpoint.deployed}
    changes = request["DesiredWeightsAndCapacities"]
    unknown = [one["VariantName"] for one in changes if one["VariantName"] not in variants]
    rules.require(not unknown, f'Endpoint "{endpoint.name}" has no variants {unknown}.')
    cause = "UpdateEndpointWeightsAndCapacities"
    begin_update(state, endpoint, now, cause=cause, capacities={})
    for one in changes:
        variant = variants[one["VariantName"]]
        variant.desired_count = one.get("DesiredInstanceCount", variant.desired_count)
        variant.desired_weight = one.get("DesiredWeight", variant.desired_weight)
    return endpoint
