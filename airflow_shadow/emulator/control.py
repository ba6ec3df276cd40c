"""The control API for other processes, under /shadow-api/: JSON in, JSON out."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from airflow_shadow.emulator.traffic import read_traffic

if TYPE_CHECKING:
    from airflow_shadow.emulator.core import Emulator

PREFIX = "/shadow-api/"

Answer = dict[str, Any] | list[dict[str, Any]]
Handler = Callable[["Emulator", Request], Answer]


def application(emulator: "Emulator") -> Callable[..., Iterable[bytes]]:
    """Return the WSGI application that controls an emulator."""

    @Request.application
    def answer(request: Request) -> Response:
        status, body = _answer(emulator, request)
        return _json(body, status)

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


def _json(body: Answer, status: int) -> Response:
    return Response(json.dumps(body), status=status, content_type="application/json")


def _get_clock(emulator: "Emulator", _: Request) -> Answer:
    return {"now": emulator.clock.now().isoformat(), "speed": emulator.clock.speed}


def _post_clock(emulator: "Emulator", request: Request) -> Answer:
    wanted = _body(request)
    if "speed" in wanted:
        emulator.clock.speed = float(wanted["speed"])
    emulator.clock.advance(float(wanted.get("advance", 0)))
    return _get_clock(emulator, request)


def _get_pace(emulator: "Emulator", _: Request) -> Answer:
    return {"pace": emulator.pace, "reads": emulator.reads}


def _post_pace(emulator: "Emulator", request: Request) -> Answer:
    wanted = _body(request)
    emulator.pace = wanted.get("pace", emulator.pace)
    emulator.reads = int(wanted.get("reads", emulator.reads))
    return _get_pace(emulator, request)


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


def _get_busy_code(emulator: "Emulator", _: Request) -> Answer:
    return {"busy_code": emulator.busy_code}


def _post_busy_code(emulator: "Emulator", request: Request) -> Answer:
    emulator.busy_code = _body(request)["busy_code"]
    return _get_busy_code(emulator, request)


def _get_error_samples(emulator: "Emulator", _: Request) -> Answer:
    return {"error_samples": emulator.error_samples}


def _post_error_samples(emulator: "Emulator", request: Request) -> Answer:
    emulator.error_samples = _body(request)["error_samples"]
    return _get_error_samples(emulator, request)


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
    wanted = _body(request)
    endpoint = wanted.pop("endpoint")
    place = {name: wanted.pop(name) for name in ("account", "region") if name in wanted}
    emulator.traffic(endpoint, read_traffic(wanted), **place)
    return _get_traffic(emulator, request)


def _post_reset(emulator: "Emulator", _: Request) -> Answer:
    emulator.reset()
    return {}


def _body(request: Request) -> dict[str, Any]:
    body = request.get_json(force=True)
    if not isinstance(body, dict):
        raise TypeError(f"The body has to be a JSON object, not {body!r}.")
    return body


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
    ("GET", "traffic"): _get_traffic,
    ("POST", "traffic"): _post_traffic,
    ("POST", "reset"): _post_reset,
}
