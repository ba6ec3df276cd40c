"""Links from a task to the AWS console."""

from airflow_shadow.links.inference_experiment import EndpointLink, ExperimentLink, MetricsLink

__all__ = ["EndpointLink", "ExperimentLink", "MetricsLink"]
