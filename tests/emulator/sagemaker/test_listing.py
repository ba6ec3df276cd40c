"""ListInferenceExperiments: filters, order and pages."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from airflow_shadow.emulator.fleet import create_endpoint
from airflow_shadow.emulator.sagemaker import listing
from airflow_shadow.emulator.sagemaker.listing import Listed, order


@pytest.fixture
def five(client, emulator, experiments):
    """Create experiments e1 to e5 on own endpoints, a minute apart; e1 has ended."""
    for number in range(1, 6):
        create_endpoint(client, endpoint_name=f"ep{number}", model_name="m1")
        experiments.create(name=f"e{number}", endpoint_name=f"ep{number}")
        emulator.clock.advance(60)
    experiments.seen_until("Running", "e1")
    experiments.ended(name="e1")
    return client


def _names(client, **filters):
    answer = client.list_inference_experiments(**filters)
    return [one["Name"] for one in answer["InferenceExperiments"]]


def test_the_newest_comes_first(five):
    """The order is by creation, newest first, unless the request says otherwise."""
    assert ["e5", "e4", "e3", "e2", "e1"] == _names(five)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"SortBy": "Name", "SortOrder": "Ascending"}, ["e1", "e2", "e3", "e4", "e5"]),
        ({"SortBy": "Status", "SortOrder": "Ascending"}, ["e1", "e2", "e3", "e4", "e5"]),
        ({"NameContains": "4"}, ["e4"]),
        ({"StatusEquals": "Completed"}, ["e1"]),
        ({"Type": "ShadowMode", "MaxResults": 2}, ["e5", "e4"]),
    ],
    ids=lambda value: str(value)[:40],
)
def test_filters_and_order(five, filters, expected):
    """Each filter selects, and each order sorts, as documented."""
    assert expected == _names(five, **filters)


def test_times_select(five, experiments):
    """CreationTimeAfter, CreationTimeBefore and LastModifiedTimeAfter select."""
    third = experiments.describe("e3")["CreationTime"]
    half = timedelta(seconds=30)
    selected = [
        _names(five, CreationTimeAfter=third + half),
        _names(five, CreationTimeBefore=third - half),
        _names(five, CreationTimeAfter=third - half, CreationTimeBefore=third + half),
        _names(five, LastModifiedTimeAfter=third + timedelta(minutes=2, seconds=30)),
        _names(five, LastModifiedTimeBefore=third - half),
    ]
    assert [["e5", "e4"], ["e2", "e1"], ["e3"], ["e1"], ["e2"]] == selected


def test_pages_hold_everything_once(five):
    """A paginator returns each experiment exactly once."""
    pages = five.get_paginator("list_inference_experiments").paginate(
        PaginationConfig={"PageSize": 2}
    )
    sizes = [[one["Name"] for one in page["InferenceExperiments"]] for page in pages]
    assert [["e5", "e4"], ["e3", "e2"], ["e1"]] == sizes


def test_a_deletion_between_pages_breaks_nothing(five):
    """A token does not depend on an item that may have been deleted."""
    first = five.list_inference_experiments(MaxResults=4)
    five.delete_inference_experiment(Name="e1")
    second = five.list_inference_experiments(NextToken=first["NextToken"])
    assert ([], False) == (second["InferenceExperiments"], "NextToken" in second)


@pytest.mark.parametrize(
    "token", ["made up", base64.b64encode(b'{"a": 1').decode()], ids=["text", "no json"]
)
def test_a_foreign_token_is_refused(five, experiments, token):
    """A token that no list returned is a ValidationException."""
    found = experiments.refusal(five.list_inference_experiments, NextToken=token)
    assert "ValidationException" == found.code


def test_a_page_holds_ten_unless_asked(client, experiments):
    """The default page has ten items, like that of ListEndpoints."""
    for number in range(11):
        experiments.running(name=f"e{number}")
        experiments.ended(name=f"e{number}")
    first = client.list_inference_experiments()
    assert (10, True) == (len(first["InferenceExperiments"]), "NextToken" in first)
    assert 11 == len(_names(client, MaxResults=100))


def test_summaries_lack_what_lists_lack(five):
    """A summary has no ARN, endpoint or variants, which need a Describe."""
    [summary] = five.list_inference_experiments(NameContains="e1")["InferenceExperiments"]
    assert {
        "Name",
        "Type",
        "Status",
        "Schedule",
        "CreationTime",
        "CompletionTime",
        "LastModifiedTime",
        "RoleArn",
    } == set(summary)


def test_a_token_is_short_however_many_there_are():
    """The API takes at most 8,192 characters: a token grows by nothing from page to page."""
    made = datetime(2026, 3, 1, tzinfo=UTC)
    many = [Listed(name=f"e{n:06}", created=made, modified=made) for n in range(101_000)]
    request, found = {"MaxResults": 100}, []
    key, falling = order(request)
    for _ in range(3):
        page, request["NextToken"] = listing.page(many, request, key=key, falling=falling)
        found += [one.name for one in page]
    assert [f"e{n:06}" for n in range(100_999, 100_699, -1)] == found
    assert len(request["NextToken"]) < 200
