"""`check` and `forecast`: what a shadow test on an endpoint would meet."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_shadow.analysis import AnalysisSpec, Forecast, forecast, forecast_table
from airflow_shadow.cli.access import opened, spec_of
from airflow_shadow.cli.logs import progress
from airflow_shadow.cli.output import Row, emit
from airflow_shadow.exceptions import (
    AwsAccessDeniedError,
    EndpointError,
    InvalidRequestError,
    MetricsUnreadableError,
    NotFoundError,
)
from airflow_shadow.experiments.lost_settings import lost_settings
from airflow_shadow.experiments.production import ProductionVariant
from airflow_shadow.experiments.schedule import parse_duration
from airflow_shadow.hooks.history import LONGEST, read_history
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.hooks.metric_sources import read_sources
from airflow_shadow.rollout.plan import Plan
from airflow_shadow.steps.plan import planned_stages
from airflow_shadow.steps.production import check_model, read_production
from airflow_shadow.steps.safeguards import describe_scaling
from airflow_shadow.text.messages import MOST, shorten
from airflow_shadow.waiters import in_service

#: The answer to what was asked is no.
NO = 3
_OK, _REFUSED, _WARNING = "ok", "refused", "warning"
#: What is checked, the result, and what was found.
Checked = tuple[str, str, str]
_NO_REQUESTS = f"CloudWatch has no requests of it in the last {LONGEST.days} days"


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """What to forecast: read from the arguments before AWS is called."""

    endpoint_name: str
    spec: AnalysisSpec
    metrics: Mapping[str, Any]
    plan: Plan

    @classmethod
    def of(cls, args: Namespace) -> _Wanted:
        spec, metrics = spec_of(args)
        return cls(endpoint_name=args.endpoint_name, spec=spec, metrics=metrics, plan=_plan(args))


def check(args: Namespace) -> int:
    """Print what speaks against a test of an endpoint; return 3 if anything refuses it."""
    asked = f"to test endpoint {args.endpoint_name!r}"
    wanted = _Wanted.of(args)
    with opened(args, InferenceExperimentHook) as hook:
        with progress(f"Checking endpoint {args.endpoint_name} ..."):
            rows = list(_rows(hook, args, asked))
        found = None if args.no_forecast else _forecast_row(hook, wanted, rows)
    checks = [dict(zip(("check", "result", "detail"), row, strict=True)) for row in rows]
    emit(checks, args.output, whole={"checks": checks, "forecast": found and found.to_dict()})
    if found is not None and args.output == "table":
        print(forecast_table(found).rpartition("\n")[0])  # its last line is a row above
    return NO if any(result == _REFUSED for _, result, _ in rows) else 0


def _rows(hook: InferenceExperimentHook, args: Namespace, asked: str) -> Iterator[Checked]:
    """Yield what is checked, the result, and what was found."""
    try:
        production = read_production(hook, args.endpoint_name, asked=asked)
    except EndpointError as error:
        if error.depends_on_place:
            raise
        yield "kind of endpoint", _REFUSED, error.found
        return
    yield "kind of endpoint", _OK, _shown(production)
    yield from _status_rows(hook, production)
    yield from _loss_rows(production)
    if scaling := describe_scaling(hook, production):
        yield "automatic scaling", _REFUSED, f"{scaling}: a promotion is refused"
    else:
        yield "automatic scaling", _OK, "no scalable target"
    if args.shadow_model_name:
        yield _candidate(hook, args.shadow_model_name, asked)


def _shown(production: ProductionVariant) -> str:
    size = f"{production.instance_count} x {production.instance_type}"
    return f"variant {production.variant_name!r} serves {production.model_name!r} on {size}"


def _status_rows(hook: InferenceExperimentHook, production: ProductionVariant) -> Iterator[Checked]:
    """Yield whether the endpoint is free, and whether production can be deployed again."""
    status = str(production.endpoint.get("EndpointStatus"))
    yield "status", _OK if in_service(production.endpoint) else _WARNING, status
    other = hook.find_occupying_experiment(production.endpoint_name)
    if other is not None:
        text = f"experiment {other['Name']!r} is {other['Status']}: a creation waits for its end"
        yield "free", _WARNING, text
    elif production.endpoint.get("ShadowProductionVariants"):
        yield "free", _REFUSED, "a shadow variant that belongs to no experiment"
    else:
        yield "free", _OK, "no experiment"
    if not production.model_exists:
        yield "production's model", _REFUSED, f"{production.model_name!r} was deleted"
    elif production.model_is_newer:
        text = f"{production.model_name!r} was deleted and created again since it was deployed"
        yield "production's model", _REFUSED, text


def _loss_rows(production: ProductionVariant) -> Iterator[Checked]:
    """Yield each setting that the test and a promotion would lose."""
    lost = lost_settings(production.config)
    for name, value in lost.items():
        detail = f"{name} = {shorten(str(value), most=MOST)}"
        yield "would be lost", _REFUSED, f"{detail}; allow_lost_settings accepts that"
    if not lost:
        yield "would be lost", _OK, "nothing"


def _candidate(hook: InferenceExperimentHook, model_name: str, asked: str) -> Checked:
    try:
        check_model(hook, model_name, asked=asked)
    except NotFoundError as error:
        return "candidate", _REFUSED, error.found
    return "candidate", _OK, f"model {model_name!r} exists"


def _forecast_row(
    hook: InferenceExperimentHook, wanted: _Wanted, rows: list[Checked]
) -> Forecast | None:
    """Return the forecast, and add what it says to the rows; without metrics that is a warning."""
    try:
        found = _forecast(hook, wanted)
    except (AwsAccessDeniedError, MetricsUnreadableError) as error:
        rows.append(("forecast", _WARNING, f"unknown: {error.found} ({error.asked})"))
        return None
    if found is None:
        rows.append(("forecast", _WARNING, f"unknown: {_NO_REQUESTS}"))
        return None
    rows += [("forecast", _REFUSED, reason) for reason in found.ruled_out]
    if not found.ruled_out:
        rows.append(("forecast", _OK, found.sentence))
    return found


# --- forecast -----------------------------------------------------------------------------


def forecast_plan(args: Namespace) -> int:
    """Print the forecast of a plan; return 3 if nothing could lead to a PASS."""
    wanted = _Wanted.of(args)
    with opened(args, InferenceExperimentHook) as hook:
        found = _forecast(hook, wanted)
    if found is None:
        raise InvalidRequestError(
            asked=f"a forecast for endpoint {args.endpoint_name!r}",
            found=_NO_REQUESTS,
            next_step="Let it serve for a day, or correct the region or the connection.",
        )
    if args.output == "table":
        print(f"{wanted.plan.sentence}\nFrom the last {found.hours:.0f} h of production:")
        print("\n".join([forecast_table(found), *_sentences(found)]))
    else:
        emit(list(_criteria(found)), args.output, whole=found.to_dict())
    return NO if found.ruled_out else 0


def _sentences(found: Forecast) -> Iterator[str]:
    yield from (one.sentence for one in found.stages[-1].criteria)
    yield from (f"Cannot PASS: {reason}" for reason in found.ruled_out)


def _criteria(found: Forecast) -> Iterator[Row]:
    for stage in found.stages:
        for one in stage.criteria:
            yield {
                "sampling_percentage": stage.sampling_percentage,
                "criterion": one.name,
                "severity": one.severity,
                "least_chance": round(one.chance[0], 3),
                "most_chance": round(one.chance[1], 3),
            }


def _plan(args: Namespace) -> Plan:
    """Return the plan.

    :raises InvalidRequestError: naming all that is wrong with it
    """
    stage = parse_duration(args.stage_duration, argument="--stage-duration")
    longest = args.max_stage_duration
    if longest is not None:
        longest = parse_duration(longest, argument="--max-stage-duration")
    plan = Plan(ramp=args.ramp, stage=stage, max_stage=longest)
    if faults := list(plan.faults()):
        next_step = "Correct --ramp, --stage-duration or --max-stage-duration."
        raise InvalidRequestError(asked="a plan", found="; ".join(faults), next_step=next_step)
    return plan


def _forecast(hook: InferenceExperimentHook, wanted: _Wanted) -> Forecast | None:
    """Return the forecast, `None` without requests to base it on."""
    spec, plan = wanted.spec, wanted.plan
    with progress("Reading production's metrics ..."):
        metrics = read_sources(wanted.metrics)
        history = read_history(hook, spec, wanted.endpoint_name, metrics=metrics)
        if not history.requests.times:
            return None
        first, most = plan.stage.total_seconds(), plan.longest.total_seconds()
        return forecast(spec, history, planned_stages(spec, plan.ramp, first=first, most=most))
