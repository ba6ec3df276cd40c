"""Words that the tests of the hooks use."""

from __future__ import annotations

import json
import os
from datetime import timedelta

from airflow_shadow.analysis import AnalysisSpec, Criterion
from airflow_shadow.emulator import fleet
from tests.helpers import until

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ERRORS = ("Invocation5XXErrors", "rate")
LATENCY = ("ModelLatency", "Average")
NO_RETRIES = {"retries": {"total_max_attempts": 1}}


def of(observations, key):
    """Return the baseline and the candidate of one metric and statistic."""
    pair = observations.series[key]
    return pair.baseline, pair.candidate


def only(metric, statistic, **members):
    """Return a specification of one criterion."""
    criterion = Criterion(name="it", metric=metric, statistic=statistic, tolerance=0.1, **members)
    return AnalysisSpec(criteria=(criterion,), breakers=())


def sampled(sagemaker, percentage):
    """Change the experiment's sampling percentage, as a person does."""
    mode = fleet.shadow_mode(source="AllTraffic", shadow="Shadow", sampling_percentage=percentage)
    sagemaker.update_inference_experiment(Name="x", ShadowModeConfig=mode)
    until(sagemaker, "x", "Updating")
    until(sagemaker, "x", "Running")


def connect(monkeypatch, **extra):
    """Give the connection no credentials of its own, and more settings."""
    connection = json.loads(os.environ["AIRFLOW_CONN_AWS_DEFAULT"])
    login = {} if extra.pop("anonymous", False) else {"login": "AKIA", "password": "secret"}
    connection = {"conn_type": "aws", **login, "extra": {**connection["extra"], **extra}}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
