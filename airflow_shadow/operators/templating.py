"""Rendering to text; the service model gives the types afterwards."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from copy import copy
from typing import Any, ClassVar, cast

import jinja2
from jinja2.compiler import CodeGenerator
from jinja2.nativetypes import NativeEnvironment

from airflow_shadow._compat import AirflowFailException, Context, unlisted_data
from airflow_shadow.exceptions import InvalidRequestError, ShadowError
from airflow_shadow.operators.literals import literal_buckets, literal_start, template_file
from airflow_shadow.text.structures import FILES

_NOTHING = frozenset({"", "None"})


def structures_as_json(value: Any) -> Any:
    """Return a list or mapping as JSON text, anything else as it is.

    Jinja would write Python's notation, whose quotes and line breaks YAML reads differently.
    """
    if isinstance(value, Mapping):
        return json.dumps(dict(value), default=str)
    return json.dumps(value, default=str) if isinstance(value, list | tuple) else value


def text_environment(env: jinja2.Environment) -> jinja2.Environment:
    """Return an environment that renders to text, whatever the Dag says.

    A native environment guesses types, which changes text such as `1e5`, `no` and `None`.
    """
    if env.finalize is structures_as_json:
        return env
    plain = env.overlay(finalize=structures_as_json)
    if isinstance(env, NativeEnvironment):
        plain.code_generator_class = CodeGenerator
        plain.template_class = jinja2.Template
        plain.concat = "".join  # type: ignore[method-assign]
    return plain


def render_text(template: str, context: Context, env: jinja2.Environment) -> str | None:
    """Render one string; `None` stands for a template, not a literal, that rendered to nothing."""
    rendered = _joined(env.from_string(template), context)
    return None if rendered in _NOTHING and rendered != template else rendered


def _joined(template: jinja2.Template, context: Context) -> str:
    """Return a template's text.

    Airflow's own function renders natively in 3.1, and Jinja's would copy the context to a dict,
    which fetches all of its lazy values.
    """
    env, names = template.environment, cast("Any", copy(context))
    names.update({key: value for key, value in template.globals.items() if key not in names})
    known = env.context_class(env, names, template.name, template.blocks)
    return "".join(template.root_render_func(known))


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


#: Arguments without which AWS would be called elsewhere, too often, or with less protection.
NEVER_NOTHING = frozenset(
    {"aws_conn_id", "capture", "capture_kms_key", "kms_key", "region_name", "waiter_delay"}
)


class TextTemplates:
    """Rendering of operators and sensors: text stays text, and keys of mappings render too."""

    #: The arguments that may be the path of a file, which is read before it is rendered.
    file_fields: ClassVar[tuple[str, ...]] = ()
    #: Arguments that are refused if their template renders to nothing.
    never_nothing: ClassVar[Collection[str]] = NEVER_NOTHING
    #: The argument `report` up to its first template, which only the Dag's author can have written.
    report_begins = ""
    #: The buckets that `spec` names and no template gave.
    spec_buckets: frozenset[str] = frozenset()

    def render_template(
        self,
        content: Any,
        context: Context,
        jinja_env: jinja2.Environment | None = None,
        seen_oids: set[int] | None = None,
    ) -> Any:
        """Render exactly once: rendering user input or XComs again would allow template injection.

        :param seen_oids: ids of what `expand()` got from an XCom, which stays as it is
        """
        if seen_oids is not None and id(content) in seen_oids:
            return content
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
        self,
        parent: Any,
        template_fields: Iterable[str],
        context: Context,
        jinja_env: jinja2.Environment,
        seen_oids: set[int],
    ) -> None:
        """Render, and log what rendered to nothing; Airflow calls this for mapped tasks too."""
        names = list(template_fields)
        data = unlisted_data(parent, names, context) if parent is self else []
        seen = seen_oids | {id(getattr(parent, name)) for name in data}
        given = [name for name in names if getattr(parent, name, None) is not None]
        try:
            if parent is self:
                self._read_written(jinja_env, seen)
            super()._do_render_template_fields(  # type: ignore[misc]
                parent, names, context, jinja_env, seen
            )
            if parent is self:
                self._check_report()
            self._check_lost(name for name in given if getattr(parent, name) is None)
        except ShadowError as error:
            raise AirflowFailException(str(error)) from error

    def _check_lost(self, names: Iterable[str]) -> None:
        for name in names:
            if name in self.never_nothing:
                raise InvalidRequestError(
                    asked=name,
                    found="a template or an XCom that rendered to nothing",
                    next_step="Correct the template, or leave the argument out if its default is "
                    "meant; nothing was sent to AWS.",
                )
            self.log.info("%s rendered to nothing and is left out.", name)  # type: ignore[attr-defined]

    def _read_written(self, env: jinja2.Environment, data: set[int]) -> None:
        """Replace a path that the Dag's author wrote by its file's text; note what else he wrote.

        Airflow's own `template_ext` would read every nested string that ends so, and does not apply
        to mapped arguments.

        :param data: ids of what came from an XCom
        """
        has_written_spec = id(getattr(self, "spec", None)) not in data
        for name in (*self.file_fields, "report"):
            value = getattr(self, name, None)
            if not isinstance(value, str) or id(value) in data:
                continue
            start = literal_start(value, env)
            if name == "report":
                self.report_begins = start
            elif start == value and value.strip().endswith(FILES):
                setattr(self, name, template_file(value, argument=name, env=env))
        if has_written_spec:
            self.spec_buckets = frozenset(literal_buckets(getattr(self, "spec", None), env))

    def _check_report(self) -> None:
        """Refuse a forbidden place before the task begins, not when there is a report to write."""
        if report := getattr(self, "report", None):
            from airflow_shadow.hooks.reports import report_place

            report_place(report, written=self.report_begins)
