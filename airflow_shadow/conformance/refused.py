"""Checks that need no endpoint: reads, and calls that AWS refuses."""

from __future__ import annotations

from airflow_shadow.conformance.checks import CannotSeeError, Seen, Stage, check, code_or_accepted
from airflow_shadow.conformance.journal import Entry
from airflow_shadow.conformance.lab import PRODUCTION, SHADOW, Lab
from airflow_shadow.hooks.errors import NOT_FOUND, VALIDATION

#: What the default page of a list holds.
_PAGE = 10


@check(expected="ResourceNotFound from each", calls=5)
def unknown_name(lab: Lab) -> Seen:
    """Describe, update, start, stop and delete an experiment that does not exist."""
    name = {"Name": f"{lab.run}-nowhere"}
    actions = {"ModelVariantActions": {PRODUCTION: "Retain", SHADOW: "Remove"}}
    codes = {
        "Describe": lab.attempt("DescribeInferenceExperiment", name),
        "Update": lab.attempt("UpdateInferenceExperiment", {**name, "Description": "none"}),
        "Start": lab.attempt("StartInferenceExperiment", name),
        "Stop": lab.attempt("StopInferenceExperiment", name | actions),
        "Delete": lab.attempt("DeleteInferenceExperiment", name),
    }
    said = ", ".join(f"{call} {code_or_accepted(code)}" for call, code in codes.items())
    return Seen({NOT_FOUND} == set(codes.values()), said)


@check(expected=VALIDATION)
def unknown_endpoint(lab: Lab) -> Seen:
    """Describe an endpoint that does not exist."""
    code = lab.attempt("DescribeEndpoint", {"EndpointName": f"{lab.run}-nowhere"})
    return Seen(code == VALIDATION, code_or_accepted(code))


@check(expected=VALIDATION)
def creation_without_endpoint(lab: Lab) -> Seen:
    """Create an experiment, to begin tomorrow, on an endpoint that does not exist."""
    name = f"{lab.run}-nowhere"
    # Nobody knows whether AWS would make the endpoint; if so, it is this run's.
    endpoint = Entry("endpoint", name, by_service=True)
    lab.journal.add(endpoint)
    members = lab.creation(EndpointName=name, Schedule=lab.schedule(hours=2))
    code = lab.make("experiment", name, "CreateInferenceExperiment", **members)
    if code:
        lab.journal.remove(endpoint)
    return Seen(code == VALIDATION, code_or_accepted(code))


@check(belief="page-size", expected="10 experiments")
def page_size(lab: Lab) -> Seen:
    """List the experiments of the account without saying how many."""
    page = lab.read("ListInferenceExperiments", {})
    if not page.get("NextToken"):
        raise CannotSeeError("the account has too few experiments for a second page")
    size = len(page.get("InferenceExperiments", ()))
    return Seen(size == _PAGE, f"{size} experiments and a token")


STAGE = Stage(
    name="refused",
    about="reads and refused calls; no endpoint",
    has_endpoint=False,
    checks=(unknown_name, unknown_endpoint, creation_without_endpoint, page_size),
)
