"""The life of an experiment."""

from __future__ import annotations

import pytest

from airflow_shadow.experiments import lifecycle
from airflow_shadow.experiments.lifecycle import (
    CONCLUDED,
    LIVE,
    REACHABLE,
    Action,
    Ending,
    Status,
    can_reach,
    changes_beyond_running,
    ending,
    is_promoted,
    mark,
    marked,
    recorded_promotion,
    shows,
    status_of,
    stop_request,
)
from tests.helpers import input_shape

MODE = {
    "SourceModelVariantName": "prod",
    "ShadowModelVariants": [{"ShadowModelVariantName": "new", "SamplingPercentage": 50}],
}


def experiment(status, *, production="InService", shadow="Deleted", reason=None, failure=None):
    """Return a description."""
    return {
        "Name": "x",
        "Status": status,
        "StatusReason": reason,
        "EndpointMetadata": {"EndpointName": "e", "FailureReason": failure},
        "ShadowModeConfig": MODE,
        "ModelVariants": [
            {"VariantName": "prod", "Status": production},
            {"VariantName": "new", "Status": shadow},
        ],
        "Schedule": {"StartTime": "2030-01-01T00:00:00.123000+00:00"},
    }


def test_every_status_of_the_api_is_known():
    """A status that AWS adds is noticed here, with the next botocore."""
    shape = input_shape("ListInferenceExperiments").members["StatusEquals"]
    assert set(shape.enum) == set(Status) == set(REACHABLE)


def test_statuses_are_live_or_concluded():
    """Nothing is both, nothing is neither."""
    assert (CONCLUDED | LIVE, CONCLUDED & LIVE) == (set(Status), set())


#: From each status, what cannot be seen any more.
UNREACHABLE = {
    "Creating": [],
    "Created": ["Creating"],
    "Updating": ["Creating"],
    "Starting": ["Creating", "Created"],
    "Running": ["Creating", "Created", "Starting"],
    "Stopping": ["Creating", "Created", "Starting", "Running", "Updating"],
    "Completed": sorted(set(Status) - {"Completed"}),
    "Cancelled": sorted(set(Status) - {"Cancelled"}),
}


@pytest.mark.parametrize("status", Status)
def test_what_can_still_come(status):
    """Every row of the table of statuses, against one that was written by hand."""
    gone = [target for target in Status if not can_reach(status, [target])]
    assert sorted(UNREACHABLE[status]) == sorted(gone)


def test_an_unknown_status_rules_nothing_out():
    """What nobody knows may still become anything."""
    assert status_of({"Status": "Thawing"}) is None
    assert can_reach(None, [Status.RUNNING])


PROMOTE, REMOVE = mark(Action.PROMOTE, "better"), mark(Action.REMOVE, "worse")


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        (experiment("Running"), None),
        (experiment("Completed"), Ending.COMPLETED),
        (experiment("Completed", reason=PROMOTE), Ending.COMPLETED),
        (experiment("Completed", production="Deleted", shadow="InService"), Ending.PROMOTED),
        (experiment("Completed", reason=REMOVE), Ending.COMPLETED),
        (experiment("Cancelled", reason=REMOVE), Ending.REMOVED),
        (experiment("Cancelled", reason=mark(Action.SUPERSEDE, "")), Ending.REMOVED),
        (experiment("Cancelled", reason=PROMOTE), Ending.BROKEN),
        (experiment("Cancelled", reason="enough"), Ending.STOPPED),
        (experiment("Cancelled"), Ending.STOPPED),
        (experiment("Cancelled", failure="no capacity"), Ending.BROKEN),
        (experiment("Cancelled", shadow="Creating"), Ending.BROKEN),
    ],
)
def test_how_it_ended(description, expected):
    """`Cancelled` has two meanings and `Completed` two ways."""
    assert expected is ending(description)


@pytest.mark.parametrize(
    ("last_live", "expected"),
    [
        (Status.CREATING, Ending.BROKEN),
        (Status.STARTING, Ending.BROKEN),
        (Status.UPDATING, Ending.BROKEN),
        (Status.CREATED, Ending.STOPPED),
        (Status.RUNNING, Ending.STOPPED),
        (Status.STOPPING, Ending.STOPPED),
    ],
)
def test_where_it_was_last_seen_tells_a_break(last_live, expected):
    """A person cannot stop what AWS is still making."""
    assert expected is ending(experiment("Cancelled"), last_live=last_live)


@pytest.mark.parametrize(
    ("known", "expected"), [("old", Ending.STOPPED), (None, Ending.BROKEN), ("else", Ending.BROKEN)]
)
def test_only_a_new_failure_is_a_break(known, expected):
    """A FailureReason may be older than the experiment."""
    assert expected is ending(experiment("Cancelled", failure="old"), known_failure=known)


