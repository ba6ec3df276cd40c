"""An Airflow of its own for a test session: home, database and settings in a temporary folder."""

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

#: What leads to another Airflow's configuration, database, secrets, logs or Dags, whatever the
#: shell that the tests run in is meant for.
_OF_ANOTHER_AIRFLOW = (
    "AIRFLOW_CONFIG",
    "AIRFLOW__CORE__SQL_ALCHEMY_CONN",
    "AIRFLOW__DAG_PROCESSOR__",
    "AIRFLOW__DATABASE__",
    "AIRFLOW__LOGGING__BASE_LOG_FOLDER",
    "AIRFLOW__LOGGING__REMOTE_",
    "AIRFLOW__SECRETS__",
    "AIRFLOW__WORKERS__SECRETS_",
)
#: Seconds between two polls: the emulator's clock moves at each.
POLL_PAUSE = 0.05

_made: list[str] = []


def use_temporary_home(*, dags_folder: Path | None = None, **settings: str) -> str:
    """Let Airflow live in a temporary folder from now on, once in a process; return the folder.

    dags_folder: where Dags are looked for; the folder `dags` of the home unless given.
    settings: further environment variables.
    Raises RuntimeError if Airflow has been imported already, for it reads its settings only once.
    """
    if _made:
        return _made[0]
    if "airflow" in sys.modules:
        raise RuntimeError(
            "Airflow was imported before the fixtures of airflow_shadow could give it a temporary"
            " home. Import it in tests, not in conftest.py, or load the fixtures first:"
            " pytest -p airflow_shadow.emulator.pytest_plugin"
        )
    home = tempfile.mkdtemp(prefix="airflow-shadow-tests-")
    _made.append(home)
    for name in [name for name in os.environ if name.startswith(_OF_ANOTHER_AIRFLOW)]:
        del os.environ[name]
    os.environ |= {**_settings(home, dags_folder or Path(home) / "dags"), **settings}
    return home


def _settings(home: str, dags_folder: Path) -> Mapping[str, str]:
    return {
        "AIRFLOW_HOME": home,
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags_folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        # An emulator has no quota, and its clock is not ours.
        "AIRFLOW__AIRFLOW_SHADOW__MAX_CALLS_PER_SECOND": "1000",
        "AIRFLOW__AIRFLOW_SHADOW__POLL_INTERVAL": str(POLL_PAUSE),
        "AIRFLOW__AIRFLOW_SHADOW__WAITER_DELAY": str(POLL_PAUSE),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def make_database() -> None:
    """Make Airflow's database, in this process: a second, where its command takes ten."""
    from airflow.utils.db import initdb  # noqa: PLC0415 - it reads the settings above

    initdb()


def remove_temporary_home() -> None:
    """Leave nothing behind."""
    while _made:
        shutil.rmtree(_made.pop(), ignore_errors=True)
