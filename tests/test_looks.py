"""When a window is judged."""

from __future__ import annotations

import pytest

from airflow_shadow.waiting import Looks

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


def test_a_single_look():
    """Without an interval there is one look, at the end."""
    looks = Looks(start=0, limit=HOUR, interval=None)
    assert (looks.due(0.9 * HOUR, after=0), looks.due(2 * HOUR, after=0)) == ([], [(HOUR, True)])
