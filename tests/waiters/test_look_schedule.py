"""When a window is judged."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_shadow.waiters import Judged, LookSchedule, Reply, WaitState

HOUR = 3600.0
#: Three hours or six, looked at every half an hour, PASS read at two of the looks.
LOOKS = LookSchedule(start=0, first=3 * HOUR, limit=6 * HOUR, interval=HOUR / 2, count=2)


@pytest.mark.parametrize(
    ("moment", "due"),
    [
        (HOUR / 4, []),
        (HOUR / 2, [HOUR / 2]),
        (1.7 * HOUR, [1.5 * HOUR]),
        (3 * HOUR, [3 * HOUR]),
        (3.6 * HOUR, [3 * HOUR, 3.5 * HOUR]),
        (9 * HOUR, [3 * HOUR, 6 * HOUR]),
    ],
)
def test_a_fresh_task_makes_the_looks_that_matter(moment, due):
    """A task that starts late makes every planned look, and the newest one in between."""
    assert due == LOOKS.due(moment, after=0)


@pytest.mark.parametrize(
    ("moment", "after", "due"),
    [
        (1.7 * HOUR, 1.5 * HOUR, []),
        (2.1 * HOUR, 1.5 * HOUR, [2 * HOUR]),
        (3.2 * HOUR, 2.5 * HOUR, [3 * HOUR]),
        (7 * HOUR, 3 * HOUR, [6 * HOUR]),
    ],
)
def test_no_look_is_made_twice(moment, after, due):
    """A window is not judged again up to a time at which it was judged."""
    assert due == LOOKS.due(moment, after=after)


@pytest.mark.parametrize(
    ("count", "planned"), [(1, [6]), (2, [2, 6]), (3, [2, 4, 6]), (5, [2, 3, 4, 5, 6])]
)
def test_planned_looks_lie_evenly_from_the_first_to_the_last(count, planned):
    """Planned looks are spread evenly from the first one to the last one."""
    looks = LookSchedule(start=0, first=2 * HOUR, limit=6 * HOUR, interval=300, count=count)
    assert [hour * HOUR for hour in planned] == looks.planned


def test_all_looks_up_to_a_moment():
    """The report marks every look up to the verdict."""
    assert [HOUR * half / 2 for half in range(1, 7)] == LOOKS.until(3.2 * HOUR)


def test_of_many_looks_the_newest_are_told():
    """Only the newest looks are kept, because a month has 43,200 minutes."""
    looks = LookSchedule(start=0, first=720 * HOUR, limit=720 * HOUR, interval=60)
    told = looks.until(720 * HOUR)
    assert (200, 720 * HOUR, 720 * HOUR - 199 * 60) == (len(told), told[-1], told[0])


@st.composite
def windows(draw):
    """Draw a window that begins at some moment and may become longer."""
    start, first, more = draw(st.floats(1e9, 2e9)), draw(st.floats(600, 1e5)), draw(LONGER)
    interval, count = draw(st.floats(60, 1e4)), draw(st.integers(2, 20))
    return LookSchedule(start, start + first, start + first + more, interval, count)


LONGER = st.floats(60, 1e5)


@given(looks=windows(), moments=st.lists(st.floats(0, 3e5), max_size=20))
def test_a_task_that_begins_anew_judges_as_one_that_never_stopped(looks, moments):
    """Every planned look is made once and in order, however often the task restarts."""
    after, made = 0.0, []
    for moment in sorted(moments):
        due = looks.due(looks.start + moment, after=after)
        made += due
        after = due[-1] if due else after
    planned = looks.planned
    last = looks.start + max(moments, default=0)
    assert [end for end in planned if end <= last] == [end for end in made if end in planned]
    assert sorted(set(made)) == made


@pytest.mark.parametrize(
    ("moment", "following"),
    [(0, 0.5), (HOUR, 1.5), (2.5 * HOUR, 3), (3 * HOUR, 3.5), (6 * HOUR, None)],
)
def test_the_look_that_is_next(moment, following):
    """The next look is planned or in between; after the last one there is none."""
    assert (following and following * HOUR) == LOOKS.next_after(moment)


def experiment(**members):
    """Describe an experiment that was created at nine and ran from ten to twelve."""
    day = "2026-03-01T{:02}:00:00+00:00"
    times = {"CreationTime": day.format(9), "LastModifiedTime": day.format(12)}
    schedule = {"StartTime": day.format(10), "EndTime": day.format(23)}
    return {"Status": "Running", "Schedule": schedule, **times, **members}


def judged(*, planned_looks=1, **members):
    """Return a condition whose window is judged."""
    return Judged(name="x", spec={"planned_looks": planned_looks}, metrics={}, **members)


def at(hour):
    """Return an hour of that day in seconds since 1970."""
    return datetime(2026, 3, 1, hour, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(("since", "start"), [(at(1), at(10)), (at(11), at(11)), (None, at(12))])
def test_a_window_begins_when_the_experiment_does(since, start):
    """Metrics from before the experiment's start are not part of the window."""
    looks = judged(since=since, duration=HOUR, interval=300).looks(experiment())
    assert (start, start + HOUR) == (looks.start, looks.limit)


