"""Faults on request: refusals, lost connections, and work that fails afterwards."""

from dataclasses import asdict, dataclass, field
from threading import RLock
from typing import Any, Literal, get_args

CallFault = Literal[
    "throttle",
    "server-error",
    "expired-token",
    "access-denied",
    "quota",
    "drop-before",
    "drop-after",
    "slow",
    "empty-pages",
]
WorkFault = Literal["fail-creation", "fail-start", "fail-update", "fail-stop", "fail-endpoint"]
FaultKind = CallFault | WorkFault

CALL_FAULTS: frozenset[str] = frozenset(get_args(CallFault))
WORK_FAULTS: frozenset[str] = frozenset(get_args(WorkFault))


@dataclass(kw_only=True)
class Fault:
    """One thing that shall go wrong, `times` times (None: always)."""

    operation: str
    kind: FaultKind
    times: int | None
    account: str | None
    region: str | None
    options: dict[str, Any] = field(default_factory=dict)

    def fits(self, *, operation: str, account: str, region: str) -> bool:
        """Whether this fault is meant for a call."""
        listing = self.kind != "empty-pages" or operation == "ListInferenceExperiments"
        return (
            listing
            and self.operation in ("*", operation)
            and self.account in (None, account)
            and self.region in (None, region)
        )

    def spend(self) -> bool:
        """Use the fault up once; return whether it may strike again."""
        if self.times is not None:
            self.times -= 1
        return self.times is None or self.times > 0


class Faults:
    """The faults that wait to strike, first added first."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._waiting: list[Fault] = []

    def add(
        self,
        *,
        kind: FaultKind,
        operation: str = "*",
        times: int | None = 1,
        account: str | None = None,
        region: str | None = None,
        **options: Any,
    ) -> None:
        """Let `operation` (an API name, or "*") go wrong `times` times (None: until cleared).

        Options: `seconds` of "slow" (real ones), `status` 500 or 503 of "server-error", `reason`
        of the work faults, `rollback=True` of "fail-update" (idle again, with the old values).
        Work faults ("fail-...") strike when the work would have succeeded, not when it is asked.
        Raises ValueError for a kind that does not exist.
        """
        if kind not in CALL_FAULTS | WORK_FAULTS:
            known = ", ".join(sorted(CALL_FAULTS | WORK_FAULTS))
            raise ValueError(f"No fault of kind {kind!r}. Choose one of: {known}.")
        if times is not None and times < 1:
            raise ValueError(f"times={times}: give 1 or more, or None for always.")
        fault = Fault(
            operation=operation,
            kind=kind,
            times=times,
            account=account,
            region=region,
            options=options,
        )
        with self._lock:
            self._waiting.append(fault)

    def strike(
        self, kinds: frozenset[str], *, operation: str, account: str, region: str
    ) -> Fault | None:
        """Take the first fault of these kinds that fits, and use it up once."""
        with self._lock:
            for fault in self._waiting:
                if fault.kind in kinds and fault.fits(
                    operation=operation, account=account, region=region
                ):
                    if not fault.spend():
                        self._waiting.remove(fault)
                    return fault
        return None

    def waiting(self) -> list[dict[str, Any]]:
        """Return the faults that may still strike, JSON-able."""
        with self._lock:
            return [asdict(fault) for fault in self._waiting]

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._waiting.clear()
