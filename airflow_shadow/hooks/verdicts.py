"""One look at the evidence: read the observations that a specification needs, and judge them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from airflow_shadow.analysis import Baseline, Counts, judge, read_spec
from airflow_shadow.hooks.baseline import recorded
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.hooks.metric_sources import read_sources
from airflow_shadow.hooks.observations import read_alarms, read_observations

#: A triggerer's threads share its processor with its event loop: many verdicts at once, on a month
#: each, would hold up all other waits.
_ONE_AT_A_TIME = threading.Lock()


def find_verdict(hook: InferenceExperimentHook, about: Mapping[str, Any]) -> dict[str, Any]:
    """Return the verdict on a window as plain values, and the record of production as `baseline`.

    Calls GetMetricData, DescribeAlarms, DescribeEndpoint and DescribeEndpointConfig.

    :param about: what :class:`airflow_shadow.waiters.Judged` says: `experiment`, `spec`, `metrics`,
        `start` and `end` in seconds since 1970, `looks`, `sampling_percentage`, `stage`, `stages`,
        `earlier`, `limits`, `record`; without `looks` no PASS is read, and what else is left out
        has the defaults of :func:`~airflow_shadow.hooks.observations.read_observations`
    :raises ShadowError: as :func:`~airflow_shadow.hooks.observations.read_observations` does
    """
    spec, experiment = read_spec(about["spec"]), about["experiment"]
    start, end = (datetime.fromtimestamp(about[key], UTC) for key in ("start", "end"))
    known = [Baseline(**state) for state in about.get("record") or ()]
    record = recorded(hook, experiment, known, start=about["start"], end=about["end"])
    earlier = (about.get("earlier") or {}).items()
    observations = read_observations(
        hook,
        spec,
        experiment,
        start=start,
        end=end,
        looks=about.get("looks") or (),
        sampling_percentage=about.get("sampling_percentage"),
        metrics=read_sources(about.get("metrics")),
        limits={(metric, name): value for metric, name, value in about.get("limits") or ()},
        baseline=record,
        stage=about.get("stage") or 1,
        stages=about.get("stages") or 1,
        earlier={name: [Counts(**one) for one in counts] for name, counts in earlier},
    )
    observations = replace(observations, outside=read_alarms(hook, spec))
    with _ONE_AT_A_TIME:
        verdict = judge(spec, observations).to_dict()
    return {**verdict, "baseline": [asdict(state) for state in record]}
