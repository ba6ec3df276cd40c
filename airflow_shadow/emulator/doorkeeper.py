"""Who may steer the emulator: not the pages that a browser on this machine happens to show."""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit


def refusal(environ: Mapping[str, Any], *, steers: bool) -> str | None:
    """Say why a request is refused, `None` if it is not.

    A page of elsewhere can send requests to this machine, and by a name of its own that points here
    even read the answers. Such a name has a dot; those of containers and this machine have none.

    :param steers: whether it is to the control interface; services are asked by any name, for
        buckets are part of names there
    """
    host, origin = str(environ.get("HTTP_HOST", "")), environ.get("HTTP_ORIGIN")
    try:
        return _refusal(host, origin, steers=steers)
    except ValueError as error:  # brackets that hold no address
        return f"Host or Origin cannot be read: {error}."


def _refusal(host: str, origin: str | None, *, steers: bool) -> str | None:
    if steers and _is_foreign(_name(host)):
        return f"Host {host!r} is not this machine's: use its address, or a name without dots."
    if origin is not None and urlsplit(origin).netloc != host:
        return f"Origin {origin!r} is another page's."
    return None


def _name(host: str) -> str:
    return urlsplit(f"//{host}").hostname or ""


def _is_foreign(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return "." in name
    return False
