"""Reads that show an experiment or an endpoint as it was before a change (assumed: lag)."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from airflow_shadow.emulator.account_state import AccountState, Document, Lag

if TYPE_CHECKING:
    from airflow_shadow.emulator.base_response import EmulatedResponse


def add_lag(state: AccountState, request: Document, reads: int) -> None:
    """Let the next reads of the experiment that a request names show it as it is now."""
    name = str(request["Name"])
    before = deepcopy(state.experiments.get(name))
    state.lags[name] = Lag(before=before, descriptions=reads, tags=reads)


def reads_stale_tags(response: "EmulatedResponse") -> bool:
    """Whether ListTags does not show the tags of a new experiment yet; counts the read."""
    if response.operation != "ListTags":
        return False
    lag = response.state.lags.get(str(response.request["ResourceArn"]).rpartition("/")[2])
    if lag is None or lag.before is not None or lag.tags == 0:
        return False
    lag.tags -= 1
    return True


def stale_experiment(response: "EmulatedResponse") -> AbstractContextManager[None]:
    """Put back an experiment's former state for one Describe, if reads of it are still stale."""
    name, experiments = str(response.request.get("Name")), response.state.experiments
    lag = response.state.lags.get(name)
    if response.operation != "DescribeInferenceExperiment" or not lag or lag.descriptions == 0:
        return nullcontext()
    lag.descriptions -= 1
    return _replaced(experiments, name, lag.before)


def old_endpoint(response: "EmulatedResponse", updates: int) -> AbstractContextManager[None]:
    """Put back an endpoint as it was before its last updates, if it had that many."""
    name, endpoints = str(response.request.get("EndpointName")), response.state.endpoints
    endpoint = endpoints.get(name)
    if endpoint is None or not 1 <= updates <= len(endpoint.past):
        return nullcontext()
    return _replaced(endpoints, name, endpoint.past[-updates])


@contextmanager
def _replaced(kept: dict[str, Any], name: str, before: Any) -> Iterator[None]:
    now = kept.pop(name, None)
    if before:
        kept[name] = before
    try:
        yield
    finally:
        kept.pop(name, None)
        if now:
            kept[name] = now
