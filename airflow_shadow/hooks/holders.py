"""Who holds which endpoint: the live experiments, each with its endpoint."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from airflow_shadow.experiments.lifecycle import LIVE


class _Reader(Protocol):
    """What is asked of a hook."""

    def list_inference_experiments(self, **filters: Any) -> Iterator[dict[str, Any]]: ...

    def find_experiment(self, name: str) -> dict[str, Any] | None: ...


class Holders:
    """Remembers the live experiments.

    List tells no endpoints, so each is described, and again when its row shows a change (assumed:
    modified-moves). It filters by one status, hence a call for each: one for all would read
    whatever has concluded in the account's life, whose number nothing bounds.
    """

    def __init__(self) -> None:
        self._described: dict[tuple[Any, ...], dict[str, Any]] = {}

    def read(self, hook: _Reader) -> dict[str, dict[str, Any]]:
        """Return the live experiments by the endpoint that they hold.

        :raises ShadowError: AWS refused a call, or could not be reached
        """
        described: dict[tuple[Any, ...], dict[str, Any]] = {}
        for status in sorted(LIVE):
            for row in hook.list_inference_experiments(StatusEquals=str(status)):
                key = tuple(map(row.get, ("Name", "CreationTime", "LastModifiedTime", "Status")))
                found = self._described.get(key) or hook.find_experiment(row["Name"])
                if found and found["Status"] in LIVE:
                    described[key] = found
        self._described = described  # what was known stays if a call fails
        return {one["EndpointMetadata"]["EndpointName"]: one for one in self._described.values()}
