"""The application the server runs: the control API, the page, and moto behind a few corrections."""

from collections.abc import Callable, Iterable
from functools import cache
from ipaddress import ip_address
from socket import SHUT_RDWR, socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.http import http_date

from airflow_shadow.emulator import control
from airflow_shadow.emulator.errors import LostConnectionError
from airflow_shadow.emulator.install import SERVICES, Service, install, uninstall
from airflow_shadow.emulator.page import application as page

if TYPE_CHECKING:
    from airflow_shadow.emulator.core import Emulator

_MOTO_CONTROL = "/moto-api/"

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class Handler(MotoRequestHandler):
    """Moto's request handler, without log lines and without headers of its own."""

    def send_response(self, code: int, message: str | None = None) -> None:
        """Send the status line only, because a second Date would contradict the emulator's."""
        self.send_response_only(code, message)


def application(emulator: "Emulator") -> Application:
    """Return the WSGI application of an emulator."""
    moto, controls = _moto(emulator), control.application(emulator)
    view = page.application(emulator)

    def route(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start = _with_date(emulator, start_response)
        path = environ.get("PATH_INFO", "")
        if path == "/" and "text/html" in environ.get("HTTP_ACCEPT", ""):
            return _plain(start, "302 Found", "", ("Location", page.PATH))
        is_page = path.rstrip("/") == page.PATH
        controls_emulator = is_page or path.startswith((control.PREFIX, _MOTO_CONTROL))
        if refused := _refusal(environ, own_host=controls_emulator):
            return _plain(start, "403 Forbidden", refused)
        if path.startswith(control.PREFIX):
            return controls(environ, start)
        if is_page:
            return view(environ, start)
        if path == f"{_MOTO_CONTROL}reset":
            emulator.clear()
        return _answer(moto, environ, start)

    return route


def _refusal(environ: Environ, *, own_host: bool) -> str | None:
    """Return why a request is refused, None if it is not.

    A foreign web page can make a browser send requests to this machine, and read the answers by a
    host name of its own that resolves to this machine. Such a name has a dot; the names of this
    machine and of containers have none. AWS's services are called by any name, for bucket names are
    part of it, but not by a page, which says its Origin.

    :param own_host: whether the host has to be this machine's
    """
    host, origin = environ.get("HTTP_HOST", ""), environ.get("HTTP_ORIGIN")
    try:
        if (own_host or origin is not None) and _is_foreign(urlsplit(f"//{host}").hostname or ""):
            return f"Host {host!r} is not this machine's: use its address, or a name without dots."
        if origin is not None and urlsplit(origin).netloc != host:
            return f"Origin {origin!r} is another page's."
    except ValueError as error:  # brackets that hold no address
        return f"Host or Origin cannot be read: {error}."
    return None


def _is_foreign(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return "." in name
    return False


def _plain(
    start: StartResponse, status: str, text: str, *headers: tuple[str, str]
) -> Iterable[bytes]:
    start(status, [("Content-Type", "text/plain; charset=utf-8"), *headers])
    return [text.encode()]


def _moto(emulator: "Emulator") -> Application:
    """Return moto's application, in which this emulator answers its services for good."""
    moto = DomainDispatcherApplication(create_backend_app)
    # It would look into each of its two hundred folders for each request.
    moto.get_backend_for_host = cache(moto.get_backend_for_host)  # type: ignore[method-assign]
    install(emulator)
    try:
        # Created now, because another emulator may be installed in moto later.
        services: tuple[Service, ...] = (*SERVICES, "s3")
        for service in services:
            moto.app_instances[service] = create_backend_app(service)
    finally:
        uninstall(emulator)
    return moto


def _with_date(emulator: "Emulator", start_response: StartResponse) -> StartResponse:
    """Give answers one Date, the emulator's time."""

    def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        kept = [(name, value) for name, value in headers if name.lower() != "date"]
        return start_response(status, [*kept, ("Date", http_date(emulator.clock.now()))], *rest)

    return start


def _answer(moto: Application, environ: Environ, start: StartResponse) -> Iterable[bytes]:
    try:
        return moto(environ, start)
    except LostConnectionError:
        if "werkzeug.socket" not in environ:  # a call from this process, without HTTP
            raise
        connection: socket = environ["werkzeug.socket"]
        connection.shutdown(SHUT_RDWR)
        raise ConnectionResetError("closed without an answer (injected by the emulator)") from None
