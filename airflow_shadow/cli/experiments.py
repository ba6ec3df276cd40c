"""`list` and `describe`: what AWS says of experiments."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from airflow_shadow.cli.access import opened
from airflow_shadow.cli.logs import progress, say
from airflow_shadow.cli.output import Row, emit, properties
from airflow_shadow.experiments.lifecycle import (
    ending,
    failure_reason,
    production_variant,
    sampling,
    shadow_variant,
)
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.text.messages import MOST, shorten
from airflow_shadow.text.values import to_timestamp

Experiment = Mapping[str, Any]


def list_experiments(args: Namespace) -> int:
    """Print the experiments, the newest first."""
    with opened(args, InferenceExperimentHook) as hook, progress("Listing shadow tests ..."):
        found = list(islice(_found(hook, args), args.max_items + 1))
    rows = [_row(one) for one in found[: args.max_items]]
    brief = [{**row, "reason": shorten(row["reason"] or "", most=MOST)} for row in rows]
    emit(brief, args.output, whole=rows)
    if len(found) > args.max_items:
        say(f"There are more than {args.max_items}; --max-items shows them.")
    return 0


def _found(hook: InferenceExperimentHook, args: Namespace) -> Iterator[Experiment]:
    """Yield what List tells of each experiment, or its description if an endpoint is asked for."""
    filters = {"StatusEquals": args.status, "NameContains": args.name_contains}
    asked = {name: value for name, value in filters.items() if value}
    order = {"SortBy": "CreationTime", "SortOrder": "Descending"}
    for row in hook.list_inference_experiments(**asked, **order):
        if not args.endpoint_name:
            yield row
        elif (one := hook.find_experiment(row["Name"])) and endpoint_of(one) == args.endpoint_name:
            yield one


def _row(experiment: Experiment) -> Row:
    schedule = experiment.get("Schedule") or {}
    return {
        "name": experiment["Name"],
        "status": experiment["Status"],
        "created": clock(experiment["CreationTime"]),
        "ends": clock(experiment.get("CompletionTime") or schedule.get("EndTime")),
        "reason": experiment.get("StatusReason"),
    }


def describe_experiment(args: Namespace) -> int:
    """Print an experiment: its facts as a table, or all that AWS says as JSON or YAML."""
    with opened(args, InferenceExperimentHook) as hook:
        experiment = hook.describe_inference_experiment(args.name)
    emit(properties(facts(experiment)), args.output, whole=experiment)
    return 0


def facts(experiment: Experiment) -> dict[str, Any]:
    """Return what a person wants to know of an experiment, in the order of importance."""
    schedule, (_, share) = experiment.get("Schedule") or {}, sampling(experiment)
    how = ending(experiment)
    return {
        "name": experiment["Name"],
        "endpoint": endpoint_of(experiment),
        "status": experiment["Status"] + (f" ({how})" if how else ""),
        "status_reason": experiment.get("StatusReason"),
        "failure_reason": failure_reason(experiment),
        "sampling_percentage": share,
        "production": variant(production_variant(experiment)),
        "shadow": variant(shadow_variant(experiment)),
        "created": clock(experiment["CreationTime"]),
        "last_modified": clock(experiment.get("LastModifiedTime")),
        "starts": clock(schedule.get("StartTime")),
        "ends": clock(schedule.get("EndTime")),
        "completed": clock(experiment.get("CompletionTime")),
        "captures_to": (experiment.get("DataStorageConfig") or {}).get("Destination"),
        "description": experiment.get("Description"),
        "role_arn": experiment.get("RoleArn"),
        "arn": experiment.get("Arn"),
    }


def endpoint_of(experiment: Experiment) -> str:
    """Return the name of an experiment's endpoint."""
    return str((experiment.get("EndpointMetadata") or {}).get("EndpointName") or "")


def variant(described: Experiment | None) -> str:
    """Return a variant in one line."""
    if not described:
        return ""
    infrastructure = described["InfrastructureConfig"]["RealTimeInferenceConfig"]
    count, kind = infrastructure["InstanceCount"], infrastructure["InstanceType"]
    status = f", {described['Status']}" if described.get("Status") else ""
    return f"{described['VariantName']}: {described['ModelName']}, {count} x {kind}{status}"


def clock(moment: str | None) -> str | None:
    """Return a time without fractions of a second, which say nothing to a person."""
    return to_timestamp(moment).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
