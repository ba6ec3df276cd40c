"""What the page says of experiments and endpoints: what AWS knows of them, in words."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from airflow_shadow.emulator.account_state import AccountState, Endpoint, Experiment
from airflow_shadow.emulator.sagemaker.autoscaling import scaling_limits
from airflow_shadow.emulator.sagemaker.models import models_of

#: The tags of the provider that the page reads, and its marker at the end of a Reason.
TASK, TRY, SERVES = "airflow-shadow:task", "airflow-shadow:try", "airflow-shadow:serves"
_MARKER = re.compile(r"\s*\[airflow-shadow:\w+\]\s*$")
_VERDICT = re.compile(r"(PASS|FAIL|INCONCLUSIVE|good so far)\b")
_TONES = {"PASS": "good", "FAIL": "bad"}
_TASK_PARTS = 4  # Dag, run, task, map index; the Airflow's name may come before
_ENDED = ("Completed", "Cancelled")
_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))

Rows = dict[str, str | None]


class Word(NamedTuple):
    """A word to show in a colour: good, bad, busy or idle."""

    text: str
    tone: str


def words(length: timedelta) -> str:
    """Return a length of time in its two largest units, such as `3 h 20 min`."""
    left, parts = max(0, int(length.total_seconds())), []
    for seconds, unit in _UNITS:
        count, left = divmod(left, seconds)
        parts.append(f"{count} {unit}" if count else "")
    first = next((place for place, part in enumerate(parts) if part), len(parts))
    return " ".join(filter(None, parts[first : first + 2])) or "0 s"


def time_left(experiment: Experiment, now: datetime) -> str:
    """Return how long an experiment goes on by its schedule, or how long it went on."""
    if experiment.completed:
        return f"ended after {words(experiment.completed - experiment.start)}"
    if experiment.status == "Created":
        return f"starts in {words(experiment.start - now)}"
    if experiment.status == "Stopping":
        return "is being stopped"
    return f"{words(experiment.end - now)} left"


def elapsed(experiment: Experiment, now: datetime) -> int | None:
    """Return how much of its time a live experiment has used, in percent."""
    if experiment.status in _ENDED or now < experiment.start:
        return None
    share = (now - experiment.start) / max(experiment.end - experiment.start, timedelta(seconds=1))
    return min(100, int(100 * share))


def maker(state: AccountState, experiment: Experiment) -> Rows:
    """Return who created an experiment, from the tag of the task that did."""
    tags = state.tags.get(experiment.arn, {})
    parts = tags.get(TASK, "").split("/")
    if len(parts) < _TASK_PARTS:
        return {"Made by": tags.get(TASK) or "no task of Airflow, by its tags"}
    *deployment, dag, run, task, index = parts
    number = "" if index == "-1" else f", mapped {index}"
    tried = f", try {tags[TRY]}" if TRY in tags else ""
    return {
        "Airflow": "/".join(deployment),
        "Dag": dag,
        "Run": run,
        "Task": f"{task}{number}{tried}",
    }


def verdict(experiment: Experiment) -> Word:
    """Return the verdict on which an experiment was concluded, which its Reason begins with."""
    if found := _VERDICT.match(experiment.reason or ""):
        return Word(found[0], _TONES.get(found[0], "busy"))
    if experiment.status in _ENDED:
        return Word("none in its Reason", "soft")
    return Word("AWS gets it with the conclusion; until then the task has it", "soft")


def reason(experiment: Experiment) -> str:
    """Return an experiment's StatusReason without the provider's marker."""
    return _MARKER.sub("", experiment.reason or "")


def conclusion(experiment: Experiment) -> Word:
    """Return whether the candidate was promoted, by the variants' statuses."""
    if experiment.status not in _ENDED:
        return Word("not yet", "soft")
    if experiment.failure:
        return Word("no, it failed", "bad")
    source, shadow = (
        experiment.variants.get(name) for name in (experiment.source_name, experiment.shadow_name)
    )
    if (source, shadow) == ("Deleted", "InService"):
        return Word("promoted", "good")
    if experiment.stop is None:
        return Word("no, its time was over", "busy")
    return Word("no, removed" if shadow == "Deleted" else "no, the shadow stays", "busy")


def endpoint_rows(state: AccountState, endpoint: Endpoint) -> Rows:
    """Return what there is to know of an endpoint besides its variants."""
    return {
        "Configuration": endpoint.config,
        "Promoted": _promotion(state, endpoint),
        "Capture": _capture(endpoint),
        "Scaled automatically": ", ".join(
            f"{name}: {least} to {most} instances"
            for name, (least, most) in scaling_limits(state, endpoint).items()
        ),
        "Failure": endpoint.failure,
    }


def idle_models(state: AccountState) -> list[str]:
    """Return the models that no endpoint runs: candidates, and those that served before."""
    running = {one.model for each in state.endpoints.values() for one in each.deployed}
    return [name for name in models_of(state) if name not in running]


def _capture(endpoint: Endpoint) -> str | None:
    capture = endpoint.document.get("DataCaptureConfig") or {}
    if not capture.get("EnableCapture"):
        return None
    return f"{capture['InitialSamplingPercentage']} % to {capture['DestinationS3Uri']}"


def _promotion(state: AccountState, endpoint: Endpoint) -> str | None:
    """Return which run promoted what serves, by the provider's tag on the endpoint."""
    listed = state.tags.get(endpoint.arn, {}).get(SERVES, "").split()
    runs: Mapping[str, str] = dict(entry.split("@", 1) for entry in listed if "@" in entry)
    models = (one.model for one in endpoint.production if one.model)
    return ", ".join(f"{model} by the run of {runs[model]}" for model in models if model in runs)
