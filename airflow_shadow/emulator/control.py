"""The control API for other processes, under /shadow-api/: JSON in, JSON out."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from airflow_shadow.emulator.traffic import read_traffic

if TYPE_CHECKING:
    from airflow_shadow.emulator.core import Emulator

PREFIX = "/shadow-api/"
#: What `advance` of the clock may be besides seconds.
NEXT_CHANGE = "next-change"

Answer = dict[str, Any] | list[dict[str, Any]]
Handler = Callable[["Emulator", Request], Answer]


def application(emulator: "Emulator") -> Callable[..., Iterable[bytes]]:
    """Return the WSGI application that controls an emulator."""

    @Request.application
    def answer(request: Request) -> Response:
        status, body = _answer(emulator, request)
        return Response(json.dumps(body), status=status, content_type="application/json")

    return answer


def _answer(emulator: "Emulator", request: Request) -> tuple[int, Answer]:
    handler = _HANDLERS.get((request.method, request.path.removeprefix(PREFIX).strip("/")))
    if handler is None:
        known = ", ".join(f"{method} {PREFIX}{name}" for method, name in _HANDLERS)
        return 404, {"message": f"No {request.method} {request.path}. There are: {known}."}
    try:
        return 200, handler(emulator, request)
    except (ArithmeticError, KeyError, RecursionError, TypeError, ValueError) as error:
        return 400, {"message": f"{type(error).__name__}: {error}"}


def _body(request: Request) -> dict[str, Any]:
    body = json.loads(request.get_data())
    if not isinstance(body, dict):
        raise TypeError(f"The body has to be a JSON object, not {body!r}.")
    return body


def _get_clock(emulator: "Emulator", _: Request) -> Answer:
    return {"now": emulator.clock.now().isoformat(), "speed": emulator.clock.speed}


def _post_clock(emulator: "Emulator", request: Request) -> Answer:
    body = _body(request)
    if "speed" in body:
        emulator.clock.speed = float(body["speed"])
    with emulator.lock:
        by = body.get("advance", 0)
        emulator.clock.advance(_until_change(emulator) if by == NEXT_CHANGE else float(by))
    return _get_clock(emulator, request)


def _until_change(emulator: "Emulator") -> timedelta:
    at = emulator.next_change()
    if at is None:
        raise ValueError("No status is about to change by the clock.")
    return max(at - emulator.clock.now(), timedelta(0))


def _settings(*names: str) -> tuple[Handler, Handler]:
    """Return the handlers that read and change some of the emulator's settings."""

    def get(emulator: "Emulator", _: Request) -> Answer:
        return {name: getattr(emulator, name) for name in names}

    def post(emulator: "Emulator", request: Request) -> Answer:
        values = {name: value for name, value in _body(request).items() if name in names}
        if not values:
            raise ValueError(f"Give at least one of: {', '.join(names)}.")
        for name, value in values.items():
            setattr(emulator, name, value)
        return get(emulator, request)

    return get, post


def _get_history(emulator: "Emulator", request: Request) -> Answer:
    return emulator.history(request.args.get("account"), request.args.get("region"))


def _get_faults(emulator: "Emulator", _: Request) -> Answer:
    return emulator.faults.waiting()


def _post_faults(emulator: "Emulator", request: Request) -> Answer:
    emulator.faults.add(**_body(request))
    return emulator.faults.waiting()


def _delete_faults(emulator: "Emulator", request: Request) -> Answer:
    emulator.faults.clear(kind=request.args.get("kind"), about=request.args.get("about"))
    return emulator.faults.waiting()


def _get_held(emulator: "Emulator", _: Request) -> Answer:
    return emulator.holds.held()


def _delete_held(emulator: "Emulator", request: Request) -> Answer:
    drop = request.args.get("drop", "false").lower() == "true"
    return emulator.holds.let_go(name=request.args.get("name"), drop=drop)


def _get_traffic(emulator: "Emulator", _: Request) -> Answer:
    return [
        {
            "account": state.account,
            "region": state.region,
            "endpoint": flow.endpoint,
            "since": flow.since.isoformat(),
            **asdict(flow.traffic),
        }
        for state in emulator.account_states()
        for flows in state.flows.values()
        for flow in flows
    ]


def _post_traffic(emulator: "Emulator", request: Request) -> Answer:
    body = _body(request)
    endpoint = body.pop("endpoint")
    place = {name: body.pop(name) for name in ("account", "region") if name in body}
    emulator.traffic(endpoint, read_traffic(body), **place)
    return _get_traffic(emulator, request)


def _get_labels(emulator: "Emulator", _: Request) -> Answer:
    return [
        {"account": state.account, "region": state.region, "endpoint": endpoint, **order.facts()}
        for state in emulator.account_states()
        for endpoint, orders in state.labels.items()
        for order in orders
    ]


def _post_labels(emulator: "Emulator", request: Request) -> Answer:
    emulator.labels(**_body(request))
    return _get_labels(emulator, request)


def _post_reset(emulator: "Emulator", _: Request) -> Answer:
    emulator.reset()
    return {}


_get_pace, _post_pace = _settings("pace", "reads")
_get_busy_code, _post_busy_code = _settings("busy_code")
_get_error_samples, _post_error_samples = _settings("error_samples")
_get_capture, _post_capture = _settings("capture_late_seconds", "failed_captures", "event_ids")

_HANDLERS: dict[tuple[str, str], Handler] = {
    ("GET", "clock"): _get_clock,
    ("POST", "clock"): _post_clock,
    ("GET", "pace"): _get_pace,
    ("POST", "pace"): _post_pace,
    ("GET", "history"): _get_history,
    ("GET", "faults"): _get_faults,
    ("POST", "faults"): _post_faults,
    ("DELETE", "faults"): _delete_faults,
    ("GET", "held"): _get_held,
    ("DELETE", "held"): _delete_held,
    ("GET", "busy-code"): _get_busy_code,
    ("POST", "busy-code"): _post_busy_code,
    ("GET", "error-samples"): _get_error_samples,
    ("POST", "error-samples"): _post_error_samples,
    ("GET", "capture"): _get_capture,
    ("POST", "capture"): _post_capture,
    ("GET", "labels"): _get_labels,
    ("POST", "labels"): _post_labels,
    ("GET", "traffic"): _get_traffic,
    ("POST", "traffic"): _post_traffic,
    ("POST", "reset"): _post_reset,
}
