"""One package for Airflow 2.11 to 3.3."""

from __future__ import annotations

import subprocess
import sys

import airflow_shadow

IMPORTS = """
import importlib, pkgutil, warnings
import airflow_shadow
modules = pkgutil.walk_packages(airflow_shadow.__path__, "airflow_shadow.")
names = [module.name for module in modules if "emulator" not in module.name]
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    for name in names:
        importlib.import_module(name)
print("warned:", [str(each.message) for each in said if "airflow_shadow" in each.filename])
"""


def test_nothing_that_is_imported_is_deprecated():
    """Importing all modules raises no warning, which would hide those that matter to users."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        cwd=f"{airflow_shadow.__path__[0]}/..",
    )
    assert "warned: []" == done.stdout.splitlines()[-1]
