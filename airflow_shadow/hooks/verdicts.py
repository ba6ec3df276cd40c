"""One look at the evidence: read what a specification needs, and judge it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from airflow_shadow.analysis import Counts, judge, read_spec
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.hooks.observations import read_observations
from airflow_shadow.hooks.sources import read_sources


def find_verdict(hook: InferenceExperimentHook, about: Mapping[str, Any]) -> dict[str, Any]:
    """Return the verdict on a window as plain values (GetMetricData, DescribeAlarms).

    :param about: what :class:`airflow_shadow.waiting.Judged` says: `experiment`, `spec`, `metrics`,
        `start` and `end` in seconds since 1970, `looks`, `sampling_percentage`, `stage`, `stages`,
        `earlier`
    :raises ShadowError: as :func:`~airflow_shadow.hooks.observations.read_observations` does
    """
    start, end = (datetime.fromtimestamp(about[key], UTC) for key in ("start", "end"))
    reading = read_observations(
        hook,
        read_spec(about["spec"]),
        about["experiment"],
        start=start,
        end=end,
        looks=about["looks"],
        sampling_since=start,
        sampling_percentage=about["sampling_percentage"],
        metrics=read_sources(about["metrics"]),
    )
    earlier = {
        name: tuple(Counts(**one) for one in counts)
        for name, counts in about.get("earlier", {}).items()
    }
    observations = replace(
        reading.observations,
        stage=about.get("stage", 1),
        stages=about.get("stages", 1),
        earlier=earlier,
    )
    return judge(reading.spec, observations).to_dict()
