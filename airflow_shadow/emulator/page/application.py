"""The page at /shadow: endpoints and their variants, experiments, and what happened."""

import re
import secrets
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from werkzeug.wrappers import Request, Response

from airflow_shadow.emulator.account_state import AccountState
from airflow_shadow.emulator.page import facts, traffic

if TYPE_CHECKING:
    from airflow_shadow.emulator.core import Emulator

PATH = "/shadow"
#: What the page asks for every two seconds: `/shadow?main`.
MAIN = "main"

_SHOWN = 50  # entries of the history, experiments and models of a region
#: Nothing from elsewhere, no script of whoever named something, and no frame of another page, in
#: which a click could be lured onto a button.
_POLICY = (
    "default-src 'none'; style-src 'nonce-{0}'; script-src 'nonce-{0}'; connect-src 'self';"
    " img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
#: What no HTML file may hold, but a text from a caller may.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def application(emulator: "Emulator") -> Callable[..., Iterable[bytes]]:
    """Return the WSGI application that shows an emulator."""

    @Request.application
    def answer(request: Request) -> Response:
        template = "main.html.j2" if MAIN in request.args else "page.html.j2"
        nonce = secrets.token_urlsafe()
        headers = {
            "Content-Security-Policy": _POLICY.format(nonce),
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }
        html = _render(emulator, template, nonce=nonce)
        return Response(html, headers=headers, content_type="text/html; charset=utf-8")

    return answer


def _render(emulator: "Emulator", template: str, **values: Any) -> str:
    """Return the page as HTML; showing it does not count as a read of any status."""
    with emulator.lock:
        states, now = emulator.account_states(), emulator.clock.now()
        return (
            _templates()
            .get_template(template)
            .render(
                **values,
                now=now,
                clock=emulator.clock,
                pace=emulator.pace,
                next_change=emulator.next_change(),
                faults=emulator.faults.waiting(),
                held=emulator.holds.held(),
                places=[(_place(state, states), state) for state in states],
                entries=emulator.newest(_SHOWN),
                shown=_SHOWN,
            )
        )


def _place(state: AccountState, states: list[AccountState]) -> str:
    """Return what ids of a region begin with, as the links of Airflow's tasks expect it."""
    first = next(other for other in states if other.region == state.region)
    return state.region if state is first else f"{state.account}-{state.region}"


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("airflow_shadow.emulator.page", "."),
        autoescape=True,
        finalize=_legal,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"time": _time, "facts": facts, "traffic": traffic}
    return environment


def _legal(value: Any) -> Any:
    return value if isinstance(value, Markup) else _FORBIDDEN.sub("\ufffd", str(value))


def _time(time: datetime | str) -> str:
    at = datetime.fromisoformat(time) if isinstance(time, str) else time
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
