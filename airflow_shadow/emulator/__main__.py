"""Serve the emulator from the command line: `python -m airflow_shadow.emulator --port 5000`."""

import argparse
import signal
import threading
from ipaddress import ip_address
from typing import Any

from airflow_shadow.emulator.options import OPTIONS, missing_extra

_INSTALL = "{} is not installed, on which the emulator is built: pip install '{}[emulator]'\n"


def main() -> None:
    """Serve, as the command line says, until the process is told to end (SIGINT, SIGTERM)."""
    parser = argparse.ArgumentParser(prog="airflow_shadow.emulator", description=__doc__)
    for name, settings in OPTIONS.items():
        parser.add_argument(name, **settings)
    args = parser.parse_args()
    if missing := missing_extra():
        parser.exit(1, _INSTALL.format(missing, "airflow-shadow"))
    serve(**vars(args))


def serve(**settings: Any) -> None:
    """Serve until the process is told to end; `settings` are those of :class:`Emulator`."""
    # Imported late: only now it is known that moto is installed.
    from airflow_shadow.emulator.core import Emulator  # noqa: PLC0415
    from airflow_shadow.emulator.page.application import PATH  # noqa: PLC0415

    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with Emulator(**settings) as emulator:
        print(f"airflow_shadow emulator at {emulator.url}", flush=True)  # noqa: T201
        print(f"Its page is {emulator.url}{PATH}. Ctrl-C ends it.", flush=True)  # noqa: T201
        if not _is_loopback(settings["host"]):
            print(f"Whoever reaches {settings['host']} can change it.", flush=True)  # noqa: T201
        ended.wait()


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


if __name__ == "__main__":
    main()
