"""Write the pages of operators, examples and settings: `python -m tests.reference_pages`.

A page an operator comes from its docstring, its row of deadlines and an example Dag.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from airflow_shadow import operators, sensors
from airflow_shadow.experiments.lifecycle import DEADLINES
from airflow_shadow.provider_info import get_provider_info
from airflow_shadow.rollout import shadow_rollout

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
EXAMPLES = sorted((ROOT / "example_dags").glob("*.py"))
WRITTEN = "Written from the code by `python -m tests.reference_pages`."
WORDS = """*Templated* arguments may be Jinja templates.
A *duration* is a `timedelta`, seconds, or text such as `"90m"`, `"1d12h"` or ISO's `"PT36H"`, a year at most.
An argument without a default here has none, or the text says what happens without it.
Those of Airflow's own base classes (`task_id`, `retries`, ...) are in Airflow's documentation.
"""  # noqa: E501 - one sentence a line
EXAMPLES_HEAD = f"""# Example Dags

They are in `example_dags/`, and tests run them on the emulator; `make airflow` shows them in Airflow's own pages.
They import on Airflow 2.11 and 3, except `promote_churn` and `tell_when_concluded`, which need 3.

{WRITTEN}
"""  # noqa: E501 - one sentence a line
SETTINGS_HEAD = f"""# Settings

The section `[airflow_shadow]` of Airflow's configuration; each is an environment variable, too, such as `AIRFLOW__AIRFLOW_SHADOW__DEPLOYMENT`.
All have a default, and a first test needs none of them.

{WRITTEN}

| setting | default | means |
|---|---|---|
"""  # noqa: E501 - one sentence a line
#: The example that shows a class best; it must use it.
SHOWN_IN = {
    "shadow_rollout": "rollout_on_evidence",
    "CreateInferenceExperimentOperator": "promote_nightly",
    "UpdateInferenceExperimentOperator": "promote_nightly",
    "PromoteShadowVariantOperator": "fleet_mapped",
    "RemoveShadowVariantOperator": "fleet_mapped",
    "StartInferenceExperimentOperator": "aa_test",
    "StopInferenceExperimentOperator": "aa_test",
    "DeleteInferenceExperimentOperator": "aa_test",
    "ShadowAnalysisOperator": "aa_test",
    "CompareAnswersOperator": "aa_test",
    "ShadowVerdictBranchOperator": "aa_test",
    "ShadowAnalysisSensor": "fleet_mapped",
    "InferenceExperimentSensor": "promote_nightly",
}
#: What Sphinx would make a link, and Markdown shows as it is.
_ROLE = re.compile(r":\w+:`~?(?:[\w.]+\.)?(\w+)`")
_PARAM = re.compile(r":param (\w+): (.*?)(?=\n:|\Z)", re.DOTALL)
_PAGE = re.compile(r"`?docs/([\w-]+)\.md`?")


def pages() -> dict[Path, str]:
    """Return the pages that are written."""
    kinds = [
        getattr(module, name) for module in (operators, sensors) for name in sorted(module.__all__)
    ]
    found = {
        DOCS / "operators" / f"{one.__name__}.md": _operator(one)
        for one in (shadow_rollout, *dict.fromkeys(kinds))
    }
    return {
        **found,
        DOCS / "examples.md": "\n".join([EXAMPLES_HEAD, *map(_example, EXAMPLES)]),
        DOCS / "settings.md": SETTINGS_HEAD + "\n".join([*_settings(), ""]),
    }


def _settings() -> Iterator[str]:
    """Yield a row for each setting."""
    options = get_provider_info()["config"]["airflow_shadow"]["options"]
    for name, option in sorted(options.items()):
        default = f"`{option['default']}`" if option["default"] else "none"
        yield f"| `{name}` | {default} | {option['description']} Such as `{option['example']}`. |"


def _operator(kind: Any) -> str:
    name = kind.__name__
    sources = kind.__mro__ if inspect.isclass(kind) else [kind]
    lines = (f"- `{argument}`: {text}" for argument, text in arguments_of(sources).items())
    parts = [
        f"# {name}\n\n```python\nfrom {_module(kind)} import {name}\n```\n",
        _linked(_prose(kind), up="../"),
        *_waits(kind),
        _shown(name),
        f"## Arguments\n\n{WORDS}\n" + _linked("\n".join(lines), up="../") + "\n",
        f"[All operators and sensors](../operators.md).\n{WRITTEN}\n",
    ]
    return "\n".join(parts)


def _module(kind: Any) -> str:
    return ".".join(kind.__module__.split(".")[:2])


def _prose(source: Any) -> str:
    """Return a docstring's text before its arguments, one line a paragraph."""
    [text, *_] = re.split(r"\n:(?:param|raises|return)", inspect.cleandoc(source.__doc__ or ""))
    return _paragraphs(text)


