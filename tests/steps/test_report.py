"""The report is written, and linked from the task."""

from __future__ import annotations

import importlib.util
import json
import os
import stat
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from airflow_shadow._compat import AirflowFailException, import_string
from airflow_shadow.analysis import AnalysisSpec, OutsideCriterion, Verdict, judge
from airflow_shadow.emulator import fleet
from airflow_shadow.emulator.traffic import Traffic
from airflow_shadow.exceptions import ReportNotWrittenError
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.hooks.observations import read_observations
from airflow_shadow.links import ReportLink
from airflow_shadow.operators import ShadowAnalysisOperator
from airflow_shadow.operators.base import ShadowOperator
from airflow_shadow.provider_info import get_provider_info
from airflow_shadow.report import Ending
from airflow_shadow.sensors import ShadowAnalysisSensor
from airflow_shadow.steps.report import ending_of, facts_of, stage_of, write_report
from tests.helpers import fails, somebodys
from tests.mapping import expanded
from tests.report import data
from tests.report.reading import tree, words
from tests.tasks import FakeTaskInstance

try:
    from airflow.sdk.io import store
except ImportError:  # Airflow 2.11
    from airflow.io import store

FOLDER = "AIRFLOW__AIRFLOW_SHADOW__REPORTS_FOLDER"
HOUR = timedelta(hours=1)
RUN = {"dag_id": "nightly", "run_id": "manual__2026-03-01"}


