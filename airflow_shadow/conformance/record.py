"""What is kept of a run: one file to send with a report, without account, ARNs and names."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_shadow.conformance.checks import Check, Outcome
from airflow_shadow.conformance.not_checked import NOT_CHECKED
from airflow_shadow.exceptions import ReportNotWrittenError

#: What names an account, a person or a key, and what stands for it.
_SECRETS: Sequence[tuple[str, str]] = (
    (r"arn:[\w-]+:[^\s\"',;)]*", "<arn>"),
    (r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}\b", "<key>"),
    (r"(?<!\d)\d{12}(?!\d)", "<account>"),
    (r"\b\d{4}-\d{4}-\d{4}\b", "<account>"),
    (r"\bhttps?://\S+", "<address>"),
    (r"\bs3://\S+", "<bucket>"),
    (r"[\w.+-]+@[\w-]+\.[\w.-]+", "<person>"),
)


@dataclass(frozen=True)
class Result:
    """How a check ended."""

    check: Check
    outcome: Outcome
    observed: str

    def row(self) -> dict[str, str]:
        """Return a row of the table."""
        return {
            "check": self.check.name,
            "belief": self.check.belief,
            "outcome": str(self.outcome),
            "expected": self.check.expected,
            "observed": self.observed,
        }


def redacted(value: Any, names: Mapping[str, str]) -> Any:
    """Return a value whose texts name no account, ARN, key, address or person.

    :param names: what else must not be in it, and what stands for it
    """
    if isinstance(value, Mapping):
        return {key: redacted(one, names) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(one, names) for one in value]
    return _redacted_text(value, names) if isinstance(value, str) else value


def _redacted_text(text: str, names: Mapping[str, str]) -> str:
    for pattern, shown in _SECRETS:
        text = re.sub(pattern, shown, text)
    for name in sorted(names, key=len, reverse=True):  # one may be part of another
        text = text.replace(name, names[name])
    return text


def document(
    results: Sequence[Result], *, about: Mapping[str, Any], names: Mapping[str, str]
) -> dict[str, Any]:
    """Return what the file holds.

    :param about: facts of the run
    :param names: names of the person's own things, and what stands for each
    """
    checks = [{**result.row(), "does": result.check.does} for result in results]
    whole = {**about, "checks": checks, "not checked": dict(NOT_CHECKED)}
    found: dict[str, Any] = redacted(whole, names)
    return found


def write(path: Path, found: Mapping[str, Any]) -> None:
    """Write the file.

    :raises ReportNotWrittenError: it cannot be written
    """
    try:
        path.write_text(json.dumps(found, indent=2, default=str) + "\n", "utf-8")
    except OSError as error:
        raise ReportNotWrittenError(
            asked=f"the record in {path}",
            found=f"it cannot be written: {error.strerror}",
            next_step="The table has all that was seen; the clean-up is over.",
        ) from error
