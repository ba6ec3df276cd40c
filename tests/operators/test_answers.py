"""CompareAnswersOperator, on what the emulator captured."""

from __future__ import annotations

import json
import stat
from datetime import timedelta
from typing import Any

import jinja2
import pytest

from airflow_shadow._compat import AirflowFailException
from airflow_shadow.emulator import fleet
from airflow_shadow.emulator.traffic import Traffic
from airflow_shadow.operators import CompareAnswersOperator, ShadowAnalysisOperator
from airflow_shadow.operators.literals import literal_buckets
from airflow_shadow.steps import extras
from tests.conftest import client_of
from tests.helpers import fails, stop
from tests.reference_pages import arguments_of
from tests.shadows import begin_shadow

NAME, HOUR = "theirs", timedelta(hours=1)
STEADY = {"SHADOW_NOISE": "0.01", "SHADOW_NOISE_MEMORY": "0", "SHADOW_LATENCY_SPREAD": "0.1"}
LABELS = {**STEADY, "SHADOW_ANSWER_KIND": "label", "SHADOW_ANSWER_CLASSES": "4"}
SPEC: dict[str, Any] = {
    "answers": {"churn": {"answer": "$.predictions[*].predicted_label", "kind": "label"}},
    "criteria": [
        {"name": "errors", "metric": "Invocation5XXErrors", "comparison": "difference"}
        | {"tolerance": 0.005},
        {"name": "agree", "metric": "answers.churn.disagreement", "comparison": "absolute"}
        | {"tolerance": 0.02},
    ],
    "min_duration": 600,
    "initial_delay": 60,
    "min_periods": 10,
    "min_effective_periods": 5,
}


@pytest.fixture
def s3(emulator):
    """Return a client of the emulator's S3, which has a bucket."""
    client = client_of(emulator, "s3")
    client.create_bucket(Bucket="captures")
    return client


def declared(answers):
    """Return the environment of a model that answers so."""
    return {f"SHADOW_ANSWER_{key.upper()}": str(value) for key, value in answers.items()}


@pytest.fixture
def shadow(emulator, sagemaker, s3):
    """Run a shadow under traffic whose answers are captured; return since when."""

    def run(*, minutes=60, captures=True, rate=60, production=None, repeated=0.0, **answers):
        fleet.create_model(sagemaker, name="v1", environment=LABELS | declared(production or {}))
        fleet.create_model(sagemaker, name="v2", environment=LABELS | declared(answers))
        traffic = Traffic(
            requests_per_minute=rate, daily_swing=0, late_seconds=0, repeated_inputs=repeated
        )
        fleet.create_endpoint(sagemaker, endpoint_name="churn", model_name="v1", traffic=traffic)
        storage = {"Destination": "s3://captures/churn", "ContentType": TYPES}
        more = {"DataStorageConfig": storage} if captures else {}
        begin_shadow(sagemaker, **more)
        emulator.clock.speed = 0
        since = emulator.clock.now()
        emulator.clock.advance(minutes * 60)
        return since

    return run


TYPES = {"JsonContentTypes": ["application/json"]}


def compared(tasks, emulator, since, *, later=HOUR, length="40m", **arguments):
    """Compare the answers of a window, a while after its end."""
    emulator.clock.advance(later)
    given = {"name": NAME, "spec": SPEC, "since": since.isoformat(), "duration": length}
    return tasks.run(CompareAnswersOperator, **{**given, **arguments})


def joined(tasks, verdict, **arguments):
    """Compare the answers of the window of a verdict."""
    return tasks.run(CompareAnswersOperator, **{"spec": SPEC, "verdict": verdict, **arguments})


def outcomes(verdict):
    """Return the outcome of each finding."""
    return {finding["name"]: finding["outcome"] for finding in verdict["findings"]}


def analysed(tasks, since, **arguments):
    """Return the verdict on the metrics of the window."""
    given = {"name": NAME, "spec": SPEC, "since": since.isoformat(), "duration": "40m"}
    return tasks.run(ShadowAnalysisOperator, **{**given, **arguments}).value


