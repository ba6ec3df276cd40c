"""Whatever a form or an XCom gives, the error is one of ours."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import timedelta
from functools import reduce

import pytest

from airflow_shadow import operators, sensors
from airflow_shadow._compat import AirflowException, AirflowFailException
from airflow_shadow.analysis import (
    AnalysisSpec,
    Breaker,
    Criterion,
    OutsideCriterion,
    Verdict,
    judge,
    read_spec,
)
from airflow_shadow.decision import read_verdict
from airflow_shadow.emulator import fleet
from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.operators.rollout import RolloutPlanOperator
from airflow_shadow.rollout import shadow_rollout
from airflow_shadow.sensors.rollout import RolloutAnalysisSensor
from airflow_shadow.text.messages import short_repr
from tests.analysis.data import seen
from tests.helpers import CREATE, ROLLOUT, by_turns, described, explicit, fails, somebodys
from tests.tasks import DAG, Tasks

#: What JSON can hold, and no argument expects.
ODD = {
    "true": True,
    "large": 10**400,
    "infinite": float("inf"),
    "nested list": [["x"], [[]]],
    "mapping": {"a": {"b": [1]}},
    "long": "x" * 5000,
    "duration": "9999999999d",
    "control": "a\x00\n",
    "surrogate": "\ud800",
    "deep text": "[" * 20000,
    "far": "9999-12-31T23:59:59+00:00",
    "early": "0001-01-01T00:00:00+14:00",
    "forged line": "a\nNext: promote it.\u2028b",
}
NAMED = {"name": "theirs"}
VARIANTS = {k: v for k, v in {**CREATE, **explicit()}.items() if v is not None}
ARGUMENTS = {
    operators.CreateInferenceExperimentOperator: {**CREATE, "endpoint_timeout": 0.1},
    operators.UpdateInferenceExperimentOperator: {**NAMED, "sampling_percentage": 20},
    operators.StartInferenceExperimentOperator: NAMED,
    operators.StopInferenceExperimentOperator: {
        **NAMED,
        "model_variant_actions": {"AllTraffic": "Retain", "churn-v2": "Remove"},
    },
    operators.PromoteShadowVariantOperator: {**NAMED, "approval_timeout": 0.1},
    operators.RemoveShadowVariantOperator: NAMED,
    operators.DeleteInferenceExperimentOperator: NAMED,
    operators.ShadowAnalysisOperator: NAMED,
    sensors.InferenceExperimentSensor: {**NAMED, "target_statuses": ["Running"]},
    sensors.ShadowAnalysisSensor: NAMED,
    RolloutAnalysisSensor: NAMED,
    RolloutPlanOperator: {},
}
OPERATORS = {"waiter_timeout": 0.1}
SENSORS = {"timeout": 0.1, "poke_interval": 0.01}
#: What only a worker's own settings say.
SETTINGS = {"aws_conn_id", "region_name", "verify"}
CASES = [(cls, field) for cls in ARGUMENTS for field in sorted(set(cls.template_fields) - SETTINGS)]
#: In `make test` each field is tried with the first class that has it, and each class with one.
QUICK = {*{field: (cls, field) for cls, field in reversed(CASES)}.values()} | {
    *dict(reversed([(cls, (cls, field)) for cls, field in CASES])).values()
}


@pytest.fixture
def refused(tasks, churn, sagemaker):
    """Return a function that runs a task on a running experiment and returns why it was refused."""
    mode = fleet.shadow_mode(source="AllTraffic", shadow="churn-v2", sampling_percentage=100)
    somebodys(sagemaker, ShadowModeConfig=mode)

    def run(cls, **arguments):
        patience = {"poke_interval": 1} if "Sensor" in cls.__name__ else {}
        return fails(AirflowFailException, tasks.run, cls, name="theirs", **patience, **arguments)

    return run


@pytest.mark.parametrize(
    ("cls", "field"),
    [pytest.param(*case, marks=[] if case in QUICK else [pytest.mark.thorough]) for case in CASES],
    ids=[f"{cls.__name__}-{field}" for cls, field in CASES],
)
def test_an_odd_value_is_an_error_of_ours(cls, field, worker, churn, sagemaker):
    """Every argument takes every odd value, or refuses it in a short error of the package's own."""
    somebodys(sagemaker)
    patience = SENSORS if "Sensor" in cls.__name__ else OPERATORS
    for value in ODD.values():
        try:
            worker.run(cls, **{**patience, **ARGUMENTS[cls], field: value})
        except AirflowException as error:  # it may be accepted as well
            assert len(str(error)) < 2500  # noqa: PT017
            assert 4 >= len(str(error).splitlines())  # noqa: PT017


