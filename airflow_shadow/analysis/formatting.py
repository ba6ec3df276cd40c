"""Findings in plain words, with the units that people use."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from airflow_shadow.analysis.spec import LATENCIES, Breaker, Comparison
from airflow_shadow.analysis.statistic import parse_statistic
from airflow_shadow.analysis.verdict import Finding, Verdict
from airflow_shadow.experiments.lifecycle import MAX_REASON
from airflow_shadow.text.shown import shortened

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
    return MILLISECONDS if metric in LATENCIES else PLAIN


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
    sign = "" if finding.comparison == "absolute" else "+"
    if says_nothing(finding):
        return f"{number_in(finding.estimate * unit.factor, sign, 1)}{unit.symbol} [unknown]"
    ends = [value * unit.factor for value in (finding.lower or 0.0, finding.upper or 0.0)]
    digits = _digits(max(map(abs, ends)))
    told = ", ".join(number_in(end, sign, digits) for end in ends)
    return f"{number_in(finding.estimate * unit.factor, sign, digits)}{unit.symbol} [{told}]"


def number_in(value: float, sign: str, digits: int) -> str:
    """Return a number with so many decimals; zero has the sign of zero."""
    rounded = round(value, digits) + 0.0
    return f"{rounded or 0.0:{sign},.{digits}f}"


def says_nothing(finding: Finding) -> bool:
    """Tell whether there is no interval, or one that is as good as endless."""
    if finding.lower is None or finding.upper is None:
        return True
    if finding.comparison == "relative":
        return finding.upper > MOST_TOLD
    known = (finding.baseline, finding.candidate, finding.tolerance)
    most = max(abs(value or 0.0) for value in known)
    return max(abs(finding.lower), abs(finding.upper)) > MOST_TOLD * most


#: An interval that reaches beyond so many times a level says nothing.
MOST_TOLD = 100.0


def brief(finding: Finding) -> str:
    """Return name, change and tolerance, as one of many: ``latency -0.2 % (allowed +10 %)``."""
    if finding.estimate is None or finding.comparison is None:
        return finding.sentence
    unit = unit_of(finding.metric, finding.statistic, finding.comparison)
    value = finding.estimate * unit.factor
    sign = "" if finding.comparison == "absolute" else "+"
    told = number_in(value, sign, 1 if abs(value) >= SMALL or not value else 2)
    return f"{finding.name} {told}{unit.symbol} (allowed {allowed(finding)})"


#: Below this a change is told with two decimals.
SMALL = 0.1


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
        why = ["PASS is read at planned looks only"]
    if finding.divided_by == "invocations":
        why.append("counted by Invocations")
    if finding.silence == "zero":
        why.append("silence counted as zero")
    text = f"{finding.name} {change(finding)}, allowed {allowed(finding)}"
    return replace(finding, sentence=with_reasons(text, why))


def with_reasons(text: str, reasons: Sequence[str]) -> str:
    """Return a sentence with the reasons behind it, if there are any."""
    return f"{text} ({', '.join(reasons)})" if reasons else text


def tail(finding: Finding) -> str:
    """Return the limit and the percentiles of a finding on slow requests, if they are known."""
    unit = level_unit(finding.metric, "Average")
    parts = []
    if finding.limit is not None:
        parts.append(
            f"slow is above {shown(finding.limit, unit)}, production's own before the test"
        )
    for who, values in zip(("production", "shadow"), finding.percentiles or (), strict=False):
        told = ", ".join(f"{name} {shown(value, unit)}" for name, value in values.items())
        parts += [f"{who} {told}"] if told else []
    return f"{finding.name}: {'; '.join(parts)}" if parts else ""


def breaker(item: Breaker, *, at: float | None, seen: int, after: float, both: int) -> str:
    """Return what a circuit breaker says.

    :param at: start of the period that tripped it, in seconds since 1970
    :param seen: periods that the candidate reported
    :param after: seconds between the window's begin and the end of that period
    :param both: periods in which production was beyond the limit, too
    """
    if not seen:
        return f"{item.name}: no data"
    needed, among = item.datapoints
    if item.relative_limit is not None:
        limit = f"{number(item.relative_limit)} times the baseline"
    else:
        limit = shown(item.limit or 0.0, level_unit(item.metric, item.statistic))
    where = f"above {limit} in {needed} of {among} periods"
    together = f"; production was above it, too, in {both}" if both else ""
    if at is None:
        return f"{item.name} was never {where}, of {number(seen)} seen{together}"
    said = f"{item.name} was {where} at {moment(at)} UTC{together}"
    return f"{said}, {early(after)}" if after <= SLOW_START else said


def early(seconds: float) -> str:
    """Return a hint for what happened at the begin of a window only."""
    return f"in the first {duration(seconds)}: if that is a slow start, give a longer initial_delay"


#: Seconds from a window's begin in which a candidate may still be starting.
SLOW_START = 1800.0


def duration(seconds: float) -> str:
    """Return about how long something takes: ``50 min``, ``2 h 50 min``, ``3 days``."""
    minutes = max(1, math.ceil(seconds / 60))
    if minutes >= TWO_DAYS:
        return f"{math.ceil(minutes * 2 / TWO_DAYS)} days"
    hours, rest = divmod(minutes, 60)
    return " ".join(f"{count} {unit}" for count, unit in ((hours, "h"), (rest, "min")) if count)


TWO_DAYS = 2 * 24 * 60


def moment(seconds: float) -> str:
    """Return a time of day with its day of the week: ``Mon 14:05``."""
    at = datetime.fromtimestamp(seconds, UTC)
    return f"{DAYS[at.weekday()]} {at:%H:%M}"


DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WEEK = 7 * 24 * 3600.0


def reach(start: float, end: float, periods: int) -> str:
    """Return what a PASS covers, and what its window is too short to show.

    If none of `n` periods stalled, the share of those that do is below ``3 / n`` (with 95 %).
    """
    hours = "all hours of a week"
    if end - start < WEEK:
        hours = f"{moment(start)} to {moment(end)} UTC"
    least = 100 * RULE_OF_THREE / max(periods, 1)
    return f"covers {hours}, and stalls in fewer than {least:.2g} % of the minutes may not show"


RULE_OF_THREE = 3.0


def reason(verdict: Verdict) -> str:
    """Return the verdict in one line that fits into AWS's record.

    First the outcome and what it rests on, then what decided; the end may be cut off.
    """
    line = f"{verdict.headline} ({verdict.caveat}): {'; '.join(_deciding(verdict))}"
    return shortened(" ".join(line.split()), most=MAX_REASON)


def _deciding(verdict: Verdict) -> Iterator[str]:
    """Yield what speaks against the candidate, in full, before what speaks for it, in brief."""
    yield from (item.sentence for item in verdict.breakers if item.tripped)
    yield from verdict.lacking
    critical = sorted(filter(is_critical, verdict.findings), key=lambda one: ORDER[one.outcome])
    yield from (f"{one.outcome} {one.sentence}" for one in critical if one.outcome != "PASS")
    if passed := ", ".join(brief(one) for one in critical if one.outcome == "PASS"):
        yield passed
    for finding in verdict.findings:
        if not is_critical(finding) and finding.outcome == "FAIL":
            yield f"warning: {finding.sentence}"
    if verdict.longer is not None:
        yield f"about {duration(verdict.longer)} more would decide"
    yield from verdict.notes


def is_critical(finding: Finding) -> bool:
    """Tell whether a finding decides."""
    return finding.severity == "critical"
