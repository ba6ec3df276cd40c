"""Links from a task to the AWS console or the emulator; also while the task is deferred."""

from __future__ import annotations

import re
from typing import Any, ClassVar
from urllib.parse import quote

from airflow.providers.amazon.aws.links.base_aws import BASE_AWS_CONSOLE_LINK, BaseAwsLink

_HOME = BASE_AWS_CONSOLE_LINK + "/{service}/home?region={region_name}#{fragment}"
#: What the console's own graphs of a shadow test compare first.
_METRICS = ("Invocations", "ModelLatency", "Invocation5XXErrors")


class _ShadowLink(BaseAwsLink):
    """Base of the links, which share one XCom."""

    key = "shadow_test"
    format_str = _HOME
    #: The console's page of the service.
    service: ClassVar[str] = "sagemaker"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the address; what no task has left is not looked up: Airflow logs an error."""
        # In the worker Airflow gives the task's instance in place of its key.
        if getattr(ti_key, "state", None) == "skipped":
            return ""
        # There it also gives the operator that ran: it may have found no experiment to link.
        if getattr(operator, "_running", None) is not None and not operator.has_links:
            return ""
        address: str = super().get_link(operator, ti_key=ti_key)
        return address

    def fragment(self, **facts: Any) -> str:
        """Return what follows the `#`, for facts of the experiment."""
        raise NotImplementedError

    def format_link(self, **facts: Any) -> str:
        """Return the address; empty in a partition whose console is not known."""
        if emulator := facts.get("emulator"):
            place = f"{facts['region_name']}-endpoint-{quote(facts['endpoint_name'])}"
            return f"{emulator}/shadow#{place}"
        if not facts.get("aws_domain"):
            return ""
        return _HOME.format(
            aws_domain=facts["aws_domain"],
            region_name=facts["region_name"],
            service=self.service,
            fragment=self.fragment(**facts),
        )


class EndpointLink(_ShadowLink):
    """The endpoint in the SageMaker console."""

    name = "SageMaker endpoint"

    def fragment(self, **facts: Any) -> str:
        """Return the endpoint's page."""
        return f"/endpoints/{quote(facts['endpoint_name'])}"


class MetricsLink(_ShadowLink):
    """CloudWatch's graph of both variants, side by side."""

    name = "CloudWatch metrics of both variants"
    service = "cloudwatch"

    def fragment(self, **facts: Any) -> str:
        """Return a graph in CloudWatch's own notation."""
        endpoint = facts["endpoint_name"]
        rows = [
            ["AWS/SageMaker", metric, "EndpointName", endpoint, "VariantName", variant]
            for metric in _METRICS
            for variant in (facts["production_variant"], facts["shadow_variant"])
        ]
        region = _text(facts["region_name"])
        metrics = "~".join(f"({''.join(map(_text, row))})" for row in rows)
        return f"metricsV2:graph=~(metrics~(~{metrics})~view~'timeSeries~region{region}~period~60)"


def _text(value: str) -> str:
    """Return text in the notation of CloudWatch's addresses: `~'` first, `*` before hex codes."""
    escaped = re.sub(r"[^a-zA-Z0-9_.-]", lambda found: f"*{ord(found[0]):02x}", value)
    return f"~'{escaped}"
