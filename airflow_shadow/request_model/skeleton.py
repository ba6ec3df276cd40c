"""An empty request along the service's model, like `aws ... --generate-cli-skeleton`.

botocore's own generator picks an enum's value at random, which in a Stop would be an action on
production: here every choice is left to the reader.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.loaders import create_loader
from botocore.model import ServiceModel, Shape

#: So many values of an enum are listed in a skeleton, more are not.
_FEW = 8
_EMPTY: dict[str, Any] = {
    "boolean": False,
    "double": 0.0,
    "float": 0.0,
    "integer": 0,
    "long": 0,
    "timestamp": "1970-01-01T00:00:00Z",
}


def request_shape(operation: str) -> Any:
    """Return the shape of an operation's request, without a client or credentials.

    :param operation: the operation's name in the API, like `StopInferenceExperiment`
    """
    return _sagemaker().operation_model(operation).input_shape


@cache
def _sagemaker() -> Any:
    """Keep the model: reading it takes a tenth of a second."""
    return ServiceModel(create_loader().load_service_model("sagemaker", "service-2"), "sagemaker")


def skeleton(shape: Shape) -> Any:
    """Return a value of a shape that holds every member once, empty."""
    if shape.type_name == "structure":
        return {name: skeleton(member) for name, member in shape.members.items()}
    if shape.type_name == "list":
        return [skeleton(shape.member)]
    if shape.type_name == "map":
        return {"KEY": skeleton(shape.value)}
    enum = getattr(shape, "enum", None) or []
    return "|".join(enum if len(enum) <= _FEW else []) or _EMPTY.get(shape.type_name, "")


def skeleton_yaml(shape: Shape) -> str:
    """Return the skeleton as YAML, with `[REQUIRED]` where the model says so."""
    return "\n".join(_lines(shape, "")) + "\n"


def _lines(shape: Shape, indent: str) -> Iterator[str]:
    for name, member in shape.members.items():
        note = "  # [REQUIRED]" if name in shape.required_members else ""
        yield from _member(name, member, note, indent)


def _member(name: str, shape: Shape, note: str, indent: str) -> Iterator[str]:
    """Yield the lines of one member."""
    if shape.type_name == "structure":
        yield f"{indent}{name}:{note}"
        yield from _lines(shape, f"{indent}  ")
    elif shape.type_name == "list" and shape.member.type_name == "structure":
        yield f"{indent}{name}:{note}"
        first, *others = _lines(shape.member, f"{indent}    ")
        yield f"{indent}  - {first.strip()}"
        yield from others
    elif shape.type_name == "list":
        yield f"{indent}{name}:{note}"
        yield f"{indent}  - {json.dumps(skeleton(shape.member))}"
    elif shape.type_name == "map":
        yield f"{indent}{name}:{note}"
        yield f"{indent}  KEY: {json.dumps(skeleton(shape.value))}"
    else:
        yield f"{indent}{name}: {json.dumps(skeleton(shape))}{note}"
