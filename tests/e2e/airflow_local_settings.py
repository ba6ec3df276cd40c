"""Import once what tasks need: they are forks of the scheduler, or of a Celery worker."""

import os
import platform
import sys

if {"scheduler", "worker"} & set(sys.argv):
    import boto3

    import airflow_shadow.triggers.inference_experiment  # noqa: F401

    boto3.client("sagemaker", region_name="us-east-1")


def machine() -> str:
    """Return the host name; programs of one machine can play several (see `tests.e2e.stack`)."""
    return os.environ.get("E2E_MACHINE", platform.node())
