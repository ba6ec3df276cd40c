"""The HTTP server: moto's application, with our clock, lost connections, and the control API."""

from threading import Thread
from typing import TYPE_CHECKING
from wsgiref.types import WSGIApplication

from werkzeug.serving import BaseWSGIServer, make_server

if TYPE_CHECKING:
    from airflow_shadow.emulator.core import Emulator


class Server:
    """Serve one emulator in a thread. Nothing is imported or bound before `start`."""

    def __init__(self, *, emulator: "Emulator", host: str, port: int) -> None:
        self._emulator, self._host, self._port = emulator, host, port
        self._server: BaseWSGIServer | None = None
        self._thread: Thread | None = None

    @property
    def url(self) -> str:
        """The server's address. Raises RuntimeError when it is not running."""
        return f"http://{self._host}:{self._running().server_port}"

    @property
    def application(self) -> WSGIApplication:
        """What answers. Raises RuntimeError when the server is not running."""
        return self._running().app

    def _running(self) -> BaseWSGIServer:
        if self._server is None:
            raise RuntimeError(
                "The emulator is not serving. Enter it with `with Emulator() as ...`."
            )
        return self._server

    def start(self) -> None:
        """Bind the port and answer requests; when this returns, connections are accepted."""
        if self._server is not None:
            raise RuntimeError(f"The emulator is serving already, at {self.url}.")
        # Imported late: moto is needed only by a server that runs.
        from airflow_shadow.emulator.wsgi import Handler, application  # noqa: PLC0415

        self._server = make_server(
            self._host,
            self._port,
            application(self._emulator),
            threaded=True,
            request_handler=Handler,
        )
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Answer no more, and free the port."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server = self._thread = None