# --- the verdict


def test_a_candidate_that_answers_alike_passes(shadow, tasks, emulator):
    """Metrics and answers pass, so the verdict does not rest on metrics alone."""
    since = shadow()
    verdict = compared(tasks, emulator, since).value
    assert ("PASS", False) == (verdict["outcome"], verdict["operational_only"])
    expected = {"errors", "agree", "unanswered requests", "answer coverage"}
    assert dict.fromkeys(expected, "PASS") == outcomes(verdict)


@pytest.mark.thorough
def test_a_candidate_that_answers_otherwise_fails(shadow, tasks, emulator):
    """It is as fast as production and free of errors, and answers wrongly."""
    since = shadow(error_rate=0.3)
    verdict = compared(tasks, emulator, since).value
    found = outcomes(verdict)
    assert ("FAIL", "PASS", "FAIL") == (verdict["outcome"], found["errors"], found["agree"])


def test_models_that_answer_at_random_are_told_by_repeated_inputs(shadow, tasks, emulator):
    """Where inputs repeat, only what goes beyond production's own disagreement counts."""
    at_random = {"randomness": 1, "error_rate": 0.2}
    since = shadow(production=at_random, repeated=0.5, **at_random)
    answers = {"churn": {**SPEC["answers"]["churn"], "noise": "repeats"}}
    beyond = {**SPEC["criteria"][1], "comparison": "difference", "tolerance": 0.1}
    spec = {**SPEC, "answers": answers, "criteria": [SPEC["criteria"][0], beyond]}
    verdict = compared(tasks, emulator, since, spec=spec).value
    [found] = [each for each in verdict["findings"] if each["name"] == "agree"]
    assert ("PASS", "PASS") == (verdict["outcome"], found["outcome"])
    assert min(found["baseline"], found["candidate"]) > 0.1
    assert 400 < found["n_baseline"] < 700
    assert "FAIL" == outcomes(compared(tasks, emulator, since, later=timedelta(0)).value)["agree"]


def test_a_verdict_of_an_analysis_is_joined(shadow, tasks, emulator):
    """Its window and looks are taken, and its findings stay."""
    since = shadow()
    before = analysed(tasks, since)
    assert ("PASS", True) == (before["outcome"], before["operational_only"])
    emulator.clock.advance(HOUR)
    run = joined(tasks, before)
    after = run.value
    same = ("start", "end", "looks", "look", "experiment", "creation_time", "baseline")
    assert {key: before[key] for key in same} == {key: after[key] for key in same}
    assert ("PASS", False) == (after["outcome"], after["operational_only"])
    assert before["findings"] == after["findings"][: len(before["findings"])]
    assert "| agree |" in run.ti.xcoms["evidence"]


@pytest.mark.thorough
def test_the_same_window_gives_the_same_verdict(shadow, tasks, emulator):
    """With or without an analysis of its own."""
    since = shadow(error_rate=0.01)
    before = analysed(tasks, since)
    alone = compared(tasks, emulator, since).value
    assert alone == joined(tasks, before).value


@pytest.mark.thorough
def test_a_fail_of_the_metrics_is_returned_as_it_is(shadow, tasks, emulator, log):
    """Nothing is waited for or read: the shadow is removed the sooner."""
    since = shadow()
    verdict = {**analysed(tasks, since), "outcome": "FAIL"}
    run = joined(tasks, verdict)
    assert ("FAIL", verdict["findings"]) == (run.value["outcome"], run.value["findings"])
    assert 0 == run.deferrals
    assert log.containing("Nothing is compared: the metrics have decided.")


@pytest.mark.thorough
def test_fail_on_fails_the_task(shadow, tasks, emulator):
    """As in an analysis."""
    since = shadow(error_rate=0.3)
    said = fails(AirflowFailException, compared, tasks, emulator, since, fail_on=("FAIL",))
    assert said.startswith("FAIL (answers were compared): ")


