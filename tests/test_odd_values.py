"""Whatever a form or an XCom gives, the error is one of ours."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_shadow import operators, sensors
from airflow_shadow._compat import AirflowException, AirflowFailException
from airflow_shadow.analysis import read_spec
from airflow_shadow.emulator import fleet
from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.operators.rollout import RolloutPlanOperator
from airflow_shadow.rollout import shadow_rollout
from airflow_shadow.sensors.rollout import RolloutAnalysisSensor
from tests.helpers import CREATE, ROLLOUT, explicit, fails, somebodys
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
FULL = fleet.shadow_mode(source="AllTraffic", shadow="churn-v2", sampling_percentage=100)
#: What only a worker's own settings say.
SETTINGS = {"aws_conn_id", "region_name", "verify"}
CASES = [(cls, field) for cls in ARGUMENTS for field in sorted(set(cls.template_fields) - SETTINGS)]


@pytest.mark.parametrize(
    ("cls", "field"), CASES, ids=[f"{cls.__name__}-{field}" for cls, field in CASES]
)
def test_an_odd_value_is_an_error_of_ours(cls, field, worker, churn, sagemaker):
    """Airflow retries what it does not know, nobody understands a TypeError or reads 5,000 x."""
    somebodys(sagemaker)
    patience = SENSORS if "Sensor" in cls.__name__ else OPERATORS
    for value in ODD.values():
        try:
            worker.run(cls, **{**patience, **ARGUMENTS[cls], field: value})
        except AirflowException as error:  # it may be accepted as well
            assert len(str(error)) < 2500  # noqa: PT017
            assert 4 >= len(str(error).splitlines())  # noqa: PT017


def test_a_shadow_that_is_no_variant_is_refused(tasks, churn):
    """It ended in a bare StopIteration."""
    mode = {**explicit()["shadow_mode_config"]}
    mode["ShadowModelVariants"] = [{"ShadowModelVariantName": "typo", "SamplingPercentage": 5}]
    arguments = {**VARIANTS, "shadow_mode_config": mode}
    text = fails(
        AirflowFailException, tasks.run, operators.CreateInferenceExperimentOperator, **arguments
    )
    assert "'typo'" in text
    assert "Found: ModelVariants has 'AllTraffic', 'Candidate'" in text


@pytest.mark.parametrize("alarms", [[["a"]], [1], {"a": 1}, '[["a"]]', 5])
def test_alarms_are_names(tasks, churn, sagemaker, alarms):
    """A nested list ended in a TypeError."""
    somebodys(sagemaker, ShadowModeConfig=FULL)
    text = fails(
        AirflowFailException,
        tasks.run,
        operators.PromoteShadowVariantOperator,
        name="theirs",
        alarms=alarms,
    )
    assert "Found: not a list of text" in text


@pytest.mark.parametrize("interval", ["5m", 300, timedelta(minutes=5), "PT5M"])
def test_an_interval_is_given_like_a_duration(emulator, churn, sagemaker, interval):
    """Text ended in a ValueError."""
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
def test_an_interval_has_bounds(tasks, churn, sagemaker, interval):
    """Its name stands in the error."""
    somebodys(sagemaker)
    text = fails(
        AirflowFailException,
        tasks.run,
        sensors.ShadowAnalysisSensor,
        name="theirs",
        interval=interval,
        poke_interval=1,
    )
    assert f"Asked: interval={interval!r}.\nFound: not a duration" in text


@pytest.mark.parametrize("looks", [0, 101, "1e300"])
def test_planned_looks_have_bounds(looks):
    """A look costs a share of alpha each."""
    with pytest.raises(InvalidRequestError, match="planned_looks: "):
        read_spec({"planned_looks": looks})


@pytest.mark.parametrize(
    "arguments",
    [{"ramp": 50}, {"ramp": "100"}, {"interval": "soon"}, {"interval": 0}, {"ramp": None}],
)
def test_a_rollout_that_makes_no_sense_is_told_when_its_dag_is_read(arguments):
    """A TypeError tells nobody which argument it is about."""
    with pytest.raises((ValueError, InvalidRequestError), match=next(iter(arguments))):
        shadow_rollout(**{**ROLLOUT, **arguments})


def test_a_ramp_of_one_stage_is_a_number(worker):
    """And an interval is given like a duration."""
    with DAG("ramp", schedule=None):
        group = shadow_rollout(**ROLLOUT, ramp=100, interval="5m", spec={"min_duration": 0})
    assert "shadow_rollout.analyse_100" in group.children
