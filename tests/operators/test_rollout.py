"""What serves since when: the endpoint's tag, and what an older run leaves alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from airflow_shadow._compat import AirflowFailException, AirflowSkipException, run_moment
from airflow_shadow.emulator import fleet
from airflow_shadow.experiments.promotions import SERVES
from airflow_shadow.operators import CreateInferenceExperimentOperator, PromoteShadowVariantOperator
from tests.helpers import (
    CLEARED,
    CREATE,
    accepted,
    created,
    explicit,
    fails,
    serves,
    somebodys,
    stop,
)

pytestmark = pytest.mark.usefixtures("churn")

RETRIED = {"try_number": 2}
PROMOTION = {"AllTraffic": "Remove", "churn-v2": "Promote"}


def night(day):
    """Return the run of a night."""
    return {"run_after": datetime(2026, 3, day, tzinfo=UTC)}


def tag(sagemaker):
    """Return the tag that promotions leave on the endpoint."""
    arn = sagemaker.describe_endpoint(EndpointName="churn")["EndpointArn"]
    listed = sagemaker.list_tags(ResourceArn=arn)["Tags"]
    return next((each["Value"] for each in listed if each["Key"] == SERVES), None)


def since(model, day):
    """Return an entry of the tag."""
    return f"{model}@2026-03-{day:02}T00:00:00+00:00"


@pytest.fixture
def try_out(tasks):
    """Create the experiment of a night."""

    def one(day, model, ti=None, **arguments):
        return tasks.run(
            CreateInferenceExperimentOperator,
            ti={"run_id": f"night-{day}", **(ti or {})},
            dag_run=night(day),
            **{**CREATE, "shadow_model_name": model, "sampling_percentage": 100, **arguments},
        ).value

    return one


@pytest.fixture
def promote(tasks):
    """Promote the candidate of a night."""

    def one(day, name, **arguments):
        ti = {"run_id": f"night-{day}", "task_id": "promote"}
        return tasks.run(
            PromoteShadowVariantOperator, ti=ti, dag_run=night(day), name=name, **arguments
        )

    return one


@pytest.fixture
def roll_out(try_out, promote):
    """Test and promote the candidate of a night."""

    def one(day, model, **arguments):
        name = try_out(day, model, **arguments)
        promote(day, name)
        return name

    return one


# --- the tag


def test_a_promotion_leaves_its_run_on_the_endpoint(roll_out, sagemaker):
    """Since when production serves its first model nobody knows, so there is one entry."""
    roll_out(2, "churn-v2")
    assert since("churn-v2", 2) == tag(sagemaker)


def test_the_tag_keeps_what_serves_until_the_promotion(roll_out, sagemaker):
    """Two entries: what serves while AWS still works, and what will serve then."""
    roll_out(2, "churn-v2")
    roll_out(3, "churn-v3")
    assert f"{since('churn-v2', 2)} {since('churn-v3', 3)}" == tag(sagemaker)


def test_the_tag_is_left_without_waiting(try_out, promote, sagemaker):
    """A task that does not wait never sees the end."""
    promote(2, try_out(2, "churn-v2"), wait_for_completion=False)
    assert since("churn-v2", 2) == tag(sagemaker)


@pytest.fixture
def broken(roll_out, try_out, promote, emulator, sagemaker):
    """Promote in the second night, and fail to in the ninth; a person removes the shadow."""
    roll_out(2, "churn-v2")
    name = try_out(9, "churn-v3")
    emulator.faults.add(kind="fail-stop", reason="No capacity.")
    fails(AirflowFailException, promote, 9, name)
    put(sagemaker, "churn-v2")


def test_a_promotion_that_broke_does_not_count(broken, try_out, emulator, sagemaker):
    """The tag names the candidate already, but it does not serve."""
    assert f"{since('churn-v2', 2)} {since('churn-v3', 9)}" == tag(sagemaker)
    assert try_out(5, "churn-v3") == created(emulator)[-1]


def test_a_promotion_found_done_keeps_its_date(roll_out, promote, sagemaker):
    """A later run that looks at it has promoted nothing."""
    name = roll_out(2, "churn-v2")
    promote(9, name)
    assert since("churn-v2", 2) == tag(sagemaker)


def test_a_promotion_by_hand_is_dated_when_it_is_found(promote, sagemaker):
    """The endpoint serves the candidate, and nothing says since when."""
    somebodys(sagemaker, "theirs")
    stop(sagemaker, "theirs", ModelVariantActions=PROMOTION, DesiredState="Completed")
    promote(2, "theirs")
    assert since("churn-v2", 2) == tag(sagemaker)


def test_a_promotion_of_the_past_is_not_dated(promote, sagemaker):
    """Where the endpoint has moved on, the tag is about what serves now."""
    somebodys(sagemaker, "theirs")
    stop(sagemaker, "theirs", ModelVariantActions=PROMOTION, DesiredState="Completed")
    put(sagemaker, "churn-v3")
    promote(2, "theirs")
    assert None is tag(sagemaker)


def put(sagemaker, model):
    """Let somebody put a model on the endpoint."""
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": model,
        "InstanceType": "ml.m5.xlarge",
        "InitialInstanceCount": 2,
    }
    sagemaker.create_endpoint_config(EndpointConfigName=model, ProductionVariants=[variant])
    sagemaker.update_endpoint(EndpointName="churn", EndpointConfigName=model)
    fleet.wait_in_service(sagemaker, endpoint_name="churn")


@pytest.mark.parametrize("operation", ["ListTags", "AddTags"])
def test_without_the_right_to_tag_a_promotion_goes_on(try_out, promote, emulator, log, operation):
    """One warning says what is lost."""
    name = try_out(2, "churn-v2")
    emulator.faults.add(kind="access-denied", operation=operation, times=None)
    assert "Completed" == promote(2, name).experiment["Status"]
    assert 1 == len(log.containing("The endpoint's tag cannot be used"))


def test_without_the_right_to_read_tags_a_creation_goes_on(try_out, emulator, log):
    """One warning says what is lost."""
    emulator.faults.add(kind="access-denied", operation="ListTags", times=None)
    name = try_out(2, "churn-v2")
    assert ([name], 1) == (
        created(emulator),
        len(log.containing("The endpoint's tag cannot be used")),
    )


# --- a candidate that serves


def test_a_candidate_that_serves_is_not_tested(roll_out, try_out):
    """The task is skipped with one line."""
    name = roll_out(2, "churn-v2")
    text = fails(AirflowSkipException, try_out, 3, "churn-v2")
    assert "endpoint 'churn' serves 'churn-v2' on ml.m5.xlarge already" in text
    assert (True, False, False) == ("allow_serving=True" in text, "\n" in text, name in text)


def test_a_model_can_be_tested_against_itself(try_out, emulator):
    """An A/A test says that it is one."""
    assert [try_out(2, "churn-v1", allow_serving=True)] == created(emulator)


@pytest.mark.parametrize(
    ("model", "type_", "skipped"),
    [
        ("churn-v1", "ml.m5.xlarge", True),
        ("churn-v1", "ml.c5.2xlarge", False),
        ("churn-v2", "ml.m5.xlarge", False),
    ],
)
def test_the_candidate_of_explicit_variants(try_out, emulator, model, type_, skipped):
    """It is the shadow's entry, and the same model on other instances is worth a test."""
    variants = explicit()
    variants["model_variants"][1] = fleet.model_variant(
        variant_name="Candidate", model_name=model, instance_type=type_
    )
    del variants["shadow_model_name"]
    if skipped:
        fails(AirflowSkipException, try_out, 2, None, **variants)
    else:
        try_out(2, None, **variants)
    assert (0 if skipped else 1) == len(created(emulator))


