"""From a command's arguments to a hook, a specification, and a person's answer."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from airflow_shadow.analysis import AnalysisSpec, read_spec
from airflow_shadow.exceptions import ConnectionMissingError, InvalidRequestError, ShadowError
from airflow_shadow.hooks.base import CallingHook
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from airflow_shadow.hooks.metric_sources import SOURCES, check_metrics, read_sources
from airflow_shadow.text.messages import short_repr
from airflow_shadow.text.structures import UnreadableTextError, parse_structure
from airflow_shadow.text.values import as_boolean

Hook = TypeVar("Hook", bound=InferenceExperimentHook)


class ReadingHook(InferenceExperimentHook):
    """A hook that tags nothing: a look at a window shall leave no trace at AWS."""

    def add_tags(self, arn: str, tags: Mapping[str, str]) -> None:
        """Tag nothing."""


def connection(args: Namespace) -> dict[str, Any]:
    """Return connection, region and TLS settings, as hooks and operators take them."""
    return {
        "aws_conn_id": _connection_id(args.aws_conn_id),
        "region_name": args.region_name or None,
        "verify": as_boolean(args.verify) if args.verify else None,
    }


@contextmanager
def opened(args: Namespace, kind: type[Hook]) -> Iterator[Hook]:
    """Give a hook; an error about what is not there says where it was looked for."""
    hook = kind(**connection(args))
    try:
        yield hook
    except ShadowError as error:
        raise (error.at(hook.place) if error.depends_on_place else error) from error


def _connection_id(given: str | None) -> str | None:
    """Return the connection's id; `None` leaves credentials and region to boto3.

    :raises ConnectionMissingError: the environment's cannot be read, which is no reason to use
        the machine's own rights
    """
    if given is not None:
        return given or None
    name = CallingHook.default_conn_name
    if CallingHook.has_connection(name):
        return name
    if (variable := f"AIRFLOW_CONN_{name.upper()}") in os.environ:
        raise ConnectionMissingError(
            asked=f"connection {name!r}",
            found=f"{variable} holds no connection that Airflow can read",
            next_step="Correct it: JSON with conn_type, login, password and extra, or an address.",
        )
    return None


def read_file(path: str, *, what: str) -> str:
    """Return a file's text, or standard input's for `-`.

    :raises InvalidRequestError: it cannot be read
    """
    try:
        return sys.stdin.read() if path == "-" else Path(path).expanduser().read_text("utf-8")
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise InvalidRequestError(
            asked=f"{what} in {short_repr(path)}",
            found=f"it cannot be read: {reason}",
            next_step="Correct the file's name or its content.",
        ) from error


def read_mapping(path: str, *, what: str) -> dict[str, Any]:
    """Return what a file with JSON or YAML maps.

    :raises InvalidRequestError: it cannot be read, or holds no mapping
    """
    text, problem = read_file(path, what=what), "is no mapping"
    try:
        if isinstance(found := parse_structure(text, what=what), dict):
            return found
    except UnreadableTextError as error:
        problem = error.problem
    raise InvalidRequestError(
        asked=f"{what} in {short_repr(path)}",
        found=f"the text {problem}",
        next_step="Give a file with JSON or YAML of a mapping; nothing was sent to AWS.",
    )


def spec_of(args: Namespace) -> tuple[AnalysisSpec, dict[str, Any]]:
    """Return the specification, the default one without a file, and where its own metrics are.

    :raises InvalidRequestError: naming all faults of a file
    """
    metrics: dict[str, Any] = {}
    if args.metrics:
        metrics = read_mapping(args.metrics, what="metrics")
    text = None if args.spec is None else read_file(args.spec, what="a specification")
    spec = read_spec({} if text is None else text)
    check_metrics(spec.needs, {**SOURCES, **read_sources(metrics)})
    return spec, metrics


def confirm(question: str, *, yes: bool) -> bool:
    """Ask a person, and return whether the answer is yes.

    :param yes: it was given in advance
    :raises InvalidRequestError: there is nobody to ask
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise InvalidRequestError(
            asked=question.rstrip("?"),
            found="standard input is no terminal, so nobody can answer",
            next_step="Add --yes if that is meant; nothing was changed.",
        )
    sys.stdout.flush()
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
