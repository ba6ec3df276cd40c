"""How a user's Dag is made ready for a test; the run itself is in test_pytest_plugin.py."""

from __future__ import annotations

import os
import sys
from datetime import UTC, date, datetime, timedelta

import pytest

from airflow_shadow.emulator import airflow_home, dag_runs
from airflow_shadow.operators import PromoteShadowVariantOperator
from airflow_shadow.sensors import InferenceExperimentSensor

try:
    from airflow.sdk import DAG
except ImportError:  # Airflow 2.11
    from airflow import DAG

NIGHT = datetime(2026, 3, 1, tzinfo=UTC)
SLOW = {"retries": 3, "retry_delay": timedelta(minutes=1), "aws_conn_id": "prod"}
KEY = {"logical_date", "execution_date"}


@pytest.fixture
def dag():
    """Return a Dag with pauses that are meant for AWS, one of them in a mapped task."""
    with DAG("mine", schedule=None, start_date=NIGHT, default_args=SLOW) as made:
        InferenceExperimentSensor(
            task_id="watch",
            name="mine",
            target_statuses=["Running"],
            poke_interval=600,
            mode="reschedule",
        )
        PromoteShadowVariantOperator.partial(task_id="promote", waiter_delay=600).expand(
            name=["mine", "yours"]
        )
    return made


def test_pauses_are_shortened(dag, monkeypatch):
    """Polls, pokes and retries follow at once, in mapped tasks too."""
    monkeypatch.setattr(dag_runs, "_keep", lambda _: None)
    monkeypatch.setattr(type(dag), "test", lambda _, logical_date=None: "ran")
    assert "ran" == dag_runs.run_dag(dag, NIGHT)
    watch, mapped = dag.get_task("watch"), dag.get_task("promote").partial_kwargs
    assert ("poke", 0.05) == (watch.mode, watch.poke_interval)
    assert 0.05 == mapped["waiter_delay"]
    assert {timedelta(seconds=0.05)} == {watch.retry_delay, mapped["retry_delay"]}


def test_the_connections_of_all_tasks_are_found(dag):
    """A connection of any name leads to the emulator, so all must be known."""
    assert {"prod"} == dag_runs.connections_of(dag)


@pytest.mark.parametrize(
    "given", [NIGHT, date(2026, 3, 1), "2026-03-01", "2026-03-01T01:00+01:00", "2026-03-01T00:00Z"]
)
def test_a_date_may_be_given_in_any_way(dag, given):
    """A date means its midnight in UTC."""
    [(key, value)] = dag_runs.arguments(dag, given, None).items()
    assert (True, NIGHT) == (key in KEY, value)


def test_a_form_comes_without_a_date(dag):
    """A run that a person triggers has none, where Airflow knows such runs."""
    arguments = dag_runs.arguments(dag, None, {"hours": 2})
    assert {"hours": 2} == arguments.pop("run_conf")
    assert [] == [value for value in arguments.values() if value]


def test_a_dag_that_is_missing_is_named(tmp_path, monkeypatch):
    """The error says where was looked, what is there, and what could not be imported."""
    (tmp_path / "broken.py").write_text("from airflow import DAG\nraise ValueError('typo')\n")
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(LookupError, match=r"has no Dag 'mine'; its Dags: none\.\n.*broken.py") as e:
        dag_runs.find_dag("mine")
    assert "typo" in str(e.value)


def test_another_airflow_is_left_alone(monkeypatch):
    """Its configuration, secrets and logs are not the test's, though the shell leads to them."""
    theirs = (
        "AIRFLOW_CONFIG",
        "AIRFLOW__SECRETS__BACKEND",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER",
        "AIRFLOW__LOGGING__REMOTE_LOGGING",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST",
    )
    environment = {**os.environ, **dict.fromkeys(theirs, "/production")}
    monkeypatch.setattr(os, "environ", environment)
    monkeypatch.setattr(airflow_home, "_made", [])
    monkeypatch.delitem(sys.modules, "airflow")
    home = airflow_home.use_temporary_home()
    airflow_home.remove_temporary_home()
    assert [] == [name for name in theirs if name in environment]
    assert home == environment["AIRFLOW_HOME"]


def test_airflow_must_not_have_been_imported(monkeypatch):
    """Its database could be anybody's then."""
    monkeypatch.setattr(airflow_home, "_made", [])
    before = dict(os.environ)
    with pytest.raises(RuntimeError, match="-p airflow_shadow"):
        airflow_home.use_temporary_home()
    assert before == dict(os.environ)
