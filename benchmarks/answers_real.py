"""Real models on public labelled rows: whether the verdict is the one that the labels justify.

A production model and two candidates, one better and one clearly worse, are trained on one half of
a data set that scikit-learn ships. The emulator serves and captures two hours of requests for each
candidate; in its files each request then gets a row of the other half, drawn at random, and each
answer becomes what the trained model says to it. CompareAnswersOperator judges with the default
criteria. Prints a line a verdict; a seed decides halves, models, traffic and rows. "By hand" is
counted without this package, over the two hours, of which the judge leaves out the first minutes.

Needs the group `real` in the environment of `make test`:
`.venv/bin/uv pip install --python .venv/bin/python -c constraints.txt --group real`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import boto3
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from airflow_shadow.emulator import Emulator, airflow_home, fleet, without_http
from airflow_shadow.emulator.traffic import Traffic

SEED = 20261130
BUCKET, ENDPOINT, PRODUCTION = "real", "real", "AllTraffic"
LABELS = f"s3://{BUCKET}/labels/"
WITHIN, THRESHOLD = 0.05, 0.5
#: How both models serve: alike, so that only their answers differ.
SERVING = {"SHADOW_NOISE": "0.01", "SHADOW_NOISE_MEMORY": "0", "SHADOW_LATENCY_SPREAD": "0.1"}
KEYS = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
REGION = "us-east-1"


@dataclass(frozen=True, kw_only=True)
class Data:
    """Hold the half of a data set that no model has seen, and what the models say to it.

    :param answers: what of the answers is compared, as a specification has it
    :param predictions: name of a model to its answer to each row: a label, or a score
    """

    name: str
    answers: Mapping[str, Any]
    rows: Any
    labels: Any
    predictions: Mapping[str, Any]

    def by_hand(self, candidate: str, rows: list[int]) -> dict[str, float]:
        """Return what is true of the answers to some requests, without this package."""
        one, other = (self.predictions[model][rows] for model in ("production", candidate))
        right = self.labels[rows]
        if one.dtype.kind != "f":
            facts = {"disagreement": (one != other).mean()}
            return facts | {"right": (one == right).mean(), "shadow right": (other == right).mean()}
        is_one, is_other = one >= THRESHOLD, other >= THRESHOLD
        return {
            "disagreement": (abs(one - other) > WITHIN).mean(),
            "right": (is_one == right).mean(),
            "shadow right": (is_other == right).mean(),
            "Brier": ((one - right) ** 2).mean(),
            "shadow Brier": ((other - right) ** 2).mean(),
        }


def digits(seed: int) -> Data:
    """Return handwritten digits, of which the models name one of ten."""
    models = {
        "production": DecisionTreeClassifier(random_state=seed),
        "better": SVC(),
        "worse": DecisionTreeClassifier(max_depth=4, random_state=seed),
    }
    answers = {"digit": {"answer": "$.predictions[*].said", "kind": "label", "labels": LABELS}}
    return predicted("digits", load_digits(return_X_y=True), seed, models, answers)


def cancer(seed: int) -> Data:
    """Return breast tumours, of which the models give the probability that they are benign."""
    two_features = FunctionTransformer(lambda rows: rows[:, [4, 9]])  # both of them say little
    models = {
        "production": DecisionTreeClassifier(max_depth=3, random_state=seed),
        "better": make_pipeline(StandardScaler(), LogisticRegression()),
        "worse": make_pipeline(two_features, StandardScaler(), LogisticRegression()),
    }
    score = {"answer": "$.predictions[*].said", "kind": "score", "labels": LABELS, "within": WITHIN}
    answers = {"benign": {**score, "threshold": THRESHOLD}, "probability": score}
    return predicted("breast cancer", load_breast_cancer(return_X_y=True), seed, models, answers)


def predicted(
    name: str,
    table: tuple[Any, Any],
    seed: int,
    models: Mapping[str, Any],
    answers: Mapping[str, Any],
) -> Data:
    """Train the models on one half, and return the other one with what they say to it."""
    halves = train_test_split(*table, test_size=0.5, random_state=seed, stratify=table[1])
    rows, unseen, labels, right = halves
    is_score = any(output["kind"] == "score" for output in answers.values())
    predictions = {}
    for model, estimator in models.items():
        estimator.fit(rows, labels)
        predictions[model] = (
            estimator.predict_proba(unseen)[:, 1] if is_score else estimator.predict(unseen)
        )
    return Data(name=name, answers=answers, rows=unseen, labels=right, predictions=predictions)


def judged(
    data: Data, candidate: str, seed: int, emulator: Emulator
) -> tuple[dict[str, Any], list[int]]:
    """Return the verdict on a candidate, and the row of each request of its two hours."""
    from airflow_shadow.cli.task import make_context  # noqa: PLC0415 - after Airflow's home
    from airflow_shadow.operators import (  # noqa: PLC0415
        CompareAnswersOperator,
        CreateInferenceExperimentOperator,
    )

    emulator.reset()
    sagemaker, s3 = (
        boto3.client(each, REGION, endpoint_url=emulator.url, **KEYS)
        for each in ("sagemaker", "s3")
    )
    s3.create_bucket(Bucket=BUCKET)
    for model in ("production", candidate):
        fleet.create_model(sagemaker, name=model, environment=SERVING)
    traffic = Traffic(requests_per_minute=50, daily_swing=0, seed=seed)
    fleet.create_endpoint(
        sagemaker, endpoint_name=ENDPOINT, model_name="production", traffic=traffic
    )
    CreateInferenceExperimentOperator(
        task_id="create",
        name="real",
        role_arn=fleet.ROLE_ARN,
        endpoint_name=ENDPOINT,
        shadow_model_name=candidate,
        sampling_percentage=100,
        duration="1d",
        capture=f"s3://{BUCKET}/captures",
    ).execute(make_context())
    emulator.clock.speed = 0
    since: datetime = emulator.clock.now()
    emulator.clock.advance(timedelta(hours=2, minutes=30))
    asked = let_answer(s3, data, candidate, random.Random(seed))  # noqa: S311 - reproducible
    verdict = CompareAnswersOperator(
        task_id="compare",
        name="real",
        spec={"answers": dict(data.answers)},
        since=since.isoformat(),
        duration="2h",
    ).execute(make_context())
    return verdict, [row for at, row in asked if verdict["start"] <= at < verdict["end"]]


def let_answer(s3: Any, data: Data, candidate: str, draw: random.Random) -> list[tuple[float, int]]:
    """Put real requests and answers into all captured records, and their labels into S3.

    Returns when production got each request (seconds since 1970), and its row.
    """
    rows: dict[str, int] = {}
    asked = []
    for key, records in captured(s3):
        is_production = f"/{PRODUCTION}/" in key
        said = data.predictions["production" if is_production else candidate]
        for record in records:
            meta, sides = record["eventMetadata"], record["captureData"]
            row = rows.setdefault(meta["inferenceId"], draw.randrange(len(data.labels)))
            question = {"instances": [{"features": data.rows[row].tolist()}]}
            answer = {"predictions": [{"said": said[row].item()}]}
            sides["endpointInput"]["data"] = json.dumps(question)
            sides["endpointOutput"]["data"] = json.dumps(answer)
            if is_production:
                at = datetime.fromisoformat(meta["inferenceTime"])
                asked.append((at.timestamp(), row))
        s3.put_object(Bucket=BUCKET, Key=key, Body=lines(records))
    labels = [label(name, data.labels[row].item()) for name, row in rows.items()]
    s3.put_object(Bucket=BUCKET, Key="labels/all.jsonl", Body=lines(labels))
    return asked


def captured(s3: Any) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield key and records of each captured file, in order."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="captures/")
    for key in [found["Key"] for page in pages for found in page.get("Contents", ())]:
        text = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()
        yield key, [json.loads(line) for line in text.splitlines()]


def label(name: str, right: int) -> dict[str, Any]:
    """Return a label as SageMaker's model monitor reads it."""
    truth = {"data": str(right), "encoding": "CSV"}
    return {"groundTruthData": truth, "eventMetadata": {"eventId": name}, "eventVersion": "0"}


