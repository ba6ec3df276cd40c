"""The chance of a PASS in a longer window, at the traffic and the noise that were observed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from airflow_shadow.analysis.criterion import Criterion
from airflow_shadow.analysis.critical_values import NORMAL
from airflow_shadow.analysis.evidence import Evidence
from airflow_shadow.analysis.look import Look
from airflow_shadow.analysis.sample_size import shortages
from airflow_shadow.analysis.verdict import Finding

#: Chance of a PASS that counts as "would decide".
LIKELY = 0.8
#: Largest multiple of the window that is looked for: too much would change until then.
MAX_FACTOR = 200.0
HALVINGS = 30


def chance(look: Look, criterion: Criterion, evidence: Evidence, factor: float) -> float:
    """Return the chance of a PASS in a window so many times as long, if the change stays.

    The estimate of the longer window is taken to be normal around the present one.

    :param factor: above 0; 2 is a window of twice the length
    """
    longer = evidence.stretched(factor)
    if evidence.constant or any(shortages(look, criterion, longer)):
        return 0.0
    low, high = criterion.accepted
    ends = longer.passing(look.passing_critical(longer))
    scale, error = longer.scale, longer.summary.error
    if not error:
        return float(low < ends[0] and ends[1] < high)
    below = NORMAL.cdf((scale(ends[0]) - scale(low)) / error)
    above = NORMAL.cdf((scale(high) - scale(ends[1])) / error)
    return max(0.0, below + above - 1)


def with_time_to_pass(
    look: Look, criterion: Criterion, finding: Finding, evidence: Evidence | None
) -> Finding:
    """Return an inconclusive finding with the seconds that a likely PASS would still take.

    :param evidence: None if more time would not help
    """
    if finding.outcome != "INCONCLUSIVE" or evidence is None:
        return finding
    factor = shortest_likely(lambda factor: chance(look, criterion, evidence, factor), 1.0)
    if factor is None:
        return finding
    more = (factor - 1) * (look.window.end - look.window.start)
    return replace(finding, longer=max(more, look.until_planned))


def shortest_likely(chance_of: Callable[[float], float], least: float) -> float | None:
    """Return the smallest multiple of a window with a likely PASS, None if it is above 200.

    :param chance_of: returns the chance of a PASS in a window so many times as long
    :param least: smallest multiple that is tried
    """
    if chance_of(MAX_FACTOR) < LIKELY:
        return None
    low, high = least, MAX_FACTOR
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if chance_of(middle) < LIKELY:
            low = middle
        else:
            high = middle
    return high
