"""Rules over several members of a request, or over a request and the existing resources."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from airflow_shadow.emulator.account_state import AccountState, Document, Endpoint, Experiment
from airflow_shadow.emulator.errors import Invalid
from airflow_shadow.emulator.sagemaker.models import containers_of, find_model

DEFAULT_DURATION = timedelta(days=7)
SHORTEST = timedelta(hours=1)
LONGEST = timedelta(days=30)
# Clients hand back times that went through whole milliseconds.
_SAME_TIME = timedelta(seconds=1)


def require(condition: object, problem: str) -> None:
    """Raise Invalid (ValidationException) unless the condition holds."""
    if not condition:
        raise Invalid(problem)


def known_endpoint(state: AccountState, name: str) -> Endpoint:
    """Return an endpoint. Raises Invalid (ValidationException), as DescribeEndpoint does."""
    require(name in state.endpoints, f'Could not find endpoint "{state.arn("endpoint", name)}".')
    return state.endpoints[name]


def known_model(state: AccountState, name: str) -> Document:
    """Return a model. Raises Invalid (ValidationException) if there is none of the name."""
    model = find_model(state, name)
    if model is None:
        raise Invalid(f'Could not find model "{state.arn("model", name)}".')
    return model


def check_schedule(start: datetime, end: datetime, now: datetime) -> None:
    """Refuse a schedule that has ended, is shorter than an hour, or longer than 30 days."""
    require(end > now, f"EndTime {end.isoformat()} is in the past (now {now.isoformat()}).")
    require(end > start, f"EndTime {end.isoformat()} is not after StartTime {start.isoformat()}.")
    # (assumed: minimum-duration)
    require(end - start >= SHORTEST - _SAME_TIME, f"A test lasts at least {SHORTEST}.")
    require(end - start <= LONGEST + _SAME_TIME, f"A test lasts at most {LONGEST.days} days.")


def check_variants(state: AccountState, request: Document) -> None:
    """Refuse variants that do not fit together, or models that cannot be shadowed."""
    names = [variant["VariantName"] for variant in request["ModelVariants"]]
    mode = request["ShadowModeConfig"]
    [shadow] = mode["ShadowModelVariants"]
    named = {mode["SourceModelVariantName"], shadow["ShadowModelVariantName"]}
    require(len(set(names)) == len(names), f"ModelVariants repeats a name: {names}.")
    require(len(named) == 2, "The shadow variant and production need different names.")  # noqa: PLR2004
    require(
        named == set(names),
        f"ShadowModeConfig names {sorted(named)}, ModelVariants has {sorted(names)}.",
    )
    require(
        shadow["SamplingPercentage"] >= 0,
        f"SamplingPercentage {shadow['SamplingPercentage']} is negative.",
    )
    for variant in request["ModelVariants"]:
        _check_model(known_model(state, variant["ModelName"]))
        infrastructure = variant["InfrastructureConfig"]["RealTimeInferenceConfig"]
        _check_instance_type(infrastructure["InstanceType"])


def _check_model(model: Document) -> None:
    """Refuse multi-model and multi-container models, which shadow tests do not support."""
    containers = containers_of(model)
    name = model["ModelName"]
    require(len(containers) < 2, f"Shadow tests do not support multi-container models: {name}.")  # noqa: PLR2004
    modes = [container.get("Mode") for container in containers]
    require("MultiModel" not in modes, f"Shadow tests do not support multi-model endpoints: {name}")


def _check_instance_type(instance_type: str) -> None:
    problem = f"Shadow tests do not support Inf1 instances: {instance_type}."
    require(not instance_type.startswith("ml.inf1."), problem)


def check_endpoint(state: AccountState, endpoint: Endpoint) -> None:
    """Refuse kinds of endpoints that shadow tests do not support."""
    document = endpoint.document
    require(
        "AsyncInferenceConfig" not in document,
        f"Shadow tests do not support asynchronous endpoints: {endpoint.name}.",
    )
    variants = document.get("ProductionVariants") or []
    # (assumed: one-production-variant)
    require(
        len(variants) <= 1,
        f"Endpoint {endpoint.name} has several production variants; a test needs exactly one.",
    )
    for variant in variants:
        _check_endpoint_variant(state, endpoint, variant)


def _check_endpoint_variant(state: AccountState, endpoint: Endpoint, variant: Document) -> None:
    serverless = "ServerlessConfig" in variant
    require(not serverless, f"Shadow tests do not support serverless endpoints: {endpoint.name}.")
    # (assumed: components-refused)
    components = "ModelName" not in variant
    require(not components, f"Shadow tests do not support inference components: {endpoint.name}.")
    _check_instance_type(variant.get("InstanceType", ""))
    model = find_model(state, variant["ModelName"])
    if model is not None:
        _check_model(model)


def check_models_kept(experiment: Experiment, variants: Iterable[Document]) -> None:
    """Refuse another model under a variant's name (assumed: variant-model-fixed)."""
    models = {one["VariantName"]: one["ModelName"] for one in experiment.request["ModelVariants"]}
    for variant in variants:
        name, model = variant["VariantName"], variant["ModelName"]
        require(
            models.get(name, model) == model,
            f"Variant {name} runs {models.get(name)}, and cannot change to {model}.",
        )


def check_running_update(experiment: Experiment, request: Document) -> None:
    """Allow changes of description, sampling and EndTime only (assumed: running-update)."""
    for member in ("ModelVariants", "DataStorageConfig"):
        same = request.get(member) in (None, experiment.request.get(member))
        require(same, f"{member} cannot be changed while the experiment is Running.")
    mode = request.get("ShadowModeConfig")
    require(
        mode is None or _names(mode) == _names(experiment.request["ShadowModeConfig"]),
        "The variants' names cannot be changed while the experiment is Running.",
    )
    start = request["Schedule"].get("StartTime", experiment.start)
    require(
        abs(start - experiment.start) < _SAME_TIME,
        "StartTime cannot be changed while the experiment is Running.",
    )


def _names(mode: Document) -> tuple[str, ...]:
    shadows = (shadow["ShadowModelVariantName"] for shadow in mode["ShadowModelVariants"])
    return (mode["SourceModelVariantName"], *shadows)


_ALLOWED_STOPS = {("Retain", "Remove"), ("Retain", "Retain"), ("Remove", "Promote")}


def check_stop(experiment: Experiment, request: Document) -> None:
    """Refuse actions outside the table of stops (assumed: stop-table)."""
    actions = request["ModelVariantActions"]
    names = {experiment.source_name, experiment.shadow_name}
    require(
        set(actions) == names,
        f"ModelVariantActions names {sorted(actions)}, the experiment has {sorted(names)}.",
    )
    pair = (actions[experiment.source_name], actions[experiment.shadow_name])
    require(
        pair in _ALLOWED_STOPS,
        f"Production cannot be {pair[0]} while the shadow is {pair[1]}.",
    )
    desired = request.get("DesiredModelVariants") or []
    check_models_kept(experiment, desired)
    staying = {name for name, action in actions.items() if action != "Remove"}
    # (assumed: desired-variants)
    require(
        {variant["VariantName"] for variant in desired} <= staying,
        f"DesiredModelVariants may name only {sorted(staying)}.",
    )
