"""Rendering that keeps text as it is; the service model gives the types afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jinja2
from jinja2.compiler import CodeGenerator
from jinja2.nativetypes import NativeEnvironment

from airflow_shadow._compat import Context, render_template_to_string
from airflow_shadow.exceptions import InvalidRequestError
from airflow_shadow.service_model import parse_structure

_NOTHING = frozenset({"", "None"})
_FILES = (".json", ".yaml", ".yml")


def text_environment(env: jinja2.Environment) -> jinja2.Environment:
    """Return an environment that renders to text, whatever the Dag says.

    A native one guesses types and so destroys text: `1e5`, `no` and `None` would not survive.
    """
    if not isinstance(env, NativeEnvironment):
        return env
    plain = env.overlay()
    plain.code_generator_class = CodeGenerator  # type: ignore[assignment]
    plain.template_class = jinja2.Template
    plain.concat = "".join  # type: ignore[assignment]
    return plain


def render_text(template: str, context: Context, env: jinja2.Environment) -> str | None:
    """Render one string; a template that rendered to nothing is `None`, a literal stays."""
    rendered = render_template_to_string(env.from_string(template), context)
    return None if rendered in _NOTHING and rendered != template else rendered


def unique_keys(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    """Return the pairs as a dict.

    :raises InvalidRequestError: two keys rendered to the same text, so one value would be lost
    """
    keys = [key for key, _ in pairs]
    twice = sorted({str(key) for key in keys if keys.count(key) > 1})
    if twice:
        raise InvalidRequestError(
            asked="a mapping with templated keys", found=f"several keys rendered to {twice}"
        )
    return dict(pairs)


class TextTemplates:
    """Rendering of operators and sensors: text stays text, and keys of mappings render too."""

    def render_template(
        self,
        content: Any,
        context: Context,
        jinja_env: jinja2.Environment | None = None,
        seen_oids: set[int] | None = None,
    ) -> Any:
        """Render once; never again what a form or an XCom gave, for that may be code."""
        env = text_environment(jinja_env or self.get_template_env())  # type: ignore[attr-defined]
        if isinstance(content, str):
            return render_text(content, context, env)
        if isinstance(content, dict):
            return unique_keys(
                [
                    (
                        self.render_template(key, context, env, seen_oids),
                        self.render_template(value, context, env, seen_oids),
                    )
                    for key, value in content.items()
                ]
            )
        return super().render_template(content, context, env, seen_oids)  # type: ignore[misc]

    def _do_render_template_fields(
        self, parent: Any, template_fields: Iterable[str], *args: Any, **kwargs: Any
    ) -> None:
        """Render, and name in the log what rendered to nothing; mapped tasks come here too."""
        names = list(template_fields)
        given = [name for name in names if getattr(parent, name, None) is not None]
        super()._do_render_template_fields(parent, names, *args, **kwargs)  # type: ignore[misc]
        for name in given:
            if getattr(parent, name) is None:
                self.log.info("%s rendered to nothing and is left out.", name)  # type: ignore[attr-defined]


def load_structure(value: Any, *, what: str, env: jinja2.Environment | None) -> Any:
    """Return a structured argument: as it is, from JSON or YAML text, or from a file.

    A top-level path that ends in `.json` or `.yaml` is read from the Dag's template path.
    Airflow's own `template_ext` would do so for every nested string, such as a description.

    :raises InvalidRequestError: neither a structure nor readable text
    """
    if not isinstance(value, str):
        return value
    if value.strip().endswith(_FILES):
        value = _read(value.strip(), what=what, env=env)
    try:
        return parse_structure(value, what=what)
    except ValueError as error:
        raise InvalidRequestError(asked=what, found=str(error)) from error


def _read(path: str, *, what: str, env: jinja2.Environment | None) -> str:
    try:
        if Path(path).is_absolute():
            return Path(path).read_text(encoding="utf-8")
        if env is None or env.loader is None:
            raise FileNotFoundError(path)
        return env.loader.get_source(env, path)[0]
    except (OSError, jinja2.TemplateNotFound) as error:
        raise InvalidRequestError(
            asked=f"{what}={path!r}",
            found="no such file on the Dag's template path",
            next_step="Put the file beside the Dag or into its template_searchpath.",
        ) from error
