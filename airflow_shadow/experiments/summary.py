"""What List tells of an experiment, and by which its description is known to be the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_shadow.text.values import epoch

#: (assumed: modified-moves) LastModifiedTime moves with every change that Describe shows.
_FIELDS = ("CreationTime", "LastModifiedTime", "Status", "StatusReason")


def summary_of(experiment: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that DescribeInferenceExperiment and ListInferenceExperiments share.

    :param experiment: a description, or a row of a list
    """
    return {field: experiment.get(field) for field in _FIELDS}


def is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether two summaries mean the same; their times may be written more or less exactly.

    :param one: as :func:`summary_of` returns it
    :param other: likewise
    """
    texts = all(one[field] == other[field] for field in ("Status", "StatusReason"))
    times = ((one[field], other[field]) for field in ("CreationTime", "LastModifiedTime"))
    return texts and all(a == b or (a and b and abs(epoch(a) - epoch(b)) < 1) for a, b in times)
