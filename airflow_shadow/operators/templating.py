"""Rendering that keeps text as it is; the service model gives the types afterwards."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from copy import copy
from typing import Any, ClassVar, cast

import jinja2
from jinja2.compiler import CodeGenerator
from jinja2.nativetypes import NativeEnvironment

from airflow_shadow._compat import (
    AirflowFailException,
    Context,
    unlisted_data,
)
from airflow_shadow.exceptions import InvalidRequestError, ShadowError
from airflow_shadow.operators.written import beginning, file_text, names_file
from airflow_shadow.text.values import as_boolean

_NOTHING = frozenset({"", "None"})


def structures_as_json(value: Any) -> Any:
    """Return a list or mapping as JSON text, anything else as it is.

    Jinja would write Python's notation, and read back as YAML its line breaks and quotes change.
    """
    if isinstance(value, Mapping):
        return json.dumps(dict(value), default=str)
    return json.dumps(value, default=str) if isinstance(value, list | tuple) else value


def text_environment(env: jinja2.Environment) -> jinja2.Environment:
    """Return an environment that renders to text, whatever the Dag says.

    A native one guesses types and so destroys text: `1e5`, `no` and `None` would not survive.
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
    """Render one string; a template that rendered to nothing is `None`, a literal stays."""
    rendered = _joined(env.from_string(template), context)
    return None if rendered in _NOTHING and rendered != template else rendered


def _joined(template: jinja2.Template, context: Context) -> str:
    """Return a template's text.

    Airflow has a function for it, but that of 3.1 renders natively. Jinja's own would make a dict
    of the context, for which each of its lazy values is fetched.
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


#: Where a call goes, and what protects it. Without the first two it would go elsewhere.
NEVER_NOTHING = frozenset({"aws_conn_id", "kms_key", "region_name", "waiter_delay"})


def refuse_lost(argument: str, never: Collection[str] = NEVER_NOTHING) -> None:
    """Refuse an address or a safeguard that a template took away: that is never meant.

    :param never: the arguments that are one
    :raises InvalidRequestError: the argument is one
    """
    if argument in never:
        raise InvalidRequestError(
            asked=argument,
            found="a template or an XCom that rendered to nothing, so something else would be used",
            next_step="Correct the template, or leave the argument out if its default is meant; "
            "nothing was sent to AWS.",
        )


class TextTemplates:
    """Rendering of operators and sensors: text stays text, and keys of mappings render too."""

    #: The arguments that may be the path of a file, which is read before it is rendered.
    file_fields: ClassVar[tuple[str, ...]] = ()
    #: The arguments that no template may take away.
    never_nothing: ClassVar[Collection[str]] = NEVER_NOTHING
    #: What the Dag's author wrote of the argument `report` himself, up to its first template.
    report_begins = ""

    def render_template(
        self,
        content: Any,
        context: Context,
        jinja_env: jinja2.Environment | None = None,
        seen_oids: set[int] | None = None,
    ) -> Any:
        """Render once; never what a form or an XCom gave, for that may be code.

        `seen_oids` lists what `expand()` got from an XCom, which stays with all that it holds.
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
        """Render, and name in the log what rendered to nothing; mapped tasks come here too."""
        names = list(template_fields)
        data = unlisted_data(parent, names, context) if parent is self else []
        seen = seen_oids | {id(getattr(parent, name)) for name in data}
        given = [name for name in names if getattr(parent, name, None) is not None]
        try:
            if parent is self:
                self._read_files(jinja_env, seen)
                self._note_report(jinja_env, seen)
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
            refuse_lost(name, self.never_nothing)
            self.log.info("%s rendered to nothing and is left out.", name)  # type: ignore[attr-defined]

    def _read_files(self, env: jinja2.Environment, data: set[int]) -> None:
        """Put the text of a file where the Dag's author wrote its path.

        Airflow's own `template_ext` would read every nested string that ends so, and it does not
        look at the arguments of mapped tasks.

        :param data: ids of what an XCom gave
        """
        for name in self.file_fields:
            value = getattr(self, name)
            written = isinstance(value, str) and id(value) not in data
            if written and names_file(value) and beginning(value, env) == value:
                setattr(self, name, file_text(value, argument=name, env=env))

    def _note_report(self, env: jinja2.Environment, data: set[int]) -> None:
        report = getattr(self, "report", None)
        if isinstance(report, str) and id(report) not in data:
            self.report_begins = beginning(report, env)

    def _check_report(self) -> None:
        """Refuse a place that a report may not be written to, before there is one."""
        if report := getattr(self, "report", None):
            # Imported when a task asks: Dag files should not pay for it.
            from airflow_shadow.hooks.reports import report_place

            report_place(report, written=self.report_begins)


class LazyHook:
    """Give the AWS base classes their hook when a task asks: Dag files need not import it."""

    @property
    def aws_hook_class(self) -> Any:
        """Return the hook's class."""
        from airflow_shadow.hooks.inference_experiment import (
            InferenceExperimentHook,
        )

        return InferenceExperimentHook

    @property
    def hook_verify(self) -> bool | str | None:
        """Return `verify` with the type that it lost if it was templated: `"False"` is no path."""
        verify: bool | str | None = as_boolean(self.verify)  # type: ignore[attr-defined]
        return verify

    @property
    def _hook_parameters(self) -> dict[str, Any]:
        parameters: dict[str, Any] = super()._hook_parameters  # type: ignore[misc]
        return {**parameters, "verify": self.hook_verify}

    def validate_attributes(self) -> None:
        """Skip the base's check of the hook's class, which would import it in every Dag file."""
