"""What becomes a number, a boolean, text or a time, and what is refused."""

import enum
import time
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pendulum
import pytest
from botocore.model import ShapeResolver

from airflow_shadow.request_model import Fault, FaultKind, InvalidParametersError, coerce, prepare

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
# Types that the seven operations do not use, and a shape whose fields are all of one kind.
SHAPES = ShapeResolver(
    {
        "Everything": {
            "type": "structure",
            "required": [],
            "members": {
                "Integer": {"shape": "Integer"},
                "Long": {"shape": "Long"},
                "Double": {"shape": "Double"},
                "Boolean": {"shape": "Boolean"},
                "Text": {"shape": "Text"},
                "Time": {"shape": "Time"},
                "Names": {"shape": "Names"},
                "Window": {"shape": "Window"},
                "Secret": {"shape": "Secret"},
                "Blob": {"shape": "Blob"},
            },
        },
        "Window": {"type": "structure", "members": {"From": {"shape": "Time"}}},
        "Integer": {"type": "integer"},
        "Long": {"type": "long"},
        "Double": {"type": "double"},
        "Boolean": {"type": "boolean"},
        "Text": {"type": "string"},
        "Time": {"type": "timestamp"},
        "Names": {"type": "list", "member": {"shape": "Text"}},
        "Secret": {"type": "string", "sensitive": True, "max": 3},
        "Blob": {"type": "blob"},
    }
)
EVERYTHING = SHAPES.get_shape_by_name("Everything")


class Colour(enum.Enum):
    """Something whose value is meant."""

    RED = "red"


def converted(name: str, value: Any) -> Any:
    """Return the value as the type of that field of ``Everything``."""
    return coerce(operation="Op", shape=EVERYTHING, values={name: value}).params[name]


def refused(name: str, value: Any) -> Fault:
    """Return the one fault of that value in that field of ``Everything``."""
    with pytest.raises(InvalidParametersError) as caught:
        coerce(operation="Op", shape=EVERYTHING, values={name: value})
    (fault,) = caught.value.faults
    return fault


@pytest.mark.parametrize("field", ["Integer", "Long"])
@pytest.mark.parametrize("given", [25, "25", " 25\n", "+25", "25.0", "025", 25.0])
def test_whole_numbers_become_integers(field, given):
    """Whole numbers and decimal text are integers."""
    value = converted(field, given)
    assert (25, int) == (value, type(value))


@pytest.mark.parametrize(
    "given",
    [
        "two",
        "1_000",
        "1e5",
        "0x1F",
        "٢٥",
        "2.5",
        "1.",
        "--1",
        2.5,
        True,
        float("nan"),
        [1],
        "9" * 5000,
    ],
    ids=lambda given: repr(given)[:12],
)
def test_what_is_no_integer_is_a_fault(given):
    """No guess is made: what is not plainly an integer is refused."""
    assert FaultKind.TYPE == refused("Integer", given).kind


@pytest.mark.parametrize(
    ("given", "expected"),
    [("0.5", 0.5), (" -1.25 ", -1.25), (2, 2.0), ("25", 25.0), ("1e-05", 1e-05)],
)
def test_finite_numbers_become_floats(given, expected):
    """Finite numbers are floats, in the spellings that Python writes too."""
    value = converted("Double", given)
    assert (expected, float) == (value, type(value))


@pytest.mark.parametrize(
    "given",
    ["nan", "inf", "1e999", "1_0.5", "half", True, float("inf"), float("nan"), 10**400],
    ids=lambda given: repr(given)[:12],
)
def test_what_is_no_finite_number_is_a_fault(given):
    """JSON has no NaN and no infinity."""
    assert FaultKind.TYPE == refused("Double", given).kind


@pytest.mark.parametrize(
    ("given", "expected"),
    [(True, True), (False, False), ("True", True), ("false", False), (" FALSE ", False)],
)
def test_booleans_are_parsed_strictly(given, expected):
    """The text False is not true."""
    assert expected is converted("Boolean", given)


