"""The HTTP server, in a thread of this process."""

from abc import ABC, abstractmethod
from threading import Thread
from typing import Self
from wsgiref.types import WSGIApplication

from werkzeug.serving import BaseWSGIServer, make_server


class Server(ABC):
    """Serve an application while entered. Nothing is imported or bound before `start`."""

    def __init__(self, *, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._server: BaseWSGIServer | None = None
        self._thread: Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @abstractmethod
    def _make_application(self) -> WSGIApplication:
        """Return what answers requests."""

    @property
    def url(self) -> str:
        """The address to give as `endpoint_url`. Raises RuntimeError when not serving."""
        return f"http://{self._host}:{self._running().server_port}"

    @property
    def application(self) -> WSGIApplication:
        """The WSGI application behind the address. Raises RuntimeError when not serving."""
        return self._running().app

    def _running(self) -> BaseWSGIServer:
        if self._server is None:
            raise RuntimeError(
                "The emulator is not serving. Enter it with `with Emulator() as ...`."
            )
        return self._server

    def start(self) -> None:
        """Bind the port and serve from a thread; connections are accepted when this returns."""
        if self._server is not None:
            raise RuntimeError(f"The emulator is already serving at {self.url}.")
        # Imported late: moto takes most of a second to load.
        from airflow_shadow.emulator.wsgi import Handler  # noqa: PLC0415

        self._server = make_server(
            self._host,
            self._port,
            self._make_application(),
            threaded=True,
            request_handler=Handler,
        )
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and free the port."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server = self._thread = None
