"""One package for Airflow 2.11 to 3.3."""

from __future__ import annotations

import subprocess
import sys

import airflow_shadow

IMPORTS = """
import importlib, pkgutil, warnings
import airflow_shadow
rooms = pkgutil.walk_packages(airflow_shadow.__path__, "airflow_shadow.")
names = [room.name for room in rooms if "emulator" not in room.name]
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for name in names:
        importlib.import_module(name)
print("warned:", [str(each.message) for each in said if "airflow_shadow" in each.filename])
"""


def test_nothing_that_is_imported_is_deprecated():
    """A warning at each import of a Dag file hides those that matter."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        cwd=f"{airflow_shadow.__path__[0]}/..",
    )
    assert "warned: []" == done.stdout.splitlines()[-1]
