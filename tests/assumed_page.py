"""Write the end of docs/first-test-on-aws.md from the table: `python -m tests.assumed_page`."""

from __future__ import annotations

from pathlib import Path

from airflow_shadow.emulator.assumed import ASSUMED

PAGE = Path(__file__).resolve().parent.parent / "docs" / "first-test-on-aws.md"
#: What stands before the table, and what begins it.
MARK = "<!-- written by python -m tests.assumed_page -->\n"


def page() -> str:
    """Return the page, with the table as the code has it."""
    before, _, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
    rows = [f"| `{key}` | {text.replace('|', '/')} |" for key, text in sorted(ASSUMED.items())]
    return "\n".join([f"{before}{MARK}", "| belief | in words |", "|---|---|", *rows, ""])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
