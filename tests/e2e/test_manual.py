"""Runs that a person or a program triggers: no logical date."""

from __future__ import annotations

import json

import pytest

from tests.e2e.places import creation, start_and_hold
from tests.e2e.processes import until

DAG, FORM = "e2e_simple", "e2e_form"


def untouched(aws, endpoint):
    """Let the first call about an endpoint fail, and return how to tell that there was none."""
    aws.fault(kind="access-denied", about=endpoint)
    return lambda: endpoint in [fault["about"] for fault in aws.control("GET", "faults")]


def test_a_post_promotes_the_candidate(api, aws):
    """A triggered run creates one experiment and ends with its candidate in production."""
    endpoint = aws.endpoint("post", candidates=("v2",))
    api.unpause(DAG)
    run = api.trigger(DAG, {"endpoint": endpoint, "model": "v2"})["dag_run_id"]
    assert (
        "success",
        "v2",
        [(f"{DAG}/{run}/create/-1", "2")],
    ) == (api.finish(DAG, run), aws.serves(endpoint), aws.created(endpoint))


def test_the_command_line_promotes_the_candidate(api, aws):
    """`airflow dags trigger` does the same."""
    endpoint = aws.endpoint("cli", candidates=("v2",))
    api.unpause(DAG)
    form = {"endpoint": endpoint, "model": "v2", "region": aws.region}
    run = f"by-hand-{endpoint}"
    api.cli("dags", "trigger", DAG, "--run-id", run, "--conf", json.dumps(form))
    assert (
        "success",
        "v2",
        [(f"{DAG}/{run}/create/-1", "2")],
    ) == (api.finish(DAG, run), aws.serves(endpoint), aws.created(endpoint))


def test_two_triggers_queue_up(api, aws):
    """A run that finds its endpoint busy says with what, waits, and rolls out after the other."""
    endpoint = aws.endpoint("queue", candidates=("v2", "v3"))
    aws.fault(kind="hold-before", operation="StopInferenceExperiment", about=endpoint)
    api.unpause(DAG)
    first = api.trigger(DAG, {"endpoint": endpoint, "model": "v2"})["dag_run_id"]
    holder = aws.held(endpoint)["name"]
    second = api.trigger(DAG, {"endpoint": endpoint, "model": "v3"})["dag_run_id"]
    busy = f"Endpoint '{endpoint}' is busy with experiment '{holder}' (Running)"
    until(lambda: busy in api.log(DAG, second, "create"), what="the second run to say why it waits")
    aws.let_go(endpoint)
    assert ["success", "success"] == [api.finish(DAG, run) for run in (first, second)]
    assert ["v2", "v3"] == aws.promoted(endpoint)
    assert aws.created(endpoint) == [creation(DAG, run, generation=2) for run in (first, second)]


def test_two_creations_at_one_moment(api, aws):
    """Both found the endpoint free: AWS takes one call, and the other run looks again and waits."""
    endpoint = aws.endpoint("race", candidates=("v2", "v3"))
    first = start_and_hold(api, aws, DAG, endpoint)
    sooner = aws.held(endpoint)["name"]
    second = start_and_hold(api, aws, DAG, endpoint, model="v3", calls=2)
    aws.let_go(sooner)
    until(lambda: aws.created(endpoint), what="the first to create")
    aws.let_go(endpoint)
    assert ["success", "success"] == [api.finish(DAG, run) for run in (first, second)]
    assert ["v2", "v3"] == aws.promoted(endpoint)
    assert aws.created(endpoint) == [creation(DAG, run, generation=2) for run in (first, second)]
    assert f"is busy with experiment '{sooner}'" in api.log(DAG, second, "create")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"model": "churn v2"}, "'churn v2' does not match"),
        ({"sampling": 50}, "50 is not of type 'string'"),
        ({"endpoint": ""}, "'' should be non-empty"),
    ],
)
def test_the_form_refuses_what_its_schema_excludes(api, aws, wrong, says):
    """Airflow refuses the run with a message that names the value; nothing is asked of AWS."""
    endpoint = aws.endpoint("schema")
    is_untouched = untouched(aws, endpoint)
    api.unpause(FORM)
    form = {"endpoint": endpoint, "model": "v2", **wrong}
    body = {"logical_date": None, "conf": form, "dag_run_id": f"refused-{endpoint}"}
    answer = api.try_call("POST", f"/dags/{FORM}/dagRuns", json=body)
    assert (400, True, True) == (answer.status_code, says in answer.text, is_untouched())
    assert next(iter(wrong)) in answer.text
    run = api.try_call("GET", f"/dags/{FORM}/dagRuns/{body['dag_run_id']}")
    assert 404 == run.status_code


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"sampling": "half"}, "SamplingPercentage: 'half' is not an integer"),
        ({"sampling": "120"}, "SamplingPercentage: 120 is more than the maximum of 100"),
        ({"duration": "a week"}, "not a duration, or longer than a year"),
    ],
)
def test_what_the_form_lets_through_is_refused_before_aws_is_asked(api, aws, wrong, says):
    """The task fails at its first try, with a message that names the value and what to do."""
    endpoint = aws.endpoint("through", candidates=("v2",))
    is_untouched = untouched(aws, endpoint)
    api.unpause(FORM)
    form = {"endpoint": endpoint, "model": "v2", **wrong}
    run = api.trigger(FORM, form)["dag_run_id"]
    state, tries = api.finish(FORM, run), api.task(FORM, run, "create")["try_number"]
    log = api.log(FORM, run, "create")
    assert ("failed", 1, True) == (state, tries, is_untouched())
    assert (True, True) == (says in log, "Next: " in log), log
