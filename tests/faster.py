"""Let botocore, moto and Airflow do once what they would do for each client, call and value."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from typing import Any

import botocore.client
import botocore.errorfactory
import botocore.hooks
import botocore.loaders
import botocore.useragent
import botocore.utils
import moto.core.responses
from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook
from botocore.hooks import NodeList
from moto.core.serialize import AttributePicker, XFormedAttributePicker


def _once(owner: Any, name: str, key: Callable[..., Any]) -> None:
    """Let a function of botocore's or moto's work out each answer once, and then remember it."""
    work_out, known = getattr(owner, name), {}

    def remembered(*args: Any, **kwargs: Any) -> Any:
        if (question := key(*args, **kwargs)) not in known:
            known[question] = work_out(*args, **kwargs)
        return known[question]

    setattr(owner, name, remembered)


# The tests make thousands of sessions and clients; each would parse megabytes of service models,
# and look at the signature of each of the handlers that it registers.
_once(botocore.loaders.JSONFileLoader, "load_file", lambda _, path: path)
_once(botocore.loaders.Loader, "list_available_services", lambda _, type_name: type_name)
_once(
    botocore.client.ClientCreator,
    "_load_service_model",
    lambda _, name, version=None: (name, version),
)
_once(botocore.client.ClientCreator, "_create_methods", lambda _, model: model.service_name)
_make_methods = botocore.client.ClientCreator._create_methods
botocore.client.ClientCreator._create_methods = lambda *args: dict(_make_methods(*args))
_once(
    botocore.errorfactory.ClientExceptionsFactory,
    "create_client_exceptions",
    lambda _, model: model.service_name,
)
_once(botocore.hooks.EventAliaser, "_alias_event_name", lambda _, event: event)
_once(botocore.hooks, "accepts_kwargs", lambda handler: getattr(handler, "__func__", handler))
# Each call builds its client's name for the log of AWS again, character by character.
_once(
    botocore.useragent,
    "sanitize_user_agent_string_component",
    lambda raw_str, allow_hash: (raw_str, allow_hash),
)
# Instants of AWS become local time, which dateutil works out again for each of thousands of points.
botocore.utils.get_tzinfo_options = lambda: (lambda: UTC,)


def _copied(node: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of all places where handlers are registered, which every client makes."""
    return {
        key: _copied(value)
        if isinstance(value, dict)
        else NodeList(*map(list, value))
        if isinstance(value, NodeList)
        else value
        for key, value in node.items()
    }


botocore.hooks._PrefixTrie._recursive_copy = lambda _, node: _copied(node)
# And moto looks at all members of a class of hundreds at each call, and for each member of an
# answer under all names that it might have in a class of moto's.
_once(moto.core.responses, "method_names_from_class", lambda response: response)
for picker in (AttributePicker, XFormedAttributePicker):
    possible = picker.get_possible_keys
    picker.get_possible_keys = lambda *args, possible=possible: tuple(possible(*args))
    _once(
        picker,
        "get_possible_keys",
        lambda picker, sought: (type(picker), type(sought.obj), sought.key, sought.shape),
    )
# Each client also walks the whole stack, and reads all source files on it, to name its operator to
# AWS: 45 of the 157 seconds that one file of tests took under a profiler.
AwsGenericHook._find_operator_class_name = staticmethod(lambda *_: None)
AwsGenericHook._get_caller = staticmethod(lambda *_: "Unknown")
AwsGenericHook._find_executor_class_name = staticmethod(lambda: None)
