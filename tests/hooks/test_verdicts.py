"""Verdicts in a process that has other things to do."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from airflow_shadow.analysis import judge
from airflow_shadow.hooks import verdicts


def test_one_verdict_at_a_time(hook, shadowed, monkeypatch):
    """The threads of a triggerer wait for each other, however many ask at once."""
    start = shadowed().start.timestamp()
    about = {
        "experiment": hook.describe_inference_experiment("x"),
        "spec": {},
        "metrics": {},
        "start": start,
        "end": start + 3600,
        "looks": [start + 3600],
    }
    inside, seen, together = [], Counter(), threading.Barrier(2, timeout=0.2)

    def watched(*arguments):
        inside.append(1)
        try:
            together.wait()
        except threading.BrokenBarrierError:
            together.reset()
        seen[len(inside)] += 1
        inside.pop()
        return judge(*arguments)

    monkeypatch.setattr(verdicts, "judge", watched)
    with ThreadPoolExecutor(4) as threads:
        outcomes = list(threads.map(lambda _: verdicts.find_verdict(hook, about), range(4)))
    assert ({1: 4}, 4) == (dict(seen), len(outcomes))
