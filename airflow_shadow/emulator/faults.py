"""Faults on request: refusals, lost connections, and work that fails later."""

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
#: How many updates of an endpoint the fault "old-endpoint" can go back.
KEPT_UPDATES = 10
_KINDS = CALL_FAULTS | WORK_FAULTS | {*get_args(AnswerFault)}
#: What "garbage" answers: a page of a network between, not of AWS.
GARBAGE = "<html><body>Please sign in to the network (injected by the emulator).</body></html>"
# These kinds concern the answer of one operation.
_ONLY: dict[str, str] = {
    "empty-pages": "ListInferenceExperiments",
    "old-endpoint": "DescribeEndpoint",
}


@dataclass(kw_only=True)
class Fault:
    """A fault that happens `times` times (None: always)."""

    operation: str
    kind: FaultKind
    times: int | None
    account: str | None
    region: str | None
    about: str | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def fits(self, *, operation: str, account: str, region: str, names: str) -> bool:
        """Whether this fault applies to a call."""
        return (
            _ONLY.get(self.kind, operation) == operation
            and self.operation in ("*", operation)
            and self.account in (None, account)
            and self.region in (None, region)
            and (self.about is None or self.about in names)
        )


class Faults:
    """The faults that are still to happen, first added first."""

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
        """Make `operation` (an API name, or "*") fail `times` times (None: until cleared).

        `about` limits it to requests in which a name contains this text, such as an endpoint's: the
        default names of its experiments begin with it. "hold-before" and "hold-after" hold a call
        before or after AWS acts until :meth:`Holds.let_go`.
        Options: `seconds` of "slow" (real ones), `status` 500 or 503 of "server-error", `status`
        (200) and `body` (a page) of "garbage", which is no answer of AWS, `reason` of the work
        faults, `rollback=True` of "fail-update" (idle again, with the old values).
        "metric-status" gives results of GetMetricData the `status` PartialData, Forbidden or
        InternalError: the result with the Id `query`, or all.
        "lag" makes the change, but the next `reads` (3) of that experiment and of its tags show the
        state before it; with `drop=True` the answer is lost too.
        "old-endpoint" makes DescribeEndpoint show the endpoint before its last `updates` (1, at
        most 10): after a promotion 1 still shows the shadow, 2 the endpoint before the experiment.
        Calls of S3 (ListObjectsV2, GetObject, HeadObject, HeadBucket, PutObject) fail only if they
        are named; `about` then means bucket and key, or prefix.
        Work faults ("fail-...") happen when the work would have succeeded, not when it begins.
        Raises ValueError for a kind that does not exist, and for numbers out of range.
        """
        if kind not in _KINDS:
            known = ", ".join(sorted(_KINDS))
            raise ValueError(f"No fault of kind {kind!r}. Choose one of: {known}.")
        if times is not None and times < 1:
            raise ValueError(f"times={times}: give 1 or more, or None for always.")
        if not 1 <= (updates := int(options.get("updates", 1))) <= KEPT_UPDATES:
            raise ValueError(f"updates={updates}: give 1 to {KEPT_UPDATES}.")
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

    def take(
        self,
        kinds: frozenset[str],
        *,
        operation: str,
        account: str,
        region: str,
        names: str,
        by_name: bool = False,
    ) -> Fault | None:
        """Return the first fault of these kinds that fits, and count it as used once.

        names: what the request names, in one text
        by_name: whether faults of any operation are left to others
        """
        with self._lock:
            for fault in self._waiting:
                if by_name and fault.operation != operation:
                    continue
                if fault.kind in kinds and fault.fits(
                    operation=operation, account=account, region=region, names=names
                ):
                    fault.times = fault.times and fault.times - 1
                    if fault.times == 0:
                        self._waiting.remove(fault)
                    return fault
        return None

    def waiting(self) -> list[dict[str, Any]]:
        """Return the faults that can still happen, JSON-able."""
        with self._lock:
            return [asdict(fault) for fault in self._waiting]

    def clear(self, *, kind: str | None = None, about: str | None = None) -> None:
        """Remove all faults, those of one kind, or those about one thing."""
        with self._lock:
            self._waiting = [
                fault
                for fault in self._waiting
                if kind not in (None, fault.kind) or about not in (None, fault.about)
            ]
