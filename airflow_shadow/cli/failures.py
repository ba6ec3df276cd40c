"""An error in four lines on standard error: what was asked, found, AWS's reason, the next step.

Next steps are written for tasks; here they name the options of the command line.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

from airflow_shadow.exceptions import ShadowError, message


def _each_setting(found: re.Match[str]) -> str:
    return " ".join(f"--allow-lost-setting {name}" for name in re.findall(r"'(.*?)'", found[1]))


#: Where an error lists all faults of a file.
_FAULTS = re.compile(r"(\d+ (?:fault\(s\)|validation errors?)[^:;]*: )(.*)")

_BEFORE_A_PATH = re.compile(r"; (?=[\w.\[\]]+: )")
#: Next steps for what botocore itself refuses, by the name of its error.
_STEPS = {
    "InvalidRegionError": "Correct --region-name, or the connection's region_name.",
    "NoRegionError": "Add --region-name, or give the connection a region_name.",
}


def _each_fault(found: re.Match[str]) -> str:
    return "\n  - ".join([found[1].rstrip(), *_BEFORE_A_PATH.split(found[2])])


#: What tasks are told, and what a person at a terminal does instead.
_WORDS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"\ballow_lost_settings=\[(.*?)\] \(or True\), also to the promotion", _each_setting),
    (r"\b(allow_\w+)=True", lambda found: f"--{found[1].replace('_', '-')}"),
    (r"\bautoscaling='ignore'", "--autoscaling ignore"),
    (r"\bpromote_on='operational'", "--promote-on operational"),
    (
        r"Create the connection or correct aws_conn_id",
        "Create the connection (AIRFLOW_CONN_...) or correct --aws-conn-id",
    ),
    (
        r"Give the connection credentials, or the worker a role, and retry the task",
        "Set a connection (AIRFLOW_CONN_AWS_DEFAULT), or credentials of boto3 (AWS_PROFILE, ...)",
    ),
    (
        r"Give a path in the reports folder that ends in \.html\..*",
        "Give a path that ends in .html.",
    ),
    (r"\bcheck region, network", "check --region-name, network"),
    (r"Give a timedelta, seconds, '90m'", "Give seconds, '90m'"),
    (r"Give a datetime or ISO-8601 text, such as the XCom `since`", "Give ISO-8601 text"),
    (r"\b(?:Clear|Retry) the task\b", "Run the command again"),
    (r"\b(?:clear|retry) the task\b", "run the command again"),
)


def in_a_terminal(text: str) -> str:
    """Return a next step in the words of the command line."""
    for pattern, words in _WORDS:
        text = re.sub(pattern, words, text)
    return text


def text_of(error: ShadowError) -> str:
    """Return an error's lines."""
    facts = ShadowError.facts(error)
    found = _FAULTS.sub(_each_fault, error.found.rstrip("."))
    next_step = _STEPS.get(getattr(error, "code", "")) or in_a_terminal(error.next_step)
    return message(**{**facts, "found": found, "next_step": next_step})


def show(error: ShadowError) -> None:
    """Write an error to standard error, its labels in colour on a terminal."""
    from rich.console import Console
    from rich.text import Text

    sys.stdout.flush()  # what was printed before stands above it, in a pipeline's log too
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    text = Text(text_of(error))
    if console.is_terminal:
        text.highlight_regex(r"(?m)^(Asked|Found|AWS says|Next):", style="bold red")
    console.print(text)
