"""What commands and arguments are, for `argparse` and for Airflow; and shared arguments."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from airflow_shadow.text.messages import short_repr

#: The formats of Airflow's own commands.
FORMATS = ("table", "json", "yaml", "plain")
#: Seconds between two polls: a person is waiting.
DELAY = 10.0


@dataclass(frozen=True)
class Argument:
    """An argument as `add_argument` takes it.

    :param flags: its name, or its options
    :param settings: everything else
    """

    flags: Sequence[str]
    settings: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command.

    :param run: does it and returns the exit code
    :param help: one sentence
    :param description: what else there is to know, if anything
    :param needs_airflow: whether it looks for connections, or imports what imports Airflow
    """

    name: str
    help: str
    run: Callable[[argparse.Namespace], int]
    arguments: Sequence[Argument]
    description: str = ""
    needs_airflow: bool = True


def argument(*flags: str, **settings: Any) -> Argument:
    """Return an argument."""
    return Argument(flags, settings)


def seconds(text: str) -> float:
    """Return a number of seconds, 0 or more.

    :raises ArgumentTypeError: it is none
    """
    with suppress(ValueError):
        if 0 <= (value := float(text)) < float("inf"):
            return value
    raise _no(text, "a number of seconds, 0 or more")


def percentages(text: str) -> tuple[int, ...]:
    """Return whole percentages from text such as `10,50,100`.

    :raises ArgumentTypeError: one of them is none
    """
    with suppress(ValueError):
        return tuple(int(each) for each in text.split(","))
    raise _no(text, "a list of whole percentages, such as 10,50,100")


def whole(text: str) -> int:
    """Return a number of things, 1 or more.

    :raises ArgumentTypeError: it is none
    """
    with suppress(ValueError):
        if (value := int(text)) >= 1:
            return value
    raise _no(text, "a whole number, 1 or more")


def _no(text: str, what: str) -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(f"{short_repr(text)} is not {what}")


NAME = argument("name", metavar="NAME", help="name of the experiment")
ENDPOINT = argument("endpoint_name", metavar="ENDPOINT", help="name of the endpoint")
OUTPUT = argument(
    "-o",
    "--output",
    choices=FORMATS,
    default="table",
    metavar="(table, json, yaml, plain)",
    help="Output format. Allowed values: json, yaml, plain, table (default: table)",
)
VERBOSE = argument("-v", "--verbose", action="store_true", help="show all that is logged")
YES = argument("-y", "--yes", action="store_true", help="do not prompt to confirm")
CONNECTION = (
    argument(
        "--aws-conn-id",
        metavar="ID",
        help="Airflow connection of type aws; '' leaves credentials and region to boto3 "
        "(default: aws_default if there is one, else boto3)",
    ),
    argument("--region-name", metavar="REGION", help="AWS region, if not the connection's"),
    argument(
        "--verify",
        metavar="BUNDLE",
        help="CA bundle to verify TLS certificates with; false verifies none",
    ),
    VERBOSE,
)
METRICS = argument(
    "--metrics",
    metavar="FILE",
    help="where CloudWatch has the specification's own metrics, JSON or YAML: name to namespace, "
    "name and dimensions",
)
SPEC = (
    argument(
        "--spec",
        metavar="FILE",
        help="specification of the analysis, JSON or YAML; - reads standard input "
        "(default: the default criteria)",
    ),
    METRICS,
)
WAITING = (
    argument(
        "--waiter-delay",
        type=seconds,
        default=DELAY,
        metavar="SECONDS",
        help="time between two polls of AWS (default: 10)",
    ),
    argument(
        "--waiter-timeout",
        metavar="DURATION",
        help="how long to wait, such as 90m (default: as the operator)",
    ),
    argument(
        "--no-wait",
        dest="wait_for_completion",
        action="store_false",
        help="return as soon as AWS has accepted the call",
    ),
)
WINDOW = (
    argument(
        "--since",
        metavar="TIME",
        help="begin of the window, ISO-8601 (default: the last change of a live experiment, else "
        "its start)",
    ),
    argument(
        "--until",
        metavar="TIME",
        help="end of the window, ISO-8601 (default: the experiment's end or now)",
    ),
    argument("--duration", metavar="DURATION", help="length of the window, instead of its end"),
    argument(
        "--sampling-percentage",
        metavar="PERCENT",
        help="sampling of the window, if it was changed since",
    ),
)
PLAN = (
    argument(
        "--ramp",
        type=percentages,
        default=(10, 50, 100),
        metavar="PERCENT,...",
        help="sampling percentage of each stage (default: 10,50,100)",
    ),
    argument(
        "--stage-duration",
        default="2h",
        metavar="DURATION",
        help="how long each stage is watched (default: 2h)",
    ),
    argument(
        "--max-stage-duration",
        metavar="DURATION",
        help="how long the last stage is watched at most (default: three times that)",
    ),
)
CONFORMANCE = (
    argument(
        "--model",
        dest="models",
        action="append",
        metavar="MODEL",
        default=[],
        help="a model; give two: production's and the candidate, which are not changed",
    ),
    argument("--role", metavar="ARN", help="role that SageMaker assumes"),
    argument(
        "--instance-type",
        default="ml.m5.xlarge",
        help="instance type of the endpoint (default: ml.m5.xlarge)",
    ),
    argument(
        "--only",
        action="append",
        metavar="NAME",
        default=[],
        help="only this check, or those of this belief; may be repeated",
    ),
    argument(
        "--list",
        dest="list_checks",
        action="store_true",
        help="list the checks, and the beliefs without one, without calling AWS",
    ),
    argument(
        "--clean-up",
        metavar="FILE",
        help="delete what a run that was killed has left, by its journal",
    ),
    argument(
        "--folder",
        default=".",
        metavar="FOLDER",
        help="where journal and record are written (default: here)",
    ),
    argument(
        "--wait-limit",
        default="30m",
        metavar="DURATION",
        help="how long a deployment is waited for (default: 30m)",
    ),
    WAITING[0],
    YES,
    OUTPUT,
    *CONNECTION,
)
