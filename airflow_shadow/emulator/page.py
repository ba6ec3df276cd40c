"""The page at /shadow: endpoints and their variants, experiments, and what happened."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from werkzeug.wrappers import Request, Response

if TYPE_CHECKING:
    from airflow_shadow.emulator.core import Emulator

PATH = "/shadow"

_SHOWN = 100  # entries of the history, newest first


def application(emulator: "Emulator") -> Callable[..., Iterable[bytes]]:
    """Return the WSGI application that shows an emulator."""

    @Request.application
    def answer(_: Request) -> Response:
        return Response(render(emulator), content_type="text/html; charset=utf-8")

    return answer


def render(emulator: "Emulator") -> str:
    """Return the page as HTML; showing it does not count as a read of any status."""
    with emulator.lock:
        states, history = emulator.account_states(), emulator.history()
        entries = [entry for entry in reversed(history) if entry["kind"] != "variant"]
        return _template().render(
            now=emulator.clock.now(),
            speed=emulator.clock.speed,
            pace=emulator.pace,
            states=states,
            entries=entries[:_SHOWN],
        )


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("airflow_shadow.emulator", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["time"] = _time
    return environment.get_template("page.html.j2")


def _time(time: datetime | str) -> str:
    at = datetime.fromisoformat(time) if isinstance(time, str) else time
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