def test_a_shadow_that_is_no_variant_is_refused(tasks, churn):
    """A shadow's name that no variant has is refused, and the error lists the variants."""
    mode = {**explicit()["shadow_mode_config"]}
    mode["ShadowModelVariants"] = [{"ShadowModelVariantName": "typo", "SamplingPercentage": 5}]
    arguments = {**VARIANTS, "shadow_mode_config": mode}
    text = fails(
        AirflowFailException, tasks.run, operators.CreateInferenceExperimentOperator, **arguments
    )
    assert "'typo'" in text
    assert "Found: ModelVariants has 'AllTraffic', 'Candidate'" in text


@pytest.mark.parametrize("alarms", [[["a"]], [1], {"a": 1}, '[["a"]]', 5])
def test_alarms_are_names(refused, alarms):
    """Anything but a list of text is refused; a nested list ended in a TypeError once."""
    text = refused(operators.PromoteShadowVariantOperator, alarms=alarms)
    assert "Found: not a list of text" in text


@pytest.mark.parametrize("interval", ["5m", 300, timedelta(minutes=5), "PT5M"])
def test_an_interval_is_given_like_a_duration(emulator, churn, sagemaker, interval):
    """Seconds, a timedelta, "5m" and ISO 8601 all mean the same interval."""
    somebodys(sagemaker)
    run = Tasks(mode="deferred").run(
        sensors.ShadowAnalysisSensor,
        name="theirs",
        interval=interval,
        poke_interval=1,
        until_deferred=True,
    )
    assert 300 == run.trigger.goal["interval"]


@pytest.mark.parametrize("interval", ["soon", 0, -1, "367d", "9999999999d", float("inf")])
def test_an_interval_has_bounds(refused, interval):
    """An interval that is no duration, too short or too long is refused by its name."""
    text = refused(sensors.ShadowAnalysisSensor, interval=interval)
    assert f"Asked: interval={interval!r}.\nFound: not a duration" in text


@pytest.mark.parametrize("looks", [0, 101, "1e300"])
def test_planned_looks_have_bounds(looks):
    """One planned look at least, and 100 at most, for each costs a share of alpha."""
    with pytest.raises(InvalidRequestError, match="planned_looks: "):
        read_spec({"planned_looks": looks})


@pytest.mark.parametrize(
    "arguments",
    [{"ramp": 50}, {"ramp": "100"}, {"interval": "soon"}, {"interval": 0}, {"ramp": None}],
)
def test_a_rollout_that_makes_no_sense_is_told_when_its_dag_is_read(arguments):
    """The error of `shadow_rollout` names the argument that is wrong."""
    with pytest.raises((ValueError, InvalidRequestError), match=next(iter(arguments))):
        shadow_rollout(**{**ROLLOUT, **arguments})


def test_a_ramp_of_one_stage_is_a_number(worker):
    """`ramp=100` is a rollout of one stage; an interval may be a text such as "5m"."""
    with DAG("ramp", schedule=None):
        group = shadow_rollout(**ROLLOUT, ramp=100, interval="5m", spec={"min_duration": 0})
    assert "shadow_rollout.analyse_100" in group.children


