"""The tags of an endpoint that tell which run promoted what it serves."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_shadow.experiments.promotions import (
    Promotion,
    latest_promotion,
    parse_promotions,
    promotion_since_change,
    promotions_tag,
    with_candidate,
)
from tests.helpers import input_shape

MODELS = st.from_regex(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", fullmatch=True)
MOMENTS = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    timezones=st.just(UTC),
)
PROMOTIONS = st.builds(Promotion, MODELS.filter(lambda name: len(name) <= 63), MOMENTS)
TAG = input_shape("CreateInferenceExperiment").members["Tags"].member.members["Value"]
OLDER, NEWER = (Promotion("a", datetime(2026, 3, day, tzinfo=UTC)) for day in (1, 8))


@given(promotions=st.lists(PROMOTIONS, max_size=3), candidate=PROMOTIONS)
def test_every_tag_is_legal_and_reads_back(promotions, candidate):
    """AWS takes 256 characters of a small alphabet, and the candidate is found again."""
    serves = promotions[0].model_name if promotions else "other"
    tag = promotions_tag(with_candidate(promotions, serves=serves, candidate=candidate))
    assert re.fullmatch(r"[\w :/=+\-@.]*", tag)
    assert len(tag) <= TAG.metadata["max"]
    found = latest_promotion(parse_promotions(tag), candidate.model_name)
    assert candidate.moment <= found.moment


@pytest.mark.parametrize(
    "text", ["", "churn-v2", "churn-v2@", "@2026-03-01", "a@2026-03-01", "a@b"]
)
def test_what_is_no_promotion_is_left_out(text):
    """Anybody may write tags; ours have a model and a time with a zone."""
    assert [] == parse_promotions(text)


@pytest.mark.parametrize(("listed", "candidate"), [(OLDER, NEWER), (NEWER, OLDER)])
def test_a_model_promoted_onto_itself_keeps_the_later_date(listed, candidate):
    """Whether that promotion happened or not, a run between the two is older."""
    assert [NEWER] == with_candidate([listed], serves="a", candidate=candidate)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ("2026-03-01T00:00:00+00:00", NEWER),
        ("2026-03-07T23:59:59.999000+00:00", NEWER),
        ("2026-03-08T00:00:00+00:00", None),
        (None, None),
    ],
)
def test_a_promotion_counts_if_the_endpoint_did_not_change_after_it(changed, expected):
    """A later change of the endpoint may be somebody's roll-back."""
    endpoint = {"LastModifiedTime": changed}
    assert expected == promotion_since_change(f"{OLDER} {NEWER}", endpoint)
