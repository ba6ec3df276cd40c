"""`validate` and `skeleton`: files for the operators, without AWS."""

from __future__ import annotations

import json
from argparse import Namespace

from airflow_shadow.request_model.skeleton import request_shape, skeleton, skeleton_yaml

_OPERATIONS = {
    "create": "CreateInferenceExperiment",
    "update": "UpdateInferenceExperiment",
    "stop": "StopInferenceExperiment",
}


def validate(args: Namespace) -> int:
    """Say that a file is without faults, or fail with all of them."""
    if args.request:
        _check_request(args.file, _OPERATIONS[args.request])
        print(f"{args.file} is a valid {_OPERATIONS[args.request]}.")
        return 0
    from airflow_shadow.cli.access import spec_of

    spec, _ = spec_of(Namespace(spec=args.file, metrics=args.metrics))
    counts = f"{len(spec.criteria)} criteria, {len(spec.breakers)} breakers"
    print(f"{args.file} is a valid specification: {counts}, {len(spec.outside)} outside criteria.")
    return 0


def _check_request(path: str, operation: str) -> None:
    """Check a request along the service's model.

    :raises InvalidRequestError: with all faults, each with its path
    """
    from airflow_shadow.cli.access import read_mapping
    from airflow_shadow.cli.logs import say
    from airflow_shadow.exceptions import InvalidRequestError
    from airflow_shadow.request_model import InvalidParametersError, prepare

    values = read_mapping(path, what=operation)
    try:
        prepared = prepare(operation=operation, shape=request_shape(operation), values=values)
    except InvalidParametersError as error:
        raise InvalidRequestError(
            asked=f"{operation} in {path}",
            found=str(error),
            next_step="Correct what is named above.",
        ) from error
    for fault in prepared.warnings:
        say(f"Warning: {fault}", style="yellow")


def show_skeleton(args: Namespace) -> int:
    """Print an empty request."""
    shape = request_shape(_OPERATIONS[args.request])
    if args.output == "json":
        print(json.dumps(skeleton(shape), indent=2))
    else:
        print(skeleton_yaml(shape), end="")
    return 0
