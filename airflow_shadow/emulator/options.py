"""The options of the emulator's command line; imports nothing of moto, for `--help` is quick."""

from argparse import ArgumentTypeError
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from typing import Any, get_args

from airflow_shadow.emulator.settings import FASTEST, ErrorSamples, FleetName, PaceName

#: What the extra `emulator` brings: moto alone, without its server, is not enough.
_EXTRA = ("moto", "flask_cors")


def read_speed(text: str) -> float:
    """Return how fast a clock runs. Raises ArgumentTypeError if the emulator's cannot."""
    with suppress(ValueError):
        if 0 <= (speed := float(text)) <= FASTEST:
            return speed
    raise ArgumentTypeError(f"{text!r} has to be a number from 0 to {FASTEST:.0f}")


OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "--host": {
        "default": "127.0.0.1",
        "help": "address to listen at (default: 127.0.0.1, which only this machine reaches)",
    },
    "--port": {"type": int, "default": 5000, "help": "0 picks a free one (default: 5000)"},
    "--speed": {
        "type": read_speed,
        "default": 1.0,
        "help": f"emulator seconds in a real second, at most {FASTEST:.0f} (default: 1)",
    },
    "--pace": {
        "choices": get_args(PaceName),
        "default": "time",
        "help": "what ends a transition: time, or a number of reads (default: time)",
    },
    "--error-samples": {
        "choices": get_args(ErrorSamples),
        "default": "zeros",
        "help": "ones: only failed requests are samples of the error metrics (default: zeros)",
    },
    "--fleet": {
        "choices": get_args(FleetName),
        "help": "what there is from the start: endpoints under traffic, candidates and experiments "
        "(default: nothing)",
    },
}


def missing_extra() -> str | None:
    """Return the first module of the extra `emulator` that is not installed, if one is not."""
    return next((name for name in _EXTRA if find_spec(name) is None), None)
