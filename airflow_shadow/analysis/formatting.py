"""Findings and verdicts in words, with the units that people use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from airflow_shadow.analysis.answer_measures import is_share
from airflow_shadow.analysis.breaker import Breaker
from airflow_shadow.analysis.criterion import Comparison
from airflow_shadow.analysis.intervals import Share
from airflow_shadow.analysis.metric_kinds import LATENCIES
from airflow_shadow.analysis.statistic import parse_statistic
from airflow_shadow.analysis.verdict import Finding, Verdict
from airflow_shadow.experiments.lifecycle import MAX_REASON
from airflow_shadow.text.messages import shorten

#: The worst outcome first.
ORDER = {"FAIL": 0, "INCONCLUSIVE": 1, "PASS": 2}
#: From here on numbers have no decimals.
LARGE = 100.0
#: Below this a change in brief has two decimals.
SMALL = 0.1
#: An interval that reaches beyond so many times a level says nothing.
MAX_TIMES = 100.0
#: Seconds from a window's begin in which a candidate may still be starting.
SLOW_START = 1800.0
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WEEK = 7 * 24 * 3600.0
TWO_DAYS_IN_MINUTES = 2 * 24 * 60
RULE_OF_THREE = 3.0
#: What some labels of :func:`reasons` read in one line.
PREFIXES = {"Against it": "FAIL ", "Undecided": "INCONCLUSIVE ", "Warnings": "warning: "}


@dataclass(frozen=True, kw_only=True)
class Unit:
    """Tell how a number is printed: multiplied, then followed by a symbol."""

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
    if _is_share(metric, statistic):
        return POINTS if comparison == "difference" else PER_CENT
    return level_unit(metric, statistic)


def _is_share(metric: str, statistic: str) -> bool:
    """Tell whether a level is a share: of requests, or of answers that were right."""
    return parse_statistic(statistic).kind != "mean" or is_share(metric)


def level_unit(metric: str, statistic: str) -> Unit:
    """Return the unit of one variant's level."""
    if _is_share(metric, statistic):
        return PER_CENT
    return MILLISECONDS if metric in LATENCIES else PLAIN


def number(value: float) -> str:
    """Return a number with three significant digits, without decimals from 100 on: 1,440, 4.13."""
    whole = abs(value) >= LARGE or value == int(value)
    return f"{value:,.0f}" if whole else f"{value:.3g}"


def in_unit(value: float, unit: Unit) -> str:
    """Return a number in its unit."""
    return number(value * unit.factor) + unit.symbol


def change(finding: Finding) -> str:
    """Return estimate and interval with the same digits: ``+4.1 % [+1.0, +7.3]``."""
    if finding.estimate is None:
        return "no data"
    unit = unit_of(finding.metric, finding.statistic, finding.comparison)
    sign = "" if finding.comparison == "absolute" else "+"
    if says_nothing(finding):
        return f"{_rounded(finding.estimate * unit.factor, sign, 1)}{unit.symbol} [unknown]"
    ends = [value * unit.factor for value in (finding.lower or 0.0, finding.upper or 0.0)]
    digits = _digits(max(map(abs, ends)))
    interval = ", ".join(_rounded(end, sign, digits) for end in ends)
    return f"{_rounded(finding.estimate * unit.factor, sign, digits)}{unit.symbol} [{interval}]"


def _rounded(value: float, sign: str, digits: int) -> str:
    """Return a number with so many decimals; zero is never negative."""
    rounded = round(value, digits) + 0.0
    return f"{rounded or 0.0:{sign},.{digits}f}"


def _digits(size: float) -> int:
    """Return the decimals that leave two or three digits of a number."""
    if size == 0 or math.isinf(size):
        return 1
    return max(0, min(4, 1 - math.floor(math.log10(size))))


def says_nothing(finding: Finding) -> bool:
    """Tell whether there is no interval, or one that is practically infinite."""
    if finding.lower is None or finding.upper is None:
        return True
    if finding.comparison == "relative":
        return finding.upper > MAX_TIMES
    known = (finding.baseline, finding.candidate, finding.tolerance)
    largest = max(abs(value or 0.0) for value in known)
    return max(abs(finding.lower), abs(finding.upper)) > MAX_TIMES * largest


def brief(finding: Finding) -> str:
    """Return name, change and tolerance: ``latency -0.2 % (allowed +10 %)``."""
    if finding.estimate is None or finding.comparison is None:
        return finding.sentence
    unit = unit_of(finding.metric, finding.statistic, finding.comparison)
    value = finding.estimate * unit.factor
    sign = "" if finding.comparison == "absolute" else "+"
    estimate = _rounded(value, sign, 1 if abs(value) >= SMALL or not value else 2)
    return f"{finding.name} {estimate}{unit.symbol} (allowed {allowed(finding)})"


def allowed(finding: Finding) -> str:
    """Return the tolerance with the side that it bounds: ``+10 %``."""
    if finding.tolerance is None:
        return ""
    unit = unit_of(finding.metric, finding.statistic, finding.comparison)
    text = in_unit(abs(finding.tolerance), unit)
    if finding.tolerance < 0:
        return f"better by at least {text}"
    if finding.comparison == "absolute":
        return f"{'at least' if finding.direction == 'decrease' else 'at most'} {text}"
    return {"increase": "+", "decrease": "-", "either": "+/-"}[finding.direction or "either"] + text


