"""What a verdict decides: parse it from an XCom or a form, and return the outcome that counts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.text.messages import printable, short_repr
from airflow_shadow.text.structures import unique_keys

#: What a promotion rests on; `outputs` is the older word for `answers`.
PromoteOn = Literal["answers", "operational", "outputs"]

OUTCOMES = ("PASS", "FAIL", "INCONCLUSIVE")
#: The fields of a verdict that decide, and their types.
_DECIDING = {"outcome": str, "operational_only": bool, "reason": str}
#: Advice for a rollout that promotes nothing on latency and errors alone.
TO_PROMOTE = (
    "promote_on='operational' promotes on them all the same, approval='inconclusive' asks a person"
    ", capture and a spec with answers compare what both variants answer"
)
#: Per cent of the requests.
_ALL = 100
_NOT_COMPARED = (
    "The verdict is PASS, but the answers were not compared: a model that answers 0 quickly is "
    "fast and free of errors. It counts as INCONCLUSIVE; CompareAnswersOperator compares them, "
    "promote_on='operational' promotes all the same."
)


def read_verdict(value: Any, *, asked: str) -> Mapping[str, Any]:
    """Return the verdict in a rendered argument.

    :raises InvalidRequestError: it is no verdict, or a PASS that contradicts itself
    """
    verdict = _loaded(value)
    typed = isinstance(verdict, Mapping) and all(
        isinstance(verdict.get(field), kind) for field, kind in _DECIDING.items()
    )
    # A hand-written verdict may leave it out.
    typed = typed and _is_share(verdict.get("sampling_percentage", _ALL))
    if not typed or verdict["outcome"] not in OUTCOMES:
        raise _refused(asked, f"{short_repr(value)}, which is none")
    if verdict["outcome"] == "PASS" and (against := next(_against(verdict), None)):
        raise _refused(asked, f"a PASS that contradicts itself: {against}")
    return {**verdict, "reason": printable(verdict["reason"])}


def _refused(asked: str, found: str) -> InvalidRequestError:
    return InvalidRequestError(
        asked=asked,
        found=found,
        next_step="Give what ShadowAnalysisSensor, ShadowAnalysisOperator or "
        "CompareAnswersOperator returns, like analysis.output; one that was skipped returns "
        "nothing.",
    )


def _is_share(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 <= value <= _ALL  # a NaN is refused, too


def _against(verdict: Mapping[str, Any]) -> Iterator[str]:
    """Yield what contradicts a PASS of the judge; a missing field contradicts nothing."""
    for field, usual in (("stage_passed", True), ("concluded", False)):
        if verdict.get(field, usual) is not usual:
            yield f"{field} is {short_repr(verdict[field])}"
    if verdict.get("lacking"):
        yield f"lacking is {short_repr(verdict['lacking'])}"
    for finding in _rows(verdict, "findings"):
        if finding.get("severity") != "warning" and finding.get("outcome") != "PASS":
            name, outcome = short_repr(finding.get("name")), short_repr(finding.get("outcome"))
            yield f"the finding {name} is {outcome}"
    for breaker in _rows(verdict, "breakers"):
        if breaker.get("tripped") is not False:
            yield f"the breaker {short_repr(breaker.get('name'))} tripped"


def _rows(verdict: Mapping[str, Any], field: str) -> Iterator[Mapping[str, Any]]:
    """Yield the mappings in a field; any other value counts as an empty one, which no PASS has."""
    rows = verdict.get(field, ())
    for row in rows if isinstance(rows, list | tuple) else [rows]:
        yield row if isinstance(row, Mapping) else {}


def taken_as(verdict: Mapping[str, Any], *, promote_on: str) -> tuple[str, str]:
    """Return the outcome that a verdict counts as, and the reason.

    :param promote_on: whether a PASS on operational metrics alone is one
    """
    outcome: str = verdict["outcome"]
    if outcome == "PASS" and verdict["operational_only"] and promote_on != "operational":
        return "INCONCLUSIVE", _NOT_COMPARED
    return outcome, verdict["reason"]


def _loaded(value: Any) -> Any:
    try:
        is_text = isinstance(value, str)
        return json.loads(value, object_pairs_hook=unique_keys) if is_text else value
    except (RecursionError, ValueError):
        return None
