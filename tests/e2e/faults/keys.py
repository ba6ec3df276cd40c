"""The service that hands out credentials to a container's programs, and may fall silent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

from tests.e2e.processes import until

#: Where botocore finds such a service.
ADDRESS = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
#: botocore asks for new ones at each call if they last no longer than ten minutes.
_LIFETIME = timedelta(minutes=1)


class _Asked(BaseHTTPRequestHandler):
    server: Keys

    def do_GET(self) -> None:
        """Answer with credentials, or say that there are none now."""
        if self.server.silent.is_set():
            self.server.refused += 1
            self.send_error(503)
            return
        expires = datetime.now(UTC) + _LIFETIME
        keys = {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "secret", "Token": "t"}
        body = json.dumps({**keys, "Expiration": expires.isoformat()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - so named above it
        """Write nothing: it is asked at each call."""


class Keys(ThreadingHTTPServer):
    """Credentials that each program has to ask for again at each of its calls.

    :ivar refused: how often they were not there
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Asked)
        self.silent = Event()
        self.refused = 0

    @property
    def address(self) -> str:
        """Return where they are to be had."""
        return f"http://127.0.0.1:{self.server_port}/"

    @contextmanager
    def served(self) -> Iterator[Keys]:
        """Answer meanwhile."""
        Thread(target=self.serve_forever, daemon=True).start()
        try:
            yield self
        finally:
            self.shutdown()
            self.server_close()

    @contextmanager
    def gone(self, *, asked: int) -> Iterator[None]:
        """Have none from here on, and let them come back once they were missed often enough.

        botocore by itself asks three times, a second apart, before it gives up.
        """
        before = self.refused
        self.silent.set()
        try:
            yield
            missed = f"credentials to be missed {asked} times"
            until(lambda: self.refused - before >= asked, what=missed)
        finally:
            self.silent.clear()
