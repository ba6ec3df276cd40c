"""The table "Whose experiment is it?": what a creation does about what stands under its name."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_shadow._compat import AirflowException, AirflowFailException
from airflow_shadow.operators import (
    RemoveShadowVariantOperator,
)
from tests.helpers import (
    CLEARED,
    accepted,
    created,
    described,
    expire,
    fails,
    meanwhile,
    statuses,
    stop,
    tags_of,
)

pytestmark = pytest.mark.usefixtures("churn")

DEFAULT_NAME = "churn-scheduled-2026-03-01T00-00-00-60ab9be1"
RETRIED = {"try_number": 2}
GENERATION = "airflow-shadow:generation"
LIVE = ("Creating", "Created", "Starting", "Running", "Updating")


@pytest.fixture
def bring_to(create, emulator, sagemaker):
    """Let the first try create an experiment, and leave it in a live status."""

    def bring(status, **arguments):
        if status in {"Created", "Starting"}:
            soon = emulator.clock.now() + timedelta(hours=1)
            arguments["start_time"] = soon.isoformat(timespec="seconds")
        name = create(wait_for_completion=status != "Creating", **arguments).value
        if status == "Starting":
            emulator.clock.advance(3601)
        if status == "Updating":
            sagemaker.update_inference_experiment(Name=name, Description="changed by hand")
            described(sagemaker, name)  # the first look still shows the status before
        return name, arguments

    return bring


def deleted(emulator):
    """Return the names that were deleted."""
    return accepted(emulator, "DeleteInferenceExperiment")


# --- nothing ------------------------------------------------------------------------------


def test_nothing_is_created(create, emulator):
    """Where nothing stands under the name, the experiment is created."""
    assert [create().value] == created(emulator)


def test_a_given_name_is_sent_as_it_is(create, emulator, log):
    """A name that the user chose is not decorated."""
    create(name="nightly")
    assert (["nightly"], []) == (created(emulator), log.containing("derived"))


def test_a_default_name_is_explained(create, log):
    """One line says that it was derived, and from what."""
    name = create().value
    expected = f"No name is given: derived {name!r} from endpoint 'churn', run 'scheduled__2026"
    assert 1 == len(log.containing(expected))


# --- own, this generation -----------------------------------------------------------------


@pytest.mark.parametrize("status", LIVE)
def test_own_live_is_adopted(status, create, bring_to, emulator, log):
    """A retry finds the experiment of the first try in any live status and says so in one line."""
    first, arguments = bring_to(status)
    again = create(ti=RETRIED, **arguments)
    expected = f"Found my experiment {first!r} ({status}) from try 1, continuing."
    assert [expected] == log.containing("Found ")
    assert ([first], first) == (created(emulator), again.value)


def test_own_completed_is_adopted(create, emulator, sagemaker):
    """A retry after the experiment has run its time has nothing left to do."""
    name = create().value
    expire(emulator, sagemaker, name)
    again = create(ti=RETRIED)
    assert ("Completed", [name]) == (again.experiment["Status"], created(emulator))


def test_own_removed_by_a_later_task_is_adopted(create, tasks, emulator):
    """A removal by Airflow is an end as asked, so a retry does not undo it."""
    name = create().value
    tasks.run(RemoveShadowVariantOperator, ti={"task_id": "remove"}, name=name)
    again = create(ti=RETRIED)
    assert ("Cancelled", [name]) == (again.experiment["Status"], created(emulator))


def test_own_being_removed_is_waited_for_and_adopted(create, tasks, emulator, log):
    """A retry while a later task of ours removes the shadow lets it finish."""
    name = create().value
    remove = {"name": name, "wait_for_completion": False}
    tasks.run(RemoveShadowVariantOperator, ti={"task_id": "remove"}, **remove)
    again = create(ti=RETRIED)
    assert f"Found {name!r} (Stopping): wait for its end." in log.lines
    assert ("Cancelled", [name]) == (again.experiment["Status"], created(emulator))


def test_own_broken_is_deleted_and_created_again(create, emulator):
    """A retry after a failed creation gets a new experiment, else retries would be useless."""
    emulator.faults.add(kind="fail-creation", reason="No capacity.")
    text = fails(AirflowException, create)
    assert "No capacity." in text
    assert DEFAULT_NAME == create(ti=RETRIED).value
    assert ([DEFAULT_NAME] * 2, [DEFAULT_NAME]) == (created(emulator), deleted(emulator))


def test_own_stopped_by_a_person_fails_without_retry(create, emulator, sagemaker):
    """What somebody stopped on purpose is not started again behind their back."""
    name = create().value
    stop(sagemaker, name, Reason="It eats the GPUs.")
    text = fails(AirflowFailException, create, ti=RETRIED)
    assert "was stopped by somebody" in text
    assert "It eats the GPUs." in text
    assert [name] == created(emulator)


def test_a_retry_after_a_clear_finds_the_next_name(create, emulator, sagemaker):
    """A retry keeps the generation, so it adopts `-2` and does not make `-3`."""
    name = create().value
    expire(emulator, sagemaker, name)
    create(ti=CLEARED)
    again = create(ti={**CLEARED, **RETRIED})
    assert (f"{name}-2", [name, f"{name}-2"]) == (again.value, created(emulator))


# --- own, earlier generation --------------------------------------------------------------


@pytest.mark.parametrize("status", LIVE)
def test_earlier_live_with_the_same_arguments_is_adopted(
    status, create, bring_to, emulator, sagemaker
):
    """A clear that changed nothing goes on with the experiment, which is now its own."""
    name, arguments = bring_to(status)
    assert "0" == tags_of(sagemaker, name)[GENERATION]
    again = create(ti=CLEARED, **arguments)
    assert (name, [name]) == (again.value, created(emulator))
    assert "1" == tags_of(sagemaker, name)[GENERATION]


def test_an_adoption_after_a_clear_says_so(create, log):
    """One line tells the experiment, the try that created it, and the clear since."""
    name = create().value
    create(ti={**CLEARED, "try_number": 2})
    since = "from try 1, from before this task was cleared"
    expected = [f"Found my experiment {name!r} (Running) {since}, continuing."]
    assert expected == log.containing("Found ")


def test_a_retry_with_other_arguments_says_so(create, log):
    """It goes on with what the try before it created: only a clear begins anew."""
    name = create().value
    create(ti=RETRIED)
    assert [] == log.containing("arguments have changed since")
    assert name == create(ti=RETRIED, shadow_model_name="churn-v3").value
    assert 1 == len(log.containing("arguments have changed since; clear the task to apply them."))


def test_the_try_is_the_one_that_created_it(create, log):
    """However many tries have gone on with it since, a clear among them."""
    name = create(ti={"try_number": 2}).value
    for ti in ({"try_number": 3}, {**CLEARED, "try_number": 4}, {**CLEARED, "try_number": 5}):
        create(ti=ti)
    assert 3 == len(log.containing(f"Found my experiment {name!r} (Running) from try 2, "))


def test_an_adopted_one_counts_as_this_generations(create, emulator, sagemaker):
    """After the adoption by a clear, a retry finds the concluded one and makes no other."""
    name = create().value
    create(ti=CLEARED)
    expire(emulator, sagemaker, name)
    create(ti={**CLEARED, **RETRIED})
    assert [name] == created(emulator)


@pytest.mark.parametrize("status", ["Creating", "Starting", "Running", "Updating"])
def test_earlier_live_with_other_arguments_gets_the_next_name(
    status, create, bring_to, emulator, sagemaker
):
    """The old shadow is removed, waited for, and the new experiment has a name of its own."""
    name, arguments = bring_to(status)
    again = create(ti=CLEARED, **{**arguments, "sampling_percentage": 20})
    assert (f"{name}-2", "Running") == (again.value, again.experiment["Status"])
    assert ["Stopping", "Cancelled"] == statuses(emulator, name)[-2:]
    assert "[airflow-shadow:supersede]" in described(sagemaker, name)["StatusReason"]


def test_an_update_that_does_not_show_yet_is_waited_for(create, emulator, sagemaker):
    """Right after an update AWS still describes the state before, and refuses the removal."""
    name = create().value
    sagemaker.update_inference_experiment(Name=name, Description="changed by hand")
    assert f"{name}-2" == create(ti=CLEARED, sampling_percentage=20).value
    assert "Cancelled" == statuses(emulator, name)[-1]


@pytest.mark.parametrize("status", ["Creating", "Starting", "Running", "Updating"])
def test_earlier_live_with_other_arguments_is_replaced_under_a_given_name(
    status, create, bring_to, emulator
):
    """A name that the user chose stays, so the old experiment makes room for the new one."""
    name, arguments = bring_to(status, name="nightly")
    create(ti=CLEARED, **{**arguments, "sampling_percentage": 20})
    assert (["nightly"] * 2, ["nightly"]) == (created(emulator), deleted(emulator))
    assert ["Stopping", "Cancelled", "Creating", "Running"] == statuses(emulator, name)[-4:]


@pytest.mark.parametrize("name", [None, "nightly"])
def test_earlier_scheduled_with_other_arguments_is_deleted(name, create, bring_to, emulator):
    """One that has not started has no shadow to remove and leaves its name free."""
    name, arguments = bring_to("Created", name=name)
    create(ti=CLEARED, **{**arguments, "sampling_percentage": 20})
    assert ([name] * 2, [name]) == (created(emulator), deleted(emulator))


def test_earlier_scheduled_that_starts_just_then_is_superseded(create, bring_to, emulator):
    """AWS refuses the deletion, so another look is taken, and the shadow is removed."""
    name, arguments = bring_to("Created")
    emulator.faults.add(kind="hold-before", operation="DeleteInferenceExperiment")
    changed = {**arguments, "sampling_percentage": 20, "start_time": None}
    with meanwhile(emulator, lambda: emulator.clock.advance(3601)):
        again = create(ti=CLEARED, **changed)
    assert f"{name}-2" == again.value


def test_earlier_concluded_gets_the_next_ordinal(create, emulator, sagemaker, log):
    """Each clear after the end makes a new experiment and keeps the records of the old ones."""
    name = create().value
    expire(emulator, sagemaker, name)
    expire(emulator, sagemaker, create(ti=CLEARED).value)
    create(ti={"max_tries": 2})
    assert ([name, f"{name}-2", f"{name}-3"], []) == (created(emulator), deleted(emulator))
    why = "(Completed) is from before this task was cleared and keeps its name."
    expected = [f"Named it '{name}-2', because '{name}' {why}"]
    expected += [f"Named it '{name}-3', because '{name}-2' {why}"]
    assert expected == log.containing("Named it ")


def test_earlier_concluded_is_deleted_under_a_given_name(create, emulator, sagemaker):
    """A given name gets no ordinal, so the old record goes."""
    create(name="nightly")
    expire(emulator, sagemaker, "nightly")
    create(ti=CLEARED, name="nightly")
    assert (["nightly"] * 2, ["nightly"]) == (created(emulator), deleted(emulator))


def test_earlier_stopped_by_a_person_is_created_anew_after_a_clear(create, emulator, sagemaker):
    """A clear is what the error of a stopped experiment advises, so it must work."""
    name = create().value
    stop(sagemaker, name, Reason="Not today.")
    assert f"{name}-2" == create(ti=CLEARED).value


def test_retries_do_not_raise_the_generation(create, sagemaker):
    """Nor does a Dag version whose `retries` differ: only a clear raises `max_tries`."""
    name = create(ti={"max_tries": 3}, retries=3).value
    generation = tags_of(sagemaker, name)[GENERATION]
    assert name == create(ti={"max_tries": 3, "try_number": 2}, retries=5).value
    assert generation == tags_of(sagemaker, name)[GENERATION]


def test_a_clear_counts_although_retries_were_lowered(create, emulator, sagemaker, log):
    """By the tries that were used: then `max_tries` is what it was before the clear."""
    name = create(ti={"max_tries": 2}, retries=2).value
    stop(sagemaker, name, Reason="Not today.")
    cleared = {"ti": {"max_tries": 2, "try_number": 2}, "dag_run": {"clear_number": 1}}
    assert f"{name}-2" == create(retries=1, **cleared).value
    assert [] == log.containing("continuing")
    assert name != created(emulator)[-1]


def test_an_ended_one_is_not_continued(create, tasks, log):
    """A retry that finds its experiment removed by a later task says what it does: nothing."""
    name = create().value
    tasks.run(RemoveShadowVariantOperator, ti={"task_id": "remove"}, name=name)
    create(ti=RETRIED)
    end = "(Cancelled) from try 1; it has ended, so nothing is created."
    assert [f"Found my experiment {name!r} {end}"] == log.containing("Found my experiment")


# --- the endpoint is busy with our own ----------------------------------------------------


@pytest.mark.parametrize("status", LIVE)
def test_own_under_another_name_is_not_waited_for(status, create, bring_to, emulator):
    """An earlier generation that holds the endpoint is superseded, though its name differs."""
    _, arguments = bring_to(status, name="monday")
    run = create(ti=CLEARED, **{**arguments, "name": "tuesday"}, endpoint_timeout=5)
    assert ("tuesday", ["monday", "tuesday"]) == (run.value, created(emulator))
