"""Run a command again and again beside busy loops on twice the cores, and say how long it took.

`make e2e-load RUNS=10`: a suite that passes only on a quiet machine proves little.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def _spin() -> None:
    while True:
        pass


@contextmanager
def busy(loops: int) -> Iterator[None]:
    """Keep some processes busy for as long as the block lasts."""
    spinning = [multiprocessing.Process(target=_spin, daemon=True) for _ in range(loops)]
    for process in spinning:
        process.start()
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.join()


def main(runs: int, command: list[str]) -> int:
    """Return 0 if every run of the command passed."""
    loops, failed = 2 * (os.cpu_count() or 1), 0
    with busy(loops):
        for number in range(1, runs + 1):
            begun = time.monotonic()
            code = subprocess.run(command, check=False).returncode
            failed += code != 0
            took = time.monotonic() - begun
            verdict = "passed" if code == 0 else f"FAILED ({code})"
            print(
                f"run {number} of {runs}, {loops} busy loops: {verdict}, {took:.0f} s", flush=True
            )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
