"""One request from beginning to end: faults, time, the action, and what is written down."""

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
from airflow_shadow.emulator.faults import CALL_FAULTS, Fault
from airflow_shadow.emulator.sagemaker import listing
from airflow_shadow.emulator.sagemaker.events import run_due_events
from airflow_shadow.emulator.sagemaker.lags import as_read, before_updates, lag_behind, lags_in_tags

if TYPE_CHECKING:
    from airflow_shadow.emulator.base_response import EmulatedResponse

Action = Callable[[], TYPE_RESPONSE]

_CHANGING = ("Create", "Update", "Start", "Stop", "Delete", "Add")
_NAMES = ("Name", "EndpointName", "EndpointConfigName", "ModelName", "ResourceArn")
_OK = 200
_BAD_REQUEST = 400
# Not 500: botocore would send the request again, and a bug would strike five times.
_BROKEN = 501

_REFUSALS: dict[str, tuple[str, str]] = {
    "throttle": ("ThrottlingException", "Too many calls (asked of the emulator)."),
    "expired-token": ("ExpiredTokenException", "The token has expired (asked of the emulator)."),
    "access-denied": ("AccessDeniedException", "Not allowed (asked of the emulator)."),
    "quota": ("ResourceLimitExceeded", "The quota is used up (asked of the emulator)."),
}
_PAGE = "<html><body>Please sign in to the network (asked of the emulator).</body></html>"
_SERVER_ERRORS = {500: "InternalFailure", 503: "ServiceUnavailable"}


def perform(response: "EmulatedResponse", action: Action) -> TYPE_RESPONSE:
    """Answer a request, or let it go wrong as a fault says."""
    emulator = response.emulator
    fault = emulator.faults.strike(
        CALL_FAULTS,
        operation=response.operation,
        account=response.current_account,
        region=response.region,
        names=_names(response),
    )
    if fault:
        status, headers, body = _go_wrong(response, fault, action)
    elif emulator.holds.is_held(_invocation(response)):
        status, headers, body = _held(response, "hold-before", action)
    else:
        status, headers, body = _act(response, action)
    kept = {name: value for name, value in headers.items() if name.lower() != "date"}
    return status, kept | {"Date": http_date(emulator.clock.now())}, body


def _go_wrong(response: "EmulatedResponse", fault: Fault, action: Action) -> TYPE_RESPONSE:
    if answer := _refusal(fault):
        return answer
    if fault.kind == "empty-pages":
        return _empty_page(response)
    if fault.kind == "slow":
        time.sleep(float(fault.options.get("seconds", 1)))
        return _act(response, action)
    if fault.kind == "old-endpoint":
        return _act_on_old(response, int(fault.options.get("updates", 1)), action)
    if fault.kind in {"hold-before", "hold-after"}:
        return _held(response, fault.kind, action)
    if fault.kind == "lag" and not fault.options.get("drop"):
        return _act_unseen(response, fault, action)
    if fault.kind == "lag":
        _act_unseen(response, fault, action)
    if fault.kind == "drop-after":
        _act(response, action)
    raise LostConnectionError(endpoint_url=str(response.uri))


def _refusal(fault: Fault) -> TYPE_RESPONSE | None:
    """Return the answer of a fault that keeps AWS from acting and says so."""
    if fault.kind in _REFUSALS:
        return _error(_BAD_REQUEST, *_REFUSALS[fault.kind])
    if fault.kind == "server-error":
        status = int(fault.options.get("status", 500))
        return _error(status, _SERVER_ERRORS[status], "Out of order (asked of the emulator).")
    if fault.kind == "garbage":
        options = {"status": _OK, "body": _PAGE, **fault.options}
        return int(options["status"]), {"Content-Type": "text/html"}, str(options["body"])
    return None


def _act_unseen(response: "EmulatedResponse", fault: Fault, action: Action) -> TYPE_RESPONSE:
    """Act, and let reads show for a while what was before."""
    with response.emulator.lock:
        run_due_events(response.state, response.emulator.clock.now())
        lag_behind(response.state, response.request, int(fault.options.get("reads", 3)))
        return _act(response, action)


def _act_on_old(response: "EmulatedResponse", updates: int, action: Action) -> TYPE_RESPONSE:
    """Describe an endpoint as it was before its last updates."""
    with response.emulator.lock:
        run_due_events(response.state, response.emulator.clock.now())
        with before_updates(response, updates):
            return action()


def _held(response: "EmulatedResponse", kind: str, action: Action) -> TYPE_RESPONSE:
    """Keep a call before or after AWS acts, until it is let go."""
    answer = _act(response, action) if kind == "hold-after" else None
    if response.emulator.holds.hold(
        kind=kind,
        operation=response.operation,
        name=str(_facts(response)["name"] or metric_data.names(response.request)),
        invocation=_invocation(response),
    ):
        raise LostConnectionError(endpoint_url=str(response.uri))
    return answer or _act(response, action)


def _invocation(response: "EmulatedResponse") -> str | None:
    found = response.headers.get("amz-sdk-invocation-id")
    return str(found) if found else None


def _empty_page(response: "EmulatedResponse") -> TYPE_RESPONSE:
    token = listing.same_place(response.request.get("NextToken"))
    return _OK, _json_headers(), json.dumps({"InferenceExperiments": [], "NextToken": token})


def _act(response: "EmulatedResponse", action: Action) -> TYPE_RESPONSE:
    """Run the action under the lock, on a state that is up to date."""
    emulator = response.emulator
    with emulator.lock:
        try:
            run_due_events(response.state, emulator.clock.now())
            if lags_in_tags(response):
                return _OK, _json_headers(), json.dumps({"Tags": []})
            with as_read(response):
                return _recorded(response, action)
        # A bug of any kind has to reach the developer once, not as a page botocore retries.
        except Exception as error:  # noqa: BLE001
            traceback.print_exc(file=sys.stderr)
            return _error(_BROKEN, "InternalFailure", f"Bug in the emulator: {error!r}")


def _recorded(response: "EmulatedResponse", action: Action) -> TYPE_RESPONSE:
    """Write a changing call down before what it causes, and take it back if it is refused."""
    if not response.operation.startswith(_CHANGING):
        return action()
    entry = response.state.note("call", response.emulator.clock.now(), **_facts(response))
    answer = action()
    if answer[0] != _OK:
        response.emulator.forget(entry)
    return answer


def _facts(response: "EmulatedResponse") -> dict[str, Any]:
    request = response.request
    name = next((request[key] for key in _NAMES if key in request), None)
    # Times become text: whoever reads the history reads JSON.
    plain = json.loads(json.dumps(request, default=str))
    return {"operation": response.operation, "name": name, "request": plain}


def _names(response: "EmulatedResponse") -> str:
    request = response.request
    own = (str(request[key]) for key in (*_NAMES, "NameContains") if key in request)
    return " ".join((*own, metric_data.names(request)))


def _error(status: int, code: str, message: str) -> TYPE_RESPONSE:
    return status, _json_headers(), json.dumps({"__type": code, "message": message})


def _json_headers() -> dict[str, str]:
    return {"Content-Type": "application/x-amz-json-1.1", "server": "amazon.com"}
