"""Links from a task to the AWS console, and to the report that it wrote."""

from airflow_shadow.links.inference_experiment import EndpointLink, MetricsLink
from airflow_shadow.links.report import ReportLink

__all__ = ["EndpointLink", "MetricsLink", "ReportLink"]
