"""What a verdict decides: read it as XComs and forms give it, and say what it counts as."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.text.shown import printable, shown

PromoteOn = Literal["outputs", "operational"]

OUTCOMES = ("PASS", "FAIL", "INCONCLUSIVE")
#: The fields of a verdict that decide, and their types.
_DECIDING = {"outcome": str, "operational_only": bool, "reason": str}
#: What a rollout lacks that promotes nothing on latency and errors.
TO_PROMOTE = (
    "promote_on='operational' promotes on them all the same, approval='inconclusive' asks a person"
)
_NOT_COMPARED = (
    "The verdict is PASS, but nothing compared the answers themselves: a model that answers 0 "
    "quickly is fast and free of errors. Taken as INCONCLUSIVE; promote_on='operational' promotes "
    "all the same."
)


def read_verdict(value: Any, *, asked: str) -> Mapping[str, Any]:
    """Return the verdict that a rendered argument holds.

    :raises InvalidRequestError: it is no verdict
    """
    verdict = _loaded(value)
    typed = isinstance(verdict, Mapping) and all(
        isinstance(verdict.get(field), kind) for field, kind in _DECIDING.items()
    )
    # Hand-written ones may leave it out: whoever writes one knows what for.
    typed = typed and isinstance(verdict.get("sampling_percentage", 100), int | float)
    if not typed or verdict["outcome"] not in OUTCOMES:
        raise InvalidRequestError(
            asked=asked,
            found=f"{shown(value)}, which is none",
            next_step="Give what ShadowAnalysisSensor or ShadowAnalysisOperator returns, like "
            "analysis.output; one that was skipped returns nothing.",
        )
    return {**verdict, "reason": printable(verdict["reason"])}


def taken_as(verdict: Mapping[str, Any], *, promote_on: str) -> tuple[str, str]:
    """Return the outcome that a verdict counts as, and why.

    :param promote_on: whether a PASS on operational metrics alone is one
    """
    outcome: str = verdict["outcome"]
    if outcome == "PASS" and verdict["operational_only"] and promote_on == "outputs":
        return "INCONCLUSIVE", _NOT_COMPARED
    return outcome, verdict["reason"]


def _loaded(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (RecursionError, ValueError):
        return None