# --- what was captured


@pytest.mark.thorough
def test_files_that_are_late_are_waited_for(shadow, tasks, emulator, log):
    """The window's end has passed, and its last files come minutes later."""
    emulator.capture_late_seconds = 600
    since = shadow(minutes=44)
    due = "Waiting for the files that experiment 'theirs' captured, due by"
    log.when(due, lambda: emulator.clock.advance(HOUR / 30))
    again = "Answers may still come, so they are read again: answer coverage"
    log.when(again, lambda: emulator.clock.advance(HOUR / 2))
    verdict = compared(tasks, emulator, since, later=timedelta()).value
    assert "PASS" == verdict["outcome"], verdict["reason"]
    assert log.containing(again)


def test_another_experiment_of_the_name_gets_no_verdict(shadow, tasks, emulator, sagemaker, log):
    """Somebody deletes the judged one while files are waited for, and makes another."""
    emulator.capture_late_seconds = 600
    since = shadow(minutes=44)

    def make_another():
        stop(sagemaker, NAME)
        sagemaker.delete_inference_experiment(Name=NAME)
        begin_shadow(sagemaker)
        emulator.clock.advance(HOUR)

    log.when("Waiting for the files that experiment 'theirs' captured, due by", make_another)
    said = fails(AirflowFailException, compared, tasks, emulator, since, later=timedelta())
    assert "one on experiment 'theirs' of" in said


@pytest.mark.thorough
def test_files_that_never_come_are_not_waited_for_forever(shadow, tasks, emulator):
    """The verdict is INCONCLUSIVE and says which side lacks how many."""
    since = shadow(capture_loss=0.3)
    verdict = compared(tasks, emulator, since).value
    found = {finding["name"]: finding for finding in verdict["findings"]}
    assert "INCONCLUSIVE" == verdict["outcome"]
    assert "of production have none of the shadow" in found["answer coverage"]["sentence"]


def test_nothing_captured_says_where_to_look(shadow, tasks, emulator, s3):
    """The role may lack the permission, which nobody else can see."""
    since = shadow(minutes=120)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket="captures"):
        for found in page.get("Contents", ()):
            s3.delete_object(Bucket="captures", Key=found["Key"])
    verdict = compared(tasks, emulator, since, later=timedelta()).value
    assert "INCONCLUSIVE" == verdict["outcome"]
    assert f"look whether {fleet.ROLE_ARN} may write there" in " ".join(verdict["lacking"])


def test_no_content_is_in_what_we_say(shadow, tasks, emulator, log, tmp_path):
    """Neither a log nor an XCom nor the report has a word of a request or an answer."""
    since = shadow(broken=0.05)
    run = compared(tasks, emulator, since, report=f"{tmp_path}/report.html")
    said = json.dumps(run.ti.xcoms) + json.dumps(run.value) + "\n".join(log.lines)
    said += (tmp_path / "report.html").read_text()
    records = list(captured(emulator))
    assert len(records) > 1000
    assert [] == [one for record in records for one in contents(record) if one in said]


@pytest.mark.parametrize("shown", [True, False])
def test_the_report_shows_the_answers(shadow, tasks, emulator, tmp_path, shown):
    """Their course always; the names of classes, in the XCom too, unless they may not be shown."""
    since = shadow()
    output = {**SPEC["answers"]["churn"], "show_classes": shown}
    path = tmp_path / "report.html"
    spec = {**SPEC, "answers": {"churn": output}}
    run = compared(tasks, emulator, since, spec=spec, report=str(path))
    (summary,) = run.ti.xcoms["answers"].values()
    page = path.read_text()
    assert "Disagreement" in page
    assert (
        shown == ("matrix" in page.partition("<body>")[2]) == bool(summary["distribution"]["cells"])
    )


def captured(emulator):
    """Yield the records in the bucket."""
    s3 = client_of(emulator, "s3")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket="captures"):
        for found in page.get("Contents", ()):
            text = s3.get_object(Bucket="captures", Key=found["Key"])["Body"].read().decode()
            yield from map(json.loads, text.splitlines())


