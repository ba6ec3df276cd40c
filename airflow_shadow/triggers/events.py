"""Asset events for what becomes of experiments, whoever made them (Airflow 3.0 and later)."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from typing import Any

from airflow.triggers.base import TriggerEvent

from airflow_shadow.exceptions import InvalidRequestError, ShadowError
from airflow_shadow.experiments.lifecycle import CONCLUDED
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.text.numbers import finite
from airflow_shadow.triggers.changes import Changes
from airflow_shadow.triggers.client import Connection
from airflow_shadow.triggers.poller import Poller, poller_of
from airflow_shadow.waiters import Description, backoff

# Not in `_compat`, which Dags import: a trigger's base would cost them its import.
try:
    from airflow.triggers.base import BaseEventTrigger
except ImportError:  # Airflow 2.11 has no event-driven scheduling
    from airflow.triggers.base import (  # type: ignore[assignment]
        BaseTrigger as BaseEventTrigger,
    )

_HOUR, _DELAY = 3600.0, 30.0
#: Of two events at one moment Airflow 3.3.2 hands the second one to the next run, if there is one:
#: a run is queued as of the first. So its scheduler gets a turn between them.
_APART_SECONDS = 5.0
#: How long Airflow may take to read or write the asset's state.
_STORE_SECONDS = 30.0


class InferenceExperimentEventTrigger(BaseEventTrigger):
    """Emit an event for each experiment that reaches a status; for an `AssetWatcher`.

    Polls ListInferenceExperiments for what was changed, with the client that all waits of the
    connection share. Each event's payload has `key` (name, creation time and status in one text),
    `name`, `status`, `endpoint`, `reason`, `created`, `modified` and `completed` (ISO-8601).

    Each status that a poll shows gives an event at least once; one that lasts shorter than
    `waiter_delay` may not show. Where Airflow keeps an asset's state (3.3) a restart of the
    triggerer repeats nothing; a crash, and any restart before 3.3, repeats what happened within
    `lookback`: `key` tells them apart. Whatever goes wrong is logged and tried again, with pauses
    of up to five minutes.

    :param statuses: of which to tell; `Completed` and `Cancelled` unless given
    :param name: a pattern as in a shell, like `"churn-*"`; `None` for all names
    :param tags: tags that the experiment must bear, with their values
    :param lookback: seconds before the first poll in which changes count, an hour unless given
    :param waiter_delay: seconds between two polls
    :param aws_conn_id: Airflow connection of type `aws`
    :param region_name: AWS region, if the connection's is not meant
    :param verify: whether, or with which CA bundle, to verify TLS certificates
    :param botocore_config: settings of the botocore client
    """

    def __init__(
        self,
        *,
        statuses: Sequence[str] = tuple(sorted(CONCLUDED)),
        name: str | None = None,
        tags: Mapping[str, str] | None = None,
        lookback: float = _HOUR,
        waiter_delay: float = _DELAY,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.statuses = [str(status) for status in statuses]
        self.name = name
        self.tags = dict(tags or {})
        self.lookback = lookback
        self.waiter_delay = waiter_delay
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self.verify = verify
        self.botocore_config = botocore_config
        self._poller: Poller | None = None
        self._has_gone_on = False
        self._store_trouble = ""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class's path and the arguments that make an equal trigger."""
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        return path, {
            "statuses": self.statuses,
            "name": self.name,
            "tags": self.tags,
            "lookback": self.lookback,
            "waiter_delay": self.waiter_delay,
            "aws_conn_id": self.aws_conn_id,
            "region_name": self.region_name,
            "verify": self.verify,
            "botocore_config": self.botocore_config,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield events for ever: Airflow would start anew at once what returns or raises."""
        changes, failures, self._poller = self._changes(), 0, None
        async with AsyncExitStack() as stack:
            while True:
                failures = 0 if await self._has_read(changes, stack) else failures + 1
                for event in changes.take():
                    yield TriggerEvent(event)  # type: ignore[no-untyped-call]
                    await asyncio.sleep(min(_APART_SECONDS, self._pause(0)))
                await asyncio.sleep(self._pause(failures))
                # Only now, for Airflow has the events by now: a crash before would lose them.
                await self._keep(changes)

    def _changes(self) -> Changes:
        return Changes(
            statuses=self.statuses, name=self.name, tags=self.tags, lookback=self.lookback
        )

    async def _has_read(self, changes: Changes, stack: AsyncExitStack) -> bool:
        """Read what was changed; log what goes wrong, whatever it is."""
        try:
            await self._go_on(changes)
            await self._read(changes, stack)
        except ShadowError as error:
            self.log.warning("Experiments cannot be watched now, trying again. %s", error)
            return False
        except Exception:
            self.log.exception("Experiments cannot be watched now, trying again.")
            return False
        return True

    async def _read(self, changes: Changes, stack: AsyncExitStack) -> None:
        """Read what was changed, with the connection's poller.

        :raises Exception: anything, as of arguments that make no client
        """
        _delay_of(self.waiter_delay)
        if self._poller is None:
            config = json.dumps(self.botocore_config, sort_keys=True)
            connection = Connection(self.aws_conn_id, self.region_name, self.verify, config)
            self._poller = await stack.enter_async_context(poller_of(connection))

        def read(hook: InferenceExperimentHook) -> Description:
            changes.read(hook)
            return {}

        if error := (await self._poller.read(read)).error:
            raise error

    def _pause(self, failures: int) -> float:
        """Return the seconds until the next poll."""
        try:
            delay = _delay_of(self.waiter_delay)
        except InvalidRequestError:
            delay = _DELAY
        return backoff(delay, failures) if failures else delay

    # --- what Airflow keeps --------------------------------------------------------------

    async def _go_on(self, changes: Changes) -> None:
        """Read, once, where an earlier triggerer ended; without it, the lookback counts."""
        if self._has_gone_on or (store := self._store) is None:
            return
        try:
            async with asyncio.timeout(_STORE_SECONDS):
                kept = await store.aget(self._state_key, default={})
        except Exception as error:  # noqa: BLE001 - a backend of the user's may raise anything
            self._warn_of_store(error)
            return
        self._has_gone_on, self._store_trouble = True, ""
        if kept and not changes.go_on_from(kept):
            self.log.warning("Airflow keeps %r for this asset, which is no state of ours.", kept)

    async def _keep(self, changes: Changes) -> None:
        """Write down where another triggerer is to go on, unless what was there is unknown."""
        state, store = changes.to_dict(), self._store
        if not state or not self._has_gone_on or store is None:
            return
        try:
            async with asyncio.timeout(_STORE_SECONDS):
                await store.aset(self._state_key, state)
        except Exception as error:  # noqa: BLE001 - as above
            self._warn_of_store(error)
        else:
            self._store_trouble = ""

    @property
    def _store(self) -> Any:
        return getattr(self, "asset_state_store", None)  # Airflow 3.3

    @property
    def _state_key(self) -> str:
        wanted = json.dumps(self.serialize()[1], sort_keys=True, default=str)
        return f"airflow_shadow.{hashlib.sha256(wanted.encode()).hexdigest()[:12]}"

    def _warn_of_store(self, error: Exception) -> None:
        """Say once what is wrong with Airflow's state: polls go on, and come again and again."""
        if (trouble := repr(error)) != self._store_trouble:
            self._store_trouble = trouble
            text = "The asset's state is unavailable (%s); a restart may repeat events."
            self.log.warning(text, trouble)


def _delay_of(value: Any) -> float:
    """Return the seconds between two polls.

    :raises InvalidRequestError: it is no number above 0
    """
    with suppress(ValueError):
        if (delay := finite(value)) > 0:
            return delay
    raise InvalidRequestError(
        asked=f"waiter_delay={value!r}",
        found="no number of seconds above 0",
        next_step="Correct the argument of the watcher's trigger.",
    )
