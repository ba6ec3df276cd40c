"""The waiting logic, driven by hand: no clock, no AWS, no Airflow."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_shadow.exceptions import AwsAccessDeniedError, AwsUnavailableError
from airflow_shadow.experiments.lifecycle import Action, mark
from airflow_shadow.experiments.summary import summary_of
from airflow_shadow.waiters import (
    CapturesDue,
    EndpointFree,
    EndpointSettled,
    ExperimentGone,
    LogLine,
    Policy,
    Poll,
    ReachStatus,
    Reply,
    ShadowPromoted,
    Sleep,
    UpdateApplied,
    WaitResult,
    WaitState,
    backoff,
    condition_from_dict,
    condition_to_dict,
    wait,
)

POLICY = Policy(delay=30, deadline=10_000)
RUNNING = ReachStatus("x", ("Running",))


def lowest(low, high):
    """Stand in for `random.uniform`: always the lower bound."""
    return low


def shown(status, **members):
    """Return a description."""
    return {"Name": "x", "Status": status, **members}


#: AWS's time when the polls begin: long after any creation.
AWS_EPOCH = 1e9
BEFORE = datetime.fromtimestamp(AWS_EPOCH - 3600, UTC).isoformat()


def drive(condition, replies, *, policy=POLICY, state=None, seconds=100.0, uniform=lowest):
    """Answer the polls one by one, some seconds apart; return the result and all that happened."""
    steps, said, pauses, now = [], [], [], 0.0
    waiting = wait(condition, policy=policy, state=state or WaitState(), uniform=uniform)
    answers, reply = iter(replies), None
    while True:
        try:
            step = waiting.send(reply)
        except StopIteration as end:
            return end.value, said, pauses, steps
        reply = None
        if isinstance(step, Poll):
            steps.append(step)
            now += seconds
            answer = next(answers)
            kind = "error" if isinstance(answer, Exception) else "description"
            reply = Reply(now=now, aws_now=AWS_EPOCH + now, **{kind: answer})
        elif isinstance(step, LogLine):
            said.append(step.text)
        elif isinstance(step, Sleep):
            pauses.append(step.seconds)


def unavailable(reason="Throttled"):
    """Return the error of an AWS that throttles."""
    return AwsUnavailableError(asked="to look", found="AWS is unavailable", reason=reason)


def test_waits_until_a_target_shows():
    """Each poll is one question, and the result has the last description."""
    result, _, pauses, polls = drive(RUNNING, [shown("Creating"), shown("Running")])
    assert ("reached", "Running") == (result.event, result.description["Status"])
    judged = summary_of(shown("Creating"))
    assert [Poll("experiment", "x"), Poll("experiment", "x", known=judged)] == polls
    assert [27.0] == pauses


def test_only_changes_are_said():
    """A status is logged when it changes, so that a wait of a week has a short log."""
    replies = [shown("Creating"), shown("Creating"), shown("Creating"), shown("Running")]
    _, said, _, _ = drive(RUNNING, replies)
    expected = [
        "Waiting for experiment 'x' to be Running: Creating.",
        "Experiment 'x' is Running.",
    ]
    assert expected == said


def test_an_unknown_status_is_waited_on():
    """A status that AWS has added since is logged, and never counts as success."""
    replies = [shown("Thawing"), shown("Thawing"), shown("Running")]
    result, said, _, _ = drive(RUNNING, replies)
    assert "Thawing (a status this version does not know)" in said[0]
    assert "reached" == result.event


def test_an_unknown_status_ends_in_a_timeout():
    """An experiment with an unknown status is waited for until the deadline."""
    result, _, _, _ = drive(RUNNING, [shown("Thawing")] * 200, seconds=60)
    assert ("timeout", "Thawing") == (result.event, result.description["Status"])


@given(failures=st.integers(1, 200), delay=st.floats(0.01, 600), share=st.floats(0, 1))
def test_backoff_is_bounded(failures, delay, share):
    """The pause is random, up to the doubled delay and never more than five minutes."""
    seconds = backoff(delay, failures, lambda low, high: low + share * (high - low))
    assert 0 <= seconds <= min(300.0, delay * 2.0 ** min(failures, 30))


def test_unavailability_is_waited_out():
    """Failures in a row lengthen the pauses; after a success they are short again."""
    seen = []

    def uniform(low, high):
        seen.append((low, high))
        return low

    replies = [unavailable(), unavailable(), shown("Creating"), shown("Running")]
    drive(RUNNING, replies, uniform=uniform)
    assert [(0, 60.0), (0, 120.0), (0.9, 1.1)] == seen


def test_the_deadline_binds_while_aws_is_unavailable():
    """The error says what was seen last, and why AWS could not be asked."""
    replies = [shown("Creating"), *[unavailable()] * 200]
    result, _, _, _ = drive(RUNNING, replies)
    assert "Found: Creating, when the deadline ran out.\nAWS says: Throttled." in str(result.error)


def test_attempts_bind():
    """Polls that fail count as attempts too."""
    policy = Policy(delay=1, deadline=10_000, max_attempts=3)
    replies = [unavailable(), shown("Creating"), shown("Creating")]
    result, _, _, polls = drive(RUNNING, replies, policy=policy)
    assert ("timeout", 3) == (result.event, len(polls))
    assert "when 3 polls ran out" in str(result.error)


def test_a_passed_deadline_allows_one_look():
    """After the deadline AWS is still polled once, and what it shows may be a success."""
    result, _, _, _ = drive(RUNNING, [shown("Running")], policy=Policy(1, deadline=0))
    assert "reached" == result.event


def test_no_pause_goes_beyond_the_deadline():
    """The last poll comes at the deadline, not a delay later."""
    policy = Policy(delay=600, deadline=150)
    _, _, pauses, _ = drive(RUNNING, [shown("Creating")] * 2, policy=policy)
    assert [50.0] == pauses


def test_other_errors_end_the_wait():
    """A permission that is lacking ends the wait at once."""
    denied = AwsAccessDeniedError(asked="to look", found="access denied")
    result, _, pauses, _ = drive(RUNNING, [denied])
    assert ("denied", []) == (result.event, pauses)


def test_the_state_is_carried_over():
    """A wait that goes on in another process keeps its attempts and what it has seen."""
    policy = Policy(delay=1, deadline=10_000, max_attempts=3)
    before = WaitState(attempts=2, seen=["Updating"], last_live="Updating")
    travelled = WaitState(**json.loads(json.dumps(before.to_dict())))
    result, said, _, _ = drive(RUNNING, [shown("Updating")], policy=policy, state=travelled)
    assert ("timeout", []) == (result.event, said)


def test_a_failure_while_aws_works_is_a_break():
    """An experiment that becomes Cancelled while it is updating has failed."""
    result, _, _, _ = drive(RUNNING, [shown("Updating"), shown("Cancelled")])
    assert "is Cancelled after a failure" in str(result.error)


def test_an_old_failure_is_not_a_break():
    """A FailureReason from before the wait does not make a stop a failure."""
    metadata = {"EndpointMetadata": {"FailureReason": "last month's"}}
    condition = ReachStatus("x", ("Completed",))
    replies = [shown("Running", **metadata), shown("Cancelled", **metadata)]
    result, _, _, _ = drive(condition, replies)
    assert "was stopped by somebody" in str(result.error)


SHADOWED = {
    "EndpointName": "e",
    "EndpointStatus": "InService",
    "ShadowProductionVariants": [{"VariantName": "s"}],
}


@pytest.mark.parametrize(
    ("later", "event"),
    [
        ([SHADOWED, None], "unreachable"),
        ([{**SHADOWED, "ShadowProductionVariants": []}], "reached"),
        ([SHADOWED, shown("Running"), {**SHADOWED, "ShadowProductionVariants": []}], "reached"),
    ],
    ids=["owned by nobody", "gone", "just started"],
)
def test_a_shadow_without_an_experiment_needs_a_second_look(later, event):
    """An experiment that ends between the two questions of a poll is no stray shadow."""
    result, said, _, _ = drive(EndpointFree("e"), [SHADOWED, None, *later])
    assert event == result.event
    assert (
        "Endpoint 'e' has shadow variant 's', which no experiment owns; waiting, attempt 1." in said
    )


@pytest.mark.parametrize(
    ("serves", "variant", "event"),
    [("m", "new", "reached"), ("m", "prod", "unreachable"), ("old", "prod", "unreachable")],
)
def test_the_endpoint_tells_a_promotion_that_the_record_leaves_open(serves, variant, event):
    """If the record does not say whether the shadow was promoted, its variant must serve."""
    mode = {
        "SourceModelVariantName": "prod",
        "ShadowModelVariants": [{"ShadowModelVariantName": "new", "SamplingPercentage": 100}],
    }
    reason = mark(Action.PROMOTE, "Promoted.")
    record = shown("Completed", ShadowModeConfig=mode, ModelVariants=[], StatusReason=reason)
    endpoint = {
        "EndpointName": "e",
        "EndpointStatus": "InService",
        "ModelName": serves,
        "Config": {"EndpointConfigName": "c"},
        "ProductionVariants": [{"VariantName": variant}],
    }
    result, *_ = drive(ShadowPromoted("x", "e", "m"), [record, endpoint])
    assert event == result.event


@pytest.mark.parametrize(
    ("condition", "holder"), [(EndpointFree("e"), [None]), (EndpointSettled("e"), [])]
)
def test_a_pending_deployment_is_one_whatever_the_status(condition, holder):
    """An endpoint that is InService with a pending deployment is not ready."""
    idle = {"EndpointName": "e", "EndpointStatus": "InService"}
    pending = {**idle, "PendingDeploymentSummary": {"EndpointConfigName": "next"}}
    result, *_, polls = drive(condition, [pending, *holder, idle])
    assert ("reached", 2 + len(holder)) == (result.event, len(polls))


@pytest.mark.parametrize("before", [None, {"Status": "Cancelled", "CreationTime": BEFORE}])
def test_what_was_before_our_creation_counts_for_five_minutes_only(before):
    """For five minutes AWS may show what was before our creation; later it counts."""
    old = before and shown(before["Status"], CreationTime=before["CreationTime"])
    condition = ReachStatus("x", ("Running",), created=AWS_EPOCH)
    soon, *_ = drive(condition, [old, shown("Running")])
    late, *_, polls = drive(condition, [old, old, old])
    assert ("reached", 3) == (soon.event, len(polls))
    assert late.error


def test_files_are_due_by_awss_clock():
    """The worker's clock may be wrong, and no poll tells whether more files will come."""
    running = [shown("Running"), shown("Completed")]
    result, said, _, polls = drive(CapturesDue("x", due=AWS_EPOCH + 150), running)
    assert ("reached", 2) == (result.event, len(polls))
    assert "The files that experiment 'x' captured are due." == said[-1]


CONDITIONS = [
    ReachStatus("x", ("Running", "Completed"), missing_ok=True, tolerates=("broken",)),
    UpdateApplied("x", {"Description": "new", "Schedule": {"EndTime": "2030-01-01T00:00:00"}}),
    EndpointFree("e", thorough=True),
    EndpointSettled("e"),
    ShadowPromoted("x", "e", "m"),
    ExperimentGone("x"),
    CapturesDue("x", due=AWS_EPOCH + 150),
]


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda condition: condition.kind)
def test_conditions_travel_as_json(condition):
    """A condition is the same after it was stored in Airflow's database."""
    assert condition == condition_from_dict(json.loads(json.dumps(condition_to_dict(condition))))


@pytest.mark.parametrize("error", [None, unavailable()])
def test_results_travel_as_json(error):
    """A result and its error are the same after they were stored in Airflow's database."""
    result = WaitResult({"Name": "x"}, error, WaitState(attempts=3, seen=["Creating"]))
    again = WaitResult.from_dict(json.loads(json.dumps(result.to_dict())))
    assert (result.description, result.state, str(error)) == (
        again.description,
        again.state,
        str(again.error),
    )
