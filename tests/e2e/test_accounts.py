"""Two accounts, two regions, two Airflows: things of the same name stay apart."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from tests.e2e.aws import Aws
from tests.e2e.dated import Dated
from tests.e2e.processes import Program, until
from tests.e2e.stack import AIRFLOW

DAG = "e2e_places"
ACCOUNTS, REGIONS = ("111111111111", "222222222222"), ("us-east-1", "eu-west-1")


@pytest.fixture
def places(api):
    """Give two accounts in two regions, and connections in Airflow's database that lead there."""
    url = api.stack.emulator_url
    for account in ACCOUNTS:
        extra = {
            "role_arn": f"arn:aws:iam::{account}:role/shadow-tests",
            "endpoint_url": url,
            "service_config": {"sts": {"endpoint_url": url}},
        }
        connection = {
            "connection_id": f"account_{account}",
            "conn_type": "aws",
            "login": "AKIAIOSFODNN7EXAMPLE",
            "password": "any",
            "extra": json.dumps(extra),
        }
        api.try_call("POST", "/connections", json=connection)
    seen = [Aws(url, region=region, account=account) for account in ACCOUNTS for region in REGIONS]
    yield seen
    for place in seen:
        place.audit()


def test_accounts_and_regions_stay_apart(api, places):
    """Mapped over connections and regions, each task finds the endpoint of its own place."""
    endpoint = places[0].endpoint("places", candidates=("v2",))
    for place in places[1:]:
        place.own(endpoint, candidates=("v2",))
    api.unpause(DAG)
    run = api.trigger(DAG, {"endpoint": endpoint})["dag_run_id"]
    assert "success" == api.finish(DAG, run), api.states(DAG, run)
    assert [(place.created(endpoint), place.serves(endpoint)) for place in places] == [
        ([(f"{DAG}/{run}/create/{index}", "2")], "v2") for index in range(4)
    ]


#: One more retry in the second Airflow, so that the audit tells whose experiment is whose.
TWICE = """
    schedule=None,
    create={"allow_older": True, "shadow_model_name": os.environ.get("CANDIDATE", "v3")},
    promote={"allow_older": True},
    default_args={"retries": int(os.environ.get("RETRIES", "1"))},
"""
DATE, RUN = "2026-03-01T00:00:00+00:00", "manual__2026-03-01T00:00:00+00:00"
TEST = f"""
import datetime, runpy, sys
date = datetime.datetime.fromisoformat({DATE!r})
done = runpy.run_path(sys.argv[1])["dag"].test(logical_date=date, run_after=date)
sys.exit(done.state != "success")
"""


@pytest.fixture
def second(stack, tmp_path):
    """Return how to start a Dag's run in another Airflow of another name and database."""
    dags, started = tmp_path / "dags", []
    environment = {
        **stack.environment,
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__AIRFLOW_SHADOW__DEPLOYMENT": "second",
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/airflow.db",
        "CANDIDATE": "v2",
        "PYTHONPATH": str(dags),
        "RETRIES": "2",
    }
    # Only on Celery one machine plays several, by a module that this Airflow does not have.
    environment.pop("AIRFLOW__CORE__HOSTNAME_CALLABLE", None)
    subprocess.run([AIRFLOW, "db", "migrate"], env=environment, check=True, capture_output=True)

    def start(name):
        dags.mkdir()
        for file in (f"{name}.py", "e2e_dated.py"):
            shutil.copy(stack.home / "dags" / file, dags)
        command = [sys.executable, "-c", TEST, str(dags / f"{name}.py")]
        started.append(Program("second", command, tmp_path / "second.log", environment).start())
        return started[-1]

    yield start
    for program in started:
        program.end()


def test_two_airflows_in_one_account_stay_apart(api, aws, second):
    """The same run and task of another deployment waits, then has an experiment of its own."""
    dag = Dated.install(api, aws, "twice", moments=[], arguments=TWICE)
    for model in ("v2", "v3"):
        aws.model(model)
    aws.fault(kind="hold-before", operation="StopInferenceExperiment", about=dag.name)
    other = second(dag.name)
    busy = f"is busy with experiment '{aws.held(dag.name)['name']}' (Running)"
    api.trigger(dag.name, dag_run_id=RUN, logical_date=DATE)
    until(lambda: busy in api.log(dag.name, RUN, "create"), what="the first to say why it waits")
    aws.let_go(dag.name)
    until(lambda: not other.alive, what="the second to end")
    task = f"{dag.name}/{RUN}/create/-1"
    assert ("success", 0) == (api.finish(dag.name, RUN), other.process.returncode), other.tail()
    assert (aws.created(dag.name), aws.promoted(dag.name)) == (
        [(f"second/{task}", "2"), (task, "1")],
        ["v2", "v3"],
    )
