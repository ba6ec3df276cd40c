"""Install the emulator in moto, and take it out again: one entry of one dict for each service.

Moto makes the dict of S3 anew for each request, from the class that answers; there it is the class
that is replaced.
"""

from typing import TYPE_CHECKING, Any, Literal

from moto.applicationautoscaling import urls as autoscaling
from moto.cloudwatch import urls as cloudwatch
from moto.s3 import responses as s3
from moto.sagemaker import urls as sagemaker

if TYPE_CHECKING:
    from airflow_shadow.emulator.core import Emulator

Service = Literal["sagemaker", "cloudwatch", "applicationautoscaling", "s3"]

#: Moto's names of the services that the emulator answers, S3 apart, and where moto looks up who
#: does.
SERVICES: dict[Service, dict[str, Any]] = {
    "sagemaker": sagemaker.url_paths,
    "cloudwatch": cloudwatch.url_paths,
    "applicationautoscaling": autoscaling.url_paths,
}
_PATH = "{0}/$"
_S3_CLASS = "S3Response"
# The emulators that are installed, last one last, and what they replaced: handlers, and the class
# of S3.
_installed: list[tuple["Emulator", list[Any]]] = []


def install(emulator: "Emulator") -> None:
    """Let this emulator answer its services for all of moto; the last one installed answers."""
    # Imported late: the response classes need most of moto.
    from airflow_shadow.emulator.base_response import bind  # noqa: PLC0415
    from airflow_shadow.emulator.capture.responses import ShadowS3  # noqa: PLC0415
    from airflow_shadow.emulator.cloudwatch.responses import ShadowMetrics  # noqa: PLC0415
    from airflow_shadow.emulator.sagemaker.autoscaling import ScalingResponse  # noqa: PLC0415
    from airflow_shadow.emulator.sagemaker.responses import ShadowResponse  # noqa: PLC0415

    replaced = [*(urls[_PATH] for urls in SERVICES.values()), s3.S3Response]
    _installed.append((emulator, replaced))
    _put(
        [
            bind(ShadowResponse, emulator).dispatch,
            bind(ShadowMetrics, emulator).dispatch,
            bind(ScalingResponse, emulator).dispatch,
            bind(ShadowS3, emulator),
        ]
    )


def _put(handlers: list[Any]) -> None:
    *entries, answering = handlers
    setattr(s3, _S3_CLASS, answering)
    for urls, handler in zip(SERVICES.values(), entries, strict=True):
        urls[_PATH] = handler


def uninstall(emulator: "Emulator") -> None:
    """Restore what the emulator replaced. Raises ValueError if another was installed later."""
    if not _installed or _installed[-1][0] is not emulator:
        raise ValueError("This emulator is not the one installed last; uninstall that one first.")
    _put(_installed.pop()[1])