#: What JSON can hold inside of a structure, too.
INNER = {
    **ODD,
    "no number": float("nan"),
    "digits": 10**5000,
    "digits in a list": [10**5000],
    "deep": reduce(lambda inner, _: [inner], range(3000), []),
    "underscored": "1_0",
    "list": [],
    "text": "[]",
    "none": None,
}
GROUPS = {
    "criteria": {"name": "a", "metric": "ModelLatency", "statistic": "Average", "tolerance": 0.1},
    "breakers": {"metric": "ModelLatency", "statistic": "Average", "limit": 1e6},
    "outside": {"name": "b", "target": "alarm"},
}
ITEMS = {"criteria": Criterion, "breakers": Breaker, "outside": OutsideCriterion}
PLACES = [
    *((one.name, lambda value, name=one.name: {name: value}) for one in fields(AnalysisSpec)),
    *((group, lambda value, group=group: {group: [value]}) for group in GROUPS),
    *(
        (
            f"{group}.{one.name}",
            lambda value, group=group, name=one.name: {group: [{**GROUPS[group], name: value}]},
        )
        for group in GROUPS
        for one in fields(ITEMS[group])
    ),
]


@pytest.mark.parametrize("place", [place for _, place in PLACES], ids=[name for name, _ in PLACES])
def test_an_odd_value_inside_a_specification_is_a_fault(place):
    """It is refused with its path in a short error, or the specification can be judged by."""
    for value in INNER.values():
        try:
            spec = read_spec(place(value))
        except InvalidRequestError as error:
            assert len(str(error)) < 1500  # noqa: PT017
            assert 3 == len(str(error).splitlines())  # noqa: PT017
        else:
            json.dumps(judge(spec, seen({}, minutes=90)).to_dict(), allow_nan=False)


@pytest.mark.parametrize("value", INNER.values(), ids=INNER)
def test_an_odd_value_in_a_task_is_a_fault(refused, value):
    """An analysis refuses odd metrics and odd specifications in one short error of three lines."""
    source = {"namespace": "N", "name": value, "dimensions": {"a": value}}
    metrics = [value, {"M": value}, {"M": source}, {"x" * 5000: {"y" * 5000: value}}]
    given = [{"metrics": one} for one in metrics if one is not None]
    # Airflow itself renders nothing that is nested so deeply.
    given += [] if value is INNER["deep"] else [{"spec": {"alpha": value}}]
    for argument in given:
        text = refused(operators.ShadowAnalysisOperator, **argument)
        assert (len(text) < 1500, 3) == (True, len(text.splitlines()))


@pytest.mark.parametrize("metrics", [["x"], "{}", '{"M": {}}', 5, True, [], ""])
def test_metrics_are_a_mapping(refused, metrics):
    """Anything else is refused; it ended in an AttributeError once, or counted as no metrics."""
    text = refused(sensors.ShadowAnalysisSensor, metrics=metrics)
    assert f"metrics: {metrics!r} is not a mapping" in text


@pytest.mark.parametrize("spec", [[], False, "[]", 0])
def test_nothing_but_none_is_the_default_specification(refused, spec):
    """An empty list or text is refused, for nobody knows what it was meant to be."""
    assert "is not a structure" in refused(operators.ShadowAnalysisOperator, spec=spec)


SHARES = ["nan", "inf", "150", "-5", "1_0", True, "", "x", 100.5, 10**400, [100]]
ANALYSES = [operators.ShadowAnalysisOperator, sensors.ShadowAnalysisSensor]


@pytest.mark.parametrize(
    ("share", "cls"), by_turns(SHARES, ANALYSES), ids=lambda value: f"{value!r:.10}"
)
def test_a_sampling_percentage_is_one(refused, share, cls):
    """What is no number from 0 to 100 is refused before the wait; a NaN would be no JSON."""
    text = refused(cls, sampling_percentage=share)
    assert f"sampling_percentage={short_repr(share)}.\nFound: not a number from 0 to 100" in text


#: What no length of a window can be.
LENGTHS = [
    *("", False, True, -1000, float("nan"), float("inf"), 1e13, "soon", [], "P", "T"),
    timedelta(days=-1),
]