def test_a_retry_after_the_promotion_goes_on_with_its_experiment(roll_out, try_out):
    """What is adopted is never skipped."""
    name = roll_out(2, "churn-v2")
    assert name == try_out(2, "churn-v2", ti=RETRIED)


def test_a_retry_finds_what_its_first_try_created(try_out, emulator):
    """AWS acted before the first try could note it, and another rollout has happened since."""
    name = try_out(2, "churn-v2", wait_for_completion=False)
    assert (name, [name]) == (try_out(2, "churn-v2", ti=RETRIED), created(emulator))


@pytest.mark.parametrize("name", [None, "nightly"])
def test_a_clear_after_the_promotion_is_skipped(roll_out, try_out, emulator, name):
    """Nothing is created, and the record of the promoted experiment stays."""
    roll_out(2, "churn-v2", name=name)
    fails(AirflowSkipException, try_out, 2, "churn-v2", ti=CLEARED, name=name)
    assert (1, []) == (len(created(emulator)), accepted(emulator, "DeleteInferenceExperiment"))


# --- an older run


def test_an_older_run_is_not_tested(roll_out, try_out):
    """The task is skipped with one line that names both runs and both models."""
    roll_out(8, "churn-v3")
    text = fails(AirflowSkipException, try_out, 1, "churn-v2")
    assert "serves 'churn-v3', promoted by the run of 2026-03-08T00:00:00+00:00" in text
    assert "'churn-v2' is of the older run of 2026-03-01T00:00:00+00:00" in text
    assert (True, False) == ("allow_older=True" in text, "\n" in text)


@pytest.mark.parametrize("day", [8, 9])
def test_a_run_that_is_not_older_is_tested(roll_out, try_out, emulator, day):
    """The same date is not older."""
    roll_out(8, "churn-v3")
    assert try_out(day, "churn-v2") == created(emulator)[-1]


def test_an_older_run_is_skipped_after_its_wait(try_out, worker, emulator, log):
    """The newer run is promoted while the older one waits for the endpoint."""
    newer = {"dag_run": night(8), "ti": {"run_id": "night-8"}}
    arguments = {**CREATE, "shadow_model_name": "churn-v3", "sampling_percentage": 100}
    name = worker.run(CreateInferenceExperimentOperator, **newer, **arguments).value
    log.when(
        "Endpoint 'churn' is busy",
        lambda: worker.run(PromoteShadowVariantOperator, name=name, **newer),
    )
    text = fails(AirflowSkipException, try_out, 1, "churn-v2")
    assert "promoted by the run of 2026-03-08" in text
    assert [name] == created(emulator)


