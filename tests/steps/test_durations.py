"""All arguments that are durations are written alike, and read alike."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_shadow import operators, sensors
from airflow_shadow._compat import AirflowFailException
from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.operators import CreateInferenceExperimentOperator
from airflow_shadow.operators.rollout import RolloutPlanOperator
from airflow_shadow.rollout import shadow_rollout
from airflow_shadow.steps.durations import DURATIONS, read_durations
from tests.helpers import CREATE, ROLLOUT, created, fails
from tests.reference_pages import arguments_of
from tests.tasks import DAG
from tests.test_templates import needed

HALF_PAST = {
    "timedelta": timedelta(minutes=90),
    "seconds": 5400,
    "fractions": 5400.0,
    "90m": "90m",
    "1h30m": "1h30m",
    "ISO-8601": "PT90M",
    "seconds as text": "5400",
    "a timedelta as text": "1:30:00",
}
TEMPLATE = "{{ params.length }}"
#: Airflow itself reads these, when the Dag is read.
AIRFLOWS = {"poke_interval", "timeout"}
CLASSES = [
    *(getattr(operators, name) for name in operators.__all__),
    *(getattr(sensors, name) for name in sensors.__all__),
]
ARGUMENTS = [
    (cls, argument)
    for cls in CLASSES
    for argument, text in arguments_of(cls.__mro__).items()
    if "(duration" in text
]
IDS = [f"{cls.__name__}-{argument}" for cls, argument in ARGUMENTS]
TEMPLATED = [each for each in ARGUMENTS if each[1] not in AIRFLOWS]


def rendered(cls, argument, value, length=""):
    """Return a task whose argument was rendered."""
    task = cls(task_id="task", **{**needed(cls, {argument}), argument: value})
    task.render_template_fields({"params": {"length": length}})
    return task


def test_all_durations_are_known():
    """Every argument that is documented as a duration is read as one, and no other."""
    documented = {argument for _, argument in ARGUMENTS} - AIRFLOWS
    documented |= {name for name in arguments_of([RolloutPlanOperator]) if name in DURATIONS}
    assert set(DURATIONS) == documented


@pytest.mark.parametrize("value", HALF_PAST.values(), ids=HALF_PAST)
@pytest.mark.parametrize(("cls", "argument"), ARGUMENTS, ids=IDS)
def test_a_duration_is_a_timedelta_seconds_or_text(cls, argument, value):
    """Every operator and sensor takes each of its durations in each of these ways."""
    task = rendered(cls, argument, value)
    read_durations(task)
    assert 5400 == getattr(task, argument)


@pytest.mark.parametrize(("cls", "argument"), TEMPLATED)
def test_a_duration_may_be_a_template(cls, argument):
    """What the template renders to is read like what the author writes."""
    task = rendered(cls, argument, TEMPLATE, "90m")
    read_durations(task)
    assert 5400 == getattr(task, argument)


@pytest.mark.parametrize("value", ["soon", "", True, -1, float("nan"), "400d", [1], "P"], ids=repr)
@pytest.mark.parametrize(("cls", "argument"), ARGUMENTS, ids=IDS)
def test_what_is_no_duration_is_refused(cls, argument, value):
    """The error names the argument and says what to give, the same for all of them."""
    kind = AirflowFailException if argument in AIRFLOWS else InvalidRequestError
    with pytest.raises(kind) as caught:
        read_durations(rendered(cls, argument, value))
    text = str(caught.value)
    assert f"Asked: {argument}={value!r}.\nFound: not a duration" in text
    assert "Next: Give a timedelta, seconds, '90m', '1d12h' or 'PT36H'." in text


@pytest.mark.parametrize(("cls", "argument"), ARGUMENTS, ids=IDS)
def test_only_a_wait_may_last_no_time(cls, argument):
    """A wait may be zero, a window or the life of an experiment may not."""
    if DURATIONS.get(argument, True):
        assert 0 == getattr(rendered(cls, argument, 0), argument)
    else:
        with pytest.raises(InvalidRequestError):
            read_durations(rendered(cls, argument, 0))


def test_a_wrong_duration_is_reported_before_aws_is_called(tasks, emulator):
    """A wrong `waiter_timeout` is an error before the experiment is created."""
    arguments = {**CREATE, "waiter_timeout": "soon"}
    text = fails(AirflowFailException, tasks.run, CreateInferenceExperimentOperator, **arguments)
    assert "Asked: waiter_timeout='soon'." in text
    assert [] == created(emulator)


@pytest.mark.parametrize("value", HALF_PAST.values(), ids=HALF_PAST)
@pytest.mark.parametrize(
    ("argument", "task_id", "attribute"),
    [
        ("stage_duration", "analyse_100", "duration"),
        ("max_stage_duration", "analyse_100", "max_duration"),
        ("interval", "analyse_100", "interval"),
        ("approval_timeout", "promote", "approval_timeout"),
    ],
)
def test_a_rollout_takes_durations_alike(argument, task_id, attribute, value):
    """A rollout passes its durations to its tasks."""
    with DAG("rollout", schedule=None):
        group = shadow_rollout(**{**ROLLOUT, "stage_duration": "1h", argument: value})
    task = group.children[f"shadow_rollout.{task_id}"]
    read_durations(task)
    assert 5400 == getattr(task, attribute)
