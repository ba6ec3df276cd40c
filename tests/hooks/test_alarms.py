"""Alarms of CloudWatch, and what else takes part from outside."""

from __future__ import annotations

import pytest
from moto.cloudwatch.models import cloudwatch_backends

from airflow_shadow.analysis import AnalysisSpec, OutsideCriterion
from airflow_shadow.emulator.core import ACCOUNT, REGION
from airflow_shadow.exceptions import AwsAccessDeniedError, InvalidRequestError
from airflow_shadow.hooks.observations import read_alarms


@pytest.fixture
def alarms(cloudwatch):
    """Set up an alarm of each state, named by it, and a composite one that fires."""
    states = {state: state for state in ("OK", "ALARM", "INSUFFICIENT_DATA")}
    for name, state in {**states, "both": "ALARM"}.items():
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            MetricName="m",
            Namespace="Own",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="test")
    # Moto shows composite alarms, but has no operation that makes one.
    cloudwatch_backends[ACCOUNT][REGION].alarms["both"].rule = "ALARM(ALARM)"


@pytest.mark.parametrize(
    ("target", "outcome"),
    [
        ("OK", "PASS"),
        ("ALARM", "FAIL"),
        ("INSUFFICIENT_DATA", "INCONCLUSIVE"),
        ("both", "FAIL"),
    ],
)
def test_alarms_are_criteria(hook, alarms, target, outcome):
    """Metric alarms and composite ones, by name."""
    spec = AnalysisSpec(outside=(OutsideCriterion(name="own", target=target),))
    assert outcome == read_alarms(hook, spec)["own"].outcome


def test_a_denied_call_names_the_permission(hook, emulator):
    """The identity needs CloudWatch too, not only SageMaker."""
    emulator.faults.add(kind="access-denied", operation="DescribeAlarms")
    spec = AnalysisSpec(outside=(OutsideCriterion(name="own", target="a"),))
    with pytest.raises(AwsAccessDeniedError, match="cloudwatch:DescribeAlarms"):
        read_alarms(hook, spec)


def test_an_alarm_that_does_not_exist_is_an_error(hook, alarms):
    """It would be inconclusive for ever."""
    with pytest.raises(InvalidRequestError, match="no alarm named 'gone'"):
        hook.cloudwatch.alarm_states(["OK", "gone"])


def test_more_alarms_than_one_call_takes(hook, alarms):
    """A hundred names a call."""
    names = [f"gone-{n}" for n in range(100)]
    with pytest.raises(InvalidRequestError, match="gone-0") as caught:
        hook.cloudwatch.alarm_states([*names, "OK"])
    assert "'OK'" not in caught.value.found
