"""An experiment that begins at once, is changed while it runs, and is stopped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from airflow_shadow.conformance.checks import (
    CannotSeeError,
    Seen,
    Stage,
    all_are,
    check,
    code_or_accepted,
    time_of,
)
from airflow_shadow.conformance.lab import PRODUCTION, SHADOW, STOP, Lab, Poll
from airflow_shadow.conformance.scheduled import REMOVAL
from airflow_shadow.experiments.lifecycle import CONCLUDED, Status, status_of
from airflow_shadow.hooks.errors import CONFLICT, VALIDATION
from airflow_shadow.waiters import in_service

_UPDATE = "UpdateInferenceExperiment"
_WEEK, _MINUTE = timedelta(days=7), timedelta(minutes=1)
#: A sampling of 10 % beside production's weight of 1.
_WEIGHT, _ROUNDING = 0.1, 1e-6
_REASON = "conformance: stopped by the run"
#: What a configuration is called and when it was made is its own.
_OWN = ("EndpointConfigName", "EndpointConfigArn", "CreationTime")


def while_updating(polls: list[Poll]) -> list[Poll]:
    """Return the polls while the endpoint was being updated.

    :raises CannotSeeError: there is none
    """
    found = [poll for poll in polls if poll.endpoint and not in_service(poll.endpoint)]
    if not found:
        raise CannotSeeError("no poll saw the endpoint being updated")
    return found


@check(
    belief="create-shows-creating-only",
    expected="Creating, then Running",
    is_step=True,
    deployments=1,
)
def create_shows_creating_only(lab: Lab) -> Seen:
    """Create an experiment without a schedule, with a sampling of 10 %."""
    lab.kept["endpoint before"] = endpoint = lab.ready_endpoint()
    lab.kept["config before"] = lab.config(endpoint)
    lab.begin("running")
    polls = lab.follow("Creating to Running", Status.RUNNING)
    lab.kept["running"] = polls[-1].experiment
    lab.kept["endpoint running"] = lab.ready_endpoint()
    statuses = list(dict.fromkeys(str(poll.experiment["Status"]) for poll in polls))
    return Seen(statuses == [Status.CREATING, Status.RUNNING], ", ".join(statuses))


def _kept(lab: Lab, name: str) -> Mapping[str, Any]:
    if name not in lab.kept:
        raise CannotSeeError("the experiment did not come to run")
    return lab.kept[name]


@check(belief="config-at-end", expected="the old configuration while it is Updating", calls=0)
def config_at_end(lab: Lab) -> Seen:
    """Look which configuration the endpoint showed while the experiment was Creating."""
    names = {str(poll.endpoint["EndpointConfigName"]) for poll in while_updating(lab.shown())}
    old = str(_kept(lab, "endpoint before")["EndpointConfigName"])
    return Seen(names == {old}, "the old one" if names == {old} else "another one, too")


@check(belief="endpoint-modified", expected="it moves when the update begins and ends", calls=0)
def endpoint_modified(lab: Lab) -> Seen:
    """Look at the endpoint's LastModifiedTime before, during and after the deployment."""
    before = time_of(_kept(lab, "endpoint before"), "LastModifiedTime")
    during = time_of(while_updating(lab.shown())[0].endpoint, "LastModifiedTime")
    after = time_of(_kept(lab, "endpoint running"), "LastModifiedTime")
    said = f"{_moved(before, during)} when it began, {_moved(during, after)} when it was done"
    return Seen(before < during < after, said)


def _moved(earlier: datetime, later: datetime) -> str:
    return "it moved" if later > earlier else "it stayed"


@check(belief="config-name", expected="it begins with the experiment's name", calls=0)
def config_name(lab: Lab) -> Seen:
    """Look at the name of the configuration that the endpoint runs."""
    name = str(_kept(lab, "endpoint running")["EndpointConfigName"])
    begin = lab.experiment[: len(name)] if lab.experiment.startswith(name) else lab.experiment
    return Seen(name.startswith(begin[:48].rstrip("-")), name)


@check(belief="default-end", expected="7 days after its start", calls=0)
def default_end(lab: Lab) -> Seen:
    """Look at the schedule of an experiment that was created without one."""
    found = _kept(lab, "running")
    length = time_of(found, "Schedule", "EndTime") - time_of(found, "Schedule", "StartTime")
    return Seen(abs(length - _WEEK) <= _MINUTE, f"{length} after its start")


