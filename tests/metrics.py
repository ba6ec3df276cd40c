"""Shorthand to read metrics of variants through a CloudWatch client."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

INVOCATIONS = "AWS/SageMaker"
INSTANCES = "/aws/sagemaker/Endpoints"


def metric(name: str, variant: str, *, endpoint: str = "ep", namespace: str | None = None) -> dict:
    """Return a metric as CloudWatch's requests name it."""
    utilisation = name.endswith("Utilization")
    dimensions = {"EndpointName": endpoint, "VariantName": variant}
    return {
        "Namespace": namespace or (INSTANCES if utilisation else INVOCATIONS),
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }


def query(name: str, variant: str, stat: str, *, period: int = 60, **members: Any) -> dict:
    """Return a query of GetMetricData, whose Id follows from what it asks."""
    return {
        "Id": f"{variant}_{name}_{''.join(filter(str.isalnum, stat))}".lower(),
        "MetricStat": {"Metric": metric(name, variant), "Period": period, "Stat": stat},
        **members,
    }


class Metrics:
    """Read points from the emulator's start until its now."""

    def __init__(self, cloudwatch: Any, emulator: Any) -> None:
        self.client, self.clock, self.start = cloudwatch, emulator.clock, emulator.clock.now()

    def window(self) -> dict[str, Any]:
        """Return the whole time so far."""
        return {"StartTime": self.start - timedelta(hours=1), "EndTime": self.clock.now()}

    def data(self, *queries: dict, **members: Any) -> dict[str, Any]:
        """Ask for one page."""
        request = {"ScanBy": "TimestampAscending", **self.window(), **members}
        return self.client.get_metric_data(MetricDataQueries=list(queries), **request)

    def points(self, name: str, variant: str, stat: str = "Sum", **members: Any) -> dict:
        """Return values by time, oldest first."""
        [result] = self.data(query(name, variant, stat), **members)["MetricDataResults"]
        return dict(zip(result["Timestamps"], result["Values"], strict=True))

    def values(self, name: str, variant: str, stat: str = "Sum", **members: Any) -> list[float]:
        """Return values, oldest first."""
        return list(self.points(name, variant, stat, **members).values())
