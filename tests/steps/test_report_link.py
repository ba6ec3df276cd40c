"""A task links to its report."""

from __future__ import annotations

import pytest

from airflow_shadow._compat import import_string
from airflow_shadow.exceptions import ReportNotWrittenError
from airflow_shadow.links import ReportLink
from airflow_shadow.provider_info import get_provider_info
from tests.helpers import somebodys
from tests.steps.conftest import ReportOperator
from tests.tasks import FakeTaskInstance

FOLDER = "AIRFLOW__AIRFLOW_SHADOW__REPORTS_FOLDER"
RUN = {"dag_id": "nightly", "run_id": "manual__2026-03-01"}


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