@check(expected="the shadow has weight 0.1 beside production's 1", calls=0)
def sampling_is_weight(lab: Lab) -> Seen:
    """Look at the weights of an endpoint that is tested with a sampling of 10 %."""
    endpoint = _kept(lab, "endpoint running")
    weights = [
        float(one.get("CurrentWeight", -1))
        for kind in ("ProductionVariants", "ShadowProductionVariants")
        for one in endpoint.get(kind) or ()
    ]
    near = len(weights) == 2 and abs(weights[1] - weights[0] * _WEIGHT) < _ROUNDING  # noqa: PLR2004
    return Seen(near, f"weights {', '.join(f'{one:g}' for one in weights)}")


@check(belief="wrong-status", expected=f"{CONFLICT} from both", calls=2)
def start_and_delete_while_running(lab: Lab) -> Seen:
    """Start and delete the running experiment."""
    lab.described(Status.RUNNING)
    operations = ("StartInferenceExperiment", "DeleteInferenceExperiment")
    return all_are(lab.codes_of(*operations), CONFLICT)


@check(belief="running-update", expected="accepted")
def running_update(lab: Lab) -> Seen:
    """Change the description, and send ModelVariants as they are."""
    lab.described(Status.RUNNING)
    members = {
        "Description": "changed",
        "ModelVariants": [lab.variant(PRODUCTION), lab.variant(SHADOW)],
    }
    code = lab.change("experiment", lab.experiment, _UPDATE, **members)
    if not code:
        lab.follow(
            "a new description",
            Status.RUNNING,
            shows=lambda one: one.get("Description") == "changed",
        )
    return Seen(not code, code_or_accepted(code))


@check(
    belief="own-update",
    expected="a configuration of another name, production as in the experiment",
    is_step=True,
    deployments=1,
)
def own_update(lab: Lab) -> Seen:
    """Change the sampling from 10 to 50 % while it runs."""
    lab.kept["running"] = lab.described(Status.RUNNING)
    lab.kept["endpoint running"] = before = lab.ready_endpoint()
    mode = lab.mode(50)
    if code := lab.change("experiment", lab.experiment, _UPDATE, ShadowModeConfig=mode):
        return Seen(False, code)
    lab.follow("a new sampling", Status.RUNNING, shows=lambda one: one["ShadowModeConfig"] == mode)
    after = lab.ready_endpoint()
    other = before["EndpointConfigName"] != after["EndpointConfigName"]
    [first, *_] = lab.config(after).get("ProductionVariants") or [{}]
    same = (first.get("VariantName"), first.get("ModelName")) == (PRODUCTION, lab.order.models[0])
    config = "a configuration of another name" if other else "the same configuration"
    return Seen(other and same, f"{config}, production {'as in' if same else 'other than in'} it")


def _update_polls(lab: Lab) -> list[Poll]:
    polls = lab.shown()
    if polls[-1].experiment["ShadowModeConfig"] != lab.mode(50):
        raise CannotSeeError("the sampling was not changed")
    return polls


@check(belief="update-shown-late", expected="Running, as before", calls=0)
def update_shown_late(lab: Lab) -> Seen:
    """Look what the first read after the accepted update showed."""
    first = _update_polls(lab)[0].experiment
    return Seen(status_of(first) is Status.RUNNING, str(first["Status"]))


@check(belief="values-after-update", expected="the old sampling", calls=0)
def values_after_update(lab: Lab) -> Seen:
    """Look which sampling was shown while the experiment was Updating."""
    shown = [
        poll.experiment["ShadowModeConfig"] == lab.mode(50)
        for poll in _update_polls(lab)
        if status_of(poll.experiment) is Status.UPDATING
    ]
    if not shown:
        raise CannotSeeError("no poll saw it Updating")
    return Seen(not any(shown), "the new one" if any(shown) else "the old sampling")


@check(belief="modified-moves", expected="it moves", calls=0)
def modified_moves(lab: Lab) -> Seen:
    """Look at the experiment's LastModifiedTime before and after the update."""
    before = time_of(_kept(lab, "running"), "LastModifiedTime")
    after = time_of(_update_polls(lab)[-1].experiment, "LastModifiedTime")
    return Seen(after > before, _moved(before, after))


@check(belief="stop-table", expected=f"{VALIDATION} to both", calls=2)
def stop_table(lab: Lab) -> Seen:
    """Stop it with production retained and the shadow promoted, and with both removed."""
    codes = {}
    for production, shadow in (("Retain", "Promote"), ("Remove", "Remove")):
        lab.described(Status.RUNNING)
        actions = {PRODUCTION: production, SHADOW: shadow}
        found = lab.codes_of(STOP, ModelVariantActions=actions, DesiredState="Cancelled")
        codes[f"{production}/{shadow}"] = found["Stop"]
    return all_are(codes, VALIDATION)


