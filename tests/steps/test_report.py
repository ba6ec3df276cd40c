"""What is in a report."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest

from airflow_shadow.analysis import AnalysisSpec, OutsideCriterion, Verdict, judge
from airflow_shadow.emulator import fleet
from airflow_shadow.emulator.traffic import Traffic
from airflow_shadow.hooks.observations import read_observations
from airflow_shadow.report import Ending
from airflow_shadow.steps.report import ending_of, facts_of, stage_of
from tests.helpers import somebodys
from tests.report import data
from tests.report.reading import tree, words
from tests.tasks import FakeTaskInstance

HOUR = timedelta(hours=1)
RUN = {"dag_id": "nightly", "run_id": "manual__2026-03-01"}


def facts_in(page: str) -> dict[str, str]:
    """Return the facts of a report, label to text."""
    labels, texts = (list(tree(page).iter(tag)) for tag in ("dt", "dd"))
    return dict(zip(map(words, labels), map(words, texts), strict=True))


# --- stages ---------------------------------------------------------------------------------


@pytest.fixture
def judged(emulator, sagemaker, hook):
    """Judge the first hour of an experiment, then let it go on at another sampling."""
    for model in ("v1", "v2"):
        fleet.create_model(sagemaker, name=model)
    traffic = Traffic(requests_per_minute=100, daily_swing=0, late_seconds=0)
    fleet.create_endpoint(sagemaker, endpoint_name="churn", model_name="v1", traffic=traffic)
    mode = fleet.shadow_mode(source="AllTraffic", shadow="churn-v2", sampling_percentage=100)
    models = fleet.experiment_request(
        name="x", endpoint_name="churn", model_name="v1", shadow_model_name="v2"
    )["ModelVariants"]
    models[1]["VariantName"] = "churn-v2"
    somebodys(sagemaker, "x", ShadowModeConfig=mode, ModelVariants=models)
    start = emulator.clock.now()
    emulator.clock.advance(2 * HOUR)
    shown = hook.describe_inference_experiment("x")
    end = start + HOUR
    window = {"start": start, "end": end, "looks": [end.timestamp()]}
    limits = {("ModelLatency", "p99"): 90_000.0}
    observations = read_observations(hook, AnalysisSpec(), shown, limits=limits, **window)
    mode["ShadowModelVariants"][0]["SamplingPercentage"] = 50
    sagemaker.update_inference_experiment(Name="x", ShadowModeConfig=mode)
    emulator.clock.advance(HOUR)
    return SimpleNamespace(
        experiment=hook.describe_inference_experiment("x"),
        spec=AnalysisSpec(),
        observations=observations,
        verdict=judge(AnalysisSpec(), observations),
    )


def returned(judged, **changes):
    """Return the verdict as an analysis returns it."""
    spec = asdict(replace(judged.spec, **changes))
    return {**judged.verdict.to_dict(), "spec": spec, "looked": [judged.verdict.end]}


def test_what_was_judged_is_read_again(hook, judged):
    """The report shows the window that was judged, whatever was changed afterwards."""
    stage = stage_of(hook, experiment=judged.experiment, verdict=returned(judged), spec=judged.spec)
    assert judged.observations == stage.observations
    assert Verdict.from_dict(judged.verdict.to_dict()) == stage.verdict
    assert (judged.verdict.end,) == stage.looks


def test_alarms_are_not_asked_again(hook, judged):
    """A report is written even if an alarm was deleted since."""
    spec = replace(judged.spec, outside=(OutsideCriterion(name="gone", target="gone"),))
    stage = stage_of(hook, experiment=judged.experiment, verdict=returned(judged), spec=spec)
    assert judged.observations == stage.observations


# --- what is in it --------------------------------------------------------------------------


def test_the_report_names_experiment_run_and_versions(write, tmp_path):
    """The report says which experiment and run it is about, and which versions judged."""
    run = write(tmp_path / "report.html")
    told = facts_in(Path(run.value).read_text())
    expected = {
        "Shadow test": "theirs",
        "Endpoint": "churn",
        "Production model": "churn-v1",
        "Shadow model": "churn-v2",
        "Account": "123456789012",
        "Region": "us-east-1",
        "Dag": "nightly",
        "Dag run": "manual__2026-03-01",
        **{name: version(name) for name in ("airflow-shadow", "apache-airflow", "boto3")},
    }
    assert expected == {key: told.get(key) for key in expected}


def test_it_was_made_at_a_time_of_aws(write, tmp_path, emulator):
    """The report's own time is AWS's, like the times of its windows."""
    emulator.clock.advance(timedelta(days=40))
    page = Path(write(tmp_path / "report.html").value).read_text()
    assert f"Made at {emulator.clock.now():%Y-%m-%d}" in page


@pytest.mark.parametrize(("days", "period"), [(1, 60), (20, 300), (100, 3600)])
def test_charts_have_the_period_that_was_read(write, tmp_path, emulator, days, period):
    """A chart has the period that CloudWatch still keeps, so that its points connect."""
    start = (emulator.clock.now() - timedelta(days=days)).timestamp()
    page = Path(write(tmp_path / "report.html", start=start).value).read_text()
    told = json.loads("".join(next(tree(page).iter("pre")).itertext()))
    assert (period, True) == (told["period"], "Requests a minute" in page)


def test_little_is_told_of_an_experiment_that_is_gone():
    """Of an experiment of which only the name is known the report shows the name."""
    rows = facts_of({"Name": "gone"}, {"ti": FakeTaskInstance(**RUN)}).rows
    assert {"Shadow test": "gone", "Dag": "nightly", "Dag run": "manual__2026-03-01"} == rows


@pytest.mark.parametrize(
    ("status", "shadow", "production", "expected"),
    [
        ("Running", "InService", "InService", Ending(at=data.START)),
        ("Cancelled", "Deleted", "InService", Ending(concluded=True, promoted=False)),
        ("Completed", "InService", "Deleted", Ending(concluded=True, promoted=True)),
        ("Completed", "Deleted", "InService", Ending(concluded=True, promoted=False)),
        ("Completed", "InService", "InService", Ending(concluded=True)),
    ],
)
def test_what_became_of_a_test_is_what_its_record_says(status, shadow, production, expected):
    """Live, over, promoted or not; where the record does not tell, the report does not either."""
    experiment = {
        "Status": status,
        "Schedule": {"EndTime": "2026-03-01T00:00:00+00:00"},
        "ModelVariants": [
            {"VariantName": "s", "Status": shadow},
            {"VariantName": "p", "Status": production},
        ],
        "ShadowModeConfig": {
            "SourceModelVariantName": "p",
            "ShadowModelVariants": [{"ShadowModelVariantName": "s"}],
        },
        "EndpointMetadata": {"EndpointName": "churn"},
    }
    assert expected == replace(ending_of(experiment), at=expected.at)
    assert data.START == ending_of({**experiment, "Status": "Running"}).at


def test_a_rollout_knows_that_it_promoted():
    """Its own task has seen the endpoint, which tells more than the record."""
    experiment = {"Status": "Completed", "CompletionTime": "2026-03-01T00:00:00+00:00"}
    expected = Ending(concluded=True, promoted=True, at=data.START)
    assert expected == ending_of(experiment, promoted=True)
