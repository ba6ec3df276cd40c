"""The names of the API's fields in Python."""

from __future__ import annotations

from botocore import xform_name
from botocore.model import StructureShape


def field_names(shape: StructureShape) -> dict[str, str]:
    """Return the API's field for each Python name: ``{"endpoint_name": "EndpointName"}``."""
    return {xform_name(name): name for name in shape.members}