class ReportOperator(ShadowOperator):
    """Write a report, as the operators that judge do."""

    template_fields = ("report",)

    def __init__(self, *, report: str, start: float = data.START, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.report = report
        self.start = start

    def execute(self, context):
        """Write what the tests of the report write."""
        return write_report(
            self,
            context,
            path=self.report,
            stages=[data.stage(start=self.start)],
            experiment=self.hook.describe_inference_experiment("theirs"),
            spec=data.SPEC,
        )


@pytest.fixture
def hook(emulator):
    """Return a hook on the emulator."""
    return InferenceExperimentHook()


@pytest.fixture
def write(worker, churn, sagemaker):
    """Write a report of a running experiment to a path."""
    somebodys(sagemaker)
    return lambda path, **more: worker.run(ReportOperator, report=str(path), ti=RUN, **more)


@pytest.fixture
def refused(write):
    """Return the error that a path leads to."""

    def refuse(path) -> ReportNotWrittenError:
        with pytest.raises(ReportNotWrittenError) as caught:
            write(path)
        return caught.value

    return refuse


@dataclass
class Storage:
    """Object storages in memory, each reached through its own connection."""

    monkeypatch: pytest.MonkeyPatch

    def attach(self, scheme: str, conn_id: str | None = None) -> MemoryFileSystem:
        """Return a storage that Airflow finds under this scheme and connection."""
        fs = type("Fs", (MemoryFileSystem,), {"store": {}, "pseudo_dirs": [""]})()
        alias = f"{scheme}-{conn_id}" if conn_id else scheme
        self.monkeypatch.setitem(
            store._STORE_CACHE, alias, store.ObjectStore(scheme, conn_id, fs=fs)
        )
        return fs


@pytest.fixture
def storage(monkeypatch):
    """Let Airflow find storages that need no server."""
    return Storage(monkeypatch)


def held(fs: MemoryFileSystem) -> list[str]:
    """Return the names of the files in a storage, all of them reports."""
    assert all(fs.cat(name).startswith(b"<!DOCTYPE html>") for name in fs.store)
    return list(fs.store)


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


# --- local paths ----------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "file://"])
def test_folders_are_made(write, tmp_path, log, prefix):
    """Folders that do not exist are made."""
    file = tmp_path / "reports" / "manual__2026-03-01T00:00:00+00:00" / "churn.html"
    assert str(file) == write(f"{prefix}{file}").value
    assert [file] == [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [f"Wrote the report to {file}"] == log.containing("report")


@pytest.mark.parametrize(
    ("folder", "path"),
    [
        (None, "{home}/shadow_reports"),
        ("nightly", "{home}/nightly"),
        ("{tmp}/reports/", "{tmp}/reports"),
        ("file://{tmp}/reports", "{tmp}/reports"),
    ],
)
def test_a_relative_path_lies_below_the_reports_folder(write, tmp_path, monkeypatch, folder, path):
    """A relative path is below the reports folder, not below the worker's folder."""
    if folder:
        monkeypatch.setenv(FOLDER, folder.format(tmp=tmp_path))
    path = path.format(home=os.environ["AIRFLOW_HOME"], tmp=tmp_path)
    run = write("{{ params.date }}/churn.html", context={"params": {"date": "2026-03-01"}})
    assert f"{path}/2026-03-01/churn.html" == run.value
    assert Path(run.value).exists()


def test_the_reports_folder_may_be_a_storage(write, storage, monkeypatch):
    """The reports folder may be an object storage with its own connection."""
    fs = storage.attach("s3", "other")
    monkeypatch.setenv(FOLDER, "s3://other@reports/shadow")
    run = write("{{ params.name }}.html", context={"params": {"name": "churn"}})
    assert "s3://other@reports/shadow/churn.html" == run.value
    assert 1 == len(held(fs))


@pytest.mark.parametrize(
    ("report", "given"),
    [
        ("{{ params.x }}", "/srv/churn.html"),
        ("{{ params.x }}", "../churn.html"),
        ("{{ params.x }}", "s3://other@bucket/churn.html"),
        ("{{ params.x }}", "x.pth"),
        ("{{ params.x }}", "a\nimport os.html"),
        ("{{ params.x }}.html", "../x"),
        ("{tmp}/{{ params.x }}.html", "../../churn"),
        ("s3://{{ params.x }}", "bucket/churn.html"),
        ("s3://bucket/{{ params.x }}", "../churn.html"),
        ("file://{{ params.x }}", "/srv/churn.html"),
        ("{{ params.x }}/churn.html", "/srv"),
        ("~{{ params.x }}/churn.html", "/../../srv"),
        ("{tmp}/authorized_keys", ""),
    ],
)
def test_what_is_rendered_cannot_leave_its_folder(write, tmp_path, report, given):
    """A form cannot make the worker write outside the reports folder."""
    report = report.replace("{tmp}", str(tmp_path))
    refusal = fails(AirflowFailException, write, report, context={"params": {"x": given}})
    assert "Give a path in the reports folder that ends in .html" in refusal
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("cls", [ShadowAnalysisOperator, ShadowAnalysisSensor])
def test_a_form_names_no_place_for_an_analysis(tasks, cls):
    """A forbidden place is an error before the experiment is looked for."""
    refusal = fails(
        AirflowFailException,
        tasks.run,
        cls,
        name="none",
        report="{{ params.x }}",
        context={"params": {"x": "/etc/cron.html"}},
        **({"poke_interval": 1} if cls is ShadowAnalysisSensor else {}),
    )
    assert "it leads out of its folder" in refusal


def test_an_xcom_names_no_place():
    """A mapped value cannot name a place outside the reports folder."""
    task = (ReportOperator, lambda partial, output: partial.expand(report=output))
    assert "x.html" == expanded(*task, xcom=["x.html"]).report
    for path in ("/srv/x.html", {"a": "x.html"}, 7):
        fails(AirflowFailException, expanded, *task, xcom=[path])


def test_a_link_does_not_lead_out(write, tmp_path, monkeypatch):
    """A symbolic link does not lead out of the reports folder."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "churn.html").write_text("theirs")
    reports = tmp_path / "reports"
    reports.mkdir()
    (reports / "link").symlink_to(outside)
    (reports / "file.html").symlink_to(outside / "churn.html")
    monkeypatch.setenv(FOLDER, str(reports))
    with pytest.raises(ReportNotWrittenError, match="a link leads out of"):
        write("link/churn.html")
    write("file.html")
    assert "theirs" == (outside / "churn.html").read_text()


def test_a_report_replaces_the_one_before(write, tmp_path):
    """A retry replaces the file as a whole, which others may read meanwhile."""
    file = tmp_path / "churn.html"
    file.write_text("old")
    write(file)
    assert file.read_text().startswith("<!DOCTYPE html>")
    assert ([file], True) == (list(tmp_path.iterdir()), bool(file.stat().st_mode & stat.S_IRGRP))


def test_a_failure_leaves_nothing_behind(refused, tmp_path):
    """A write that fails leaves no part of a file."""
    (tmp_path / "churn.html").mkdir()
    assert "IsADirectoryError" in refused(tmp_path / "churn.html").found
    assert [tmp_path / "churn.html"] == list(tmp_path.rglob("*"))


@pytest.mark.parametrize("path", ["{tmp}/file/churn.html", "{tmp}/long" + "x" * 300 + ".html"])
def test_a_path_that_cannot_be_written_is_told(refused, tmp_path, path):
    """The error has the path, the system's reason, and what to do."""
    (tmp_path / "file").touch()
    path = path.format(tmp=tmp_path)
    error = refused(path)
    assert error.asked.startswith(f"to write the report to '{tmp_path}"[:60])
    assert (True, True) == ("Error: " in error.found, "Correct the path" in str(error))


# --- object storage -------------------------------------------------------------------------


def test_a_storage_of_airflow_is_written_to(write, storage):
    """A URL of Airflow's object storage works without a connection."""
    fs = storage.attach("memory")
    assert "memory://reports/churn.html" == write("memory://reports/churn.html").value
    assert ["/reports/churn.html"] == held(fs)


def test_s3_is_reached_with_the_connection_of_the_operator(write, storage):
    """S3 is written to with the operator's own AWS connection."""
    fs = storage.attach("s3", "aws_default")
    write("s3://reports/churn.html")
    assert 1 == len(held(fs))


def test_a_url_may_name_its_own_connection(write, storage):
    """A URL may name its connection, as in Airflow's object storage."""
    mine, other = storage.attach("s3", "aws_default"), storage.attach("s3", "other")
    assert "s3://other@reports/churn.html" == write("s3://other@reports/churn.html").value
    assert (0, 1) == (len(held(mine)), len(held(other)))


@pytest.mark.skipif(
    importlib.util.find_spec("s3fs") is not None, reason="s3fs is installed, so nothing is missing"
)
def test_without_its_library_s3_says_what_to_install(refused):
    """The error names the extra of the amazon provider."""
    assert "apache-airflow-providers-amazon[s3fs]" in refused("s3://reports/churn.html").next_step


def test_a_url_that_cannot_be_written_is_told(refused):
    """An unknown scheme is an error."""
    url = "nowhere://reports/churn.html"
    assert f"to write the report to {url!r}" == refused(url).asked


@pytest.mark.parametrize(
    "path", ["", "/", "file://", "s3://bucket", "s3://bucket/folder/", ".html"]
)
def test_a_place_without_a_file_is_refused(write, path):
    """A path without a file name is an error, whoever wrote it."""
    if path:
        fails(AirflowFailException, write, path)


# --- the link -------------------------------------------------------------------------------

AWS = {"region_name": "eu-west-1", "aws_domain": "aws.amazon.com"}
OBJECT = "s3/object/reports?region=eu-west-1&prefix=2026-03-01%2Fchurn%20v2.html"


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("s3://reports/2026-03-01/churn v2.html", f"https://console.aws.amazon.com/{OBJECT}"),
        ("s3a://conn@reports/2026-03-01/churn v2.html", f"https://console.aws.amazon.com/{OBJECT}"),
        ("https://reports.example/churn.html?v=2", "https://reports.example/churn.html?v=2"),
        ("/srv/reports/churn v2.html", ""),
        ("file:///srv/churn.html", ""),
        ("gs://reports/churn.html", ""),
        ("javascript:alert(1)//", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_the_link_leads_to_the_report(path, address):
    """The link leads to the report where a browser can show it."""
    assert address == ReportLink().format_link(**AWS, path=path)


def test_china_has_its_own_console():
    """Reports in China have links to China's console."""
    facts = {"region_name": "cn-north-1", "aws_domain": ReportLink.get_aws_domain("aws-cn")}
    address = ReportLink().format_link(**facts, path="s3://reports/churn.html")
    assert address.startswith("https://console.amazonaws.cn/s3/object/reports?region=cn-north-1")


def test_an_unknown_partition_has_no_console():
    """In a partition without a known console there is no link."""
    assert "" == ReportLink().format_link(aws_domain=None, path="s3://reports/churn.html")


def test_the_task_leaves_what_the_link_needs(write, tmp_path):
    """The report's link has a key of its own beside those to the console."""
    run = write(tmp_path / "churn.html")
    expected = {
        "region_name": "us-east-1",
        "aws_domain": "aws.amazon.com",
        "path": str(tmp_path / "churn.html"),
    }
    assert {"shadow_report": expected} == run.ti.xcoms


@pytest.mark.parametrize(
    ("report", "address"),
    [
        ("night of {{ params.day }}.html", "https://reports.example/a/night%20of%201.html"),
        ("{tmp}/{{ params.day }}.html", "{tmp}/1.html"),
    ],
)
def test_a_served_reports_folder_is_linked(write, tmp_path, monkeypatch, report, address):
    """The link leads to what serves the reports folder; other folders it does not serve."""
    monkeypatch.setenv("AIRFLOW__AIRFLOW_SHADOW__REPORTS_URL", "https://reports.example/a/")
    report, address = (text.replace("{tmp}", str(tmp_path)) for text in (report, address))
    run = write(report, context={"params": {"day": 1}})
    assert address == run.ti.xcoms["shadow_report"]["path"]


def test_without_a_report_there_is_no_link(churn, sagemaker, tmp_path, monkeypatch):
    """A report that was not written has no link."""
    somebodys(sagemaker)
    ti = FakeTaskInstance(**RUN)
    (tmp_path / "file").touch()
    monkeypatch.setenv(FOLDER, f"{tmp_path}/file")
    with pytest.raises(ReportNotWrittenError):
        ReportOperator(task_id="report", report="x.html").execute({"ti": ti})
    assert {} == ti.xcoms


def test_airflow_knows_the_link():
    """The provider registers the link, without which Airflow does not load it."""
    assert ReportLink in map(import_string, get_provider_info()["extra-links"])


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