def test_a_failure_that_is_the_reason_of_the_end_is_a_break():
    """It reads as the one before the experiment did, but a stop's reason is somebody's own."""
    broken = experiment("Cancelled", failure="old", reason="old")
    assert Ending.BROKEN is ending(broken, known_failure="old")


@pytest.mark.parametrize("reason", [None, PROMOTE])
@pytest.mark.parametrize(
    ("production", "shadow", "expected"),
    [
        ("Deleted", "InService", True),
        ("InService", "Deleted", False),
        ("Deleting", "InService", None),
        (None, None, None),
    ],
)
def test_the_record_tells_a_promotion(reason, production, shadow, expected):
    """Whatever the reason says; what the record leaves open is for the endpoint to tell."""
    record = experiment("Completed", production=production, shadow=shadow, reason=reason)
    assert expected is recorded_promotion(record)


def test_a_cancelled_one_is_not_promoted():
    """Whatever its variants show."""
    assert not is_promoted(experiment("Cancelled", production="Deleted", shadow="InService"))


@pytest.mark.parametrize("action", Action)
def test_marks_are_read_back(action):
    """A later task recognises our own stop, also behind a text that fills the reason."""
    reason = mark(action, "y" * 5000)
    assert (action, 1024) == (marked({"StatusReason": reason}), len(reason))


def test_the_last_mark_counts():
    """What is before it is the user's text, which may quote another."""
    reason = mark(Action.REMOVE, "Not [airflow-shadow:promote] any more.")
    assert Action.REMOVE is marked({"StatusReason": reason})


@pytest.mark.parametrize("reason", [None, "", "promote", "[airflow-shadow:explode]"])
def test_other_reasons_are_not_ours(reason):
    """Only a marker of ours is one."""
    assert marked({"StatusReason": reason}) is None


@pytest.mark.parametrize(
    ("promote", "actions"),
    [(True, {"prod": "Remove", "new": "Promote"}), (False, {"prod": "Retain", "new": "Remove"})],
)
def test_the_two_maps_of_a_stop(promote, actions):
    """They are the ones of AWS's own code, and the state is always sent."""
    request = stop_request(
        experiment("Running"), promote=promote, desired_state="Completed", reason="r"
    )
    expected = {
        "Name": "x",
        "ModelVariantActions": actions,
        "DesiredState": "Completed",
        "Reason": "r",
    }
    assert expected == request


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"Description": "new"}, []),
        ({"Schedule": {"EndTime": "2031-01-01T00:00:00+00:00"}}, []),
        ({"Schedule": {"StartTime": "2030-01-01T00:00:00+00:00"}}, []),
        ({"Schedule": {"StartTime": "2031-01-01T00:00:00+00:00"}}, ["Schedule.StartTime"]),
        ({"DataStorageConfig": {"Destination": "s3://b"}}, ["DataStorageConfig"]),
        ({"ModelVariants": [{"VariantName": "prod"}]}, []),
        ({"ModelVariants": [{"VariantName": "another"}]}, ["ModelVariants"]),
        ({"ModelVariants": [{"VariantName": "prod"}, {"VariantName": "new"}]}, []),
        ({"ShadowModeConfig": MODE}, []),
        (
            {"ShadowModeConfig": {**MODE, "SourceModelVariantName": "new"}},
            ["ShadowModeConfig (other than the sampling percentage)"],
        ),
    ],
)
def test_what_is_fixed_while_it_runs(asked, expected):
    """Only description, sampling percentage and end may change then."""
    assert expected == changes_beyond_running(experiment("Running"), asked)


@pytest.mark.parametrize(
    ("shown", "asked", "expected"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ([{"a": 1, "b": 2}], [{"a": 1}], True),
        ([{"a": 1}], [{"a": 1}, {"a": 2}], False),
        ([{"a": 1}, {"a": 2}], [{"a": 2}], True),
        (["a", "b"], ["a"], False),
        (None, {"a": 1}, False),
        ("2030-01-01T00:00:00+00:00", "2030-01-01T00:00:00.900000+00:00", True),
        ("2030-01-01T00:00:00+00:00", "2030-01-01T00:00:01+00:00", False),
        ("20300101", "2030-01-01", False),
        ("2030-01-01T00:00:00", "2030-01-01T00:00:00+00:00", False),
    ],
)
def test_what_a_description_shows(shown, asked, expected):
    """AWS adds fields and drops the fractions of seconds; all else counts."""
    assert expected is shows(shown, asked)


def test_each_deadline_says_what_it_waits_for():
    """docs/operators.md shows this table."""
    assert [] == [
        row for row in lifecycle.DEADLINES.values() if not (row.waits_for and row.seconds)
    ]