def lines(records: list[dict[str, Any]]) -> bytes:
    """Return JSON lines."""
    return "".join(f"{json.dumps(record)}\n" for record in records).encode()


def line(data: Data, candidate: str, verdict: Mapping[str, Any], rows: list[int]) -> str:
    """Return what is true beside what was found."""
    facts = [f"{name} {value:.4f}" for name, value in data.by_hand(candidate, rows).items()]
    found = [
        f"{each['name']} {each['candidate']:.4f}"
        + (f" [{each['lower']:+.4f}, {each['upper']:+.4f}]" if each["lower"] is not None else "")
        + f" {each['outcome']} ({each['effective_periods']:.1f} of {each['periods']} periods)"
        for each in verdict["findings"]
        if each["metric"].startswith("answers.") and not each["metric"].endswith(".broken")
    ]
    return (
        f"{data.name} | {candidate} | {len(rows):,} requests of {len(data.labels):,} rows | "
        f"by hand: {', '.join(facts)} | found: {', '.join(found)} | {verdict['outcome']}"
    )


def main() -> None:
    """Judge both candidates on both data sets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_args()
    airflow_home.use_temporary_home(AIRFLOW__LOGGING__LOGGING_LEVEL="ERROR")
    with Emulator(port=0, pace="count") as emulator, without_http(emulator):
        extra = {"region_name": REGION, "endpoint_url": emulator.url}
        connection = {"conn_type": "aws", "login": "any", "password": "any", "extra": extra}
        os.environ["AIRFLOW_CONN_AWS_DEFAULT"] = json.dumps(connection)
        for seed in range(SEED, SEED + arguments.seeds):
            for data in (digits(seed), cancer(seed)):
                for candidate in ("better", "worse"):
                    shown = judged(data, candidate, seed, emulator)
                    print(seed, "|", line(data, candidate, *shown), flush=True)
    airflow_home.remove_temporary_home()


if __name__ == "__main__":
    main()
