"""Faults of S3's calls, which answer in XML and with codes of their own."""

import time

from moto.core.common_types import TYPE_RESPONSE

from airflow_shadow.emulator.errors import LostConnectionError
from airflow_shadow.emulator.faults import Fault

_REFUSALS: dict[str, tuple[int, str]] = {
    "throttle": (503, "SlowDown"),
    "server-error": (500, "InternalError"),
    "access-denied": (403, "AccessDenied"),
    "expired-token": (400, "ExpiredToken"),
}
#: The kinds of faults that calls of S3 can have.
KINDS: frozenset[str] = frozenset({*_REFUSALS, "slow", "drop-before"})


def fail(fault: Fault, url: str) -> TYPE_RESPONSE | None:
    """Return the answer of a fault, None if S3 answers, only later.

    Raises LostConnectionError for a connection that is to be lost.
    """
    if fault.kind == "drop-before":
        raise LostConnectionError(endpoint_url=url)
    if fault.kind == "slow":
        time.sleep(float(fault.options.get("seconds", 1)))
        return None
    status, code = _REFUSALS[fault.kind]
    status = int(fault.options.get("status", status))
    text = f"<Error><Code>{code}</Code><Message>Injected by the emulator.</Message></Error>"
    return status, {"Content-Type": "application/xml"}, text
