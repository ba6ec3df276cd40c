"""Whole lives under random trouble: one experiment, one stop at most, and production as planned."""

from __future__ import annotations

import json
import os
from random import Random

import pytest

from airflow_shadow.emulator import fleet
from airflow_shadow.emulator.traffic import Traffic
from airflow_shadow.hooks.base import CallingHook
from tests.conftest import REGION
from tests.helpers import serves
from tests.lives.audit import Served, audit_life
from tests.lives.calls import Calls
from tests.lives.life import CANDIDATE, Life, SturdyTasks
from tests.lives.others import ENDPOINT, HOTFIX, Others
from tests.lives.trouble import Trouble
from tests.tasks import MODES

#: Two lives show that the program works; `make lives` runs many, `LIFE=17` replays one.
SEEDS = (
    [int(os.environ["LIFE"])] if "LIFE" in os.environ else range(int(os.environ.get("LIVES", "2")))
)
STEADY = {"SHADOW_NOISE": "0.01", "SHADOW_NOISE_MEMORY": "0", "SHADOW_LATENCY_SPREAD": "0.1"}


@pytest.fixture
def calls(emulator, monkeypatch):
    """Stand between the code under test and AWS."""
    calls = Calls(emulator)
    monkeypatch.setattr(CallingHook, "ask", calls.around(CallingHook.ask))
    return calls


@pytest.fixture
def keys(emulator, monkeypatch):
    """Let credentials come from the machine, not from the connection, so that they may go."""
    connection = {"region_name": REGION, "endpoint_url": emulator.url}
    monkeypatch.setenv(
        "AIRFLOW_CONN_AWS_DEFAULT", json.dumps({"conn_type": "aws", "extra": connection})
    )
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "any")


@pytest.fixture
def live(emulator, sagemaker, calls, keys, log):
    """Set up an endpoint with traffic and its models; returns what makes a life of a seed."""
    emulator.clock.speed = 0

    def born(seed, mode):
        random = Random(seed)
        good = random.random() < 0.5
        broken = {} if good else {"SHADOW_ERROR_RATE": "0.5"}
        for name, more in {"churn-v1": {}, CANDIDATE: broken, HOTFIX: {}}.items():
            fleet.create_model(sagemaker, name=name, environment={**STEADY, **more})
        traffic = Traffic(requests_per_minute=2000, daily_swing=0, late_seconds=0, seed=seed)
        fleet.create_endpoint(
            sagemaker, endpoint_name=ENDPOINT, model_name="churn-v1", traffic=traffic
        )
        emulator.clock.advance(300)
        trouble = Trouble(emulator, calls, Others.of(emulator, sagemaker), log)
        return Life(random, good, emulator, calls, trouble, SturdyTasks(mode=mode))

    return born


def served(sagemaker, history):
    """Return what each configuration of the endpoint in a history serves."""
    found = {}
    for entry in history:
        if entry["kind"] == "endpoint" and entry["config"] not in found:
            config = sagemaker.describe_endpoint_config(EndpointConfigName=entry["config"])
            shadows = config.get("ShadowProductionVariants") or [{}]
            [production] = config["ProductionVariants"]
            found[entry["config"]] = Served(
                model=production["ModelName"], shadow=shadows[0].get("ModelName")
            )
    return found


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_life(seed, mode, live, emulator, sagemaker):
    """Under random trouble there is one experiment, one stop, and the right model serves."""
    life = live(seed, mode)
    try:
        life.run()
        history = emulator.history()
        audit_life(
            history,
            endpoint=ENDPOINT,
            configs=served(sagemaker, history),
            passed_at=life.passed_at,
        )
        if not life.decisive:
            assert [CANDIDATE if life.good else "churn-v1"] == serves(sagemaker)
            assert not {"failed", "upstream_failed"} & set(life.states.values())
    except BaseException:
        print("\n".join([f"LIFE={seed}, {mode}, good={life.good}", *life.story]))  # noqa: T201
        raise
