"""The run's endpoint, and creations on it that AWS refuses."""

from __future__ import annotations

from typing import Any

from airflow_shadow.conformance.checks import CannotSeeError, Seen, Stage, check, code_or_accepted
from airflow_shadow.conformance.clean_up import CleanUp
from airflow_shadow.conformance.journal import Entry
from airflow_shadow.conformance.lab import PRODUCTION, SHADOW, Lab
from airflow_shadow.hooks.errors import VALIDATION
from airflow_shadow.waiters import in_service


def make_config(lab: Lab, label: str, *variants: str) -> str:
    """Make an endpoint configuration with production variants, and return its name.

    :raises CannotSeeError: AWS refuses it
    """
    name = f"{lab.run}-{label}"
    production = [
        {
            "VariantName": variant,
            "ModelName": lab.order.models[variant == SHADOW],
            "InstanceType": lab.order.instance_type,
            "InitialInstanceCount": 1,
            "InitialVariantWeight": 1.0,
        }
        for variant in variants
    ]
    members = {"ProductionVariants": production}
    if code := lab.make("endpoint-config", name, "CreateEndpointConfig", **members):
        raise CannotSeeError(f"the endpoint configuration was refused: {code}")
    return name


@check(
    belief="no-variants-yet",
    expected="no variants while it is Creating",
    is_step=True,
    deployments=1,
    calls=2,
)
def no_variants_yet(lab: Lab) -> Seen:
    """Create an endpoint with one instance, and describe it until it is InService."""
    config = make_config(lab, "config", PRODUCTION)
    if code := lab.make("endpoint", lab.run, "CreateEndpoint", EndpointConfigName=config):
        raise CannotSeeError(f"the endpoint was refused: {code}")
    first = lab.endpoint()
    lab.ready_endpoint()
    if in_service(first):
        raise CannotSeeError("it was InService at once")
    variants = len(first.get("ProductionVariants") or ())
    return Seen(not variants, f"{variants} variants while it is {first['EndpointStatus']}")


def _creation(lab: Lab, label: str, **members: Any) -> str:
    """Create an experiment that begins tomorrow; one that is accepted is deleted again."""
    scheduled = {"Schedule": lab.schedule(hours=2), **members}
    code = lab.create(label, **scheduled)
    if not code:
        CleanUp(lab).delete(Entry("experiment", f"{lab.run}-{label}"))
    return code


def _refused(lab: Lab, label: str, **members: Any) -> Seen:
    code = _creation(lab, label, **members)
    return Seen(code == VALIDATION, code_or_accepted(code))


@check(expected=VALIDATION)
def unknown_model(lab: Lab) -> Seen:
    """Create an experiment with a shadow whose model does not exist."""
    shadow = lab.variant(SHADOW, model=f"{lab.run}-nowhere")
    return _refused(lab, "no-model", ModelVariants=[lab.variant(PRODUCTION), shadow])


@check(expected=VALIDATION)
def one_model_variant(lab: Lab) -> Seen:
    """Create an experiment with production in ModelVariants, and no shadow."""
    return _refused(lab, "one-variant", ModelVariants=[lab.variant(PRODUCTION)])


@check(expected=VALIDATION)
def unlisted_source(lab: Lab) -> Seen:
    """Create an experiment whose SourceModelVariantName is not in ModelVariants."""
    return _refused(lab, "no-source", ShadowModeConfig=lab.mode(10, source="nowhere"))


@check(expected=VALIDATION)
def sampling_above_100(lab: Lab) -> Seen:
    """Create an experiment with a sampling of 101 %."""
    return _refused(lab, "sampling-101", ShadowModeConfig=lab.mode(101))


@check(expected="accepted", calls=2)
def sampling_of_0(lab: Lab) -> Seen:
    """Create an experiment with a sampling of 0 %, to begin tomorrow."""
    code = _creation(lab, "sampling-0", ShadowModeConfig=lab.mode(0))
    return Seen(not code, code_or_accepted(code))


@check(expected=VALIDATION)
def maximum_duration(lab: Lab) -> Seen:
    """Create an experiment of 31 days."""
    return _refused(lab, "31-days", Schedule=lab.schedule(days=31))


@check(belief="minimum-duration", expected=VALIDATION)
def minimum_duration(lab: Lab) -> Seen:
    """Create an experiment of 59 minutes."""
    return _refused(lab, "59-min", Schedule=lab.schedule(minutes=59))


STAGE = Stage(
    name="endpoint",
    about="an endpoint of one instance, and creations on it that are refused",
    checks=(
        no_variants_yet,
        unknown_model,
        one_model_variant,
        unlisted_source,
        sampling_above_100,
        sampling_of_0,
        maximum_duration,
        minimum_duration,
    ),
)