def with_sentence(finding: Finding, weaknesses: Sequence[str], *, is_planned: bool) -> Finding:
    """Return a finding with its sentence: the numbers, then what keeps it from deciding.

    :param is_planned: whether this is a planned look
    """
    notes = list(weaknesses) if finding.outcome == "INCONCLUSIVE" else []
    if not notes and finding.outcome == "INCONCLUSIVE" and not is_planned:
        notes = ["PASS is possible at planned looks only"]
    if finding.divided_by == "invocations":
        notes.append("divided by Invocations")
    if finding.silence == "zero":
        notes.append("missing data counted as zero")
    sentence = f"{finding.name} {change(finding)}, allowed {allowed(finding)}"
    return replace(finding, sentence=f"{sentence} ({', '.join(notes)})" if notes else sentence)


def beside_noise(finding: Finding, noise: Share, source: str) -> Finding:
    """Return a finding on disagreement with production's disagreement with itself.

    :param noise: pairs of production's own answers that disagreed, and all of them
    :param source: what these pairs are
    """
    share, total = in_unit(noise.rate, PER_CENT), number(noise.total)
    sentence = f"{finding.sentence} (production with itself: {share} of {total} {source})"
    return replace(finding, baseline=noise.rate, n_baseline=noise.total, sentence=sentence)


def tail(finding: Finding) -> str:
    """Return the limit and the percentiles of a finding on slow requests, if they are known."""
    unit = level_unit(finding.metric, "Average")
    parts = []
    if finding.limit is not None:
        limit = in_unit(finding.limit, unit)
        parts.append(f"slow is above {limit}, production's own before the test")
    for who, values in zip(("production", "shadow"), finding.percentiles or (), strict=False):
        known = ", ".join(f"{name} {in_unit(value, unit)}" for name, value in values.items())
        parts += [f"{who} {known}"] if known else []
    return f"{finding.name}: {'; '.join(parts)}" if parts else ""


def breaker(item: Breaker, *, at: float | None, periods: int, after: float, both: int) -> str:
    """Return the sentence on a circuit breaker.

    :param at: start of the period that tripped it, in seconds since 1970
    :param periods: periods that the candidate reported
    :param after: seconds between the window's begin and the end of that period
    :param both: periods in which production was beyond the limit, too
    """
    if not periods:
        return f"{item.name}: no data"
    needed, among = item.datapoints
    if item.relative_limit is not None:
        limit = f"{number(item.relative_limit)} times the baseline"
    else:
        limit = in_unit(item.limit or 0.0, level_unit(item.metric, item.statistic))
    where = f"above {limit} in {needed} of {among} periods"
    production = f"; production was above it, too, in {both}" if both else ""
    if at is None:
        return f"{item.name} was never {where}, of {number(periods)} observed{production}"
    sentence = f"{item.name} was {where} at {moment(at)} UTC{production}"
    return f"{sentence}, {early(after)}" if after <= SLOW_START else sentence


def early(seconds: float) -> str:
    """Return advice on what happened only at the begin of a window."""
    return f"in the first {duration(seconds)}: if that is a slow start, give a longer initial_delay"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table whose columns are as wide as their widest cells."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def duration(seconds: float) -> str:
    """Return about how long something takes: ``50 min``, ``2 h 50 min``, ``3 days``."""
    minutes = max(1, math.ceil(seconds / 60))
    if minutes >= TWO_DAYS_IN_MINUTES:
        return f"{math.ceil(minutes * 2 / TWO_DAYS_IN_MINUTES)} days"
    hours, rest = divmod(minutes, 60)
    return " ".join(f"{count} {unit}" for count, unit in ((hours, "h"), (rest, "min")) if count)


def moment(seconds: float) -> str:
    """Return a time of day with its day of the week: ``Mon 14:05``."""
    at = datetime.fromtimestamp(seconds, UTC)
    return f"{DAYS[at.weekday()]} {at:%H:%M}"


def coverage(start: float, end: float, periods: int) -> str:
    """Return the time that a PASS covers, and the stalls that it may have missed.

    If none of `n` periods stalled, the share of those that do is below ``3 / n`` (with 95 %).
    """
    hours = "all hours of a week"
    if end - start < WEEK:
        hours = f"{moment(start)} to {moment(end)} UTC"
    least = 100 * RULE_OF_THREE / max(periods, 1)
    return f"covers {hours}; stalls in fewer than {least:.2g} % of the minutes may go unnoticed"


def reason(verdict: Verdict) -> str:
    """Return the verdict in one line that fits into AWS's record; its end may be cut off."""
    parts = "; ".join(
        f"{PREFIXES.get(label, '')}{sentence}"
        for label, sentences in reasons(verdict).items()
        for sentence in sentences
    )
    line = f"{verdict.headline} ({verdict.caveat}): {parts}"
    return shorten(" ".join(line.split()), most=MAX_REASON)


def reasons(verdict: Verdict) -> dict[str, Sequence[str]]:
    """Return label to sentences: what speaks against the candidate first, what for it in brief."""
    critical = list(filter(is_critical, verdict.findings))
    warnings = [each for each in verdict.findings if not is_critical(each)]
    passed = ", ".join(brief(each) for each in critical if each.outcome == "PASS")
    longer = verdict.longer
    return {
        "Tripped": [each.sentence for each in verdict.breakers if each.tripped],
        "Lacking": verdict.lacking,
        "Against it": [each.sentence for each in critical if each.outcome == "FAIL"],
        "Undecided": [each.sentence for each in critical if each.outcome == "INCONCLUSIVE"],
        "For it": [passed] if passed else [],
        "Warnings": [each.sentence for each in warnings if each.outcome == "FAIL"],
        "More time": [] if longer is None else [f"about {duration(longer)} more would decide"],
        "Notes": verdict.notes,
    }


def is_critical(finding: Finding) -> bool:
    """Tell whether a finding decides."""
    return finding.severity == "critical"
