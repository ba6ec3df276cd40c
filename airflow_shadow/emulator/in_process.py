"""Boto3 clients of this process reach an emulator without HTTP, with a server or without one."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any
from urllib.parse import unquote, urlsplit
from wsgiref.util import setup_testing_defaults

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.handlers import BUILTIN_HANDLERS
from moto import mock_aws
from moto.core.botocore_stubber import MockRawResponse

from airflow_shadow.emulator.core import Emulator
from airflow_shadow.emulator.install import install, uninstall
from airflow_shadow.emulator.settings import ErrorSamples, PaceName

Environ = dict[str, Any]
Application = Callable[..., Iterable[bytes]]

# The applications that are answered without HTTP, by their addresses.
_open: dict[str, Application] = {}


@contextmanager
def mocked(
    *,
    speed: float = 1.0,
    pace: PaceName = "count",
    reads: int = 2,
    error_samples: ErrorSamples = "zeros",
) -> Iterator[Emulator]:
    """Answer boto3 in this process, without a server, while the context lasts.

    Works like moto's `mock_aws` (it sets fake credentials and starts from an empty state) plus
    shadow tests. It has no `url`. Arguments as for Emulator.
    """
    emulator = Emulator(speed=speed, pace=pace, reads=reads, error_samples=error_samples)
    with mock_aws():
        install(emulator)
        try:
            yield emulator
        finally:
            uninstall(emulator)


@contextmanager
def without_http(emulator: Emulator) -> Iterator[None]:
    """Answer boto3 clients of this process without HTTP while the context lasts: twice as fast.

    Clients are made with `emulator.url` as always, and other processes go on using it. Faults that
    lose connections work here too; timeouts do not. It holds for the clients of all sessions that
    were made after this module was imported.
    """
    _open[emulator.url] = emulator.application
    try:
        yield
    finally:
        del _open[emulator.url]


def _answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
    """Answer a request of botocore's, or return None to leave it to HTTP."""
    url = urlsplit(request.url)
    application = _open.get(f"{url.scheme}://{url.netloc}")
    return _call(application, request) if application else None


def _call(application: Application, request: AWSPreparedRequest) -> AWSResponse:
    started: list[Any] = []
    body = b"".join(application(_environ(request), lambda *start: started.extend(start)))
    status, headers, *_ = started
    return AWSResponse(request.url, int(status.split()[0]), dict(headers), MockRawResponse(body))


def _environ(request: AWSPreparedRequest) -> Environ:
    """Return a request as a server passes it to an application (PEP 3333)."""
    url, body = urlsplit(request.url), _bytes(request.body)
    environ: Environ = {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": unquote(url.path, "latin1"),
        "QUERY_STRING": url.query,
        "HTTP_HOST": url.netloc,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        text = value.decode("latin1") if isinstance(value, bytes) else str(value)
        environ[key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"] = text
    setup_testing_defaults(environ)
    return environ


def _bytes(body: Any) -> bytes:
    content = body.read() if hasattr(body, "read") else body or b""
    return content.encode() if isinstance(content, str) else bytes(content)


# Sessions register these handlers when they are made.
BUILTIN_HANDLERS.append(("before-send", _answer))
