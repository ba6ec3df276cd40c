"""`emulator`: a local SageMaker, if its extra is installed."""

from __future__ import annotations

from argparse import Namespace
from socket import SO_REUSEADDR, SOL_SOCKET, socket

from airflow_shadow.emulator.options import OPTIONS, missing_extra
from airflow_shadow.exceptions import InvalidRequestError


def serve_emulator(args: Namespace) -> int:
    """Serve until the process is told to end.

    :raises InvalidRequestError: the extra is missing, or the port is taken
    """
    if missing := missing_extra():
        raise InvalidRequestError(
            asked="the emulator",
            found=f"{missing} is not installed, on which it is built",
            next_step="pip install 'airflow-shadow[emulator]'",
        )
    from airflow_shadow.emulator.__main__ import serve

    _check_address(args.host, args.port)
    names = (option.removeprefix("--").replace("-", "_") for option in OPTIONS)
    serve(**{name: getattr(args, name) for name in names})
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
            next_step="Choose another --port, 0 for any free one, or another --host.",
        ) from error
