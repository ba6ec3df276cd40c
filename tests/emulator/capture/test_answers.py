"""Models answer as their environment declares, both variants to the same hidden truth."""

import base64
import json
import re
from collections import Counter, defaultdict
from datetime import timedelta
from statistics import correlation, fmean, stdev

import pytest
from botocore.exceptions import ClientError

from airflow_shadow.emulator.capture.answers import Answers, environment, read_answers
from airflow_shadow.emulator.errors import Invalid
from airflow_shadow.emulator.fleet import create_endpoint, create_model
from airflow_shadow.emulator.traffic import Traffic
from tests.emulator.capture.conftest import answer_of

pytestmark = pytest.mark.thorough

MANY = Traffic(requests_per_minute=200, daily_swing=0, seed=11)


def share(values):
    """Return the share that is true."""
    return fmean(map(bool, values))


def differ(pairs):
    """Return the share of pairs that differ."""
    return share(one != other for one, other in pairs)


def test_a_declaration_is_read_back():
    """What `environment` declares is what a model answers."""
    declared = Answers(kind="label", classes=5, error_rate=0.1, content_type="text/csv", rows=3)
    assert declared == read_answers(environment(declared))
    assert {} == environment(Answers())


@pytest.mark.parametrize(
    ("key", "text", "problem"),
    [
        ("SHADOW_ANSWER_KIND", "image", "has to be one of score, label, text, json."),
        ("SHADOW_ANSWER_ROWS", "1.5", "has to be a whole number from 1 to 1000."),
        ("SHADOW_ANSWER_NOISE", "nan", "has to be a number from 0 to 1."),
        ("SHADOW_ANSWERS", "score", "is unknown; there are SHADOW_ANSWER_BIAS,"),
    ],
)
def test_a_wrong_declaration_is_refused(key, text, problem):
    """The error names the key and what is allowed."""
    with pytest.raises(Invalid) as caught:
        read_answers({key: text})
    assert key in caught.value.message
    assert problem in caught.value.message


def test_create_model_names_all_that_is_wrong(client):
    """Behaviour and answers are checked together."""
    wrong = {"SHADOW_LATENCY_MS": "fast", "SHADOW_ANSWER_CLASSES": "1"}
    with pytest.raises(ClientError) as caught:
        create_model(client, name="m", environment=wrong)
    message = caught.value.response["Error"]["Message"]
    assert "SHADOW_LATENCY_MS" in message
    assert "SHADOW_ANSWER_CLASSES" in message


def test_models_without_faults_agree(answering, captured):
    """Both variants get the same input and know the same truth."""
    answering(Answers(kind="json"), Answers(kind="json"), traffic=MANY)
    assert 0 == differ(captured.pairs("score"))
    inputs = [
        {
            one["eventMetadata"]["inferenceId"]: one["captureData"]["endpointInput"]["data"]
            for one in captured.records(variant)
        }
        for variant in ("AllTraffic", "Shadow")
    ]
    common = set(inputs[0]) & set(inputs[1])
    assert len(common) > 5000
    assert [inputs[0][name] for name in common] == [inputs[1][name] for name in common]


def test_labels_are_wrong_at_the_declared_rate(answering, captured, emulator, labels):
    """Each model errs at its own rate, against the labels."""
    answering(
        Answers(kind="label", classes=4, error_rate=0.1),
        Answers(kind="label", classes=4, error_rate=0.3),
        traffic=MANY,
    )
    emulator.labels("answering", "s3://captured/truth", late_seconds=0)
    truth = labels()
    rates = [
        share(
            str(rows[0]["predicted_label"]) not in truth[name]
            for name, rows in captured.rows(variant).items()
            if name in truth
        )
        for variant in ("AllTraffic", "Shadow")
    ]
    assert [pytest.approx(0.1, abs=0.02), pytest.approx(0.3, abs=0.03)] == rates


@pytest.mark.parametrize(("shared", "expected"), [(0.0, 2 * 0.2 * 0.8), (0.9, 0.12), (1.0, 0.0)])
def test_models_err_together_as_declared(answering, captured, shared, expected):
    """Errors of models are independent, equal, or between the two."""
    declared = Answers(kind="label", error_rate=0.2, correlation=shared)
    answering(declared, declared, traffic=MANY)
    assert pytest.approx(expected, abs=0.03) == differ(captured.pairs("predicted_label"))


def test_scores_have_bias_and_noise(answering, captured):
    """The difference of two scores has the declared mean and spread, but for the ends."""
    answering(
        Answers(kind="score"),
        Answers(kind="score", bias=0.05, noise=0.02),
        traffic=MANY,
    )
    inside = [other - one for one, other in captured.pairs("score") if 0.2 < one < 0.8]
    assert pytest.approx(0.05, abs=0.002) == fmean(inside)
    assert pytest.approx(0.02, rel=0.05) == stdev(inside)


def test_noise_is_correlated_as_declared(answering, captured):
    """What two models add to the same score has the declared correlation."""
    declared = Answers(kind="score", noise=0.001, correlation=0.6)
    answering(declared, declared, traffic=MANY)
    # Without noise a score would be the truth, which is nearly that of the other model.
    differences = [other - one for one, other in captured.pairs("score") if 0.1 < one < 0.9]
    assert pytest.approx(0.001 * (2 * (1 - 0.6)) ** 0.5, rel=0.05) == stdev(differences)


