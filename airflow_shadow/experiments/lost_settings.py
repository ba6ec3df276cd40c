"""Settings of production that a redeployment by an experiment does not carry over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_shadow.experiments.capture import is_same_place
from airflow_shadow.text.messages import MOST, shorten

#: Members of DescribeEndpointConfig and of its variant that CreateInferenceExperiment can express,
#: or that are no settings. All other members, also those that AWS adds one day, would be lost.
_CARRIED = frozenset(
    {
        "CreationTime",
        "EndpointConfigArn",
        "EndpointConfigName",
        "KmsKeyId",
        "ProductionVariants",
        "ShadowProductionVariants",
    }
)
_CARRIED_OF_VARIANT = frozenset(
    {"InitialInstanceCount", "InitialVariantWeight", "InstanceType", "ModelName", "VariantName"}
)
CAPTURE = "DataCaptureConfig"
#: Members that switch a structure off, and how.
_OFF = {"EnableCapture": False, "Status": "DISABLED"}


def lost_settings(
    config: Mapping[str, Any], *, storage: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the settings that are lost, by their names; those of the variant are among them.

    Whether AWS keeps some of them by itself is unknown, so all count as lost.

    :param config: DescribeEndpointConfig, as far as the installed botocore knows it
    :param storage: the experiment's `DataStorageConfig`, which takes the place of the endpoint's
        own capture (assumed: capture)
    """
    variants = config.get("ProductionVariants") or [{}]
    found = _set_members(config, _CARRIED) | _set_members(variants[0], _CARRIED_OF_VARIANT)
    if _goes_on(config.get(CAPTURE) or {}, storage or {}):
        found.pop(CAPTURE, None)
    return found


def _goes_on(capture: Mapping[str, Any], storage: Mapping[str, Any]) -> bool:
    """Tell whether an experiment captures to where the endpoint does, encrypted alike."""
    here, there = str(capture.get("DestinationS3Uri", "")), str(storage.get("Destination", ""))
    key = capture.get("KmsKeyId")
    return bool(here) and is_same_place(here, there) and key in {None, "", storage.get("KmsKey")}


def described(lost: Mapping[str, Any]) -> str:
    """Return settings in one line, long values shortened."""
    return ", ".join(f"{name} ({shorten(str(value), most=MOST)})" for name, value in lost.items())


def _set_members(view: Mapping[str, Any], carried: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in view.items() if name not in carried and _is_set(value)}


def _is_set(value: Any) -> bool:
    if isinstance(value, Mapping):
        return bool(value) and not any(value.get(key) == off for key, off in _OFF.items())
    return bool(value)
