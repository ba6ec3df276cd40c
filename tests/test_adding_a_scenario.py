"""The page on adding scenarios shows real tests, short ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/adding-a-scenario.md").read_text()
EXAMPLES = re.findall(r"This one is in `([^`]+)`:\n\n```python\n(.*?)```", PAGE, flags=re.DOTALL)


def test_the_page_shows_a_scenario_and_a_fault():
    """There is one example of each kind, and no other code."""
    assert (2, 2) == (len(EXAMPLES), PAGE.count("```python"))


@pytest.mark.parametrize(("file", "example"), EXAMPLES)
def test_an_example_is_a_test_of_the_suite(file, example):
    """What the page shows is what runs, word for word, and at most twenty lines."""
    assert example in (ROOT / file).read_text()
    assert len(example.splitlines()) <= 20
