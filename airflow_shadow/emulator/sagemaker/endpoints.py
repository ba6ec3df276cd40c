"""The operations on endpoints and endpoint configurations, with transitions and shadow variants."""

from copy import deepcopy
from datetime import datetime

from airflow_shadow.emulator.account_state import AccountState, Deployed, Document, Endpoint
from airflow_shadow.emulator.pace import Work
from airflow_shadow.emulator.sagemaker import rules
from airflow_shadow.emulator.sagemaker.autoscaling import check_update
from airflow_shadow.emulator.sagemaker.checks import enum_values
from airflow_shadow.emulator.sagemaker.endpoint_updates import begin_update
from airflow_shadow.emulator.sagemaker.recorder import declare, record_gone
from airflow_shadow.emulator.traffic import TAG, read_tag


def create_config(state: AccountState, request: Document, now: datetime) -> Document:
    """Store a configuration with all it was given: CreateEndpointConfig."""
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
    state.tags[arn] = _tags(request)
    return state.configs[name]


def _tags(request: Document) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in request.get("Tags") or ()}


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
    """Forget a configuration: DeleteEndpointConfig."""
    arn = config(state, name)["EndpointConfigArn"]
    del state.configs[name]
    state.tags.pop(arn, None)


def create(state: AccountState, request: Document, now: datetime) -> Endpoint:
    """Begin to make an endpoint: CreateEndpoint."""
    name = request["EndpointName"]
    rules.require(name not in state.endpoints, f'There is an endpoint "{name}" already.')
    document = config(state, request["EndpointConfigName"])
    tags = _tags(request)
    if TAG in tags:
        declare(state, name, read_tag(tags[TAG]), now)
    endpoint = Endpoint(
        name=name,
        arn=state.arn("endpoint", name),
        config=document["EndpointConfigName"],
        document=deepcopy(document),
        created=now,
        modified=now,
        work=Work(kind="endpoint-create", since=now),
        next_config=document["EndpointConfigName"],
    )
    state.endpoints[name] = endpoint
    state.tags[endpoint.arn] = tags
    facts = {"status": "Creating", "config": endpoint.config, "changed": ["status", "config"]}
    state.note("endpoint", now, endpoint=name, cause="CreateEndpoint", **facts)
    return endpoint


def delete(state: AccountState, name: str, now: datetime) -> None:
    """Forget an endpoint at once: DeleteEndpoint (assumed: endpoint-deletable)."""
    endpoint = rules.known_endpoint(state, name)
    record_gone(state, endpoint, now)
    del state.endpoints[name]
    state.tags.pop(endpoint.arn, None)


def update(state: AccountState, request: Document, now: datetime) -> Endpoint:
    """Begin to put another configuration on an endpoint: UpdateEndpoint."""
    endpoint = _ready(state, request["EndpointName"])
    document = config(state, request["EndpointConfigName"])
    check_update(state, endpoint, document.get("ProductionVariants") or ())
    name = document["EndpointConfigName"]
    retained = endpoint.deployed if request.get("RetainAllVariantProperties") else []
    capacities = {one.name: _capacity(one) for one in retained}
    begin_update(state, endpoint, now, cause="UpdateEndpoint", config=name, capacities=capacities)
    return endpoint


def _ready(state: AccountState, name: str) -> Endpoint:
    endpoint = rules.known_endpoint(state, name)
    # An experiment that runs is no reason to refuse (assumed: update-under-test).
    rules.require(
        endpoint.status == "InService",
        f'Endpoint "{name}" is {endpoint.status} and cannot be updated.',
    )
    return endpoint


def _capacity(variant: Deployed) -> Document:
    return {"DesiredInstanceCount": variant.desired_count, "DesiredWeight": variant.desired_weight}


def scale(state: AccountState, request: Document, now: datetime) -> Endpoint:
    """Begin to change counts and weights: UpdateEndpointWeightsAndCapacities."""
    endpoint = _ready(state, request["EndpointName"])
    variants = {variant.name: variant for variant in endpoint.deployed}
    wanted = request["DesiredWeightsAndCapacities"]
    unknown = [one["VariantName"] for one in wanted if one["VariantName"] not in variants]
    rules.require(not unknown, f'Endpoint "{endpoint.name}" has no variants {unknown}.')
    cause = "UpdateEndpointWeightsAndCapacities"
    begin_update(state, endpoint, now, cause=cause, capacities={})
    for one in wanted:
        variant = variants[one["VariantName"]]
        variant.desired_count = one.get("DesiredInstanceCount", variant.desired_count)
        variant.desired_weight = one.get("DesiredWeight", variant.desired_weight)
    return endpoint
