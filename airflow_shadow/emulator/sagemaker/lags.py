"""Reads that lag behind a change of an experiment or an endpoint (assumed: lag)."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from airflow_shadow.emulator.account_state import AccountState, Document, Lag

if TYPE_CHECKING:
    from airflow_shadow.emulator.base_response import EmulatedResponse


def lag_behind(state: AccountState, request: Document, reads: int) -> None:
    """Let the next reads of what a request names show how it is now, whatever the request does."""
    name = str(request["Name"])
    before = deepcopy(state.experiments.get(name))
    state.lags[name] = Lag(before=before, descriptions=reads, tags=reads)


def lags_in_tags(response: "EmulatedResponse") -> bool:
    """Tell whether ListTags shows none yet of a new experiment, and count the read."""
    if response.operation != "ListTags":
        return False
    lag = response.state.lags.get(str(response.request["ResourceArn"]).rpartition("/")[2])
    if lag is None or lag.before is not None or lag.tags == 0:
        return False
    lag.tags -= 1
    return True


@contextmanager
def as_read(response: "EmulatedResponse") -> Iterator[None]:
    """Put back for one read of an experiment what was before its last change."""
    name, experiments = str(response.request.get("Name")), response.state.experiments
    lag = response.state.lags.get(name)
    if response.operation != "DescribeInferenceExperiment" or not lag or lag.descriptions == 0:
        yield
        return
    lag.descriptions -= 1
    with _shown(experiments, name, lag.before):
        yield


@contextmanager
def before_updates(response: "EmulatedResponse", updates: int) -> Iterator[None]:
    """Put back for one read of an endpoint what was before its last updates, if it had as many."""
    name, endpoints = str(response.request.get("EndpointName")), response.state.endpoints
    endpoint = endpoints.get(name)
    if endpoint is None or not 1 <= updates <= len(endpoint.past):
        yield
        return
    with _shown(endpoints, name, endpoint.past[-updates]):
        yield


@contextmanager
def _shown(kept: dict[str, Any], name: str, before: Any) -> Iterator[None]:
    now = kept.pop(name, None)
    if before:
        kept[name] = before
    try:
        yield
    finally:
        kept.pop(name, None)
        if now:
            kept[name] = now
