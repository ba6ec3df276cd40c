"""One process of `benchmarks/waits.py`: some waits in one event loop, as a triggerer has them.

Reads its task as JSON from the command line, prints what it measured as JSON. Changes at AWS are
made here through the stub's `/control`, so that both ends of a delay are read from one clock.
"""

from __future__ import annotations

import asyncio
import gc
import json
import math
import os
import pathlib
import random
import resource
import sys
import time
import urllib.request
from typing import Any

from airflow.providers.amazon.aws.hooks.sagemaker import SageMakerHook
from airflow.providers.amazon.aws.triggers.base import AwsBaseWaiterTrigger
from airflow.providers.amazon.aws.waiters.base_waiter import BaseBotoWaiter

from airflow_shadow.triggers.inference_experiment import InferenceExperimentTrigger
from airflow_shadow.waiters import ReachStatus, condition_to_dict

MODEL = {
    "version": 2,
    "waiters": {
        "experiment": {
            "operation": "DescribeInferenceExperiment",
            "delay": 5,
            "maxAttempts": 100_000,
            "acceptors": [
                {"matcher": "path", "argument": "Status", "expected": expected, "state": state}
                for expected, state in (("Completed", "success"), ("Cancelled", "failure"))
            ],
        }
    },
}
#: The process may wait so long for the first poll of all, and for an event.
PATIENCE = 120
#: Seconds in which the cost of measuring is measured.
IDLE = 5.0
#: Experiments that one call of ListInferenceExperiments tells of.
LISTED = 100


class WaiterHook(SageMakerHook):
    """The amazon provider's hook with a waiter on experiments, which it lacks."""

    def get_waiter(self, waiter_name: str, *_: Any, client: Any, **__: Any) -> Any:
        """Return the waiter, made as `AwsBaseHook.get_waiter` makes one."""
        waiter = BaseBotoWaiter(client=client, model_config=MODEL, deferrable=True)
        return waiter.waiter(waiter_name)


class Theirs(AwsBaseWaiterTrigger):
    """A wait as the amazon provider's triggers are written."""

    aws_hook_class = WaiterHook

    def __init__(self, *, name: str, delay: float) -> None:
        super().__init__(
            serialized_fields={},
            waiter_name="experiment",
            waiter_args={"Name": name},
            failure_message="failed",
            status_message="waiting",
            status_queries=["Status"],
            return_value=name,
            waiter_delay=delay,
            waiter_max_attempts=100_000,
            aws_conn_id="aws_default",
            region_name="us-east-1",
        )


def ours(*, name: str, delay: float, created: float) -> InferenceExperimentTrigger:
    """Return a wait as a deferred operator of ours leaves it: its worker has polled once."""
    seen = {
        "CreationTime": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(created)),
        "LastModifiedTime": "2027-01-15T08:00:00+00:00",
        "Status": "Running",
        "StatusReason": None,
    }
    return InferenceExperimentTrigger(
        goal=condition_to_dict(ReachStatus(name, ("Completed",))),
        then="done",
        carry={},
        progress={"attempts": 1, "seen": ["Running"], "last_live": "Running", "described": seen},
        deadline=time.time() + 86_400,
        waiter_delay=delay,
        region_name="us-east-1",
    )


def control(**wanted: Any) -> dict[str, Any]:
    """Ask the stub."""
    url = f"{os.environ['STUB']}/control"
    with urllib.request.urlopen(url, json.dumps(wanted).encode()) as answer:  # noqa: S310
        return json.load(answer)


def resident() -> int:
    """Return the bytes of memory that this process has."""
    with pathlib.Path("/proc/self/statm").open() as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


class Heart:
    """Measures how long the loop is blocked, as a triggerer does."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def beat(self) -> None:
        """Wake often, and note how late."""
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            self.longest = max(self.longest, time.perf_counter() - before - 0.005)


async def idle_cpu() -> float:
    """Return the CPU seconds a second that the beating costs alone."""
    before = time.process_time()
    await asyncio.sleep(IDLE)
    return (time.process_time() - before) / IDLE


class Meter:
    """Tells the CPU seconds of this process without those of the beating."""

    def __init__(self, idle: float) -> None:
        self._idle, self._since = idle, time.monotonic()

    def read(self) -> float:
        """Return CPU seconds so far."""
        return time.process_time() - self._idle * (time.monotonic() - self._since)


async def measure(who: str, count: int, delay: float, seconds: float, changes: int) -> dict:
    """Start the waits, let them wait, change some experiments; return figures."""
    loop, heart = asyncio.get_running_loop(), Heart()
    beating = loop.create_task(heart.beat())
    gc.collect()
    meter = Meter(await idle_cpu())
    empty, begun = resident(), meter.read()
    ended: dict[str, float] = {}

    async def one(name: str, created: float) -> None:
        trigger = (
            ours(name=name, delay=delay, created=created)
            if who == "ours"
            else Theirs(name=name, delay=delay)
        )
        async for _ in trigger.run():
            ended[name] = time.time()

    def start(numbers: range) -> list[asyncio.Task[None]]:
        return [
            loop.create_task(one(f"wait-{number:05}", 1_800_000_000.0 + number))
            for number in numbers
        ]

    waits = start(range(1))
    await answered(1)
    gc.collect()
    first = resident()
    waits += start(range(1, count))
    await answered(count if who == "theirs" else 1 + math.ceil((count - 1) / LISTED))
    figures: dict[str, Any] = {"start_cpu": meter.read() - begun}
    await asyncio.sleep(3 * delay if who == "ours" else 0)  # until its rhythm is steady
    gc.collect()
    figures["mb"] = (resident() - empty) / 1e6
    figures["kb"] = (resident() - first) / 1e3 / max(count - 1, 1)
    figures["start_block"] = heart.longest
    heart.longest = 0.0
    before, cpu = sum(control()["calls"].values()), meter.read()
    await asyncio.sleep(seconds)
    figures["calls"] = (sum(control()["calls"].values()) - before) / seconds
    figures["cpu_minute"] = (meter.read() - cpu) * 60 / seconds
    figures["block"] = heart.longest
    figures["delays"] = await changed(ended, count, changes, delay)
    beating.cancel()
    for wait in waits:
        wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)
    return figures


async def answered(calls: int) -> None:
    """Wait for so many calls: then each wait has been answered once."""
    async with asyncio.timeout(PATIENCE):
        while sum(control()["calls"].values()) < calls:  # noqa: ASYNC110 - another process counts
            await asyncio.sleep(0.2)


async def changed(ended: dict[str, float], count: int, changes: int, delay: float) -> list[float]:
    """End some experiments at moments of their own; return seconds until their events."""
    names = random.sample([f"wait-{number:05}" for number in range(count)], min(changes, count))
    moments = {}
    for name in names:
        await asyncio.sleep(random.uniform(0, 2 * delay / len(names)))  # noqa: S311 - no secret
        moments[name] = (await asyncio.to_thread(control, end=[name]))["now"]
    async with asyncio.timeout(PATIENCE):
        while not ended.keys() >= moments.keys():  # noqa: ASYNC110 - waits set it one by one
            await asyncio.sleep(0.01)
    return [ended[name] - moment for name, moment in moments.items() if name in ended]


if __name__ == "__main__":
    task = json.loads(sys.argv[1])
    print(json.dumps(asyncio.run(measure(**task))))
