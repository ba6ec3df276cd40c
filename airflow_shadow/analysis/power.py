"""How much longer a window would have to be, at the traffic and the noise seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from airflow_shadow.analysis.critical_values import NORMAL
from airflow_shadow.analysis.judge_criterion import accepted
from airflow_shadow.analysis.evidence import Evidence, MeanEvidence
from airflow_shadow.analysis.sample_size import guards
from airflow_shadow.analysis.look import Look
from airflow_shadow.analysis.spec import Criterion

#: Chance of a PASS that counts as "would decide".
LIKELY = 0.8
#: Windows longer than so many times the one seen are not told: too much would change until then.
MOST_TIMES = 200.0
HALVINGS = 30


def chance(look: Look, criterion: Criterion, evidence: Evidence, times: float) -> float:
    """Return the chance of a PASS in a window so many times as long, if the change stays.

    The estimate of the longer window is taken to be normal around the present one.

    :param times: above 0; 2 is a window of twice the length
    """
    longer = evidence.stretched(times)
    if any(guards(look, criterion, longer)) or evidence.constant:
        return 0.0
    critical = look.passing_critical(longer)
    low, high = accepted(criterion)
    ends = longer.passing(critical)
    spread = longer.spread
    if not spread:
        return float(low < ends[0] and ends[1] < high)
    scale = longer.scale
    below = NORMAL.cdf((scale(ends[0]) - scale(low)) / spread)
    above = NORMAL.cdf((scale(high) - scale(ends[1])) / spread)
    return max(0.0, below + above - 1)


def equal(evidence: Evidence) -> Evidence:
    """Return the evidence that a candidate without any difference would have given."""
    if evidence.baseline is None:
        return evidence
    same = replace(evidence, candidate=evidence.baseline)
    return replace(same, worst=same.candidate) if isinstance(same, MeanEvidence) else same


def longer(look: Look, criterion: Criterion, evidence: Evidence) -> float | None:
    """Return about how many more seconds a likely PASS would take, None if that is out of sight."""
    times = likely_from(lambda times: chance(look, criterion, evidence, times), 1.0)
    if times is None:
        return None
    return max((times - 1) * (look.window.end - look.window.start), look.until_planned)


def likely_from(chance_of: Callable[[float], float], least: float) -> float | None:
    """Return the shortest window with a likely PASS, as a multiple; None if that is out of sight.

    :param chance_of: returns the chance of a PASS in a window so many times as long
    :param least: multiple below which is not looked
    """
    if chance_of(MOST_TIMES) < LIKELY:
        return None
    low, high = least, MOST_TIMES
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if chance_of(middle) < LIKELY:
            low = middle
        else:
            high = middle
    return high
