"""The page at /shadow."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

if TYPE_CHECKING:
    from airflow_shadow.emulator.core import Emulator

PATH = "/shadow"


def application(emulator: "Emulator") -> Callable[..., Iterable[bytes]]:
    """Return the WSGI application that shows an emulator."""

    @Request.application
    def answer(_: Request) -> Response:
        return Response("", content_type="text/html")

    return answer
