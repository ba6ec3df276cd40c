"""Airflow at hand for a command: its connections if there are any, no files, no log lines."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from configparser import Error as ConfigParserError
from configparser import RawConfigParser
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

_DATABASE, _SQLITE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "sqlite:///"
#: Lets Airflow 3 look for connections in its database, too, as `airflow connections` does.
_PROCESS = "_AIRFLOW_PROCESS_CONTEXT"


@contextmanager
def airflow_at_hand(*, verbose: bool) -> Iterator[None]:
    """Let Airflow find connections wherever this machine has them, and only there.

    Where Airflow is not set up, it gets a home that is thrown away: an empty one stays empty.

    :param verbose: whether to show all that is logged
    """
    with TemporaryDirectory(prefix="airflow-shadow-") as folder:
        wanted = {} if is_set_up(os.environ) else {"AIRFLOW_HOME": folder}
        if has_database(os.environ):
            wanted[_PROCESS] = "server"
        with _environment(wanted):
            from airflow_shadow.cli.logs import routed

            with routed(verbose=verbose):
                yield


@contextmanager
def _environment(wanted: Mapping[str, str]) -> Iterator[None]:
    """Set variables of the environment for a while."""
    kept = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in kept.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def is_set_up(environment: Mapping[str, str]) -> bool:
    """Tell whether Airflow is set up here: it has a configuration or a database."""
    return _configuration(environment).is_file() or has_database(environment)


def has_database(environment: Mapping[str, str]) -> bool:
    """Tell whether Airflow has a database; asking SQLite for a missing one would make it."""
    if any(f"{_DATABASE}_{how}" in environment for how in ("CMD", "SECRET")):
        return True
    url = environment.get(_DATABASE) or _configured(_configuration(environment))
    default = f"{_SQLITE}{_home(environment) / 'airflow.db'}"
    _, is_sqlite, path = (url or default).partition(_SQLITE)
    return Path(path).is_file() if is_sqlite else True


def _home(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("AIRFLOW_HOME") or "~/airflow").expanduser()


def _configuration(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("AIRFLOW_CONFIG") or _home(environment) / "airflow.cfg")


def _configured(file: Path) -> str:
    """Return the database's address in a configuration file, if there is one."""
    parser = RawConfigParser(strict=False)
    try:
        parser.read(file)
    except ConfigParserError:
        return ""  # Airflow will say what is wrong with it
    return parser.get("database", "sql_alchemy_conn", fallback="")
