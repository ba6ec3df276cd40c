"""The application the server runs: the control API, the page, and moto behind a few corrections."""

from collections.abc import Callable, Iterable
from functools import cache
from socket import SHUT_RDWR, socket
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.http import http_date

from airflow_shadow.emulator import control, page
from airflow_shadow.emulator.doorkeeper import refusal
from airflow_shadow.emulator.errors import LostConnectionError
from airflow_shadow.emulator.install import SERVICES, install, uninstall

if TYPE_CHECKING:
    from airflow_shadow.emulator.core import Emulator

_MOTO_CONTROL = "/moto-api/"

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class Handler(MotoRequestHandler):
    """Moto's request handler, without a log line and without headers of its own."""

    def send_response(self, code: int, message: str | None = None) -> None:
        """Send the status line only: a second Date would contradict the emulator's."""
        self.send_response_only(code, message)


def application(emulator: "Emulator") -> Application:
    """Return the WSGI application of an emulator."""
    moto, controls, view = (
        _moto(emulator),
        control.application(emulator),
        page.application(emulator),
    )

    def route(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start = _with_date(emulator, start_response)
        path = environ.get("PATH_INFO", "")
        if path == "/" and "text/html" in environ.get("HTTP_ACCEPT", ""):
            return _plain(start, "302 Found", "", ("Location", page.PATH))
        steers = path.startswith((control.PREFIX, _MOTO_CONTROL)) or path.rstrip("/") == page.PATH
        if refused := refusal(environ, steers=steers):
            return _plain(start, "403 Forbidden", refused)
        if path.startswith(control.PREFIX):
            return controls(environ, start)
        if path.rstrip("/") == page.PATH:
            return view(environ, start)
        if path == f"{_MOTO_CONTROL}reset":
            emulator.clear()
        return _answer(moto, environ, start)

    return route


def _plain(
    start: StartResponse, status: str, text: str, *headers: tuple[str, str]
) -> Iterable[bytes]:
    start(status, [("Content-Type", "text/plain; charset=utf-8"), *headers])
    return [text.encode()]


def _moto(emulator: "Emulator") -> Application:
    """Return moto's application, its part that we answer bound to this emulator for good."""
    moto = DomainDispatcherApplication(create_backend_app)
    # It would look at each of its two hundred folders at each request.
    moto.get_backend_for_host = cache(moto.get_backend_for_host)  # type: ignore[method-assign]
    install(emulator)
    try:
        # Made now: later the place in moto may belong to another emulator.
        for service in SERVICES:
            moto.app_instances[service] = create_backend_app(service)
    finally:
        uninstall(emulator)
    return moto


def _with_date(emulator: "Emulator", start_response: StartResponse) -> StartResponse:
    """Stamp answers with the emulator's time, once."""

    def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        kept = [(name, value) for name, value in headers if name.lower() != "date"]
        return start_response(status, [*kept, ("Date", http_date(emulator.clock.now()))], *rest)

    return start


def _answer(moto: Application, environ: Environ, start: StartResponse) -> Iterable[bytes]:
    try:
        return moto(environ, start)
    except LostConnectionError:
        if "werkzeug.socket" not in environ:  # asked in process
            raise
        connection: socket = environ["werkzeug.socket"]
        connection.shutdown(SHUT_RDWR)
        raise ConnectionResetError("closed without an answer, as asked") from None
