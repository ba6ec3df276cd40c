"""Faults of S3's calls, which answer in XML and with codes of their own."""

import time
from collections.abc import Callable

from moto.core.common_types import TYPE_RESPONSE

from airflow_shadow.emulator.errors import LostConnectionError
from airflow_shadow.emulator.faults import GARBAGE, Fault

_REFUSALS: dict[str, tuple[int, str]] = {
    "throttle": (503, "SlowDown"),
    "server-error": (500, "InternalError"),
    "access-denied": (403, "AccessDenied"),
    "expired-token": (400, "ExpiredToken"),
}
#: The kinds of faults that calls of S3 can have.
KINDS: frozenset[str] = frozenset(
    {
        *_REFUSALS,
        "drop-after",
        "drop-before",
        "garbage",
        "hold-after",
        "hold-before",
        "slow",
    }
)


def perform(
    fault: Fault, url: str, *, act: Callable[[], TYPE_RESPONSE], hold: Callable[[str], bool]
) -> TYPE_RESPONSE:
    """Let a call fail as its fault says.

    :param act: lets S3 act, and returns its answer
    :param hold: holds the call, and tells whether its connection is to be lost
    :raises LostConnectionError: the connection is lost
    """
    if fault.kind in _REFUSALS:
        return _refusal(fault)
    if fault.kind == "garbage":
        return 200, {"Content-Type": "text/html"}, str(fault.options.get("body", GARBAGE))
    if fault.kind == "slow":
        time.sleep(float(fault.options.get("seconds", 1)))
        return act()
    answer = act() if fault.kind.endswith("-after") else None
    if fault.kind.startswith("drop") or hold(fault.kind):
        raise LostConnectionError(endpoint_url=url)
    return answer or act()


def _refusal(fault: Fault) -> TYPE_RESPONSE:
    status, code = _REFUSALS[fault.kind]
    status = int(fault.options.get("status", status))
    text = f"<Error><Code>{code}</Code><Message>Injected by the emulator.</Message></Error>"
    return status, {"Content-Type": "application/xml"}, text
