"""What became of experiments since the poll before, each status told once."""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from airflow_shadow.exceptions import AwsUnavailableError, ShadowError
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.text.values import to_timestamp
from airflow_shadow.waiters import Description

#: AWS may list a change so many seconds late; nothing is promised.
_LAG = timedelta(seconds=300)
#: How long an experiment that cannot be described is tried again after its change.
_PATIENCE = timedelta(days=1)
_ASKED = "what became of experiments"


class Changes:
    """Collects an event for each experiment that has reached a status.

    :param statuses: of which to tell
    :param name: a pattern as in a shell; `None` for all names
    :param tags: tags that the experiment must bear, with their values
    :param lookback: seconds before now in which changes count, too
    """

    def __init__(
        self,
        *,
        statuses: Sequence[str],
        name: str | None,
        tags: Mapping[str, str],
        lookback: float,
    ) -> None:
        self._statuses, self._name, self._tags = statuses, name, tags
        self._lookback, self._began = lookback, time.monotonic()
        self._since: datetime | None = None
        self._told: set[str] = set()
        self._events: list[dict[str, Any]] = []

    def take(self) -> list[dict[str, Any]]:
        """Return the events since they were taken last."""
        taken, self._events = self._events, []
        return taken

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-able values from which another process goes on; empty before a poll."""
        since = self._since
        return {"since": since.isoformat(), "told": sorted(self._told)} if since else {}

    def go_on_from(self, kept: Mapping[str, Any]) -> bool:
        """Go on where :meth:`to_dict` of another process ended; tell whether it was that."""
        try:
            since, told = to_timestamp(kept["since"]), {str(key) for key in kept["told"]}
        except (LookupError, TypeError, ValueError):
            return False
        self._since = min(since, self._since or since)
        self._told |= told
        return True

    def read(self, hook: InferenceExperimentHook) -> None:
        """Read what was changed; events that were found before an error are kept.

        An experiment that cannot be described keeps no other from being told.

        :raises ShadowError: AWS refused a call, could not be reached, or its answer is not AWS's;
            the next poll reads the same again
        """
        now = self._now(hook)
        since = self._since = self._begin(now)
        listed, trouble = set(), None
        for row in hook.list_inference_experiments(LastModifiedTimeAfter=since):
            try:
                listed |= self._look_at(row, hook)
            except AwsUnavailableError:
                raise
            except ShadowError as error:
                trouble = trouble or error
            except (LookupError, TypeError, ValueError) as error:
                trouble = trouble or _garbage(error)
        if trouble:
            self._since = max(since, now - _PATIENCE)
            raise trouble
        # What is listed late was changed before this poll.
        self._since, self._told = now - _LAG, listed

    def _now(self, hook: InferenceExperimentHook) -> datetime:
        """Return AWS's time, asking for it if it has not answered yet."""
        if not hook.knows_time:
            next(hook.list_inference_experiments(MaxResults=1), None)
        return hook.now()

    def _begin(self, now: datetime) -> datetime:
        """Return from when on changes count; trouble at the start moves it no further."""
        if self._since:
            return min(self._since, now - _LAG)
        return now - timedelta(seconds=self._lookback + time.monotonic() - self._began)

    def _look_at(self, row: Mapping[str, Any], hook: InferenceExperimentHook) -> set[str]:
        """Collect the event of a row that was not told; return its key if it is asked for."""
        key = f"{row['Name']} {row['CreationTime']} {row['Status']}"
        if row["Status"] not in self._statuses or not self._is_named(row["Name"]):
            return set()
        if key not in self._told:
            if (experiment := self._find(hook, row["Name"])) is not None:
                self._events.append(_event(key, row, experiment))
            self._told.add(key)
        return {key}

    def _is_named(self, name: str) -> bool:
        return self._name is None or fnmatch.fnmatchcase(name, self._name)

    def _find(self, hook: InferenceExperimentHook, name: str) -> Description | None:
        """Describe an experiment, `None` if it is gone or bears other tags."""
        experiment = hook.find_experiment(name)
        if experiment is None or not self._tags:
            return experiment
        tags = hook.find_tags(experiment["Arn"])
        return experiment if self._tags.items() <= tags.items() else None


def _garbage(error: Exception) -> AwsUnavailableError:
    """Return the error of a row or a description that lacks what AWS always sends."""
    found = "an answer that is not from AWS"
    return AwsUnavailableError(asked=_ASKED, found=found, reason=repr(error))


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
