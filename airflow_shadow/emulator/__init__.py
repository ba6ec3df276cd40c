"""A local SageMaker that keeps shadow tests: statuses, endpoints, a clock, and faults on request.

Built on moto, which is imported only when an emulator is made.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_shadow.emulator.core import Emulator as Emulator
    from airflow_shadow.emulator.in_process import mocked as mocked
    from airflow_shadow.emulator.in_process import without_http as without_http

__all__ = ["Emulator", "mocked", "without_http"]

_HOMES = {"Emulator": "core", "mocked": "in_process", "without_http": "in_process"}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that importing this package costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
