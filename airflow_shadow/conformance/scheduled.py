"""An experiment that has not begun: it occupies its endpoint, and costs nothing."""

from __future__ import annotations

from airflow_shadow.conformance.checks import Seen, Stage, check, code_or_accepted
from airflow_shadow.conformance.clean_up import CleanUp
from airflow_shadow.conformance.journal import Entry
from airflow_shadow.conformance.lab import PRODUCTION, SHADOW, Lab
from airflow_shadow.experiments.lifecycle import Status
from airflow_shadow.hooks.errors import BUSY, CONFLICT, IN_USE, VALIDATION

REMOVAL = {PRODUCTION: "Retain", SHADOW: "Remove"}


@check(expected="Creating, then Created; the endpoint stays InService", is_step=True)
def scheduled_creation(lab: Lab) -> Seen:
    """Create an experiment that begins tomorrow."""
    lab.begin("scheduled", Schedule=lab.schedule(hours=2))
    polls = lab.follow("Creating to Created", Status.CREATED)
    statuses = list(dict.fromkeys(str(poll.experiment["Status"]) for poll in polls))
    endpoint = sorted({str(poll.endpoint.get("EndpointStatus")) for poll in polls})
    known = {Status.CREATING, Status.CREATED}
    said = f"{', '.join(statuses)}; the endpoint {', '.join(endpoint)}"
    return Seen(set(statuses) <= known and endpoint == ["InService"], said)


def _second_creation(lab: Lab, label: str) -> str:
    """Create another experiment beside the scheduled one; one that is accepted is deleted."""
    lab.described(Status.CREATED)
    code = lab.create(label, Schedule=lab.schedule(hours=2))
    if not code:
        CleanUp(lab).delete(Entry("experiment", f"{lab.run}-{label}"))
    return code


@check(belief="scheduled-is-busy", expected="refused")
def scheduled_is_busy(lab: Lab) -> Seen:
    """Create a second experiment on the endpoint, to begin tomorrow, too."""
    code = _second_creation(lab, "second")
    return Seen(code in BUSY, code_or_accepted(code))


@check(belief="busy-code", expected=IN_USE)
def busy_code(lab: Lab) -> Seen:
    """Create a second experiment on the endpoint once more, for the code."""
    code = _second_creation(lab, "third")
    return Seen(code == IN_USE, code_or_accepted(code))


@check(expected=IN_USE)
def name_taken(lab: Lab) -> Seen:
    """Create an experiment of the same name."""
    lab.described(Status.CREATED)
    # Not by way of the journal, which would cross out the one that exists.
    named = {"Name": lab.experiment, "Tags": lab.tags}
    code = lab.attempt(
        "CreateInferenceExperiment", lab.creation(Schedule=lab.schedule(hours=2)) | named
    )
    return Seen(code == IN_USE, code_or_accepted(code))


@check(belief="variant-model-fixed", expected=VALIDATION)
def variant_model_fixed(lab: Lab) -> Seen:
    """Give the shadow of the scheduled experiment production's model, under its name."""
    lab.described(Status.CREATED)
    variants = [lab.variant(PRODUCTION), lab.variant(SHADOW, model=lab.order.models[0])]
    update = "UpdateInferenceExperiment"
    code = lab.change("experiment", lab.experiment, update, ModelVariants=variants)
    if not code:
        lab.follow("Updating to Created", Status.CREATED)
    return Seen(code == VALIDATION, code_or_accepted(code))


@check(expected="accepted; Created again, with the new sampling")
def scheduled_update(lab: Lab) -> Seen:
    """Change the sampling of the scheduled experiment."""
    lab.described(Status.CREATED)
    update, mode = "UpdateInferenceExperiment", lab.mode(20)
    code = lab.change("experiment", lab.experiment, update, ShadowModeConfig=mode)
    if code:
        return Seen(False, code)
    polls = lab.follow(
        "Updating to Created", Status.CREATED, shows=lambda one: one["ShadowModeConfig"] == mode
    )
    return Seen(True, f"accepted; {polls[-1].experiment['Status']} again, with the new sampling")


@check(belief="wrong-status", expected=CONFLICT)
def stop_before_start(lab: Lab) -> Seen:
    """Stop the scheduled experiment."""
    lab.described(Status.CREATED)
    stop = "StopInferenceExperiment"
    code = lab.change("experiment", lab.experiment, stop, ModelVariantActions=REMOVAL)
    return Seen(code == CONFLICT, code_or_accepted(code))


@check(expected="accepted; it is gone")
def scheduled_deletion(lab: Lab) -> Seen:
    """Delete the scheduled experiment."""
    lab.described(Status.CREATED)
    code = lab.change("experiment", lab.experiment, "DeleteInferenceExperiment")
    if code:
        return Seen(False, code)
    lab.until(lambda: lab.find("experiment", lab.experiment) is None, what="it to be gone")
    lab.journal.remove(Entry("experiment", lab.experiment))
    return Seen(True, "accepted; it is gone")


STAGE = Stage(
    name="scheduled",
    about="an experiment that begins tomorrow, and is deleted before",
    checks=(
        scheduled_creation,
        scheduled_is_busy,
        busy_code,
        name_taken,
        variant_model_fixed,
        scheduled_update,
        stop_before_start,
        scheduled_deletion,
    ),
)
