"""One request from begin to end: faults, due events, the action, and the history."""

import json
import sys
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from moto.core.common_types import TYPE_RESPONSE
from werkzeug.http import http_date

from airflow_shadow.emulator.cloudwatch import metric_data
from airflow_shadow.emulator.errors import LostConnectionError
from airflow_shadow.emulator.faults import CALL_FAULTS, GARBAGE, Fault
from airflow_shadow.emulator.sagemaker import listing
from airflow_shadow.emulator.sagemaker.events import run_due_events
from airflow_shadow.emulator.sagemaker.lags import (
    add_lag,
    old_endpoint,
    reads_stale_tags,
    stale_experiment,
)

if TYPE_CHECKING:
    from airflow_shadow.emulator.base_response import EmulatedResponse

Action = Callable[[], TYPE_RESPONSE]

_CHANGING = ("Create", "Update", "Start", "Stop", "Delete", "Add")
_NAMES = ("Name", "EndpointName", "EndpointConfigName", "ModelName", "ResourceArn")
_OK = 200
_BAD_REQUEST = 400
# Not 500: botocore would retry, and a bug would be reported five times.
_BROKEN = 501

_REFUSALS: dict[str, tuple[str, str]] = {
    "throttle": ("ThrottlingException", "Too many calls (injected by the emulator)."),
    "expired-token": ("ExpiredTokenException", "The token has expired (injected by the emulator)."),
    "access-denied": ("AccessDeniedException", "Not allowed (injected by the emulator)."),
    "quota": ("ResourceLimitExceeded", "The quota is used up (injected by the emulator)."),
}
_SERVER_ERRORS = {500: "InternalFailure", 503: "ServiceUnavailable"}


def perform(response: "EmulatedResponse", action: Action) -> TYPE_RESPONSE:
    """Answer a request, or let it fail as a fault says."""
    emulator = response.emulator
    fault = emulator.faults.take(
        CALL_FAULTS,
        operation=response.operation,
        account=response.current_account,
        region=response.region,
        names=_names(response),
    )
    if fault:
        status, headers, body = _fail(response, fault, action)
    elif emulator.holds.is_held(_invocation(response)):
        status, headers, body = _hold(response, "hold-before", action)
    else:
        status, headers, body = _act(response, action)
    kept = {name: value for name, value in headers.items() if name.lower() != "date"}
    return status, kept | {"Date": http_date(emulator.clock.now())}, body


def _fail(response: "EmulatedResponse", fault: Fault, action: Action) -> TYPE_RESPONSE:
    if answer := _refusal(fault):
        return answer
    if fault.kind == "empty-pages":
        token = listing.same_place(response.request.get("NextToken"))
        return _json(_OK, {"InferenceExperiments": [], "NextToken": token})
    if fault.kind == "slow":
        time.sleep(float(fault.options.get("seconds", 1)))
        return _act(response, action)
    if fault.kind == "old-endpoint":
        return _act_on_old(response, int(fault.options.get("updates", 1)), action)
    if fault.kind in {"hold-before", "hold-after"}:
        return _hold(response, fault.kind, action)
    if fault.kind == "lag":
        answer = _act_with_lag(response, fault, action)
        if not fault.options.get("drop"):
            return answer
    if fault.kind == "drop-after":
        _act(response, action)
    raise LostConnectionError(endpoint_url=str(response.uri))


def _refusal(fault: Fault) -> TYPE_RESPONSE | None:
    """Return the answer of a fault by which AWS does not act, and says so."""
    if fault.kind in _REFUSALS:
        return _error(_BAD_REQUEST, *_REFUSALS[fault.kind])
    if fault.kind == "server-error":
        status = int(fault.options.get("status", 500))
        return _error(status, _SERVER_ERRORS[status], "Out of order (injected by the emulator).")
    if fault.kind == "garbage":
        options = {"status": _OK, "body": GARBAGE, **fault.options}
        return int(options["status"]), {"Content-Type": "text/html"}, str(options["body"])
    return None


def _act_with_lag(response: "EmulatedResponse", fault: Fault, action: Action) -> TYPE_RESPONSE:
    """Act, and let reads show the state before it for a while."""
    with response.emulator.lock:
        run_due_events(response.state, response.now)
        add_lag(response.state, response.request, int(fault.options.get("reads", 3)))
        return _act(response, action)


def _act_on_old(response: "EmulatedResponse", updates: int, action: Action) -> TYPE_RESPONSE:
    """Describe an endpoint as it was before its last updates."""
    with response.emulator.lock:
        run_due_events(response.state, response.now)
        with old_endpoint(response, updates):
            return action()


def _hold(response: "EmulatedResponse", kind: str, action: Action) -> TYPE_RESPONSE:
    """Hold a call before or after AWS acts, until it is let go."""
    answer = _act(response, action) if kind == "hold-after" else None
    if response.emulator.holds.hold(
        kind=kind,
        operation=response.operation,
        name=str(_name(response) or metric_data.names(response.request)),
        invocation=_invocation(response),
    ):
        raise LostConnectionError(endpoint_url=str(response.uri))
    return answer or _act(response, action)


def _invocation(response: "EmulatedResponse") -> str | None:
    found = response.headers.get("amz-sdk-invocation-id")
    return str(found) if found else None


def _act(response: "EmulatedResponse", action: Action) -> TYPE_RESPONSE:
    """Run the action under the lock, once all due events have happened."""
    with response.emulator.lock:
        try:
            run_due_events(response.state, response.now)
            if reads_stale_tags(response):
                return _json(_OK, {"Tags": []})
            with stale_experiment(response):
                return _recorded(response, action)
        # A bug has to reach the developer once, not as an error that botocore retries.
        except Exception as error:  # noqa: BLE001
            traceback.print_exc(file=sys.stderr)
            return _error(_BROKEN, "InternalFailure", f"Bug in the emulator: {error!r}")


def _recorded(response: "EmulatedResponse", action: Action) -> TYPE_RESPONSE:
    """Record a changing call before its effects; remove the entry if the call is refused."""
    if not response.operation.startswith(_CHANGING):
        return action()
    # Times become text: the history is JSON.
    request = json.loads(json.dumps(response.request, default=str))
    facts = {"operation": response.operation, "name": _name(response), "request": request}
    entry = response.state.note("call", response.now, **facts)
    answer = action()
    if answer[0] != _OK:
        response.state.history.remove(entry)
    return answer


def _name(response: "EmulatedResponse") -> Any:
    request = response.request
    return next((request[key] for key in _NAMES if key in request), None)


def _names(response: "EmulatedResponse") -> str:
    request = response.request
    own = (str(request[key]) for key in (*_NAMES, "NameContains") if key in request)
    return " ".join((*own, metric_data.names(request)))


def _error(status: int, code: str, message: str) -> TYPE_RESPONSE:
    return _json(status, {"__type": code, "message": message})


def _json(status: int, body: dict[str, Any]) -> TYPE_RESPONSE:
    headers = {"Content-Type": "application/x-amz-json-1.1", "server": "amazon.com"}
    return status, headers, json.dumps(body)
