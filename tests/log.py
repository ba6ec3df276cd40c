"""What was logged, whatever Airflow logs with, and what shall happen when a line appears."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

try:
    import structlog
except ImportError:  # Airflow 2.11
    structlog = None


@dataclass
class Log:
    """The lines so far; the only clock that tells a test what a wait is doing.

    :param levels: that of each line: info, warning, error, ...
    """

    lines: list[str] = field(default_factory=list)
    levels: list[str] = field(default_factory=list)
    _waiting: list[tuple[str, Callable[[], Any]]] = field(default_factory=list)

    def add(self, line: str, level: str) -> None:
        """Keep a line, and let happen what waits for it."""
        self.lines.append(line)
        self.levels.append(level.lower())
        due = [pair for pair in self._waiting if pair[0] in line]
        for pair in due:
            self._waiting.remove(pair)
            pair[1]()

    def when(self, text: str, action: Callable[[], Any]) -> None:
        """Do something, once, when a line with this text is logged: in the middle of a task."""
        self._waiting.append((text, action))

    def containing(self, text: str) -> list[str]:
        """Return the lines that contain a text."""
        return [line for line in self.lines if text in line]

    def levels_of(self, text: str) -> list[str]:
        """Return the levels of the lines that contain a text."""
        pairs = zip(self.lines, self.levels, strict=True)
        return [level for line, level in pairs if text in line]


@contextmanager
def captured() -> Iterator[Log]:
    """Collect the lines of Airflow 2.11's loggers and of Airflow 3's structured ones."""
    log = Log()

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            log.add(record.getMessage(), record.levelname)

    def process(_: Any, method: str, event: Any) -> Any:
        log.add(str(event["event"]), event.get("level", method))
        return event

    handler = Handler(logging.INFO)
    processors = structlog.get_config()["processors"] if structlog else [None]
    logging.getLogger().addHandler(handler)
    # Before the last one, which renders; those before it have put the arguments into the text.
    processors.insert(len(processors) - 1, process)
    try:
        yield log
    finally:
        processors.remove(process)
        logging.getLogger().removeHandler(handler)
