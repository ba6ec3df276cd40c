"""An experiment whose start lies in the past, a change of its endpoint, and a promotion."""

from __future__ import annotations

from datetime import timedelta

from airflow_shadow.conformance.checks import (
    CannotSeeError,
    Seen,
    Stage,
    all_are,
    check,
    code_or_accepted,
    time_of,
)
from airflow_shadow.conformance.lab import PRODUCTION, SHADOW, STOP, Lab
from airflow_shadow.conformance.scheduled import REMOVAL
from airflow_shadow.experiments.lifecycle import Status
from airflow_shadow.hooks.errors import CONFLICT
from airflow_shadow.waiters import in_service

_AN_HOUR, _A_MINUTE, _HALF_AN_HOUR = timedelta(hours=1), timedelta(minutes=1), 1800


@check(
    belief="start-in-past", expected="it runs, from its creation on", is_step=True, deployments=1
)
def start_in_past(lab: Lab) -> Seen:
    """Create an experiment whose StartTime is an hour ago, and its EndTime in two hours."""
    now = lab.hook.now()
    schedule = {"StartTime": now - _AN_HOUR, "EndTime": now + 2 * _AN_HOUR}
    lab.begin("past", Schedule=schedule)
    [*_, last] = lab.follow("Creating to Running", Status.RUNNING)
    start = time_of(last.experiment, "Schedule", "StartTime")
    moved = start >= time_of(last.experiment, "CreationTime") - _A_MINUTE
    return Seen(moved, f"it runs, from {'its creation' if moved else 'the past'} on")


@check(belief="update-under-test", expected="accepted", deployments=1, is_step=True)
def scaling_under_test(lab: Lab) -> Seen:
    """Give production's variant the count and weight that it has, while the experiment runs."""
    lab.described(Status.RUNNING)
    lab.ready_endpoint()
    size = {"VariantName": PRODUCTION, "DesiredInstanceCount": 1, "DesiredWeight": 1.0}
    operation = "UpdateEndpointWeightsAndCapacities"
    code = lab.change("endpoint", lab.run, operation, DesiredWeightsAndCapacities=[size])
    return Seen(not code, code_or_accepted(code))


@check(belief="endpoint-not-ready", expected=CONFLICT)
def endpoint_not_ready(lab: Lab) -> Seen:
    """Stop the experiment while its endpoint is being updated by that."""
    lab.described(Status.RUNNING)
    if in_service(lab.endpoint()):
        raise CannotSeeError("the endpoint is not being updated")
    members = {"ModelVariantActions": REMOVAL, "DesiredState": "Cancelled"}
    return all_are(lab.codes_of(STOP, **members), CONFLICT)


@check(
    belief="promoted-name",
    expected=f"variant {SHADOW!r} with weight 1 serves the candidate",
    is_step=True,
    deployments=1,
)
def promoted_name(lab: Lab) -> Seen:
    """Promote the shadow, without DesiredModelVariants."""
    lab.described(Status.RUNNING)
    lab.ready_endpoint()
    actions = {PRODUCTION: "Remove", SHADOW: "Promote"}
    members = {"ModelVariantActions": actions, "DesiredState": "Completed"}
    if code := lab.codes_of(STOP, **members)["Stop"]:
        return Seen(False, code)
    lab.follow("Stopping to Completed", Status.COMPLETED)
    return _serving(lab)


def _serving(lab: Lab) -> Seen:
    endpoint = lab.ready_endpoint()
    models = {
        one["VariantName"]: one.get("ModelName")
        for one in lab.config(endpoint).get("ProductionVariants") or ()
    }
    variants = endpoint.get("ProductionVariants") or ()
    weights = {one["VariantName"]: float(one.get("CurrentWeight", -1)) for one in variants}
    said = ", ".join(
        f"variant {one['VariantName']!r} with weight {one.get('CurrentWeight')} on "
        f"{one.get('DesiredInstanceCount')} instance(s)"
        for one in variants
    )
    serves = models == {SHADOW: lab.order.models[1]}
    model = "serves the candidate" if serves else "does not serve the candidate alone"
    return Seen(serves and weights == {SHADOW: 1.0}, f"{said} {model}")


@check(belief="list-order", expected="the newest first", calls=1)
def list_order(lab: Lab) -> Seen:
    """List the run's experiments without an order."""
    page = lab.read("ListInferenceExperiments", {"NameContains": lab.run, "MaxResults": 100})
    times = [time_of(one, "CreationTime") for one in page.get("InferenceExperiments", ())]
    if len(set(times)) < 2:  # noqa: PLR2004
        raise CannotSeeError("the run has no two experiments by now")
    first = times == sorted(times, reverse=True)
    return Seen(first, "the newest first" if first else "in another order")


@check(belief="durations", expected="half an hour each at most", calls=0)
def durations(lab: Lab) -> Seen:
    """Look how long each transition took so far, by AWS's clock."""
    if not lab.durations:
        raise CannotSeeError("no transition was seen")
    said = ", ".join(f"{what} {seconds:.0f} s" for what, seconds in lab.durations)
    return Seen(max(seconds for _, seconds in lab.durations) <= _HALF_AN_HOUR, said)


STAGE = Stage(
    name="promoted",
    about="an experiment that is promoted, after a change of its endpoint",
    checks=(
        start_in_past,
        scaling_under_test,
        endpoint_not_ready,
        promoted_name,
        list_order,
        durations,
    ),
)