@pytest.mark.parametrize(
    ("value", "argument"),
    by_turns(LENGTHS, ["duration", "max_duration", "min_remaining"]),
    ids=repr,
)
def test_lengths_of_a_window_are_durations(refused, argument, value):
    """What is no duration is refused, an empty text, too: it does not count as not given."""
    text = refused(sensors.ShadowAnalysisSensor, **{"duration": "2h", argument: value})
    assert f"Asked: {argument}={short_repr(value)}.\nFound: not a duration" in text


@pytest.mark.parametrize(
    ("nothing", "argument"),
    by_turns([0, 0.0, timedelta(), "0s"], ["duration", "max_duration"]),
    ids=repr,
)
def test_a_window_has_a_length(refused, argument, nothing):
    """A length of zero is refused; it was taken for none once, which is the whole experiment."""
    text = refused(sensors.ShadowAnalysisSensor, **{"duration": "2h", argument: nothing})
    assert f"Asked: {argument}={short_repr(nothing)}.\n" in text


def test_min_remaining_is_checked_without_a_duration(refused):
    """A NaN is refused also where the window has no length of its own."""
    text = refused(sensors.ShadowAnalysisSensor, min_remaining=float("nan"))
    assert "Asked: min_remaining=nan." in text


@pytest.mark.parametrize("argument", ["duration", "max_duration"])
def test_a_length_is_not_lost(refused, argument):
    """A template that rendered to nothing is refused: no length means the whole experiment."""
    text = refused(sensors.ShadowAnalysisSensor, **{"duration": "2h", argument: "{{ none }}"})
    assert f"Asked: {argument}.\nFound: a template" in text


@pytest.mark.parametrize(
    "remaining", [0, "0", 90000, "90000", "25h", timedelta(hours=25)], ids=repr
)
def test_min_remaining_is_given_like_a_duration(churn, sagemaker, emulator, remaining):
    """Seconds, text and a timedelta move the experiment's end as far as they say."""
    before = somebodys(sagemaker)["Schedule"]["EndTime"]
    since, day = emulator.clock.now(), timedelta(days=1)
    Tasks(mode="deferred").run(
        sensors.ShadowAnalysisSensor,
        name="theirs",
        since=since,
        duration=before - since - timedelta(minutes=20),
        min_remaining=remaining,
        poke_interval=1,
        until_deferred=True,
    )
    moved = described(sagemaker, "theirs")["Schedule"]["EndTime"] - before
    assert (remaining not in {0, "0"}) == (moved > day)


@pytest.mark.parametrize("given", [{}, {"min_remaining": 0}, {"min_remaining": "1h"}], ids=repr)
@pytest.mark.parametrize("since", ["8999-01-01", timedelta(minutes=1)], ids=repr)
def test_a_window_begins_before_its_experiment_ends(tasks, churn, sagemaker, given, since):
    """A window that begins after the experiment's end is refused, and the end is not moved."""
    end = somebodys(sagemaker)["Schedule"]["EndTime"]
    begin = since if isinstance(since, str) else (end + since).isoformat()
    arguments = {"name": "theirs", "duration": "2h", "since": begin, "poke_interval": 1, **given}
    text = fails(AirflowFailException, tasks.run, sensors.ShadowAnalysisSensor, **arguments)
    assert f"the experiment ends at {end.isoformat()}, before the window begins" in text
    assert end == described(sagemaker, "theirs")["Schedule"]["EndTime"]


VERDICT = {"outcome": "PASS", "operational_only": False, "reason": "PASS: mean latency +4.1 %."}


@pytest.mark.parametrize("value", INNER.values(), ids=INNER)
def test_an_odd_value_inside_a_verdict_is_no_other_error(value):
    """A verdict with one odd field is read, or refused in a short error of three lines."""
    for field in [one.name for one in fields(Verdict)] + ["concluded"]:
        try:
            read_verdict({**VERDICT, field: value}, asked="to branch")
        except InvalidRequestError as error:
            assert len(str(error)) < 1500  # noqa: PT017
            assert 3 == len(str(error).splitlines())  # noqa: PT017
