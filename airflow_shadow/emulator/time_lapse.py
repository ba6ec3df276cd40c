"""An emulator whose time passes when somebody waits for it, not while Airflow starts a task."""

from collections.abc import Iterable
from io import BytesIO
from typing import Any
from wsgiref.types import WSGIApplication

from airflow_shadow.emulator.core import Emulator

#: The JSON protocol's name of an operation, as it begins for those that read.
_READS = ("SageMaker.Describe", "SageMaker.List")
_SERVICE = "SageMaker."
#: After so many polls each moves the clock further.
_SLOW_POLLS = 24


class TimeLapse(Emulator):
    """Serve like :class:`Emulator`, and move the clock at each poll, so that days pass in seconds.

    A poll is a Describe or List of SageMaker that repeats an earlier one while nothing was changed
    in between. So a test of hours does not end while a busy machine starts the next task, and the
    same steps take about the same time on every machine.

    seconds_per_poll: how far a poll moves the clock, and the more the longer nothing is changed: a
    week takes 300 polls; 0 leaves it to `clock.speed` and `advance`.
    The other arguments are those of Emulator.
    """

    def __init__(self, *args: Any, seconds_per_poll: float = 300.0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.seconds_per_poll = seconds_per_poll
        self._seconds_at_start = seconds_per_poll
        self._asked: set[tuple[str, bytes]] = set()
        self._polls = 0

    def clear(self) -> None:
        """Forget what was asked, too, and move as far as at the start."""
        with self.lock:
            super().clear()
            self.seconds_per_poll = self._seconds_at_start
            self._forget()

    def _forget(self) -> None:
        self._asked.clear()
        self._polls = 0

    def _make_application(self) -> WSGIApplication:
        application = super()._make_application()

        def lapse(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            operation = environ.get("HTTP_X_AMZ_TARGET", "")
            if operation.startswith(_SERVICE):
                self._pass_time(operation, _body(environ))
            return application(environ, start_response)

        return lapse

    def _pass_time(self, operation: str, body: bytes) -> None:
        with self.lock:
            if not operation.startswith(_READS):
                self._forget()
            elif (operation, body) in self._asked:
                self.clock.advance(self.seconds_per_poll * (1 + self._polls // _SLOW_POLLS))
                self._polls += 1
            self._asked.add((operation, body))


def _body(environ: dict[str, Any]) -> bytes:
    """Return a request's body and leave it to be read again."""
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = BytesIO(body)
    return body
