"""A report is written where it may be, and replaces the one before."""

from __future__ import annotations

import importlib.util
import os
import stat
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from airflow_shadow._compat import AirflowFailException
from airflow_shadow.exceptions import ReportNotWrittenError
from airflow_shadow.operators import ShadowAnalysisOperator
from airflow_shadow.sensors import ShadowAnalysisSensor
from tests.helpers import fails
from tests.mapping import expanded
from tests.steps.conftest import ReportOperator

FOLDER = "AIRFLOW__AIRFLOW_SHADOW__REPORTS_FOLDER"


def held(fs: MemoryFileSystem) -> list[str]:
    """Return the names of the files in a storage, all of them reports."""
    assert all(fs.cat(name).startswith(b"<!DOCTYPE html>") for name in fs.store)
    return list(fs.store)


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
