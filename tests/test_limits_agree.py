"""The emulator's table of limits and the provider's service model say the same.

They were written apart, the one from AWS's pages and the other from botocore's data, so that a
mistake in one is not repeated in the other.
"""

from __future__ import annotations

import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape

from airflow_shadow.emulator.sagemaker.limits import LIMITS
from tests.helpers import input_shape

OPERATIONS = [
    f"{verb}InferenceExperiment"
    for verb in ("Create", "Describe", "Update", "Start", "Stop", "Delete")
] + ["ListInferenceExperiments"]


def members(shape: Shape, path: str, *, required: bool):
    """Yield each member of a request with its path in the table's notation."""
    if not isinstance(shape, StructureShape) or "." in path:
        yield path, shape, required
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            yield from members(member, f"{path}.{name}", required=name in shape.required_members)
    elif isinstance(shape, ListShape):
        yield from members(shape.member, f"{path}[]", required=False)
    elif isinstance(shape, MapShape):
        yield from members(shape.key, f"{path}{{key}}", required=False)
        yield from members(shape.value, f"{path}{{value}}", required=False)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_limits_agree_with_the_service_model(operation):
    """Each member has the same bounds, pattern and enum in both, and neither lacks one."""
    model = {}
    for path, shape, required in members(input_shape(operation), operation, required=True):
        facts = shape.metadata
        model[path] = (
            required,
            facts.get("min"),
            facts.get("max"),
            facts.get("pattern"),
            frozenset(facts.get("enum", ())),
        )
    table = {}
    for path, limit in LIMITS.items():
        if path.split(".")[0] == operation:
            enum = frozenset(limit.enum or ()) if not limit.enum_shape else model[path][4]
            table[path] = (limit.required, limit.minimum, limit.maximum, limit.pattern, enum)
    assert model == table