def contents(record):
    """Yield what of a captured record nobody else may read."""
    yield record["captureData"]["endpointInput"]["data"]
    yield from filter(None, [record["captureData"].get("endpointOutput", {}).get("data")])
    yield record["eventMetadata"]["eventId"]
    yield record["eventMetadata"]["inferenceId"]


@pytest.mark.thorough
def test_results_are_kept_and_read_again(shadow, tasks, emulator, s3):
    """A second task reads no hour that is done."""
    since = shadow(minutes=180)
    kept = {"results": "s3://captures/sums", "length": "2h"}
    first = compared(tasks, emulator, since, later=3 * HOUR, **kept).value
    assert s3.list_objects_v2(Bucket="captures", Prefix="sums/")["KeyCount"]
    assert first == compared(tasks, emulator, since, **kept).value


# --- what is refused before anything is waited for


@pytest.mark.thorough
def test_an_experiment_that_captures_nothing_is_refused(shadow, tasks, emulator):
    """Nothing could be compared in the end."""
    since = shadow(captures=False)
    said = fails(AirflowFailException, compared, tasks, emulator, since)
    assert "it captures nothing" in said


def test_a_specification_without_answers_is_refused(shadow, worker, emulator):
    """The default specification judges metrics alone."""
    since = shadow()
    said = fails(AirflowFailException, compared, worker, emulator, since, spec=None)
    assert "a specification without answers" in said


def test_a_missing_extra_is_one_clear_error(worker, monkeypatch):
    """Before AWS is asked for anything."""
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    said = fails(AirflowFailException, worker.run, CompareAnswersOperator, name=NAME, spec=SPEC)
    assert "pip install 'airflow-shadow[answers]'" in said


def test_a_verdict_on_another_experiment_is_refused(shadow, worker, emulator):
    """Also on an earlier one of the same name."""
    since = shadow()
    verdict = {**analysed(worker, since), "creation_time": "2020-01-01T00:00:00+00:00"}
    said = fails(AirflowFailException, joined, worker, verdict)
    assert "one on experiment 'theirs' of '2020-01-01T00:00:00+00:00'" in said


def test_a_verdict_whose_window_is_not_the_experiments_is_refused(shadow, worker):
    """What a form or a hand wrote reads no captures of other experiments, and waits for none."""
    verdict = {**analysed(worker, shadow()), "outcome": "INCONCLUSIVE"}
    for change in (
        {"findings": 3},
        {"findings": [{"name": "mine"}]},
        {"start": "yesterday"},
        {"start": 0.0},
        {"end": float("nan")},
        {"end": 1e12},
    ):
        said = fails(AirflowFailException, joined, worker, {**verdict, **change})
        assert "which is no window of experiment 'theirs'" in said


def test_a_verdict_travels_without_its_specification(shadow, worker):
    """What waits in the triggerer is small: MySQL keeps 64 KB of it."""
    verdict = analysed(worker, shadow())
    waits = {"capture_delay": "9h", "deferrable": True, "until_deferred": True}
    carried = joined(worker, verdict, **waits).trigger.serialize()[1]["carry"]
    assert {"spec", "looked"} == {*verdict} - {*carried["verdict"]}
    assert verdict["looked"] == carried["looked"]


def test_a_verdict_and_a_window_are_refused(shadow, worker):
    """Which of the two is meant cannot be known."""
    verdict = analysed(worker, shadow())
    said = fails(AirflowFailException, joined, worker, verdict, duration="1h")
    assert "Found: duration besides." in said


def test_the_missing_verdict_of_a_skipped_analysis_is_refused(worker):
    """It would otherwise be taken for none given."""
    said = fails(AirflowFailException, joined, worker, None)
    assert "Found: None, which is none." in said


def test_examples_need_a_file(worker):
    """What both answered is written only where the user says."""
    said = fails(
        AirflowFailException, worker.run, CompareAnswersOperator, name=NAME, spec=SPEC, examples=20
    )
    assert "no file for them" in said