def test_a_window_ends_with_the_experiment():
    """A single look at a concluded experiment judges nothing after its end."""
    over = experiment(Status="Completed", CompletionTime="2026-03-01T12:00:00+00:00")
    assert at(12) == judged(since=at(11), duration=9 * HOUR).looks(over).limit


def test_a_change_that_aws_does_not_tell_of():
    """Without `LastModifiedTime` the window begins with the experiment's creation."""
    untold = experiment(Schedule={})
    del untold["LastModifiedTime"]
    assert at(9) == judged(duration=HOUR, interval=300).looks(untold).start


def test_a_single_look_at_what_ended_before_its_window():
    """A window after the experiment's end is judged at once, without data."""
    over = experiment(Status="Cancelled", CompletionTime="2026-03-01T12:00:00+00:00")
    condition = judged(since=at(13), duration=HOUR)
    steps = condition.poll(WaitState())
    assert "experiment" == next(steps).question
    assert "verdict" == steps.send(Reply(now=0, description=over, aws_now=at(20))).question


@pytest.mark.parametrize(("status", "fails"), [("Running", True), ("Stopping", False)])
def test_a_window_that_cannot_be(status, fails):
    """A window without time is an error while the experiment's end can be moved."""
    steps = judged(since=at(11), interval=300, margin=12 * HOUR).poll(WaitState())
    next(steps)
    with pytest.raises(StopIteration) as end:
        steps.send(Reply(now=0, description=experiment(Status=status), aws_now=at(12)))
    result = end.value.value
    assert (fails, False) == (result.error is not None, result.done)


def test_an_experiment_without_a_schedule_ends_after_seven_days():
    """Seven days are AWS's own default."""
    looks = judged(since=at(11), interval=300).looks(experiment(Schedule={}))
    assert 6.9 < (looks.limit - at(9)) / 86_400 < 7


def test_a_single_look():
    """Without an interval there is one look, at the end of the window."""
    looks = LookSchedule(start=0, first=HOUR, limit=HOUR, interval=None)
    assert ([], [HOUR]) == (looks.due(0.9 * HOUR, after=0), looks.due(2 * HOUR, after=0))


@pytest.mark.parametrize(
    ("members", "planned"),
    [
        ({"duration": 2 * HOUR, "max_duration": 6 * HOUR}, [13, 15, 17]),
        ({"duration": 2 * HOUR, "max_duration": 2 * HOUR}, [13]),
        ({"duration": 2 * HOUR}, [13]),
        ({}, [22.7]),
    ],
)
def test_a_window_that_may_not_become_longer_has_one_planned_look(members, planned):
    """Without a longer `max_duration` the only planned look is at the window's end."""
    condition = judged(since=at(11), interval=300, planned_looks=3, **members)
    ends = [round((end - at(0)) / HOUR, 1) for end in condition.looks(experiment()).planned]
    assert planned == ends
