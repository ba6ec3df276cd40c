"""`check` and `forecast`."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from airflow_shadow.emulator import fleet
from airflow_shadow.emulator.traffic import Traffic
from tests.conftest import client_of
from tests.helpers import another, somebodys

pytestmark = pytest.mark.http


@pytest.fixture
def serving(emulator, sagemaker):
    """Let an endpoint serve for a day."""

    def run(per_minute: float) -> None:
        traffic = Traffic(requests_per_minute=per_minute, daily_swing=0)
        fleet.create_endpoint(sagemaker, endpoint_name="churn", model_name="v1", traffic=traffic)
        emulator.clock.advance(timedelta(hours=24.5))

    return run


@pytest.fixture
def checked(cli):
    """Check an endpoint and return the exit code and the rows."""

    def run(*options: str, endpoint: str = "churn") -> tuple[int, dict[str, tuple[str, str]]]:
        done = cli("check", endpoint, "-o", "json", *options)
        rows = json.loads(done.out)["checks"]
        return done.code, {row["check"]: (row["result"], row["detail"]) for row in rows}

    return run


def test_a_free_endpoint_can_be_tested(checked, serving):
    """All that would refuse a test is looked at, and the forecast is among it."""
    serving(100)
    code, rows = checked()
    assert 0 == code
    assert {"ok"} == {result for result, _ in rows.values()}
    assert ("ok", "variant 'AllTraffic' serves 'v1' on 2 x ml.m5.xlarge") == rows[
        "kind of endpoint"
    ]
    assert rows["forecast"][1].startswith("A candidate as good as production passes")


def test_a_table_has_the_forecast_of_each_criterion(cli, serving):
    """Checks first, then the chance at each stage."""
    serving(100)
    out = cli("check", "churn").out
    assert out.index("would be lost") < out.index("chance of a PASS at")


def test_without_traffic_there_is_no_forecast(checked, churn):
    """That is a warning: a test can be made all the same."""
    code, rows = checked()
    assert (0, "warning") == (code, rows["forecast"][0])


def test_metrics_that_may_not_be_read_are_a_warning(checked, churn, emulator):
    """The other checks are worth something without them."""
    emulator.faults.add(kind="access-denied", operation="GetMetricData", times=9)
    code, rows = checked()
    assert (0, "warning") == (code, rows["forecast"][0])
    assert "GetMetricData" in rows["forecast"][1]


def test_a_plan_that_cannot_pass_is_refused(checked, serving):
    """Too few requests for the last stage."""
    serving(3)
    code, rows = checked("--max-stage-duration", "2h")
    assert (3, "refused") == (code, rows["forecast"][0])
    assert "1,000 requests of each variant are needed" in rows["forecast"][1]


def test_an_endpoint_of_another_kind_is_refused(checked, churn, sagemaker):
    """With every reason."""
    another(sagemaker, {}, {"VariantName": "Two"})
    code, rows = checked("--no-forecast", endpoint="other")
    assert (3, "refused") == (code, rows["kind of endpoint"][0])
    assert "it has 2 production variants" in rows["kind of endpoint"][1]


def test_what_would_be_lost_is_named(checked, churn, sagemaker):
    """With its value, and the argument that accepts it."""
    another(sagemaker, {"VolumeSizeInGB": 99})
    code, rows = checked("--no-forecast", endpoint="other")
    assert (3, ("refused", "VolumeSizeInGB = 99; allow_lost_settings accepts that")) == (
        code,
        rows["would be lost"],
    )


def test_automatic_scaling_is_found(checked, churn, emulator):
    """A promotion would be refused."""
    client = client_of(emulator, "application-autoscaling")
    client.register_scalable_target(
        ServiceNamespace="sagemaker",
        ResourceId="endpoint/churn/variant/AllTraffic",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        MinCapacity=1,
        MaxCapacity=4,
    )
    code, rows = checked("--no-forecast")
    assert (3, "refused") == (code, rows["automatic scaling"][0])
    assert "(1 to 4 instances)" in rows["automatic scaling"][1]


def test_a_busy_endpoint_is_a_warning(checked, churn, sagemaker):
    """A creation waits for it."""
    somebodys(sagemaker)
    code, rows = checked("--no-forecast")
    assert (0, ("warning", "experiment 'theirs' is Running: a creation waits for its end")) == (
        code,
        rows["free"],
    )


@pytest.mark.parametrize(
    ("model", "code", "row"),
    [
        ("churn-v2", 0, ("ok", "model 'churn-v2' exists")),
        ("churn-v9", 3, ("refused", "no model named 'churn-v9'")),
    ],
)
def test_a_candidate_is_looked_for(checked, churn, model, code, row):
    """Before anything is deployed."""
    assert (code, row) == (
        (found := checked("--no-forecast", "--shadow-model-name", model))[0],
        found[1]["candidate"],
    )


@pytest.mark.parametrize("command", ["check", "forecast"])
def test_an_unknown_endpoint_is_an_error(cli, emulator, command):
    """It says where it was looked for."""
    done = cli(command, "nope")
    assert (1, "") == (done.code, done.out)
    assert "Found: no endpoint named 'nope' in us-east-1" in done.err


def test_a_forecast_is_a_table_with_sentences(cli, serving):
    """The plan, the hours it rests on, the table, and each criterion in words."""
    serving(100)
    done = cli("forecast", "churn", "--ramp", "50,100")
    assert 0 == done.code
    assert done.out.startswith("A shadow test at 50, 100 %, 2h each")
    assert "From the last 24 h of production:" in done.out
    assert "mean latency: PASS with a chance of" in done.out


def test_a_forecast_for_programs(cli, serving):
    """JSON holds the whole forecast, as the rollout's XCom does."""
    serving(100)
    found = json.loads(cli("forecast", "churn", "-o", "json").out)
    assert [10, 50, 100] == [stage["sampling_percentage"] for stage in found["stages"]]