@pytest.mark.thorough
def test_examples_are_for_their_owner_alone(shadow, tasks, emulator, tmp_path, log):
    """What both answered stands in the file, and neither in the log nor in an XCom."""
    since = shadow(error_rate=0.3)
    path = tmp_path / "examples.jsonl"
    run = compared(tasks, emulator, since, examples=5, examples_path=str(path))
    assert stat.S_IRUSR | stat.S_IWUSR == stat.S_IMODE(path.stat().st_mode)
    text = path.read_text()
    records = list(captured(emulator))
    ids = [record["eventMetadata"]["eventId"] for record in records]
    assert 5 == len(text.splitlines()) == sum(each in text for each in set(ids))
    said = json.dumps(run.ti.xcoms) + json.dumps(run.value) + "\n".join(log.lines)
    assert [] == [one for record in records for one in contents(record) if one in said]


def test_labels_that_nobody_has_are_an_error_that_names_their_place(shadow, worker, emulator):
    """A bucket that does not exist is a mistake of the specification, not of the candidate."""
    since = shadow()
    output = {**SPEC["answers"]["churn"], "labels": "s3://no-one-has-it/"}
    spec = {**SPEC, "answers": {"churn": output}}
    said = fails(AirflowFailException, compared, worker, emulator, since, spec=spec)
    assert "s3://no-one-has-it/" in said


def test_a_form_chooses_no_bucket(shadow, worker, emulator):
    """What a template gives is read in the captures' bucket only, unless the Dag names another."""
    since = shadow()
    output = {**SPEC["answers"]["churn"], "labels": "s3://no-one-has-it/"}
    spec = json.dumps({**SPEC, "answers": {"churn": output}})
    form = {"spec": "{{ params.spec }}", "context": {"params": {"spec": spec}}}
    said = fails(AirflowFailException, compared, worker, emulator, since, **form)
    assert "give buckets=['no-one-has-it'] in the Dag" in said
    said = fails(
        AirflowFailException, compared, worker, emulator, since, buckets=["no-one-has-it"], **form
    )
    assert "ListObjectsV2 s3://no-one-has-it/" in said


@pytest.mark.parametrize(
    ("spec", "buckets"),
    [
        ({"answers": {"a": {"labels": "s3://one", "values": "s3://two/x/"}}}, {"one", "two"}),
        ('{"answers": {"a": {"labels": "s3://one", "values": \'s3://two\'}}}', {"one", "two"}),
        ({"labels": "s3://one/{{ ds }}/"}, {"one"}),
        ({"labels": "s3://one{{ ds }}/"}, set()),
        ({"labels": "{{ params.place }}"}, set()),
        ("labels: s3://one\nvalues: s3://{{ params.bucket }}/x/", {"one"}),
        ("{{ params.spec }}s3://one/", set()),
        (None, set()),
    ],
)
def test_buckets_are_the_authors_if_no_template_gives_them(spec, buckets):
    """A name counts if it ends before the first template of its text."""
    assert buckets == literal_buckets(spec, jinja2.Environment(autoescape=True))


def test_what_expand_got_from_a_task_names_no_bucket():
    """A specification that comes from an XCom is no word of the Dag's author."""
    spec = {"answers": {"a": {"labels": "s3://one/"}}}
    operator = CompareAnswersOperator(task_id="compare", name=NAME, spec=spec)
    operator._read_written(jinja2.Environment(autoescape=True), {id(spec)})
    assert frozenset() == operator.spec_buckets
    operator._read_written(jinja2.Environment(autoescape=True), set())
    assert {"one"} == operator.spec_buckets


def test_the_words_are_those_of_an_analysis():
    """All arguments of an analysis mean the same here."""
    mine, analysis = (
        set(arguments_of(cls.__mro__)) for cls in (CompareAnswersOperator, ShadowAnalysisOperator)
    )
    assert set() == analysis - mine
