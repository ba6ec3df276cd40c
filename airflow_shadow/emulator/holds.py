"""Calls that are held at a chosen point until a test lets them go."""

from dataclasses import dataclass, field
from itertools import count
from threading import Event, RLock
from typing import Any

#: Real seconds after which a held call goes on by itself, in case a test forgot it.
_PATIENCE = 300.0


@dataclass(kw_only=True)
class Hold:
    """One held call.

    :param kind: "hold-before" (AWS has not acted yet) or "hold-after" (only the answer is missing)
    :param invocation: botocore's Id of the call, the same for each time that it is sent
    """

    number: int
    kind: str
    operation: str
    name: str | None
    invocation: str | None
    released: Event = field(default_factory=Event)
    dropped: bool = False

    def facts(self) -> dict[str, Any]:
        """Return what a test needs to know, JSON-able."""
        return {name: getattr(self, name) for name in ("number", "kind", "operation", "name")}


class Holds:
    """The calls that are held now."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._numbers = count(1)
        self._held: dict[int, Hold] = {}

    def is_held(self, invocation: str | None) -> bool:
        """Whether a call is sent again while it is held, because its caller timed out."""
        with self._lock:
            held = {hold.invocation for hold in self._held.values()}
        return invocation is not None and invocation in held

    def hold(
        self, *, kind: str, operation: str, name: str | None, invocation: str | None = None
    ) -> bool:
        """Block this thread until the call is let go; return whether to drop its connection."""
        hold = Hold(
            number=next(self._numbers),
            kind=kind,
            operation=operation,
            name=name,
            invocation=invocation,
        )
        with self._lock:
            self._held[hold.number] = hold
        hold.released.wait(_PATIENCE)
        with self._lock:
            self._held.pop(hold.number, None)
        return hold.dropped

    def held(self) -> list[dict[str, Any]]:
        """Return the calls that are held, JSON-able, oldest first."""
        with self._lock:
            return [hold.facts() for hold in self._held.values()]

    def let_go(self, *, name: str | None = None, drop: bool = False) -> list[dict[str, Any]]:
        """Let held calls go on and return them.

        name: only those whose name contains it; None means all.
        drop: close their connections instead; a call held before AWS acts then never happens.
        """
        with self._lock:
            chosen = [
                hold for hold in self._held.values() if name is None or name in (hold.name or "")
            ]
            for hold in chosen:
                hold.dropped = drop
                hold.released.set()
                del self._held[hold.number]
        return [hold.facts() for hold in chosen]
