"""What Airflow, its providers and our own steps log, as progress and warnings on standard error."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NoReturn

from rich.console import Console
from rich.status import Status
from rich.text import Text

_OURS = "airflow_shadow"


@dataclass
class _Sink:
    """Where log lines go.

    :param status: what shows the newest line of ours, while something takes long
    """

    verbose: bool = False
    status: Status | None = None
    is_busy: bool = False

    def take(self, level: int, name: str, text: str) -> None:
        """Show a line, as progress, as a warning, or not at all."""
        first = text.split("\n", 1)[0]
        if self.verbose:
            say(f"{logging.getLevelName(level).lower()}: {text}")
        elif _OURS not in name:
            return
        elif level >= logging.WARNING:
            say(f"Warning: {text}", style="yellow")
        elif self.status:
            self.status.update(Text(first))
        elif self.is_busy and first == text:
            say(text)


_SINK = _Sink()


def say(text: str, *, style: str = "") -> None:
    """Write a line to standard error, in colour on a terminal, after what was printed before."""
    sys.stdout.flush()
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(Text(text, style=style if console.is_terminal else ""))


@contextmanager
def progress(text: str, *, lines: bool = False) -> Iterator[None]:
    """Show on a terminal what takes long, with the newest line that we log.

    :param lines: whether each line is written where there is no terminal
    """
    console = Console(stderr=True)
    _SINK.is_busy = lines
    try:
        if not console.is_terminal:
            yield
            return
        with console.status(Text(text)) as _SINK.status:
            yield
    finally:
        _SINK.is_busy, _SINK.status = False, None


@contextmanager
def routed(*, verbose: bool) -> Iterator[None]:
    """Take all that is logged, by Airflow 2's loggers and Airflow 3's structured ones."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import airflow  # noqa: F401 - it sets up its own logging, which we then replace

    _SINK.verbose = verbose
    with _plain_loggers(), _structured_loggers(), warnings.catch_warnings():
        show: Any = _show_warning  # its signature is wider
        warnings.showwarning = show
        yield


def _show_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    if not issubclass(category, DeprecationWarning):
        say(f"Warning: {message}", style="yellow")


class _Handler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        _SINK.take(record.levelno, record.name, record.getMessage())


@contextmanager
def _plain_loggers() -> Iterator[None]:
    root, handler = logging.getLogger(), _Handler(logging.INFO)
    handlers, level = root.handlers, root.level
    root.handlers, root.level = [handler], logging.INFO
    try:
        yield
    finally:
        root.handlers, root.level = handlers, level


@contextmanager
def _structured_loggers() -> Iterator[None]:
    try:
        import structlog
    except ImportError:  # Airflow 2.11
        yield
        return
    with _inserted() if structlog.is_configured() else _configured():
        yield


@contextmanager
def _inserted() -> Iterator[None]:
    """Take what loggers pass on that Airflow has configured."""
    import structlog

    processors: list[Any] = structlog.get_config()["processors"]
    # Before the last one, which renders; those before it have put the arguments into the text.
    processors.insert(len(processors) - 1, _take)
    try:
        yield
    finally:
        processors.remove(_take)


@contextmanager
def _configured() -> Iterator[None]:
    """Take what loggers pass on that nobody has configured."""
    import structlog

    structlog.configure(
        processors=[_take],
        logger_factory=lambda *names: SimpleNamespace(name=str(names[0]) if names else ""),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.reset_defaults()


def _take(logger: Any, method: str, event: MutableMapping[str, Any]) -> NoReturn:
    import structlog

    level = logging.getLevelNamesMapping().get(method.upper(), logging.INFO)
    name = getattr(logger, "name", None) or str(event.get("logger") or "")
    _SINK.take(level, str(name), str(event.get("event")))
    raise structlog.DropEvent
