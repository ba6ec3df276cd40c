"""What a Dag's author wrote literally, not what a template, a form or an XCom gives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.text.messages import short_repr

_BUCKET = re.compile(r"""s3://([^/\s"'{}\[\],]+)[/\s"'}\],]""")


def literal_start(text: str, env: jinja2.Environment) -> str:
    """Return a text up to its first template; without one, the whole text."""
    marks = (
        env.block_start_string,
        env.variable_start_string,
        env.comment_start_string,
        env.line_statement_prefix,
        env.line_comment_prefix,
    )
    return min((text.partition(mark)[0] for mark in marks if mark), key=len)


def literal_buckets(value: Any, env: jinja2.Environment) -> set[str]:
    """Return the buckets of addresses (`s3://bucket/...`) before the first template of each text.

    :param value: text, a structure with texts in it, or an object that describes itself as one
    """
    if isinstance(value, str):
        start = literal_start(value, env)
        # A name that a template goes on with is another bucket's.
        return set(_BUCKET.findall(f"{start}/" if start == value else start))
    value = value.to_dict() if hasattr(value, "to_dict") else value
    if isinstance(value, Mapping):
        value = list(value.values())
    several = value if isinstance(value, list | tuple) else ()
    return {bucket for each in several for bucket in literal_buckets(each, env)}


def template_file(path: str, *, argument: str, env: jinja2.Environment) -> str:
    """Return the text of a file on the Dag's template path, which is rendered afterwards.

    :param path: relative to the template path, or absolute
    :raises InvalidRequestError: it cannot be read
    """
    path = path.strip()
    try:
        if Path(path).is_absolute():
            return Path(path).read_text(encoding="utf-8")
        if env.loader is None:
            raise FileNotFoundError(path)
        return env.loader.get_source(env, path)[0]
    except (OSError, UnicodeDecodeError, jinja2.TemplateNotFound) as error:
        raise InvalidRequestError(
            asked=f"{argument}={short_repr(path)}",
            found="no such file on the Dag's template path",
            next_step="Put the file beside the Dag or into its template_searchpath.",
        ) from error
