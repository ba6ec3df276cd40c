"""Programs that the end-to-end tests start: each a process group of its own, ended as a whole."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

GRACE = 15.0


class NeverHappenedError(AssertionError):
    """What a test waited for did not come in time."""


def until(
    condition: Callable[[], Any], *, what: str, seconds: float = 240.0, pause: float = 0.2
) -> Any:
    """Return the condition's first true value; waiting ends the moment it holds.

    :param pause: seconds between two looks
    """
    deadline = time.monotonic() + seconds
    while True:
        if value := condition():
            return value
        if time.monotonic() > deadline:
            raise NeverHappenedError(f"waited {seconds:.0f} s for {what}")
        time.sleep(pause)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _session(wanted: int) -> list[int]:
    """Return the live processes of a session."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            state, _, _, session = stat.read_text().rpartition(")")[2].split()[:4]
            if int(session) == wanted and state != "Z":
                found.append(int(stat.parent.name))
    return found


@dataclass
class Program:
    """One program, its log, and its process group.

    :param user: run as this user, for servers that refuse to be root
    :param scratch: a folder of its own, removed when it ends
    """

    name: str
    command: list[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    user: str | None = None
    scratch: Path | None = None
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> Program:
        """Start it in a process group of its own."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                env=dict(self.environment),
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                user=self.user,
            )
        return self

    @property
    def alive(self) -> bool:
        """Tell whether its first process runs."""
        return self.process is not None and self.process.poll() is None

    def signal(self, what: signal.Signals) -> None:
        """Send a signal to the whole group."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, what)

    def kill(self) -> None:
        """End all of its processes at once, as a lost machine does."""
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()
            self._kill_session(self.process.pid)

    @staticmethod
    def _kill_session(session: int) -> None:
        """End those too that left the group: Airflow's tasks are groups of their own."""
        while left := _session(session):
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)

    def end(self) -> None:
        """Ask the whole group to end, then make it."""
        if self.process is None:
            return
        self.signal(signal.SIGCONT)  # one that a test paused could not hear
        self.signal(signal.SIGTERM)
        deadline = time.monotonic() + GRACE
        while self._group_lives() and time.monotonic() < deadline:
            time.sleep(0.1)
        self.kill()
        if self.scratch:
            shutil.rmtree(self.scratch, ignore_errors=True)

    def _group_lives(self) -> bool:
        if self.process is None:
            return False
        self.process.poll()
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def tail(self) -> str:
        """Return the end of its log."""
        return tail(self.log)


def tail(log: Path, lines: int = 40) -> str:
    """Return the end of a log."""
    text = log.read_text(errors="replace") if log.exists() else "(no log)"
    return "\n".join(text.splitlines()[-lines:])
