"""Calls that are held at a chosen place until a test lets them go."""

from dataclasses import dataclass, field
from itertools import count
from threading import Event, RLock
from typing import Any

#: Real seconds after which a held call goes on by itself, so that no test leaves one behind.
_PATIENCE = 300.0


@dataclass(kw_only=True)
class Hold:
    """One held call.

    :param kind: "hold-before" (AWS has not acted yet) or "hold-after" (only the answer is missing)
    :param invocation: what botocore calls one call, however often it sends it
    """

    number: int
    kind: str
    operation: str
    name: str | None
    invocation: str | None
    going: Event = field(default_factory=Event)
    dropped: bool = False

    def facts(self) -> dict[str, Any]:
        """Return what a test needs to know, JSON-able."""
        return {
            "number": self.number,
            "kind": self.kind,
            "operation": self.operation,
            "name": self.name,
        }


class Holds:
    """The calls that are held now."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._numbers = count(1)
        self._held: dict[int, Hold] = {}

    def is_held(self, invocation: str | None) -> bool:
        """Tell whether a call is held that is sent again, because its caller lost patience."""
        with self._lock:
            held = {hold.invocation for hold in self._held.values()}
        return invocation is not None and invocation in held

    def hold(
        self, *, kind: str, operation: str, name: str | None, invocation: str | None = None
    ) -> bool:
        """Hold the calling thread until it is let go; return whether its connection shall drop."""
        with self._lock:
            hold = Hold(
                number=next(self._numbers),
                kind=kind,
                operation=operation,
                name=name,
                invocation=invocation,
            )
            self._held[hold.number] = hold
        hold.going.wait(_PATIENCE)
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
        drop: their connections end instead: a call held before AWS acts never happens.
        """
        with self._lock:
            chosen = [
                hold for hold in self._held.values() if name is None or name in (hold.name or "")
            ]
            for hold in chosen:
                hold.dropped = drop
                hold.going.set()
                self._held.pop(hold.number, None)
        return [hold.facts() for hold in chosen]
