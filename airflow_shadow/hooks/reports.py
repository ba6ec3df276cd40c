"""Check where a report may be written: in the reports folder, or where the Dag's author says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from airflow_shadow._compat import AIRFLOW_HOME, conf
from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.text.messages import short_repr

#: The beginning of a path that is not relative: a bucket, an absolute folder, somebody's home.
_NAMED = re.compile(r"file:///|(?!file:)[a-z][a-z0-9+.-]*://[^/]+/|/|~[^/]*/", re.IGNORECASE)


def report_place(path: Any, *, written: str) -> tuple[str, str]:
    """Return the folder or URL in which a report must lie, and its path from there.

    :param path: as rendered
    :param written: what the Dag's author wrote before the first template; only that may name
        another folder than `[airflow_shadow] reports_folder`, or a connection
    :raises InvalidRequestError: it would leave its folder, or is no `.html` file
    """
    path = str(path)  # an XCom may give anything
    base, way = reports_folder(), path
    if _NAMED.match(written) and path.startswith(written):
        end = written.rindex("/") + 1
        base, way = path[:end], path[end:]
    if fault := _fault(way):
        raise InvalidRequestError(
            asked=f"a report at {short_repr(path)}",
            found=fault,
            next_step="Give a path in the reports folder that ends in .html. Another folder, or a "
            "connection, must be written in the Dag itself, before any template.",
        )
    return base, way


def reports_folder() -> str:
    """Return the folder or URL of `[airflow_shadow] reports_folder`, with a slash at its end."""
    folder = conf.get("airflow_shadow", "reports_folder", fallback="") or "shadow_reports"
    if "://" not in folder:
        folder = str(Path(AIRFLOW_HOME) / Path(folder).expanduser())
    return f"{folder.rstrip('/')}/"


def report_address(base: str, way: str, *, written: str) -> str:
    """Return where to look for a report: what serves the reports folder, else where it lies.

    :param base: the folder in which it must lie, of :func:`report_place`
    :param way: its path from there
    :param written: where it was written
    """
    url = conf.get("airflow_shadow", "reports_url", fallback="")
    return f"{url.rstrip('/')}/{quote(way)}" if url and base == reports_folder() else written


def _fault(way: str) -> str:
    if not re.search(r"[^/]\.html$", way, re.IGNORECASE):
        return "it is no .html file"
    if way.startswith("/") or "://" in way or ".." in re.split(r"[/\\]", way):
        return "it leads out of its folder"
    return "" if way.isprintable() else "it has invisible characters"
