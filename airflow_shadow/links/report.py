"""The link from a task to its report."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from airflow.providers.amazon.aws.links.base_aws import BASE_AWS_CONSOLE_LINK, BaseAwsLink

_OBJECT = BASE_AWS_CONSOLE_LINK + "/s3/object/{bucket}?region={region_name}&prefix={key}"
_S3 = frozenset({"s3", "s3a", "s3n"})


class ReportLink(BaseAwsLink):
    """The report of a shadow test, as HTML.

    With `[airflow_shadow] reports_url` it leads there. For an object in S3 it leads to the console.
    A local path has no link, because browsers open no files from a web page; the task's log names
    it. Other storages have no known page.
    """

    name = "Shadow test report"
    key = "shadow_report"
    format_str = _OBJECT

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the address; a task without a report is not looked up, which Airflow would log."""
        # Where Airflow reads the Dag from its database the argument may be missing.
        if not getattr(operator, "report", True):
            return ""
        address: str = super().get_link(operator, ti_key=ti_key)
        return address

    def format_link(self, **facts: Any) -> str:
        """Return the address of what was written; empty where none is known."""
        path = str(facts.get("path") or "")
        scheme = urlsplit(path).scheme if "://" in path else ""
        if scheme in _S3:
            return _object_page(path, facts)
        return path if scheme in {"http", "https"} else ""


def _object_page(path: str, facts: dict[str, Any]) -> str:
    """Return an object's page in the console; empty in a partition whose console is not known."""
    if not facts.get("aws_domain"):
        return ""
    _, _, place = path.partition("://")
    bucket, _, key = place.partition("/")
    return _OBJECT.format(
        aws_domain=facts["aws_domain"],
        region_name=facts["region_name"],
        bucket=quote(bucket.rpartition("@")[2]),
        key=quote(key, safe=""),
    )
