"""Put the emulator into moto, and take it out again: one entry of one dict a service."""

from typing import TYPE_CHECKING, Any, Literal

from moto.cloudwatch import urls as cloudwatch
from moto.sagemaker import urls as sagemaker

if TYPE_CHECKING:
    from airflow_shadow.emulator.core import Emulator

SERVICES: tuple[Literal["sagemaker"], Literal["cloudwatch"]] = ("sagemaker", "cloudwatch")

_PATH = "{0}/$"
_ours: list[tuple["Emulator", Any, Any]] = []


def install(emulator: "Emulator") -> None:
    """Let this emulator answer SageMaker and CloudWatch wherever moto does; several stack up."""
    # Imported late: the response classes need most of moto.
    from airflow_shadow.emulator.bound import bind  # noqa: PLC0415
    from airflow_shadow.emulator.cloudwatch import ShadowMetrics  # noqa: PLC0415
    from airflow_shadow.emulator.responses import ShadowResponse  # noqa: PLC0415

    _ours.append((emulator, sagemaker.url_paths[_PATH], cloudwatch.url_paths[_PATH]))
    sagemaker.url_paths[_PATH] = bind(ShadowResponse, emulator).dispatch
    cloudwatch.url_paths[_PATH] = bind(ShadowMetrics, emulator).dispatch


def uninstall(emulator: "Emulator") -> None:
    """Give back the places to whoever had them. Raises ValueError if another came later."""
    if not _ours or _ours[-1][0] is not emulator:
        raise ValueError("This emulator is not the one installed last; uninstall that one first.")
    _, sagemaker.url_paths[_PATH], cloudwatch.url_paths[_PATH] = _ours.pop()
