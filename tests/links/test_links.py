"""Links from a task to the AWS console."""

from __future__ import annotations

import json
from types import SimpleNamespace
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from airflow.providers.amazon.aws.links.base_aws import XCom

from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.links import EndpointLink, MetricsLink, ReportLink
from airflow_shadow.operators import (
    CreateInferenceExperimentOperator,
    RemoveShadowVariantOperator,
    UpdateInferenceExperimentOperator,
)
from airflow_shadow.sensors import InferenceExperimentSensor, ShadowAnalysisSensor
from tests.helpers import CREATE
from tests.tasks import FakeTaskInstance, Tasks

FACTS = {
    "region_name": "us-east-1",
    "aws_domain": "aws.amazon.com",
    "name": "churn-2026-03-01",
    "endpoint_name": "churn",
    "production_variant": "AllTraffic",
    "shadow_variant": "churn-v2",
}


def test_the_endpoint_link_leads_to_the_endpoints_page():
    """The link has the address that AWS's console uses for an endpoint."""
    assert (
        "https://console.aws.amazon.com/sagemaker/home?region=us-east-1#/endpoints/churn"
        == EndpointLink().format_link(**FACTS)
    )


def test_the_metrics_link_shows_both_variants_side_by_side():
    """The graph names each metric once for production and once for the shadow."""
    address = MetricsLink().format_link(**FACTS)
    assert "console.aws.amazon.com" == urlsplit(address).netloc
    assert 2 == address.count("~'ModelLatency")
    assert "~'EndpointName~'churn~'VariantName~'AllTraffic)" in address
    assert "~'EndpointName~'churn~'VariantName~'churn-v2)" in address
    assert "~'AWS*2fSageMaker" in address


@pytest.mark.parametrize(
    ("partition", "domain"),
    [
        ("aws", "console.aws.amazon.com"),
        ("aws-cn", "console.amazonaws.cn"),
        ("aws-us-gov", "console.amazonaws-us-gov.com"),
    ],
)
@pytest.mark.parametrize("link", [EndpointLink(), MetricsLink()])
def test_each_partition_has_its_console(link, partition, domain):
    """China and GovCloud have consoles with addresses of their own."""
    facts = {**FACTS, "aws_domain": link.get_aws_domain(partition)}
    assert domain == urlsplit(link.format_link(**facts)).netloc


def test_an_unknown_partition_has_no_link():
    """For an unknown partition there is no link, rather than a wrong one."""
    assert "" == EndpointLink().format_link(**{**FACTS, "aws_domain": None})


def test_operators_leave_what_the_links_need(tasks, churn, emulator):
    """A task pushes the facts of its experiment for all its links under one key."""
    run = tasks.run(CreateInferenceExperimentOperator, **CREATE)
    expected = {**FACTS, "name": run.value, "emulator": emulator.url}
    assert expected == run.ti.xcoms["shadow_test"]


@pytest.mark.parametrize("link", [EndpointLink(), MetricsLink()])
def test_links_lead_to_the_emulators_page(worker, churn, emulator, link):
    """With the emulator the links lead to the endpoint's card on its page."""
    facts = worker.run(CreateInferenceExperimentOperator, **CREATE).ti.xcoms["shadow_test"]
    address = urlsplit(link.format_link(**facts))
    with urlopen(address._replace(fragment="").geturl()) as page:
        assert f'id="{address.fragment}"' in page.read().decode()
    assert "us-east-1-endpoint-" in address.fragment


def test_a_link_bears_no_password(monkeypatch):
    """A link shows no password of the connection."""
    extra = {"region_name": "us-east-1", "endpoint_url": "http://me:secret@localhost:5000/"}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_SECRET", json.dumps({"conn_type": "aws", "extra": extra}))
    assert "http://localhost:5000" == InferenceExperimentHook("aws_secret").emulator


@pytest.mark.parametrize("host", ["https://vpce-1.sagemaker.us-east-1.vpce.amazonaws.com", None])
def test_aws_itself_is_no_emulator(monkeypatch, host):
    """An endpoint URL of AWS's own leads to the AWS console."""
    extra = {"region_name": "us-east-1", "endpoint_url": host}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_OWN", json.dumps({"conn_type": "aws", "extra": extra}))
    assert "" == InferenceExperimentHook("aws_own").emulator


def test_links_show_while_the_task_is_deferred(worker, churn):
    """The links are there before the task leaves the worker, also for an update."""
    name = worker.run(CreateInferenceExperimentOperator, **CREATE).value
    for operator, more in (
        (UpdateInferenceExperimentOperator, {"sampling_percentage": 20}),
        (InferenceExperimentSensor, {"target_statuses": "Completed", "poke_interval": 0.01}),
    ):
        deferring = Tasks(mode="deferred")
        run = deferring.run(operator, name=name, until_deferred=True, **more)
        assert 1 == run.deferrals
        assert name == run.ti.xcoms["shadow_test"]["name"]


@pytest.mark.parametrize(("state", "asked"), [("skipped", 0), ("success", 1)])
def test_a_skipped_task_is_not_asked_for_its_experiment(state, asked, monkeypatch):
    """Airflow would log an error for each link of each task that is skipped."""
    seen = []
    monkeypatch.setattr(XCom, "get_value", lambda *, key, ti_key: seen.append(key))
    assert "" == EndpointLink().get_link(None, ti_key=SimpleNamespace(state=state))
    assert ["shadow_test"] * asked == seen


@pytest.mark.parametrize(("is_gone", "asked"), [(True, 0), (False, 1)])
def test_a_task_that_found_no_experiment_is_not_asked_for_it(
    worker, churn, is_gone, asked, monkeypatch
):
    """A teardown may find that a task before it has deleted the record."""
    created = worker.run(CreateInferenceExperimentOperator, **CREATE).value
    name = "gone" if is_gone else created
    quick = {"waiter_delay": 0.01, "wait_for_completion": False}
    remove = RemoveShadowVariantOperator(task_id="remove", name=name, missing_ok=True, **quick)
    remove.execute({"ti": FakeTaskInstance(), "params": {}})
    seen = []
    monkeypatch.setattr(XCom, "get_value", lambda *, key, ti_key: seen.append(key))
    assert "" == EndpointLink().get_link(remove, ti_key=SimpleNamespace(state="success"))
    assert ["shadow_test"] * asked == seen


@pytest.mark.parametrize(("report", "asked"), [(None, []), ("night.html", ["shadow_report"])])
def test_only_a_task_with_a_report_is_asked_for_it(report, asked, monkeypatch):
    """No XCom is looked up that nobody wrote, for Airflow would log an error for each task."""
    seen = []
    monkeypatch.setattr(XCom, "get_value", lambda *, key, ti_key: seen.append(key))
    sensor = ShadowAnalysisSensor(task_id="analyse", name="churn-2026-03-01", report=report)
    assert "" == ReportLink().get_link(sensor, ti_key=None)
    assert asked == seen