def test_a_plain_forecast_has_a_row_for_each_stage_and_criterion(cli, serving):
    """It can be sorted and cut."""
    serving(100)
    head, *rows = cli("forecast", "churn", "-o", "plain", "--ramp", "100").out.splitlines()
    assert "sampling_percentage" == head.split()[0]
    assert {"100"} == {row.split()[0] for row in rows}


def test_a_forecast_that_rules_out_a_pass(cli, serving):
    """The exit code is 3, and the reason is the last line."""
    serving(3)
    done = cli("forecast", "churn", "--max-stage-duration", "2h")
    assert 3 == done.code
    assert "Cannot PASS: " in done.out


def test_a_forecast_needs_requests(cli, churn):
    """Without a history there is nothing to say."""
    done = cli("forecast", "churn")
    assert 1 == done.code
    assert "Found: CloudWatch has no requests of it in the last 7 days." in done.err


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--ramp", "100,50"], "ramp=[100, 50] is not a rising list"),
        (["--ramp", "10,50"], "does not end at 100"),
        (["--stage-duration", "soon"], "not a duration"),
        (["--max-stage-duration", "1h"], "is shorter than stage_duration"),
    ],
)
def test_a_wrong_plan_is_refused_before_aws_is_asked(cli, monkeypatch, options, found):
    """All that is wrong with it is said, without a connection."""
    monkeypatch.delenv("AIRFLOW_CONN_AWS_DEFAULT", raising=False)
    done = cli("forecast", "churn", *options)
    assert 1 == done.code
    assert found in done.err


def test_a_ramp_of_words_is_wrong_usage(cli):
    """`argparse` says which option."""
    done = cli("forecast", "churn", "--ramp", "all")
    assert 2 == done.code
    assert "argument --ramp: 'all' is not a list of whole percentages" in done.err