def test_an_older_run_is_not_promoted(roll_out, try_out, promote, emulator, sagemaker):
    """Even if it was tested: the task is skipped before it stops anything."""
    roll_out(8, "churn-v3")
    name = try_out(1, "churn-v2", allow_older=True)
    text = fails(AirflowSkipException, promote, 1, name)
    assert "'churn-v2' is of the older run of 2026-03-01T00:00:00+00:00" in text
    assert (["churn-v3"], 1) == (
        serves(sagemaker),
        len(accepted(emulator, "StopInferenceExperiment")),
    )


def test_an_older_run_can_be_allowed(roll_out, try_out, promote, sagemaker):
    """A rollback says that it is one, and from then on its date counts."""
    roll_out(8, "churn-v3")
    promote(1, try_out(1, "churn-v2", allow_older=True), allow_older=True)
    expected = f"{since('churn-v3', 8)} {since('churn-v2', 1)}"
    assert (["churn-v2"], expected) == (serves(sagemaker), tag(sagemaker))


def test_what_somebody_put_there_has_no_date(roll_out, try_out, emulator, sagemaker):
    """The tag is about models that do not serve, so it says nothing."""
    roll_out(8, "churn-v2")
    put(sagemaker, "churn-v1")
    assert try_out(1, "churn-v3") == created(emulator)[-1]


# --- the moment of a run

DAY = datetime(2026, 3, 1, tzinfo=UTC)
NIGHTLY, MANUAL = {"run_type": "scheduled"}, {"run_type": "manual"}
ASKED = {"run_type": "operator_triggered"}


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ({**MANUAL, "run_after": DAY, "logical_date": None}, DAY),
        ({**MANUAL, "run_after": DAY, "logical_date": DAY - timedelta(9)}, DAY - timedelta(9)),
        ({**MANUAL, "run_after": DAY, "logical_date": DAY + timedelta(9)}, DAY),
        ({**ASKED, "run_after": DAY, "logical_date": DAY - timedelta(9)}, DAY - timedelta(9)),
        ({**NIGHTLY, "run_after": DAY, "logical_date": DAY - timedelta(1)}, DAY),
        ({**NIGHTLY, "logical_date": DAY - timedelta(1), "data_interval_end": DAY}, DAY),
        ({**MANUAL, "logical_date": DAY, "data_interval_end": DAY - timedelta(1)}, DAY),
        ({**MANUAL, "logical_date": DAY, "data_interval_end": DAY + timedelta(1)}, DAY),
        ({**MANUAL, "logical_date": DAY, "data_interval_end": None}, DAY),
    ],
)
def test_the_moment_of_a_run(run, expected):
    """A nightly run is of the night it runs in, one that somebody triggers of the date it is for.

    Without a logical date it is of the time when it was triggered.
    """
    assert expected == run_moment({"dag_run": SimpleNamespace(**run)})


def test_a_manual_run_for_a_date_in_the_past_replaces_nothing_newer(roll_out, tasks, emulator, log):
    """It is triggered later than what serves was promoted, but for an earlier date."""
    roll_out(5, "churn-v2")
    late = {**night(9), "run_type": "manual", "logical_date": datetime(2026, 3, 1, tzinfo=UTC)}
    given = {**CREATE, "sampling_percentage": 100, "shadow_model_name": "churn-v3"}
    with pytest.raises(AirflowSkipException, match="of the older run of"):
        tasks.run(CreateInferenceExperimentOperator, ti={"run_id": "manual"}, dag_run=late, **given)
    assert 1 == len(created(emulator))
    assert log.containing(
        "Runs are compared by their moment; this run's is 2026-03-01T00:00:00+00:00."
    )


def test_a_manual_promotion_for_a_date_in_the_past_is_skipped(roll_out, try_out, tasks, sagemaker):
    """Likewise where the experiment was created with leave."""
    roll_out(5, "churn-v2")
    name = try_out(9, "churn-v3")
    late = {**night(9), "run_type": "manual", "logical_date": datetime(2026, 3, 1, tzinfo=UTC)}
    with pytest.raises(AirflowSkipException, match="of the older run of"):
        tasks.run(PromoteShadowVariantOperator, dag_run=late, name=name)
    assert ["churn-v2"] == serves(sagemaker)


def test_airflows_runs_have_what_is_read():
    """The runs of these tests are made up; Airflow's own must bear the same names."""
    try:
        from airflow.sdk.api.datamodels._generated import DagRun  # noqa: PLC0415

        known, expected = set(DagRun.model_fields), {"run_type", "run_after"}
    except ImportError:  # Airflow 2.11
        from airflow.models import DagRun  # noqa: PLC0415

        known, expected = set(dir(DagRun)), {"run_type", "logical_date", "data_interval_end"}
    assert expected <= known
    assert ("run_after" in known) == ("run_after" in expected)
