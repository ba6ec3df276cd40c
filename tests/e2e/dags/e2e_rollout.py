"""Rollouts on evidence, as Airflow Dags: one for each way that they end."""

from datetime import timedelta
from functools import partial

from judged_rollout import PATIENT, rollout
from judged_spec import SPEC


def told(verdict: dict) -> list:
    """Tell what came of it."""
    return [verdict["outcome"], verdict["promoted"]]


on_evidence = partial(rollout, told=told, ramp=(50, 100), promote_on="operational")
plain = on_evidence("e2e_rollout", spec=SPEC, **PATIENT)
alone = on_evidence("e2e_rollout_alone", spec=SPEC)
# So few minutes never suffice, so that a person is asked.
doubts = {"spec": {**SPEC, "min_periods": 600}, "approval": "inconclusive"}
asks = on_evidence("e2e_rollout_asks", **{**doubts, **PATIENT})
silence = on_evidence("e2e_rollout_silence", **doubts, approval_timeout=timedelta(seconds=10))
