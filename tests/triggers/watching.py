"""Watchers of experiments as Airflow's triggerer makes and runs them."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import aclosing

from airflow_shadow.triggers.events import InferenceExperimentEventTrigger


def wait_until(holds, *, what):
    """Wait in a thread until something holds."""
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline, f"no {what}"
        time.sleep(0.02)


class Store:
    """What Airflow 3.3 keeps of an asset, as its triggerer gives it to a watcher.

    :param fails: so many calls raise before one succeeds
    """

    def __init__(self, fails: float = 0):
        self.values = {}
        self.fails, self.writes = fails, 0

    async def aget(self, key, default=None):
        """Return a value."""
        self._fail()
        return self.values.get(key, default)

    async def aset(self, key, value):
        """Keep a value; Airflow keeps JSON."""
        self._fail()
        self.values[key] = json.loads(json.dumps(value))
        self.writes += 1

    def _fail(self):
        self.fails -= 1
        if self.fails >= 0:
            raise RuntimeError("the state's backend is out of order")


def watcher(store=None, **arguments):
    """Return a trigger as the triggerer makes it from what was serialised."""
    trigger = InferenceExperimentEventTrigger(**{"waiter_delay": 0.05, **arguments})
    _, kwargs = trigger.serialize()
    again = InferenceExperimentEventTrigger(**json.loads(json.dumps(kwargs)))
    again.asset_state_store = store
    return again


def told(trigger, *meanwhile, count=1, polls=3, kept=None):
    """Run a trigger, do things meanwhile; return its first events, and none more that come soon.

    :param kept: a store that must have been written to after them
    """

    async def events():
        found = []
        async with asyncio.timeout(60), aclosing(trigger.run()) as stream:
            coming = asyncio.ensure_future(anext(stream))
            for work in meanwhile:
                await asyncio.to_thread(work)
            while len(found) < count:
                found.append((await coming).payload)
                coming = asyncio.ensure_future(anext(stream))
            if kept:
                writes = kept.writes
                await asyncio.to_thread(wait_until, lambda: kept.writes > writes, what="state")
            await asyncio.wait([coming], timeout=polls * 0.05)
            if coming.done():
                found.append(coming.result().payload)
            coming.cancel()
            await asyncio.wait([coming])
        return found

    return asyncio.run(events())


def cancelled(trigger, *, once):
    """Run a trigger that has nothing to tell until something holds; tell whether it ran until then.

    It must end by its cancellation, as it does when a triggerer stops.
    """

    async def ran():
        coming = asyncio.ensure_future(anext(trigger.run()))
        deadline = time.monotonic() + 60
        while not once() and not coming.done():
            assert time.monotonic() < deadline, "it never happened"
            await asyncio.sleep(0.01)
        coming.cancel()
        await asyncio.wait([coming])
        return coming.cancelled()

    return asyncio.run(ran())
