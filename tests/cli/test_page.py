"""docs/command-line.md shows what the commands print, but for figures, times and dots."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from airflow_shadow.emulator import fleet
from airflow_shadow.emulator.behaviour import Behaviour, environment
from airflow_shadow.emulator.traffic import Traffic
from tests.helpers import until

pytestmark = [pytest.mark.http, pytest.mark.thorough]
PAGE = (Path(__file__).resolve().parents[2] / "docs/command-line.md").read_text()
SESSIONS = "".join(re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL))
#: They go on until somebody ends them or the experiment; tests/cli/test_watching.py and
#: test_main.py have them.
ENDLESS = ("watch", "emulator")
#: Two faults, as the page says.
SPEC = "planed_looks: 3\ncriteria:\n  - {name: e, metric: Invocation5XXErrors, tolerance: lots}\n"


def shown() -> dict[str, list[str]]:
    """Return each command of the page and the lines below it."""
    commands: dict[str, list[str]] = {}
    for line in SESSIONS.splitlines():
        if line.startswith("$ airflow-shadow "):
            below = commands.setdefault(line.removeprefix("$ airflow-shadow "), [])
        else:
            below.append(line)
    return {line: below for line, below in commands.items() if line.split()[0] not in ENDLESS}


def shape(line: str) -> str:
    """Return a line without what differs from run to run: figures, and the width of columns."""
    line = re.sub(r"(shadow-conformance)-[0-9a-f]{8}", r"\1-RUN", line)
    line = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)", "TIME", line)
    line = re.sub(r"[-+]?\d[\d,.]*", "N", line)
    return re.sub(r"([=-])\1+", r"\1", " ".join(line.split()))


SLOW = {"latency_ms": 80}


@pytest.fixture
def accounts(emulator, sagemaker, tmp_path, monkeypatch):
    """Run the two tests that the page shows, after two days of production alone."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spec.yaml").write_text(SPEC)
    candidates = {
        "churn": ("churn-20260301", "churn-v2", {}),
        "fraud": ("fraud-test", "churn-slow", SLOW),
    }
    for endpoint, (_, model, behaviour) in candidates.items():
        traffic = Traffic(requests_per_minute=200, daily_swing=0, late_seconds=0)
        fleet.create_endpoint(
            sagemaker, endpoint_name=endpoint, model_name="churn-v1", traffic=traffic
        )
        declared = environment(Behaviour(**behaviour))
        fleet.create_model(sagemaker, name=model, environment=declared)
    emulator.clock.speed = 0  # work ends after a number of reads, whatever the machine does
    emulator.clock.advance(timedelta(hours=57))
    for endpoint, (name, model, _) in candidates.items():
        request = fleet.experiment_request(
            name=name,
            endpoint_name=endpoint,
            model_name="churn-v1",
            shadow_model_name=model,
            shadow_variant_name=model,
            sampling_percentage=100,
        )
        sagemaker.create_inference_experiment(**request)
        until(sagemaker, name, "Running")
    since = emulator.clock.now()
    emulator.clock.advance(timedelta(hours=5))
    return since


def test_the_page_shows_what_is_printed(cli, accounts):
    """Each command prints each line that the page shows below it."""
    missing = {}
    for command, lines in shown().items():
        line = re.sub(r"--since \S+", f"--since {accounts.isoformat()}", command)
        words = [word.strip("'") for word in re.findall(r"'[^']*'|\S+", line)]
        if words[0] in {"promote", "remove", "conformance"}:
            words += ["--waiter-delay", "0.01"]
        done = cli(*words)
        printed = [shape(one) for one in (done.out + done.err).splitlines()]
        stale = [one for one in map(shape, lines) if one not in {"", "...", *printed}]
        missing |= {command: (stale, printed)} if stale else {}
    assert {} == missing
