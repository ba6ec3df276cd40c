"""What production was, in the words of tags."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_shadow.analysis import Baseline
from airflow_shadow.steps.baseline_tags import limits_text, parse_limits, parse_record, record_tags

START = 1_767_225_600.4
LONGEST = 63
STATE = Baseline(
    at=1_767_225_700,
    changed=1_767_225_000,
    modified=1_767_225_500,
    variant="AllTraffic",
    model="churn-v1",
    configuration="churn-config",
    instances=2,
    shadow_instances=1,
)


def test_limits_travel_exactly():
    """A limit that moved by a digit would count other requests."""
    limits = {("ModelLatency", "p99"): 81234.56789012345, ("OverheadLatency", "p99.9"): 5e-07}
    assert limits == dict(parse_limits(limits_text(limits)))


@pytest.mark.parametrize(
    "value", ["", "ModelLatency", "ModelLatency:p99=", "ModelLatency:p99=often", ":p99=1", "a:b=1"]
)
def test_what_is_no_limit_is_left_out(value):
    """Anybody may write tags."""
    assert {} == dict(parse_limits(value))


def test_a_record_travels():
    """Those states that decide, each in a tag of the window's."""
    other = replace(STATE, at=STATE.at + 900, model="churn-v3", configuration="by-hand")
    scaled = replace(STATE, at=STATE.at + 300, instances=4)
    tags = record_tags([STATE, scaled, other], START)
    assert [f"airflow-shadow:baseline:2026-01-01T00:00:00Z:{n}" for n in (1, 2)] == list(tags)
    assert (STATE, other) == parse_record(tags, START)


def test_each_window_has_its_own_record():
    """A stage is compared with what production was in it."""
    assert () == parse_record(record_tags([STATE], START), START + 7200)


def test_the_longest_names_fit():
    """AWS takes 256 characters."""
    name = "n" * LONGEST
    state = replace(STATE, variant=name, model=name, configuration=name, instances=1000)
    (value,) = record_tags([state], START).values()
    assert len(value) <= 256


@pytest.mark.parametrize("value", ["", "1 2 3 2/2 a b", "now 2 3 2/2 a b c", "1 2 3 2 a b c"])
def test_what_is_no_state_is_left_out(value):
    """Anybody may write tags."""
    (key,) = record_tags([STATE], START)
    assert () == parse_record({key: value}, START)
