"""What endpoints and experiments do to each other; at the end the endpoint is gone."""

from __future__ import annotations

from typing import Any

from airflow_shadow.conformance.checks import (
    CannotSeeError,
    Seen,
    Stage,
    check,
    code_or_accepted,
)
from airflow_shadow.conformance.clean_up import CleanUp
from airflow_shadow.conformance.journal import Entry
from airflow_shadow.conformance.lab import PRODUCTION, SHADOW, Lab
from airflow_shadow.conformance.own_endpoint import make_config
from airflow_shadow.conformance.scheduled import REMOVAL
from airflow_shadow.experiments.lifecycle import CONCLUDED, Status, failure_reason
from airflow_shadow.hooks.errors import VALIDATION


def _deploy(lab: Lab, label: str, *variants: str) -> str:
    """Put production variants on the endpoint and wait; return the code of a refusal."""
    config = make_config(lab, label, *variants)
    code = lab.change("endpoint", lab.run, "UpdateEndpoint", EndpointConfigName=config)
    if not code:
        lab.ready_endpoint()
    return code


@check(
    expected="Completed; the endpoint keeps the shadow",
    deployments=2,
    calls=2,
)
def both_retained(lab: Lab) -> Seen:
    """Let an experiment run, and stop it with production and shadow retained."""
    lab.begin("retained")
    lab.follow("Creating to Running", Status.RUNNING)
    lab.ready_endpoint()
    actions = {PRODUCTION: "Retain", SHADOW: "Retain"}
    members = {"ModelVariantActions": actions, "DesiredState": "Completed"}
    stop = "StopInferenceExperiment"
    if code := lab.change("experiment", lab.experiment, stop, **members):
        return Seen(False, code)
    [*_, last] = lab.follow("Stopping to Completed", *CONCLUDED)
    keeps = bool(lab.ready_endpoint().get("ShadowProductionVariants"))
    status = str(last.experiment["Status"])
    said = f"{status}; the endpoint {'keeps the shadow' if keeps else 'has no shadow'}"
    return Seen(keeps and status == Status.COMPLETED, said)


@check(belief="one-production-variant", expected=VALIDATION, deployments=1, calls=4)
def one_production_variant(lab: Lab) -> Seen:
    """Give the endpoint two production variants, and create an experiment, to begin tomorrow."""
    lab.ready_endpoint()
    if code := _deploy(lab, "two", PRODUCTION, SHADOW):
        raise CannotSeeError(f"the endpoint could not get two variants: {code}")
    code = lab.create("on-two", Schedule=lab.schedule(hours=2))
    if not code:
        CleanUp(lab).delete(Entry("experiment", f"{lab.run}-on-two"))
    return Seen(code == VALIDATION, code_or_accepted(code))


@check(
    belief="update-under-test",
    expected="accepted; the shadow is gone, the experiment Running",
    is_step=True,
    deployments=3,
    calls=6,
)
def update_under_test(lab: Lab) -> Seen:
    """Let an experiment run, and put a configuration without a shadow on its endpoint."""
    lab.ready_endpoint()
    if code := _deploy(lab, "one", PRODUCTION):
        raise CannotSeeError(f"the endpoint could not get back its one variant: {code}")
    lab.begin("updated")
    lab.follow("Creating to Running", Status.RUNNING)
    lab.ready_endpoint()
    if code := _deploy(lab, "without", PRODUCTION):
        return Seen(False, code)
    shadows = bool(lab.endpoint().get("ShadowProductionVariants"))
    status = str(lab.described()["Status"])
    said = f"accepted; the shadow is {'there' if shadows else 'gone'}, the experiment {status}"
    return Seen(not shadows and status == Status.RUNNING, said)


@check(belief="endpoint-deletable", expected="accepted", is_step=True, deployments=1)
def endpoint_deletable(lab: Lab) -> Seen:
    """Delete the endpoint under the running experiment."""
    lab.described(Status.RUNNING)
    lab.ready_endpoint()
    if code := lab.change("endpoint", lab.run, "DeleteEndpoint"):
        return Seen(False, code)
    lab.until(lambda: lab.find("endpoint", lab.run) is None, what="the endpoint to be gone")
    lab.journal.remove(Entry("endpoint", lab.run))
    return Seen(True, "accepted")


def _without_endpoint(lab: Lab) -> dict[str, Any]:
    """Describe the experiment whose endpoint was deleted."""
    if lab.journal.knows(lab.run):
        raise CannotSeeError("the endpoint is still there")
    return lab.described()


@check(belief="failure", expected="Cancelled, with a FailureReason", is_step=True, deployments=1)
def failure(lab: Lab) -> Seen:
    """Stop the experiment whose endpoint is gone."""
    _without_endpoint(lab)
    members = {"ModelVariantActions": REMOVAL, "DesiredState": "Completed"}
    stop = "StopInferenceExperiment"
    if lab.described()["Status"] not in CONCLUDED:
        if code := lab.change("experiment", lab.experiment, stop, **members):
            return Seen(False, code)
        lab.follow("Stopping to its end", *CONCLUDED)
    found = lab.described()
    why = "with" if failure_reason(found) else "without"
    said = f"{found['Status']}, {why} a FailureReason"
    return Seen(found["Status"] == Status.CANCELLED and why == "with", said)


@check(belief="failure-reason-stays", expected="it is still there")
def failure_reason_stays(lab: Lab) -> Seen:
    """Describe the experiment that failed once more."""
    found = _without_endpoint(lab)
    if found["Status"] not in CONCLUDED:
        raise CannotSeeError(f"the experiment is {found['Status']}")
    lab.pause()
    stays = bool(failure_reason(lab.described()))
    return Seen(stays, "it is still there" if stays else "there is none")


STAGE = Stage(
    name="unusual",
    about="a shadow that stays, two production variants, an update and a deletion under a test",
    checks=(
        both_retained,
        one_production_variant,
        update_under_test,
        endpoint_deletable,
        failure,
        failure_reason_stays,
    ),
)