@pytest.mark.parametrize("given", ["yes", "no", "1", "0", 1, 0, "t", "on"])
def test_what_is_no_boolean_is_a_fault(given):
    """Only true and false are booleans."""
    assert FaultKind.TYPE == refused("Boolean", given).kind


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        *[(text, text) for text in ("None", "no", "", " ", "1e5", "012", "null", "~", "[1]")],
        (12, "12"),
        (1.5, "1.5"),
        (Colour.RED, "red"),
    ],
)
def test_text_stays_as_it_is(given, expected):
    """Text may look like anything; numbers and enum members become their text."""
    assert expected == converted("Text", given)


@pytest.mark.parametrize("given", [True, ["a"], {"a": 1}, b"a", NOON, 10**5000], ids=type)
def test_what_is_no_text_is_a_fault(given):
    """A bool has two spellings, and the rest has none."""
    assert FaultKind.TYPE == refused("Text", given).kind


@pytest.mark.parametrize(
    "given",
    [
        NOON,
        NOON.replace(tzinfo=None),
        NOON.astimezone(timezone(timedelta(hours=5, minutes=30))),
        pendulum.datetime(2026, 1, 31, 7, 0, tz="America/New_York"),
        "2026-01-31T12:00:00+00:00",
        "2026-01-31T12:00:00Z",
        "2026-01-31 12:00:00",
        "2026-01-31T13:00+01:00",
        "20260131T120000",
        " 2026-01-31T12:00:00.000000 ",
        1769860800,
        1769860800.0,
        "1769860800",
        "1769860800.0",
    ],
    ids=str,
)
def test_times_become_utc_datetimes(given):
    """A time is a plain aware datetime in UTC, whatever it was given as."""
    value = converted("Time", given)
    assert (NOON, datetime, UTC) == (value, type(value), value.tzinfo)


def test_a_time_without_zone_is_utc_wherever_it_runs(monkeypatch):
    """The zone of the worker's machine plays no part."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        time.tzset()
        value = converted("Time", "2026-01-31T12:00:00")
    time.tzset()
    assert NOON == value


def test_nine_digits_are_seconds_since_1970():
    """Fewer digits are no time, or a date."""
    assert datetime(1973, 3, 3, 9, 46, 40, tzinfo=UTC) == converted("Time", "100000000")


@pytest.mark.parametrize("given", [date(2026, 1, 31), "2026-01-31", "20260131", 20260131])
def test_a_date_is_its_midnight(given):
    """Airflow's ds and ds_nodash are dates."""
    assert datetime(2026, 1, 31, tzinfo=UTC) == converted("Time", given)


@pytest.mark.parametrize(
    "given",
    [
        "tomorrow", "22:30", "12345", "1e9", "0001-01-01T00:00+05:00", "2026-02-30",
        True, [], "9" * 400, 10**400, 1769860800000, float("nan"), float("inf"), -1e300,
    ],
    ids=lambda given: repr(given)[:12],
)  # fmt: skip
def test_what_is_no_time_is_a_fault(given):
    """A time out of reach is refused and does not crash."""
    assert FaultKind.TYPE == refused("Time", given).kind


def test_what_has_no_rule_is_passed_on():
    """A type that is not walked is botocore's to check."""
    assert b"\x00" == converted("Blob", b"\x00")


@pytest.mark.parametrize("given", [("a", "b"), {"b", "a"}, frozenset("ab"), '["a", "b"]'])
def test_tuples_and_sets_are_lists(given):
    """A set has no order, so it is sorted."""
    assert ["a", "b"] == converted("Names", given)


@pytest.mark.parametrize("given", ["a", "a, b", b"ab", {"a": "b"}, 5])
def test_one_item_is_not_wrapped(given):
    """What is not a list is not made one: the mistake may be elsewhere."""
    assert FaultKind.TYPE == refused("Names", given).kind


def test_a_sensitive_value_is_not_shown():
    """What the model calls sensitive does not go to the log."""
    with pytest.raises(InvalidParametersError) as caught:
        prepare(operation="Op", shape=EVERYTHING, values={"Secret": "hunter2"})
    assert "hunter2" not in str(caught.value)
