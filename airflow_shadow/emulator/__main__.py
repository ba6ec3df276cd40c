"""Serve the emulator from the command line: `python -m airflow_shadow.emulator --port 5000`."""

import argparse
import signal
import threading
from typing import Any, get_args

from airflow_shadow.emulator.core import Emulator
from airflow_shadow.emulator.settings import ErrorSamples


def main() -> None:
    """Serve, as the command line says, until the process is told to end (SIGINT, SIGTERM)."""
    parser = argparse.ArgumentParser(prog="airflow_shadow.emulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5000, help="0 picks a free one")
    parser.add_argument("--speed", type=float, default=1.0, help="emulator seconds per real second")
    parser.add_argument("--pace", choices=("time", "count"), default="time")
    parser.add_argument(
        "--error-samples",
        choices=get_args(ErrorSamples),
        default="zeros",
        help="ones: only failed requests are samples of the error metrics",
    )
    serve(**vars(parser.parse_args()))


def serve(**settings: Any) -> None:
    """Serve until the process is told to end; `settings` are those of :class:`Emulator`."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with Emulator(**settings) as emulator:
        print(f"airflow_shadow emulator at {emulator.url}", flush=True)  # noqa: T201
        ended.wait()


if __name__ == "__main__":
    main()
