"""`promote` and `remove`: a person's hand on production, with the operators' safeguards."""

from __future__ import annotations

import pytest

from airflow_shadow.cli import conclusion
from airflow_shadow.emulator import fleet
from tests.cli.conftest import NAME
from tests.helpers import (
    accepted,
    bears_a_shadow,
    described,
    redeploy,
    serves,
    somebodys,
    stop,
)
from tests.shadows import begin_shadow

pytestmark = [pytest.mark.http, pytest.mark.thorough]


@pytest.fixture
def promote(cli):
    """Promote on latency and errors alone."""
    return lambda *options: cli(
        "promote", NAME, "--waiter-delay", "0.01", "--promote-on", "operational", *options
    )


@pytest.fixture
def remove(cli):
    """Remove the candidate."""
    return lambda *options: cli("remove", NAME, "--waiter-delay", "0.01", *options)


def stops(emulator):
    """Return the names that were stopped."""
    return accepted(emulator, "StopInferenceExperiment")


# --- promote ------------------------------------------------------------------------------


def test_a_good_candidate_is_promoted(promote, shadow, sagemaker):
    """On the verdict that was asked for now; AWS keeps it as the reason."""
    shadow()
    done = promote("--yes")
    assert (0, ["v2"]) == (done.code, serves(sagemaker))
    assert done.out.startswith("PASS (operational metrics only)")
    assert done.out.endswith("v2 serves on endpoint churn.\n")
    reason = described(sagemaker, NAME)["StatusReason"]
    assert reason.startswith("PASS (operational metrics only): server errors +0.0 pp")
    assert reason.endswith("[airflow-shadow:promote]")


def test_a_reason_can_be_given(promote, shadow, sagemaker):
    """It stands where the verdict's would."""
    shadow()
    promote("--yes", "--reason", "Ticket 4711.")
    assert "Ticket 4711. [airflow-shadow:promote]" == described(sagemaker, NAME)["StatusReason"]


def test_a_person_is_asked(promote, shadow, sagemaker, answer):
    """The question says what replaces what, and where."""
    shadow()
    answer("y")
    done = promote()
    assert "Promote v2 on endpoint churn, replacing v1? [y/N] " in done.err
    assert (0, ["v2"]) == (done.code, serves(sagemaker))


@pytest.mark.parametrize("said", ["n", "", "perhaps"])
def test_anything_but_yes_is_no(promote, shadow, emulator, answer, said):
    """Nothing is changed."""
    shadow()
    answer(said)
    done = promote()
    assert (1, []) == (done.code, stops(emulator))
    assert "Nothing was changed." in done.err


def test_nobody_to_ask_is_no(promote, shadow, emulator):
    """In a pipeline `--yes` must be written."""
    shadow()
    done = promote()
    assert (1, []) == (done.code, stops(emulator))
    assert "Next: Add --yes if that is meant; nothing was changed." in done.err


def test_a_bad_candidate_is_not_promoted(promote, shadow, emulator):
    """The verdict is shown, and why it does not promote."""
    shadow(error_rate=0.05)
    done = promote("--yes")
    assert (1, []) == (done.code, stops(emulator))
    assert "Found: it counts as FAIL: FAIL (operational metrics only): FAIL server" in done.err
    assert "--force --reason TEXT" in done.err


def test_latency_and_errors_alone_promote_nothing_unasked(cli, shadow, emulator):
    """As for the operator: `--promote-on operational` says that this is meant."""
    shadow()
    done = cli("promote", NAME, "--yes")
    assert (1, []) == (done.code, stops(emulator))
    assert "the answers were not compared" in done.err
    assert "Next: Compare the answers in a Dag, or accept latency and errors alone" in done.err


def test_force_needs_a_reason(promote, shadow, emulator):
    """Before anything is read."""
    shadow(error_rate=0.05)
    for reason in ([], ["--reason", " "]):
        done = promote("--yes", "--force", *reason)
        assert (1, True) == (done.code, "Found: no --reason." in done.err)
    assert [] == stops(emulator)


