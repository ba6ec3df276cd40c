"""`emulator`: a local SageMaker, if its extra is installed."""

from __future__ import annotations

from argparse import Namespace
from importlib.util import find_spec
from socket import SO_REUSEADDR, SOL_SOCKET, socket

from airflow_shadow.exceptions import InvalidRequestError


def serve_emulator(args: Namespace) -> int:
    """Serve until the process is told to end.

    :raises InvalidRequestError: the extra is missing, or the port is taken
    """
    if find_spec("moto") is None:
        raise InvalidRequestError(
            asked="the emulator",
            found="moto is not installed, on which it is built",
            next_step="pip install 'airflow-shadow[emulator]'",
        )
    from airflow_shadow.emulator.__main__ import serve

    _check_address(args.host, args.port)
    settings = ("host", "port", "speed", "pace", "error_samples")
    serve(**{name: getattr(args, name) for name in settings})
    return 0


def _check_address(host: str, port: int) -> None:
    """Refuse an address that cannot be listened to, of which the server itself says less.

    :raises InvalidRequestError: with the system's reason
    """
    try:
        with socket() as probe:
            probe.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, OverflowError) as error:
        raise InvalidRequestError(
            asked=f"the emulator at {host}:{port}",
            found=f"it cannot listen there: {getattr(error, 'strerror', None) or error}",
            next_step="Choose another --port, or 0 for any free one.",
        ) from error
