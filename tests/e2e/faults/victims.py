"""Processes of tasks: found by their ids, killed, paused, and let go on."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from pathlib import Path

from tests.e2e.processes import until


def _stat(pid: int) -> list[str]:
    """Return the fields after the command's name, nothing of a process that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def supervisor(pid: int) -> int:
    """Return the process that watches over a task's."""
    return int(_stat(pid)[1])


def gone(pid: int) -> bool:
    """Tell whether a process runs no more."""
    return (_stat(pid) or ["Z"])[0] in {"Z", "X"}


def kill(pids: Iterable[int]) -> None:
    """End processes at once."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def pause(pids: Iterable[int]) -> None:
    """Let processes stand still."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)


def resume(pids: Iterable[int]) -> None:
    """Let processes go on."""
    for pid in pids:
        if not gone(pid):
            os.kill(pid, signal.SIGCONT)


def await_rest(pids: Iterable[int]) -> None:
    """Wait until processes do nothing any more: ended, or waiting for somebody who is paused."""
    for pid in pids:
        seen: list[str] = []

        def rests(pid: int = pid, seen: list[str] = seen) -> bool:
            seen.append("gone" if gone(pid) else " ".join(_stat(pid)[11:13]))
            return seen[-1] == "gone" or (len(seen) > 15 and len(set(seen[-15:])) == 1)

        until(rests, what=f"process {pid} to rest")