def test_force_promotes_against_the_verdict(promote, shadow, sagemaker):
    """AWS keeps who wanted it, and what the evidence was."""
    shadow(error_rate=0.05)
    done = promote("--yes", "--force", "--reason", "The metric is wrong.")
    reason = described(sagemaker, NAME)["StatusReason"]
    assert (0, ["v2"]) == (done.code, serves(sagemaker))
    assert reason.startswith("The metric is wrong. (by force, though the verdict was FAIL: FAIL (")


def test_force_needs_no_metrics(promote, shadow, sagemaker, emulator):
    """What cannot be judged can be forced, too."""
    shadow()
    emulator.faults.add(kind="access-denied", operation="GetMetricData", times=None)
    assert 1 == promote("--yes").code
    done = promote("--yes", "--force", "--reason", "CloudWatch is closed to us.")
    assert (0, ["v2"]) == (done.code, serves(sagemaker))
    assert "Warning: there is no verdict." in done.err


def test_force_keeps_the_other_safeguards(promote, shadow, emulator):
    """Below full sampling the candidate never had the load."""
    shadow(sampling=50)
    done = promote("--yes", "--force", "--reason", "Hurry.")
    assert (1, []) == (done.code, stops(emulator))
    assert "Found: it copies 50 % of the requests" in done.err
    assert "or pass --allow-partial-sampling." in done.err


def test_partial_sampling_can_be_allowed(promote, shadow, sagemaker):
    """Its option is named like the operator's argument."""
    shadow(sampling=50)
    forced = ("--yes", "--force", "--reason", "Hurry.", "--allow-partial-sampling")
    assert (0, ["v2"]) == (promote(*forced).code, serves(sagemaker))


def test_what_would_be_lost_is_refused(promote, shadow, sagemaker, emulator):
    """The option that allows it is in the last line, and works."""
    shadow()
    redeploy_with_volume(sagemaker)
    done = promote("--yes")
    assert (1, []) == (done.code, stops(emulator))
    assert "VolumeSizeInGB (50)" in done.err
    assert "pass --allow-lost-setting VolumeSizeInGB" in done.err


def redeploy_with_volume(sagemaker):
    """Deploy production anew with a setting that no experiment can express."""
    name = sagemaker.describe_endpoint(EndpointName="churn")["EndpointConfigName"]
    config = sagemaker.describe_endpoint_config(EndpointConfigName=name)
    production = [{**one, "VolumeSizeInGB": 50} for one in config["ProductionVariants"]]
    sagemaker.create_endpoint_config(
        EndpointConfigName="by-hand",
        ProductionVariants=production,
        ShadowProductionVariants=config["ShadowProductionVariants"],
    )
    sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName="by-hand")
    fleet.wait_in_service(sagemaker, endpoint_name="churn")


def test_another_baseline_is_not_replaced(promote, shadow, sagemaker, emulator):
    """Somebody deployed since the test began."""
    shadow()
    fleet.create_model(sagemaker, name="v9")
    redeploy(sagemaker, model_name="v9")
    done = promote("--yes", "--force", "--reason", "Hurry.")
    assert (1, []) == (done.code, stops(emulator))
    assert "production runs 'v9' now" in done.err


def test_another_experiment_of_the_name_is_not_promoted(
    promote, shadow, sagemaker, emulator, monkeypatch
):
    """The one that was judged is the one that is promoted, by name and creation time."""
    shadow()
    question = conclusion._question

    def replaced(experiment):
        stop(sagemaker, NAME)
        sagemaker.delete_inference_experiment(Name=NAME)
        emulator.clock.advance(60)
        begin_shadow(sagemaker)
        return question(experiment)

    monkeypatch.setattr(conclusion, "_question", replaced)
    done = promote("--yes")
    assert (1, ["v1"]) == (done.code, serves(sagemaker))
    assert "not the one that was judged" in done.err


def test_an_expired_experiment_cannot_be_promoted(promote, churn, sagemaker, emulator):
    """AWS offers no call for it."""
    somebodys(sagemaker, NAME)
    stop(sagemaker, NAME)
    done = promote("--yes")
    assert (1, True) == (done.code, "was not promoted" in done.err)


