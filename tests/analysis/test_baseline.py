"""Whether production was the same as long as it was compared with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_shadow.analysis import AnalysisSpec, Baseline, Verdict, judge
from tests.analysis.data import LATENCY, latency_criterion, noisy, seen

MINUTES = 120
SPEC = AnalysisSpec(initial_delay=0, breakers=(), criteria=(latency_criterion(),))
FIRST = Baseline(
    at=600.0,
    changed=-3600.0,
    variant="blue",
    model="churn-v1",
    configuration="churn-4",
    instances=2,
    shadow_instances=2,
)


def verdict(*records: Baseline, ratio: float = 1.0) -> Verdict:
    """Return the verdict on two hours in which production was seen so."""
    observed = seen({LATENCY: noisy(MINUTES, ratio)}, minutes=MINUTES, baseline=records)
    return judge(SPEC, observed)


def later(**fields) -> Baseline:
    """Return what was seen an hour after the first look."""
    return replace(FIRST, **({"at": 4200.0} | fields))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"variant": "green"}, "its variant 'blue' to 'green'"),
        ({"model": "churn-v3"}, "its model 'churn-v1' to 'churn-v3'"),
        ({"configuration": "churn-5"}, "the endpoint's configuration 'churn-4' to 'churn-5'"),
    ],
)
@pytest.mark.parametrize("ratio", [1.0, 1.5])
def test_another_production_is_another_baseline(fields, said, ratio):
    """A change of production gives neither PASS nor FAIL, and the reason has its time."""
    found = verdict(FIRST, later(changed=3000.0, **fields), ratio=ratio)
    assert ("INCONCLUSIVE", False) == (found.outcome, found.stage_passed)
    assert f"production was changed at Thu 00:50 UTC, {said}: another baseline" in found.reason
    assert found.longer is None


def test_without_awss_time_the_look_tells_it():
    """The time of the look is used if the endpoint's LastModifiedTime is older."""
    found = verdict(FIRST, later(model="churn-v3"))
    assert "production was changed at Thu 01:10 UTC" in found.reason


def test_a_change_and_back_is_one():
    """A change counts even if the last state equals the first."""
    found = verdict(FIRST, later(model="churn-v3"), replace(FIRST, at=6000.0))
    assert "INCONCLUSIVE" == found.outcome


@pytest.mark.parametrize("records", [(), (FIRST,), (FIRST, later(changed=3000.0))])
def test_an_update_that_changes_nothing_is_none(records):
    """Equal states, or no record at all, do not keep a verdict from PASS."""
    assert "PASS" == verdict(*records).outcome


@pytest.mark.parametrize(("ratio", "outcome"), [(1.0, "PASS"), (1.5, "FAIL")])
def test_scaling_alone_decides_nothing(ratio, outcome):
    """Production and shadow may scale out together."""
    records = (FIRST, later(instances=4), later(at=5000.0, instances=4, shadow_instances=4))
    assert outcome == verdict(*records, ratio=ratio).outcome


@pytest.mark.parametrize(
    ("back", "outcome"), [(4200.0 + 600.0, "PASS"), (4200.0 + 900.0, "INCONCLUSIVE")]
)
def test_a_shadow_with_more_instances_is_no_comparison(back, outcome):
    """More shadow instances than production's in over 10 % of the window prevent a verdict."""
    found = verdict(FIRST, later(shadow_instances=4), replace(FIRST, at=back))
    assert outcome == found.outcome
    if outcome == "INCONCLUSIVE":
        assert (
            "the shadow had more instances than production in 14 % of the window, "
            "at most 10 % are allowed" in found.reason
        )


def test_unknown_instances_are_not_fewer():
    """Serverless variants, whose instances are unknown, are not compared."""
    assert "PASS" == verdict(replace(FIRST, instances=0, shadow_instances=2)).outcome


def test_a_single_look_that_is_the_last_counts_for_the_window():
    """One look at the end with more shadow instances counts for the whole window."""
    assert "INCONCLUSIVE" == verdict(replace(FIRST, at=7200.0, shadow_instances=3)).outcome
