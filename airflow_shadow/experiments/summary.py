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
    """Tell whether two summaries mean the same.

    Their times may be written more or less exactly; what one of them does not show tells nothing.

    :param one: as :func:`summary_of` returns it
    :param other: likewise
    """
    shown = [(one[field], other[field]) for field in _FIELDS if one[field] and other[field]]
    return all(a == b or _is_same_second(a, b) for a, b in shown)


def _is_same_second(one: str, other: str) -> bool:
    try:
        return abs(epoch(one) - epoch(other)) < 1
    except ValueError:  # no times
        return False
