"""Rendering that keeps text as it is; the service model gives the types afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import jinja2
from jinja2.compiler import CodeGenerator
from jinja2.nativetypes import NativeEnvironment

from airflow_shadow._compat import AirflowFailException, Context, render_template_to_string
from airflow_shadow.exceptions import InvalidRequestError

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


#: Where a call goes, and what protects it. Without the first two it would go elsewhere.
_NEVER_NOTHING = frozenset({"aws_conn_id", "kms_key", "region_name"})


def refuse_lost(argument: str) -> None:
    """Refuse an address or a safeguard that a template took away: that is never meant.

    :raises AirflowFailException: the argument is one
    """
    if argument in _NEVER_NOTHING:
        error = InvalidRequestError(
            asked=argument,
            found="a template or an XCom that rendered to nothing, so something else would be used",
            next_step="Correct the template, or leave the argument out if its default is meant; "
            "nothing was sent to AWS.",
        )
        raise AirflowFailException(str(error))


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
                refuse_lost(name)
                self.log.info("%s rendered to nothing and is left out.", name)  # type: ignore[attr-defined]


class LazyHook:
    """Give the AWS base classes their hook when a task asks: Dag files need not import it."""

    @property
    def aws_hook_class(self) -> Any:
        """Return the hook's class."""
        from airflow_shadow.hooks.inference_experiment import (  # noqa: PLC0415
            InferenceExperimentHook,
        )

        return InferenceExperimentHook

    @property
    def hook_verify(self) -> bool | str | None:
        """Return `verify` with the type that it lost if it was templated: `"False"` is no path."""
        verify: bool | str | None = self.verify  # type: ignore[attr-defined]
        words = {"true": True, "false": False}
        return words.get(verify.lower(), verify) if isinstance(verify, str) else verify

    @property
    def _hook_parameters(self) -> dict[str, Any]:
        parameters: dict[str, Any] = super()._hook_parameters  # type: ignore[misc]
        return {**parameters, "verify": self.hook_verify}

    def validate_attributes(self) -> None:
        """Skip the base's check of the hook's class, which would import it in every Dag file."""
