"""What AWS does not document is named where it is assumed."""

import re
from pathlib import Path

import airflow_shadow.emulator
from airflow_shadow.emulator.assumed import ASSUMED

SOURCE = Path(airflow_shadow.emulator.__file__).parent


def test_each_assumption_is_referred_to_and_each_reference_is_explained():
    """The table and the code have the same keys."""
    references = [
        rule.strip()
        for path in SOURCE.rglob("*.py")
        if path.name != "assumed.py"
        for rules in re.findall(r"\(assumed: ([a-z, -]+)\)", path.read_text())
        for rule in rules.split(",")
    ]
    assert set(ASSUMED) == set(references)
