"""Sums of minutes as periods of the judge."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from airflow_shadow.analysis.align import Window
from airflow_shadow.analysis.answer_columns import AnswerColumns, period_for
from airflow_shadow.analysis.autocorrelation import summarise
from airflow_shadow.analysis.look import Look
from tests.analysis.answer_data import answer_spec, observed


@pytest.mark.parametrize(
    ("minutes", "fields", "seconds"),
    [
        (30, {}, 60),
        (60, {}, 60),
        (72, {}, 120),
        (115, {}, 180),
        (240, {}, 360),
        (1440, {}, 1800),
        (43_200, {}, 3600),
        (240, {"min_periods": 100}, 120),
        (240, {"period": 900}, 900),
        (240, {"period": 30}, 360),
    ],
)
def test_a_period_is_as_long_as_the_window_allows(minutes, fields, seconds):
    """36 periods at least, more if more are needed, and none shorter than was asked for."""
    look = Look(replace(answer_spec(), **fields), observed(None, minutes=minutes))
    assert seconds == period_for(look)


def test_minutes_in_any_order_are_summed_by_period():
    """Only minutes inside the window count, wherever it begins; an absent column is zero."""
    table = {"minute": [12, 10, 11, 13, 9], "pairs": [4, 2, 3, 5, 100]}
    columns = AnswerColumns(table, Window(start=600.0, end=780.0, period=120))
    assert {0: 5.0, 1: 4.0} == columns.sums("pairs")
    assert ({0: 0.0, 1: 0.0}, 9.0) == (columns.sums("values"), columns.total("pairs"))


def test_a_minute_that_is_partly_outside_is_left_out():
    """Metrics are read by whole minutes, and pairs are compared with their requests."""
    table = {"minute": [10, 11, 12, 13], "pairs": [1, 2, 4, 8]}
    columns = AnswerColumns(table, Window(start=630.0, end=810.0, period=60))
    assert ({0: 2.0, 1: 4.0}, 6.0) == (columns.sums("pairs"), columns.total("pairs"))


def test_a_window_without_time_holds_nothing():
    """A window that ends before its warm-up has no period."""
    table = {"minute": [10], "pairs": [4]}
    assert {} == AnswerColumns(table, Window(start=660.0, end=600.0, period=60)).sums("pairs")


def test_a_known_variance_bounds_an_error_from_below():
    """A spread that is too small to be believed is raised, a larger one stays."""
    draw = random.Random(1)
    summary = summarise([draw.gauss(0, 1) for _ in range(100)])
    assert summary == summary.at_least(0.0)
    assert 2.0 == pytest.approx(summary.at_least(4.0).error)