def test_promoting_twice_is_a_success(promote, shadow, sagemaker, emulator):
    """The second time nothing is done, nor asked."""
    shadow()
    promote("--yes")
    done = promote()
    assert (0, [NAME]) == (done.code, stops(emulator))
    assert "v2 was promoted before on endpoint churn.\n" == done.out


def test_promoting_does_not_wait_if_told_so(promote, shadow, emulator):
    """The call was accepted, that is all."""
    shadow()
    done = promote("--yes", "--no-wait")
    assert (0, [NAME]) == (done.code, stops(emulator))
    assert done.out.endswith("v2 is being promoted on endpoint churn.\n")


# --- remove -------------------------------------------------------------------------------


@pytest.fixture
def running(churn, sagemaker):
    """Let an experiment run."""
    return somebodys(sagemaker, NAME)


def test_a_candidate_is_removed(remove, running, sagemaker):
    """Production stays as it is."""
    done = remove("--yes", "--reason", "Too slow.")
    shown = described(sagemaker, NAME)
    assert (0, "churn-v2 was removed from endpoint churn.\n") == (done.code, done.out)
    assert ("Cancelled", "Too slow. [airflow-shadow:remove]") == (
        shown["Status"],
        shown["StatusReason"],
    )
    assert (["churn-v1"], False) == (serves(sagemaker), bears_a_shadow(sagemaker))


def test_a_removal_is_asked_for(remove, running, answer, emulator):
    """No is the default."""
    answer("")
    done = remove()
    assert (1, []) == (done.code, stops(emulator))
    assert f"Remove churn-v2 from endpoint churn, ending experiment {NAME}? [y/N]" in done.err
    answer("YES")
    assert 0 == remove().code


def test_a_removal_can_count_as_completed(remove, running, sagemaker):
    """A test that served its purpose."""
    remove("--yes", "--desired-state", "Completed")
    assert "Completed" == described(sagemaker, NAME)["Status"]


def test_a_removal_without_a_terminal_needs_yes(remove, running, emulator):
    """As for the promotion."""
    done = remove()
    assert (1, []) == (done.code, stops(emulator))


def test_what_is_over_is_left_as_it_is(remove, running, sagemaker, emulator):
    """A success, for there is no shadow."""
    stop(sagemaker, NAME)
    done = remove()
    assert (0, f"{NAME} is Cancelled already; there is no shadow to remove.\n") == (
        done.code,
        done.out,
    )


def test_another_experiment_of_the_name_is_not_removed(
    remove, running, sagemaker, emulator, monkeypatch
):
    """Nobody was asked about that one."""
    question = conclusion._removal

    def replaced(experiment):
        stop(sagemaker, NAME)
        sagemaker.delete_inference_experiment(Name=NAME)
        emulator.clock.advance(60)
        somebodys(sagemaker, NAME)
        return question(experiment)

    monkeypatch.setattr(conclusion, "_removal", replaced)
    done = remove("--yes")
    assert (1, True) == (done.code, "somebody has made another of that name" in done.err)
    assert "Running" == described(sagemaker, NAME)["Status"]


def test_what_is_not_there_is_not_removed(remove, emulator):
    """A wrong name is an error here, unlike in a teardown."""
    done = remove("--yes")
    assert (1, True) == (done.code, "Found: no experiment named 'theirs' in us-east-1" in done.err)


def test_what_has_not_started_is_deleted(remove, churn, sagemaker, emulator, answer):
    """The question says so."""
    start = emulator.clock.now().timestamp() + 3600
    somebodys(sagemaker, NAME, rests="Created", Schedule={"StartTime": start})
    answer("y")
    done = remove()
    assert f"Delete experiment {NAME}, which has not started? [y/N]" in done.err
    assert (0, f"{NAME} was deleted.\n") == (done.code, done.out)
    assert [] == sagemaker.list_inference_experiments()["InferenceExperiments"]
