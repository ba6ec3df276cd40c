"""Put the emulator into moto, and take it out again: one entry of one dict a service."""

from typing import TYPE_CHECKING, Any, Literal

from moto.applicationautoscaling import urls as autoscaling
from moto.cloudwatch import urls as cloudwatch
from moto.sagemaker import urls as sagemaker

if TYPE_CHECKING:
    from airflow_shadow.emulator.core import Emulator

Service = Literal["sagemaker", "cloudwatch", "applicationautoscaling"]

SERVICES: tuple[Service, ...] = ("sagemaker", "cloudwatch", "applicationautoscaling")

_PATH = "{0}/$"
_PLACES: tuple[dict[str, Any], ...] = (
    sagemaker.url_paths,
    cloudwatch.url_paths,
    autoscaling.url_paths,
)
_ours: list[tuple["Emulator", list[Any]]] = []


def install(emulator: "Emulator") -> None:
    """Let this emulator answer its services wherever moto does; several stack up."""
    # Imported late: the response classes need most of moto.
    from airflow_shadow.emulator.base_response import bind  # noqa: PLC0415
    from airflow_shadow.emulator.cloudwatch.responses import ShadowMetrics  # noqa: PLC0415
    from airflow_shadow.emulator.sagemaker.autoscaling import ScalingResponse  # noqa: PLC0415
    from airflow_shadow.emulator.sagemaker.responses import ShadowResponse  # noqa: PLC0415

    _ours.append((emulator, [place[_PATH] for place in _PLACES]))
    _put(
        [
            bind(ShadowResponse, emulator).dispatch,
            bind(ShadowMetrics, emulator).dispatch,
            bind(ScalingResponse, emulator).dispatch,
        ]
    )


def _put(answers: list[Any]) -> None:
    for place, answer in zip(_PLACES, answers, strict=True):
        place[_PATH] = answer


def uninstall(emulator: "Emulator") -> None:
    """Give back the places to whoever had them. Raises ValueError if another came later."""
    if not _ours or _ours[-1][0] is not emulator:
        raise ValueError("This emulator is not the one installed last; uninstall that one first.")
    _put(_ours.pop()[1])
