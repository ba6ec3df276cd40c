"""Asset events for what becomes of experiments, whoever made them (Airflow 3.0 and later)."""

from __future__ import annotations

import asyncio
import fnmatch
import hashlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from airflow.triggers.base import TriggerEvent

from airflow_shadow.experiments.lifecycle import CONCLUDED
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.text.values import to_timestamp
from airflow_shadow.triggers.client import Connection
from airflow_shadow.triggers.poller import Poller, poller_of
from airflow_shadow.waiters import Description, Reply, backoff

# Not in `_compat`, which Dags import: a trigger's base would cost them its import.
try:
    from airflow.triggers.base import BaseEventTrigger
except ImportError:  # Airflow 2.11 has no event-driven scheduling
    from airflow.triggers.base import (  # type: ignore[assignment]
        BaseTrigger as BaseEventTrigger,
    )

#: AWS may list a change so many seconds late; nothing is promised.
_LAG = timedelta(seconds=300)
_HOUR = 3600.0


class InferenceExperimentEventTrigger(BaseEventTrigger):
    """Emit an event for each experiment that reaches a status; for an `AssetWatcher`.

    Polls ListInferenceExperiments for what was changed, with the client that all waits of the
    connection share. Each event's payload has `key` (name, creation time and status in one text),
    `name`, `status`, `endpoint`, `reason`, `created`, `modified` and `completed` (ISO-8601).

    Each status that a poll shows gives an event at least once; one that lasts shorter than
    `waiter_delay` may not show. Where Airflow keeps an asset's state (3.3) a restart of the
    triggerer repeats nothing; a crash, and any restart before 3.3, repeats what happened within
    `lookback`: `key` tells them apart.

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
        waiter_delay: float = 30.0,
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
        config = json.dumps(self.botocore_config, sort_keys=True)
        connection = Connection(self.aws_conn_id, self.region_name, self.verify, config)
        state, failures = await self._kept(), 0
        async with poller_of(connection) as poller:
            while True:
                reply = await self._changes(poller, state)
                failures = failures + 1 if reply.error else 0
                for event in (reply.description or {}).get("events", []):
                    yield TriggerEvent(event)  # type: ignore[no-untyped-call]
                if failures:
                    self.log.warning("Experiments cannot be listed now. %s", reply.error)
                    await asyncio.sleep(backoff(self.waiter_delay, failures))
                    continue
                await asyncio.sleep(self.waiter_delay)
                # Only now, for Airflow has the events by now: a crash before would lose them.
                state = (reply.description or {})["state"]
                await self._keep(state)

    async def _changes(self, poller: Poller, state: Mapping[str, Any]) -> Reply:
        def read(hook: InferenceExperimentHook) -> Description:
            return self._read(hook, state)

        return await poller.read(read)

    def _read(self, hook: InferenceExperimentHook, state: Mapping[str, Any]) -> Description:
        """Read what was changed since a state; return the events, and the state after them.

        :raises ShadowError: AWS refused a call, or could not be reached
        """
        if not hook.knows_time:
            next(hook.list_inference_experiments(MaxResults=1), None)
        now = hook.now()
        since = to_timestamp(state["since"]) if state else now - timedelta(seconds=self.lookback)
        told, events, seen = set(state.get("told", ())), [], []
        for row in hook.list_inference_experiments(LastModifiedTimeAfter=since):
            key = f"{row['Name']} {row['CreationTime']} {row['Status']}"
            if row["Status"] not in self.statuses or not self._is_named(row["Name"]):
                continue
            seen.append(key)
            if key not in told and (experiment := self._find(hook, row["Name"])):
                events.append(_event(key, row, experiment))
        # What is listed late was changed before this poll.
        return {"events": events, "state": {"since": (now - _LAG).isoformat(), "told": seen}}

    def _is_named(self, name: str) -> bool:
        return self.name is None or fnmatch.fnmatchcase(name, self.name)

    def _find(self, hook: InferenceExperimentHook, name: str) -> Description | None:
        """Describe an experiment, `None` if it is gone or bears other tags."""
        experiment = hook.find_experiment(name)
        if (
            experiment
            and self.tags
            and not self.tags.items() <= hook.find_tags(experiment["Arn"]).items()
        ):
            return None
        return experiment

    # --- what Airflow keeps --------------------------------------------------------------

    @property
    def _state_key(self) -> str:
        wanted = json.dumps(self.serialize()[1], sort_keys=True, default=str)
        return f"airflow_shadow.{hashlib.sha256(wanted.encode()).hexdigest()[:12]}"

    async def _kept(self) -> dict[str, Any]:
        store = getattr(self, "asset_state_store", None)  # Airflow 3.3
        return await store.aget(self._state_key, default={}) if store else {}

    async def _keep(self, state: Mapping[str, Any]) -> None:
        if store := getattr(self, "asset_state_store", None):
            await store.aset(self._state_key, dict(state))


def _event(key: str, row: Mapping[str, Any], experiment: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "key": key,
        "name": row["Name"],
        "status": row["Status"],
        "endpoint": experiment["EndpointMetadata"]["EndpointName"],
        "reason": row.get("StatusReason") or "",
        "created": row["CreationTime"],
        "modified": row.get("LastModifiedTime"),
        "completed": experiment.get("CompletionTime"),
    }
