"""Work on endpoints that is not an experiment's: creation, updates and scaling."""

from collections.abc import Mapping
from datetime import datetime

from airflow_shadow.emulator.account_state import AccountState, Endpoint, EndpointStatus
from airflow_shadow.emulator.pace import Work, WorkKind
from airflow_shadow.emulator.sagemaker.deploy import Capacities, deploy, set_endpoint
from airflow_shadow.emulator.sagemaker.recorder import record

_OPERATION: Mapping[WorkKind, str] = {
    "endpoint-create": "CreateEndpoint",
    "endpoint-update": "UpdateEndpoint",
}


def begin_update(
    state: AccountState,
    endpoint: Endpoint,
    at: datetime,
    *,
    cause: str,
    config: str | None = None,
    capacities: Capacities,
) -> None:
    """Start an update to another configuration, or of the counts and weights alone."""
    set_endpoint(state, endpoint, at, cause=cause, status="Updating")
    endpoint.work = Work(kind="endpoint-update", since=at)
    endpoint.next_config, endpoint.capacities = config, dict(capacities)


def finish_endpoint_work(state: AccountState, endpoint: Endpoint, at: datetime) -> None:
    """Finish an endpoint's own work, or fail as a fault says."""
    if endpoint.work is None:
        raise RuntimeError(f"Endpoint {endpoint.name} has no work to finish.")
    kind, endpoint.work = endpoint.work.kind, None
    operation = _OPERATION[kind]
    if fault := state.take_fault("fail-endpoint", operation=operation, names=endpoint.name):
        endpoint.failure = fault.options.get("reason") or f"{operation} failed at {at.isoformat()}."
        status: EndpointStatus = "Failed" if kind == "endpoint-create" else "InService"
        set_endpoint(state, endpoint, at, cause=operation, status=status)
    elif endpoint.next_config in state.configs:
        config, endpoint.next_config = str(endpoint.next_config), None
        deploy(state, endpoint, config, at, cause=operation, capacities=endpoint.capacities)
    else:
        for variant in endpoint.deployed:
            variant.current_count = variant.desired_count
            variant.current_weight = variant.desired_weight
        record(state, endpoint, at)
        set_endpoint(state, endpoint, at, cause=operation, status="InService")