def test_scores_are_calibrated(answering, captured, emulator, labels):
    """Outcomes happen as often as the scores say, so that the Brier score is a sixth."""
    answering(Answers(kind="score"), traffic=MANY)
    emulator.labels("answering", "s3://captured/truth", late_seconds=0)
    scored = {name: rows[0]["score"] for name, rows in captured.rows("AllTraffic").items()}
    both = [(scored[name], int(label)) for name, [label] in labels().items() if name in scored]
    assert pytest.approx(1 / 6, abs=0.01) == fmean((label - score) ** 2 for score, label in both)
    assert correlation(*zip(*both, strict=True)) > 0.5


def test_a_wrong_score_is_the_opposite(answering, captured):
    """An erring score says one minus what is right."""
    answering(Answers(kind="score"), Answers(kind="score", error_rate=1), traffic=MANY)
    sums = {round(one + other, 5) for one, other in captured.pairs("score")}
    assert {1.0} == sums


@pytest.mark.parametrize(
    ("manner", "fits"),
    [
        ("empty", lambda text: text == ""),
        ("garbled", lambda text: text.endswith("<!--")),
        ("nan", lambda text: "NaN" in text),
        ("shape", lambda text: len(json.loads(text)["predictions"]) == 1),
    ],
)
def test_answers_break_at_the_declared_rate(answering, captured, manner, fits):
    """A share of the answers is broken, in the way that is declared."""
    broken = Answers(kind="json", broken=0.2, broken_as=manner)
    answering(Answers(rows=2), broken, traffic=MANY)
    found = [fits(answer_of(record)) for record in captured.records("Shadow")]
    assert pytest.approx(0.2, abs=0.02) == share(found)


def test_answers_break_in_all_ways(answering, captured):
    """Without a way each is as frequent."""
    answering(Answers(broken=1.0, rows=2), traffic=MANY)
    counts = Counter(
        "empty" if not text else "garbled" if "<!--" in text else "nan" if "NaN" in text else "row"
        for text in map(answer_of, captured.records("AllTraffic"))
    )
    assert {"empty", "garbled", "nan", "row"} == set(counts)
    assert all(0.22 < one / counts.total() < 0.28 for one in counts.values())


@pytest.mark.parametrize(
    ("kind", "content_type", "expected"),
    [
        (
            "json",
            "application/json",
            r'{"predictions": \[({"score": [\d.e-]+, "predicted_label": \d}(, )?){2}\]}',
        ),
        ("score", "application/jsonlines", r'({"score": [\d.e-]+}\n){2}'),
        ("label", "text/csv", r"(\d\n){2}"),
        ("json", "text/csv", r"([\d.e-]+,\d\n){2}"),
        ("text", "text/csv", r'("This is number \d\."\n){2}'),
        ("text", "text/plain", r"This is number \d\.\nThis is number \d\."),
    ],
)
def test_rows_have_the_form_of_their_type(answering, captured, kind, content_type, expected):
    """A batch has its rows in the form of its content type."""
    answering(Answers(kind=kind, content_type=content_type, rows=2), hours=0.3)
    record = captured.records("AllTraffic")[0]
    data = answer_of(record)
    if record["captureData"]["endpointOutput"]["encoding"] == "BASE64":
        data = base64.b64decode(data).decode()
    assert re.fullmatch(expected, data)
    assert content_type == record["captureData"]["endpointInput"]["observedContentType"]


def test_the_shadow_gets_what_production_is_asked(answering, captured):
    """Production declares the rows of a request, whatever the shadow declares."""
    answering(Answers(rows=3), Answers(rows=1, content_type="text/csv"), hours=0.3)
    assert {3} == {answer_of(record).count("\n") for record in captured.records("Shadow")}


@pytest.mark.thorough
def test_the_same_model_agrees_with_itself(answering, captured, client, s3, emulator):
    """In an A/A test only answers at random differ."""
    for randomness in (0.0, 0.5):
        emulator.reset()
        declared = Answers(kind="score", noise=0.1, randomness=randomness, correlation=0.0)
        create_model(client, name="same", answers=declared)
        s3.create_bucket(Bucket="captured")
        create_endpoint(
            client,
            endpoint_name="answering",
            model_name="same",
            shadow_model_name="same",
            traffic=MANY,
            capture="s3://captured/answers",
        )
        emulator.clock.advance(timedelta(hours=1))
        # They agree only where neither answers anew.
        expected = 1 - (1 - randomness) ** 2
        assert pytest.approx(expected, abs=0.03) == differ(captured.pairs("score"))


@pytest.mark.parametrize(("randomness", "alike"), [(0.0, True), (1.0, False)])
def test_inputs_that_repeat_are_answered_alike(answering, captured, randomness, alike):
    """The same input gets the same answer, unless the model answers at random."""
    traffic = Traffic(requests_per_minute=60, daily_swing=0, repeated_inputs=0.5)
    answering(Answers(noise=0.1, randomness=randomness), traffic=traffic)
    said = defaultdict(list)
    for record in captured.records("AllTraffic"):
        said[record["captureData"]["endpointInput"]["data"]].append(answer_of(record))
    repeated = [answers for answers in said.values() if len(answers) > 5]
    assert 50 == len(repeated)
    assert alike == all(len(set(answers)) == 1 for answers in repeated)
