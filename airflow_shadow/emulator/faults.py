"""Faults on request: refusals, lost connections, and work that fails afterwards."""

from dataclasses import asdict, dataclass, field
from threading import RLock
from typing import Any, Literal, get_args

CallFault = Literal[
    "throttle",
    "server-error",
    "garbage",
    "expired-token",
    "access-denied",
    "quota",
    "drop-before",
    "drop-after",
    "slow",
    "hold-before",
    "hold-after",
    "empty-pages",
    "lag",
    "old-endpoint",
]
WorkFault = Literal["fail-creation", "fail-start", "fail-update", "fail-stop", "fail-endpoint"]
AnswerFault = Literal["metric-status"]
FaultKind = CallFault | WorkFault | AnswerFault

CALL_FAULTS: frozenset[str] = frozenset(get_args(CallFault))
WORK_FAULTS: frozenset[str] = frozenset(get_args(WorkFault))
ANSWER_FAULTS: frozenset[str] = frozenset(get_args(AnswerFault))
# What these kinds do is an answer of one operation.
_ONLY: dict[str, str] = {
    "empty-pages": "ListInferenceExperiments",
    "old-endpoint": "DescribeEndpoint",
}


@dataclass(kw_only=True)
class Fault:
    """One thing that shall go wrong, `times` times (None: always)."""

    operation: str
    kind: FaultKind
    times: int | None
    account: str | None
    region: str | None
    about: str | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def fits(self, *, operation: str, account: str, region: str, names: str) -> bool:
        """Whether this fault is meant for a call."""
        return (
            _ONLY.get(self.kind, operation) == operation
            and self.operation in ("*", operation)
            and self.account in (None, account)
            and self.region in (None, region)
            and (self.about is None or self.about in names)
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
        about: str | None = None,
        **options: Any,
    ) -> None:
        """Let `operation` (an API name, or "*") go wrong `times` times (None: until cleared).

        `about` limits it to requests that name something which contains this text, such as an
        endpoint: the default names of its experiments begin with it. "hold-before" and "hold-after"
        keep a call at that place until :meth:`Holds.let_go`.
        Options: `seconds` of "slow" (real ones), `status` 500 or 503 of "server-error", `status`
        (200) and `body` (a page) of "garbage", which is no answer of AWS, `reason` of the work
        faults, `rollback=True` of "fail-update" (idle again, with the old values).
        "metric-status" lets results of GetMetricData bear the `status` PartialData, Forbidden or
        InternalError: those of the `query` of an Id, else all.
        "lag" lets the change be made, and the next `reads` (3) of that experiment and of its tags
        show what was before; with `drop=True` the answer is lost, too.
        "old-endpoint" lets DescribeEndpoint show the endpoint as it was before its last `updates`
        (1): after a promotion 1 still shows the shadow, 2 what was before the experiment.
        Work faults ("fail-...") strike when the work would have succeeded, not when it is asked.
        Raises ValueError for a kind that does not exist.
        """
        kinds = CALL_FAULTS | WORK_FAULTS | ANSWER_FAULTS
        if kind not in kinds:
            known = ", ".join(sorted(kinds))
            raise ValueError(f"No fault of kind {kind!r}. Choose one of: {known}.")
        if times is not None and times < 1:
            raise ValueError(f"times={times}: give 1 or more, or None for always.")
        fault = Fault(
            operation=operation,
            kind=kind,
            times=times,
            account=account,
            region=region,
            about=about,
            options=options,
        )
        with self._lock:
            self._waiting.append(fault)

    def strike(
        self,
        kinds: frozenset[str],
        *,
        operation: str,
        account: str,
        region: str,
        names: str,
    ) -> Fault | None:
        """Take the first fault of these kinds that fits, and use it up once.

        names: what the request names, in one text
        """
        with self._lock:
            for fault in self._waiting:
                if fault.kind in kinds and fault.fits(
                    operation=operation, account=account, region=region, names=names
                ):
                    if not fault.spend():
                        self._waiting.remove(fault)
                    return fault
        return None

    def waiting(self) -> list[dict[str, Any]]:
        """Return the faults that may still strike, JSON-able."""
        with self._lock:
            return [asdict(fault) for fault in self._waiting]

    def clear(self, *, kind: str | None = None, about: str | None = None) -> None:
        """Let nothing go wrong any more, or nothing of one kind, or nothing about one thing."""
        with self._lock:
            self._waiting = [
                fault
                for fault in self._waiting
                if kind not in (None, fault.kind) or about not in (None, fault.about)
            ]
