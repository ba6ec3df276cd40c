"""Where an experiment captures requests and answers, in the API's words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from airflow_shadow.text.messages import short_repr

#: What AWS writes as text; every other content type is encoded in base64, which takes a third more
#: room and has to be decoded by everybody who reads it.
CONTENT_TYPES = MappingProxyType(
    {
        "CsvContentTypes": ("text/csv",),
        "JsonContentTypes": ("application/json", "application/jsonlines"),
    }
)
_PLACE = re.compile(r"s3://(?P<bucket>[A-Za-z0-9._-]{3,255})(?:/.*)?", re.DOTALL)
_KEY = re.compile(
    r"arn:[a-z0-9-]+:kms:(?P<region>[a-z0-9-]+):\d{12}:(?:key/[A-Za-z0-9-]+|alias/[A-Za-z0-9:/_-]+)"
)
#: DescribeEndpoint shows what captures now.
_STARTED = "Started"
_ALL = 100


@dataclass(frozen=True, kw_only=True)
class Capture:
    """One place for what both variants are asked and answer.

    :param destination: `s3://bucket/prefix`
    :param kms_key: id, ARN or alias of the key that encrypts what is captured
    """

    destination: str
    kms_key: str | None = None

    @property
    def bucket(self) -> str:
        """Return the bucket's name, `""` if the destination is no place in S3."""
        found = _PLACE.fullmatch(self.destination)
        return found["bucket"] if found else ""

    @property
    def config(self) -> dict[str, Any]:
        """Return it as `DataStorageConfig`."""
        key = {"KmsKey": self.kms_key} if self.kms_key else {}
        types = {name: list(values) for name, values in CONTENT_TYPES.items()}
        return {"Destination": self.destination.rstrip("/"), **key, "ContentType": types}

    def faults(self, region: str) -> Iterator[str]:
        """Yield what is wrong with it.

        :param region: the experiment's, which its bucket and key share
        """
        if not self.bucket:
            yield f"capture={short_repr(self.destination)} is not like s3://bucket/prefix"
        if self.kms_key and self.kms_key.startswith("arn:"):
            yield from _key_faults(self.kms_key, region)


def _key_faults(key: str, region: str) -> Iterator[str]:
    found = _KEY.fullmatch(key)
    if found is None:
        yield f"capture_kms_key={short_repr(key)} is not the ARN of a key or an alias of KMS"
    elif found["region"] != region:
        yield f"capture_kms_key={short_repr(key)} is not in the experiment's region, {region}"


def is_same_place(one: str, other: str) -> bool:
    """Tell whether two destinations are one, however they end."""
    return one.rstrip("/") == other.rstrip("/")


def missing_capture(storage: Mapping[str, Any], active: Mapping[str, Any] | None) -> list[str]:
    """Return in what a capture that was asked for is not what an endpoint does now.

    :param storage: `DataStorageConfig`
    :param active: `DataCaptureConfig` as DescribeEndpoint shows it, `None` if it shows none
    """
    if not active or not active.get("EnableCapture"):
        return ["the endpoint captures nothing"]
    return list(_differences(storage, active))


def _differences(storage: Mapping[str, Any], active: Mapping[str, Any]) -> Iterator[str]:
    there, status = str(active.get("DestinationS3Uri", "")), active.get("CaptureStatus", _STARTED)
    if not is_same_place(there, str(storage.get("Destination", ""))):
        yield f"the endpoint captures to {there or 'nowhere'}"
    if status != _STARTED:
        yield f"its capture is {status}"
    if (share := active.get("CurrentSamplingPercentage", _ALL)) != _ALL:
        yield f"it captures {share} % of the requests"
    if (key := storage.get("KmsKey")) and active.get("KmsKeyId") != key:
        yield f"it encrypts with key {active.get('KmsKeyId') or 'of the bucket'}, not {key}"
