"""botocore's model of SageMaker, and its answers as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, cast

from botocore import xform_name
from botocore.loaders import create_loader
from botocore.model import ServiceModel, StructureShape


def input_shape(operation: str) -> StructureShape:
    """Return the shape of a SageMaker operation's input, without a client or credentials.

    :param operation: the API's name, e.g. ``CreateInferenceExperiment``
    :raises botocore.model.OperationNotFoundError: if the installed botocore does not know it
    """
    # None only for operations without any input; all of ours take at least a name or a filter.
    return cast(StructureShape, _sagemaker().operation_model(operation).input_shape)


@cache
def _sagemaker() -> ServiceModel:
    """Keep the model: reading it takes a tenth of a second."""
    return ServiceModel(create_loader().load_service_model("sagemaker", "service-2"), "sagemaker")


def field_names(shape: StructureShape) -> dict[str, str]:
    """Return the API's field for each Python name: ``{"endpoint_name": "EndpointName"}``."""
    return {xform_name(name): name for name in shape.members}


def to_plain(value: Any) -> Any:
    """Return a response as JSON-able values, for XCom and for a trigger's event.

    Times become ISO-8601 text in UTC; ``ResponseMetadata`` tells of the call, not of the answer.
    """
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items() if key != "ResponseMetadata"}
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):  # botocore's are aware, and so are ours
        return value.astimezone(UTC).isoformat()
    return value