def _paragraphs(text: str) -> str:
    """Return text with one sentence a line."""
    parts = (" ".join(part.split()) for part in _ROLE.sub(r"`\1`", text).split("\n\n"))
    sentences = (re.sub(r"(?<=[.:)]) (?=[A-Z`])", "\n", part) for part in parts if part)
    return "\n\n".join(sentences) + "\n"


def _linked(text: str, *, up: str = "") -> str:
    """Return text in which a page of docs/ that it names is a link."""
    return _PAGE.sub(rf"[\1]({up}\1.md)", text)


def _waits(kind: Any) -> Iterator[str]:
    """Yield what a class that calls AWS waits for, and how long."""
    if hasattr(kind, "deadline_row"):
        deadline = DEADLINES[kind.deadline_row]
        yield (
            f"It calls {kind.api_operation} and waits for: {deadline.waits_for}; "
            f"for {deadline.seconds // 3600} h unless told otherwise.\n"
        )


def _shown(name: str) -> str:
    """Return the call of a class in its example."""
    file = ROOT / "example_dags" / f"{SHOWN_IN[name]}.py"
    source = file.read_text(encoding="utf-8")
    where = f"From [{file.stem}](../examples.md#{file.stem}), which a test runs:"
    return f"## Example\n\n{where}\n\n```python\n{_call(source, name)}\n```\n"


def _call(source: str, name: str) -> str:
    """Return the first statement that calls something of that name."""
    for node in ast.walk(ast.parse(source)):
        call = getattr(node, "value", None)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == name:
            lines = source.splitlines()[node.lineno - 1 : node.end_lineno]
            return inspect.cleandoc("\n".join(["", *lines]))
    raise LookupError(name)


def _example(file: Path) -> str:
    """Return the section of an example: its docstring as text, then its code."""
    source = file.read_text(encoding="utf-8")
    [first, *_] = ast.parse(source).body
    code = "\n".join(source.splitlines()[first.end_lineno :]).strip()
    prose = ast.get_docstring(ast.parse(source))
    says = _linked(_paragraphs(prose)) if prose else "The Dag of the README.\n"
    code = code if prose else source.strip()
    return f"## {file.stem}\n\n{says}\n```python\n{code}\n```\n"


def arguments_of(sources: Iterable[Any]) -> dict[str, str]:
    """Return the arguments that our own docstrings describe; an earlier one goes first."""
    rows = dict(reversed([row for source in sources for row in _arguments(source)]))
    return dict(reversed(rows.items()))


def _arguments(source: Any) -> Iterator[tuple[str, str]]:
    """Yield each argument that one of our own docstrings describes."""
    if source.__module__.startswith("airflow_shadow."):
        defaults = _defaults(source)
        for found in _PARAM.finditer(inspect.cleandoc(source.__doc__ or "")):
            text = _ROLE.sub(r"`\1`", " ".join(found[2].split()))
            yield found[1], text + defaults.get(found[1], "")


def _defaults(source: Any) -> dict[str, str]:
    """Return the default of each argument that has one other than nothing, in words.

    That of `deferrable` is Airflow's own setting.
    """
    made = vars(source).get("__init__") if inspect.isclass(source) else source
    return {
        name: f"; default `{_python(one.default)}`"
        for name, one in (inspect.signature(made).parameters if made else {}).items()
        if name != "deferrable" and isinstance(one.default, str | int | tuple)
        # An empty tuple or text is nothing.
        if one.default or not isinstance(one.default, str | tuple)
    }


def _python(value: Any) -> str:
    """Return a value as Python would have it, with the quotes of this project."""
    return f'"{value}"' if isinstance(value, str) else repr(value)


if __name__ == "__main__":
    for path, text in pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
