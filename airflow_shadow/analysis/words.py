"""Findings in plain words, with the units that people use."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from airflow_shadow.analysis.spec import Breaker, Comparison
from airflow_shadow.analysis.statistic import parse_statistic
from airflow_shadow.analysis.verdict import MAX_REASON, Finding, Verdict

#: Metrics that CloudWatch reports in microseconds.
MICROSECONDS = frozenset({"ModelLatency", "OverheadLatency"})
ORDER = {"FAIL": 0, "INCONCLUSIVE": 1, "PASS": 2}


@dataclass(frozen=True, kw_only=True)
class Unit:
    """Tell how a number is shown: multiplied, then followed by a symbol."""

    factor: float
    symbol: str


PER_CENT = Unit(factor=100.0, symbol=" %")
POINTS = Unit(factor=100.0, symbol=" pp")
MILLISECONDS = Unit(factor=1e-3, symbol=" ms")
PLAIN = Unit(factor=1.0, symbol="")


def unit_of(metric: str, statistic: str, comparison: Comparison | None) -> Unit:
    """Return the unit of a criterion's change, interval and tolerance."""
    if comparison == "relative":
        return PER_CENT
    if parse_statistic(statistic).kind != "mean":
        return POINTS if comparison == "difference" else PER_CENT
    return level_unit(metric, statistic)


def level_unit(metric: str, statistic: str) -> Unit:
    """Return the unit of one variant's level."""
    if parse_statistic(statistic).kind != "mean":
        return PER_CENT
    return MILLISECONDS if metric in MICROSECONDS else PLAIN


def number(value: float) -> str:
    """Return a number with the digits that it is worth: 1,440, 12.3, 4.13, 0.0021."""
    whole = abs(value) >= LARGE or value == int(value)
    return f"{value:,.0f}" if whole else f"{value:.3g}"


#: From here on a number has three digits before the point.
LARGE = 100.0


def shown(value: float, unit: Unit) -> str:
    """Return a number in its unit."""
    return number(value * unit.factor) + unit.symbol


def change(finding: Finding) -> str:
    """Return estimate and interval with the same digits: ``+4.1 % [+1.0, +7.3]``."""
    if finding.estimate is None:
        return "no data"
    unit = unit_of(finding.metric, finding.statistic, finding.comparison)
    form = "" if finding.comparison == "absolute" else "+"
    if finding.lower is None or finding.upper is None:
        return f"{finding.estimate * unit.factor:{form},.1f}{unit.symbol} [unknown]"
    ends = [value * unit.factor for value in (finding.lower, finding.upper)]
    form += f",.{_digits(max(map(abs, ends)))}f"
    told = ", ".join(f"{end:{form}}" for end in ends)
    return f"{finding.estimate * unit.factor:{form}}{unit.symbol} [{told}]"


def _digits(size: float) -> int:
    """Return the decimals that leave two or three digits of a number."""
    if size == 0 or math.isinf(size):
        return 1
    return max(0, min(4, 1 - math.floor(math.log10(size))))


def allowed(finding: Finding) -> str:
    """Return the tolerance with the side that it bounds: ``+10 %``."""
    if finding.tolerance is None:
        return ""
    text = shown(finding.tolerance, unit_of(finding.metric, finding.statistic, finding.comparison))
    if finding.comparison == "absolute":
        return f"{'at least' if finding.direction == 'decrease' else 'at most'} {text}"
    return {"increase": "+", "decrease": "-", "either": "+/-"}[finding.direction or "either"] + text


def told(finding: Finding, weak: Sequence[str], *, due: bool) -> Finding:
    """Return a finding with its sentence: the numbers, then what keeps it from deciding."""
    why = list(weak) if finding.outcome == "INCONCLUSIVE" else []
    if not why and finding.outcome == "INCONCLUSIVE" and not due:
        why = ["PASS is read at scheduled looks only"]
    text = f"{finding.name} {change(finding)}, allowed {allowed(finding)}"
    return replace(finding, sentence=f"{text}; {', '.join(why)}" if why else text)


def breaker(item: Breaker, *, tripped: bool) -> str:
    """Return what a circuit breaker says."""
    needed, among = item.datapoints
    if item.relative_limit is not None:
        limit = f"{number(item.relative_limit)} times the baseline"
    else:
        limit = shown(item.limit or 0.0, level_unit(item.metric, item.statistic))
    where = f"above {limit} in {needed} of {among} periods"
    return f"{item.name} {'was' if tripped else 'was never'} {where}"


def reason(verdict: Verdict, lacking: Iterable[str]) -> str:
    """Return the verdict in one line that fits into AWS's record: what decided comes first."""
    parts = [*lacking, *_deciding(verdict)]
    if verdict.operational_only:
        parts.append("answers were not compared")
    return shortened(f"{verdict.outcome}: {'; '.join(parts)}")


def _deciding(verdict: Verdict) -> list[str]:
    """Return all sentences, what speaks against the candidate before what speaks for it."""
    tripped = [item.sentence for item in verdict.breakers if item.tripped]
    ranked = sorted(verdict.findings, key=_rank)
    told = [_marked(finding) for finding in ranked]
    traffic = [verdict.traffic.sentence]
    if verdict.traffic.outcome == "PASS":
        return [*tripped, *told, *traffic]
    return [*tripped, *traffic, *told]


def _rank(finding: Finding) -> tuple[bool, int]:
    return finding.severity == "warning", ORDER[finding.outcome]


def _marked(finding: Finding) -> str:
    if finding.severity == "warning":
        return f"(warning only, {finding.outcome}) {finding.sentence}"
    return f"{finding.outcome} {finding.sentence}"


def shortened(text: str) -> str:
    """Return a text without line breaks and at most as long as AWS keeps."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_REASON else line[: MAX_REASON - 3] + "..."
