"""When a window is judged."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from airflow_shadow.waiting import Judged, Looks, Progress, Reply

HOUR = 3600.0
#: Six hours, looked at every half an hour, PASS read at two of the looks.
LOOKS = Looks(start=0, limit=6 * HOUR, interval=HOUR / 2, planned=2)


@pytest.mark.parametrize(
    ("moment", "due"),
    [
        (HOUR / 4, []),
        (HOUR / 2, [(HOUR / 2, False)]),
        (1.7 * HOUR, [(1.5 * HOUR, False)]),
        (3 * HOUR, [(3 * HOUR, True)]),
        (3.6 * HOUR, [(3 * HOUR, True), (3.5 * HOUR, False)]),
        (9 * HOUR, [(3 * HOUR, True), (6 * HOUR, True)]),
    ],
)
def test_a_fresh_task_makes_the_looks_that_matter(moment, due):
    """Every scheduled look, and the newest in between."""
    assert LOOKS.due(moment, after=0) == due


@pytest.mark.parametrize(
    ("moment", "after", "due"),
    [
        (1.7 * HOUR, 1.5 * HOUR, []),
        (2.1 * HOUR, 1.5 * HOUR, [(2 * HOUR, False)]),
        (3.2 * HOUR, 2.5 * HOUR, [(3 * HOUR, True)]),
        (7 * HOUR, 3 * HOUR, [(6 * HOUR, True)]),
    ],
)
def test_no_look_is_made_twice(moment, after, due):
    """What was judged is not judged again."""
    assert LOOKS.due(moment, after=after) == due


def test_all_looks_up_to_a_moment():
    """The report marks each of them."""
    assert LOOKS.until(3.2 * HOUR) == [HOUR * half / 2 for half in range(1, 7)]


def experiment(**members):
    """Describe an experiment that was created at nine and ran from ten to twelve."""
    day = "2026-03-01T{:02}:00:00+00:00"
    times = {"CreationTime": day.format(9), "LastModifiedTime": day.format(12)}
    schedule = {"StartTime": day.format(10), "EndTime": day.format(23)}
    return {"Status": "Running", "Schedule": schedule, **times, **members}


def judged(**members):
    """Return a goal without evidence."""
    return Judged(name="x", spec={}, metrics={}, **members)


def at(hour):
    """Return an hour of that day in seconds since 1970."""
    return datetime(2026, 3, 1, hour, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(("since", "start"), [(at(1), at(10)), (at(11), at(11)), (None, at(12))])
def test_a_window_begins_when_the_experiment_does(since, start):
    """What was before is not its evidence."""
    looks = judged(since=since, duration=HOUR, interval=300).looks(experiment())
    assert (start, start + HOUR) == (looks.start, looks.limit)


def test_a_window_ends_with_the_experiment():
    """A single look judges nothing that comes after."""
    over = experiment(Status="Completed", CompletionTime="2026-03-01T12:00:00+00:00")
    assert at(12) == judged(since=at(11), duration=9 * HOUR).looks(over).limit


def test_a_change_that_aws_does_not_tell_of():
    """`LastModifiedTime` is optional in the API; the creation is a change, too."""
    untold = experiment(Schedule={})
    del untold["LastModifiedTime"]
    assert at(9) == judged(duration=HOUR, interval=300).looks(untold).start


def test_a_single_look_at_what_ended_before_its_window():
    """There is nothing to wait for."""
    over = experiment(Status="Cancelled", CompletionTime="2026-03-01T12:00:00+00:00")
    goal = judged(since=at(13), duration=HOUR)
    steps = goal.look(Progress())
    assert "experiment" == next(steps).question
    assert "verdict" == steps.send(Reply(now=0, view=over, aws_now=at(20))).question


@pytest.mark.parametrize(("status", "fails"), [("Running", True), ("Stopping", False)])
def test_a_window_that_cannot_be(status, fails):
    """It is an error while the experiment could still live longer, else its end is waited for."""
    steps = judged(since=at(11), interval=300, margin=12 * HOUR).look(Progress())
    next(steps)
    with pytest.raises(StopIteration) as end:
        steps.send(Reply(now=0, view=experiment(Status=status), aws_now=at(12)))
    judgement = end.value.value
    assert (fails, False) == (judgement.error is not None, judgement.done)


def test_an_experiment_without_a_schedule_ends_after_seven_days():
    """AWS's own default."""
    looks = judged(since=at(11), interval=300).looks(experiment(Schedule={}))
    assert 6.9 < (looks.limit - at(9)) / 86_400 < 7


def test_a_single_look():
    """Without an interval there is one look, at the end."""
    looks = Looks(start=0, limit=HOUR, interval=None)
    assert (looks.due(0.9 * HOUR, after=0), looks.due(2 * HOUR, after=0)) == ([], [(HOUR, True)])
