"""Read what became of many experiments with few calls: List answers for 100 of them at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from airflow_shadow.experiments.summary import summary_of
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.hooks.responses import to_plain
from airflow_shadow.text.values import to_timestamp

Summary = Mapping[str, Any]
_PAGE = 100


@dataclass(frozen=True)
class Sweep:
    """What one reading of the list found.

    :param moved: the rows of experiments that are not as they were known, by name
    :param unseen: names that the pages read do not hold
    :param pages: how many pages were read
    """

    moved: Mapping[str, Summary]
    unseen: frozenset[str]
    pages: int


def sweep(hook: InferenceExperimentHook, known: Mapping[str, Summary]) -> Sweep:
    """Call ListInferenceExperiments for the statuses in which experiments were seen last.

    So however many others have concluded costs nothing. The newest come first, and nothing is read
    that is older than all that is known. It stops once as many pages were read as experiments are
    missing: to describe these costs no more then.

    :param known: :func:`~airflow_shadow.experiments.summary.summary_of` each experiment, by name
    :raises ShadowError: AWS refused a page, or could not be reached
    """
    moved: dict[str, Summary] = {}
    unseen: set[str] = set()
    pages = 0
    for status in sorted({str(one["Status"]) for one in known.values()}):
        group = {name: one for name, one in known.items() if one["Status"] == status}
        missing = set(group)
        for page in _pages(
            hook, status, since=min(str(one["CreationTime"]) for one in group.values())
        ):
            pages += 1
            for row in page:
                if row["Name"] in missing:
                    missing.discard(row["Name"])
                    summary = to_plain(summary_of(row))
                    if summary != group[row["Name"]]:
                        moved[row["Name"]] = summary
            if pages >= len(missing):
                break
        unseen |= missing
    return Sweep(moved, frozenset(unseen), pages)


def _pages(
    hook: InferenceExperimentHook, status: str, *, since: str
) -> Iterator[list[dict[str, Any]]]:
    params = {
        "MaxResults": _PAGE,
        "SortBy": "CreationTime",
        "SortOrder": "Descending",
        "StatusEquals": status,
        "CreationTimeAfter": to_timestamp(since) - timedelta(seconds=1),
    }
    for page in hook.pages("ListInferenceExperiments", params):
        yield page.get("InferenceExperiments", [])