@check(belief="desired-variants", expected=VALIDATION)
def desired_variants(lab: Lab) -> Seen:
    """Stop it with the shadow removed and among the DesiredModelVariants."""
    lab.described(Status.RUNNING)
    desired = [lab.variant(PRODUCTION), lab.variant(SHADOW)]
    members = {"ModelVariantActions": REMOVAL, "DesiredModelVariants": desired}
    return all_are(lab.codes_of(STOP, **members), VALIDATION)


@check(belief="desired-state", expected=str(Status.CANCELLED), is_step=True, deployments=1)
def desired_state(lab: Lab) -> Seen:
    """Stop it without a DesiredState, keeping production."""
    lab.kept["running"] = lab.described(Status.RUNNING)
    lab.ready_endpoint()
    code = lab.codes_of(STOP, ModelVariantActions=REMOVAL, Reason=_REASON)["Stop"]
    if code:
        return Seen(False, code)
    [*_, last] = lab.follow("Stopping to its end", *CONCLUDED)
    lab.kept["stopped"] = last.experiment
    lab.kept["endpoint stopped"] = lab.ready_endpoint()
    status = str(last.experiment["Status"])
    return Seen(status == Status.CANCELLED, status)


def _stopped(lab: Lab) -> Mapping[str, Any]:
    if "stopped" not in lab.kept:
        raise CannotSeeError("the experiment was not stopped")
    return lab.kept["stopped"]


@check(expected="the Reason that was sent", calls=0)
def reason_is_kept(lab: Lab) -> Seen:
    """Look at the StatusReason of the stopped experiment."""
    reason = _stopped(lab).get("StatusReason")
    return Seen(reason == _REASON, "the Reason" if reason == _REASON else f"{reason!r}")


@check(belief="completion-time", expected="it is set", calls=0)
def completion_time(lab: Lab) -> Seen:
    """Look at the CompletionTime of an experiment that is Cancelled."""
    found = _stopped(lab)
    if status_of(found) is not Status.CANCELLED:
        raise CannotSeeError(f"the experiment is {found['Status']}")
    is_set = bool(found.get("CompletionTime"))
    return Seen(is_set, "it is set" if is_set else "there is none")


@check(belief="end-time-kept", expected="the planned one", calls=0)
def end_time_kept(lab: Lab) -> Seen:
    """Look at the EndTime of an experiment that was stopped early."""
    planned = time_of(_kept(lab, "running"), "Schedule", "EndTime")
    shown = time_of(_stopped(lab), "Schedule", "EndTime")
    same = abs(shown - planned) < _MINUTE
    return Seen(same, "the planned one" if same else f"{planned - shown} earlier")


@check(belief="revert", expected="as before, under another name")
def revert(lab: Lab) -> Seen:
    """Compare the endpoint's configuration and counts with those before the experiment."""
    _stopped(lab)
    before, after = _kept(lab, "endpoint before"), _kept(lab, "endpoint stopped")
    old, new = _content(_kept(lab, "config before")), _content(lab.config(after))
    differs = sorted(name for name in old | new if old.get(name) != new.get(name))
    if _counts(before) != _counts(after):
        differs.append("instance counts")
    if before["EndpointConfigName"] == after["EndpointConfigName"]:
        return Seen(False, "as before, under its old name")
    return Seen(not differs, f"other {', '.join(differs)}" if differs else "as before, renamed")


def _content(config: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name not in _OWN}


def _counts(endpoint: Mapping[str, Any]) -> dict[str, Any]:
    variants = endpoint.get("ProductionVariants") or ()
    return {one["VariantName"]: one.get("DesiredInstanceCount") for one in variants}


@check(belief="wrong-status", expected=f"{CONFLICT} from each", calls=3)
def calls_after_the_end(lab: Lab) -> Seen:
    """Update, start and stop the experiment that is over."""
    _stopped(lab)
    lab.described(*CONCLUDED)
    operations = (_UPDATE, "StartInferenceExperiment", STOP)
    return all_are(lab.codes_of(*operations, ModelVariantActions=REMOVAL), CONFLICT)


STAGE = Stage(
    name="running",
    about="an experiment that runs, is changed and stopped",
    checks=(
        create_shows_creating_only,
        config_at_end,
        endpoint_modified,
        config_name,
        default_end,
        sampling_is_weight,
        start_and_delete_while_running,
        running_update,
        own_update,
        update_shown_late,
        values_after_update,
        modified_moves,
        stop_table,
        desired_variants,
        desired_state,
        reason_is_kept,
        completion_time,
        end_time_kept,
        revert,
        calls_after_the_end,
    ),
)
