"""Put the emulator into moto, and take it out again: one entry of one dict."""

from typing import TYPE_CHECKING, Any

from moto.sagemaker.urls import url_paths

if TYPE_CHECKING:
    from airflow_shadow.emulator.core import Emulator

_PATH = "{0}/$"
_ours: list[tuple["Emulator", Any]] = []


def install(emulator: "Emulator") -> None:
    """Let this emulator answer SageMaker wherever moto does; several stack up."""
    # Imported late: the response class needs most of moto.
    from airflow_shadow.emulator.responses import response_class  # noqa: PLC0415

    _ours.append((emulator, url_paths[_PATH]))
    url_paths[_PATH] = response_class(emulator).dispatch


def uninstall(emulator: "Emulator") -> None:
    """Give back the place to whoever had it. Raises ValueError if another came later."""
    if not _ours or _ours[-1][0] is not emulator:
        raise ValueError("This emulator is not the one installed last; uninstall that one first.")
    _, before = _ours.pop()
    url_paths[_PATH] = before
