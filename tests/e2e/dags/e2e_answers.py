"""Rollouts on what both variants answer, as Airflow Dags: one for each way that they end."""

from functools import partial

from judged_rollout import PATIENT, rollout
from judged_spec import SPEC

#: Answers differ in no request or in nearly a third, so that no verdict is left to chance.
ANSWERS = {
    **SPEC,
    "answers": {"churn": {"answer": "$.predictions[*].score", "kind": "score", "within": 0.05}},
    "criteria": [
        *SPEC["criteria"],
        {
            "name": "answers agree",
            "metric": "answers.churn.disagreement",
            "comparison": "absolute",
            "tolerance": 0.02,
        },
    ],
}


def told(verdict: dict) -> list:
    """Tell what came of it, and of each criterion."""
    findings = {one["name"]: one["outcome"] for one in verdict["findings"]}
    return [verdict["outcome"], verdict["promoted"], findings]


on_answers = partial(rollout, told=told, spec=ANSWERS, capture="s3://{{ params.bucket }}/answers")
ramped = on_answers("e2e_answers", ramp=(50, 100), **PATIENT)
# Nobody is asked about a verdict that is open, so that the candidate is removed.
alone = on_answers("e2e_answers_alone", ramp=100)
