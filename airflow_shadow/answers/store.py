"""Where SageMaker writes captures: S3, or a folder of the same layout (a job's local copy).

``<destination>/<endpoint>/<variant>/yyyy/mm/dd/hh/<MM-SS-mmm-uuid>.jsonl``, by the hour of the
invocation. The client is handed over; credentials, addresses and retries are its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError
from botocore.parsers import ResponseParserError

from airflow_shadow.answers.items import Item, chunks, local
from airflow_shadow.exceptions import (
    AnswersUnreadableError,
    AwsAccessDeniedError,
    AwsRefusedError,
    AwsUnavailableError,
    InvalidRequestError,
    ShadowError,
)
from airflow_shadow.text.messages import short_repr

T = TypeVar("T")
#: Times that a file is fetched whose transfer breaks off; botocore repeats only what comes before.
ATTEMPTS = 3
HOUR = 3600
_GONE = frozenset({"NoSuchKey", "404"})
_DENIED = frozenset({"AccessDenied", "AllAccessDisabled", "403"})
#: What another try, perhaps with fresh credentials, may get.
_PASSING = frozenset(
    {
        "ExpiredToken",
        "RequestTimeout",
        "RequestTimeTooSkewed",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
    }
)
_PASSING_STATUS = frozenset({408, 429, *range(500, 600)})


def folder_of(hour: int) -> str:
    """Return the part of a key that dates it, of an hour since 1970."""
    return f"{datetime.fromtimestamp(hour * HOUR, tz=UTC):%Y/%m/%d/%H}/"


def split_address(address: str) -> tuple[str, str]:
    """Return bucket and prefix of ``s3://bucket/prefix``; the prefix ends with a slash or is empty.

    :raises InvalidRequestError: it is no such address
    """
    scheme, _, rest = address.partition("://")
    bucket, _, prefix = rest.partition("/")
    if scheme != "s3" or not bucket:
        raise InvalidRequestError(
            asked="an address in S3",
            found=short_repr(address),
            next_step="Give one like s3://bucket/folder/.",
        )
    prefix = prefix.strip("/")
    return bucket, f"{prefix}/" if prefix else ""


class CaptureStore:
    """Find and fetch captures in S3.

    :param client: boto3's S3 client
    :param destination: where the endpoint captures, ``s3://bucket/prefix``
    :param endpoint: name of the endpoint
    :raises InvalidRequestError: the destination is no address in S3
    """

    def __init__(self, client: Any, *, destination: str, endpoint: str) -> None:
        self.client = client
        self.bucket, self._destination = split_address(destination)
        self.prefix = f"{self._destination}{endpoint}/"

    def captured(self, variant: str, hour: int) -> list[Item]:
        """Return the files of one variant and hour (hours since 1970)."""
        return self._list(self.bucket, f"{self.prefix}{variant}/{folder_of(hour)}")

    def below(self, address: str) -> list[Item]:
        """Return all files below an address of labels or own numbers."""
        return self._list(*split_address(address))

    def holds(self, address: str) -> bool:
        """Tell whether an address is where captures are written, of this endpoint or another."""
        if "://" not in address:
            return False
        bucket, prefix = split_address(address)
        return bucket == self.bucket and prefix.startswith(self._destination or self.prefix)

    def read(self, address: str) -> bytes | None:
        """Return a small object, None if there is none."""
        bucket, key = split_address(address)
        key = key.rstrip("/")
        try:
            body = self.client.get_object(Bucket=bucket, Key=key)["Body"]
            with body:
                return bytes(body.read())
        except ClientError as error:
            if _code(error) in _GONE:
                return None
            problem = translated(error, asked=f"GetObject {address}")
        except BotoCoreError as error:
            problem = translated(error, asked=f"GetObject {address}")
        raise problem

    def write(self, address: str, content: bytes) -> None:
        """Write a small object."""
        bucket, key = split_address(address)
        put = partial(self.client.put_object, Bucket=bucket, Key=key.rstrip("/"), Body=content)
        asked = f"PutObject {address}"
        _check_is_from_s3(_ask(put, asked=asked), "ETag", asked=asked)

    def _list(self, bucket: str, prefix: str) -> list[Item]:
        asked = f"ListObjectsV2 s3://{bucket}/{prefix}"
        found = _ask(lambda: list(self._objects(bucket, prefix, asked)), asked=asked)
        return sorted(found, key=lambda item: item.address)

    def _objects(self, bucket: str, prefix: str, asked: str) -> Iterator[Item]:
        pages = self.client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            _check_is_from_s3(page, "Name", "KeyCount", asked=asked)
            for entry in page.get("Contents", ()):
                address = f"s3://{bucket}/{entry['Key']}"
                yield self.item(address, version=entry["ETag"], size=entry["Size"])

    def item(self, address: str, *, version: str, size: int) -> Item:
        """Return a file whose address, ETag and bytes are known."""
        bucket, _, key = address.removeprefix("s3://").partition("/")
        save = partial(self._save, bucket, key, version)
        return Item(address=address, version=version, size=size, save=save)

    def _save(self, bucket: str, key: str, version: str, target: Path) -> None:
        asked = f"GetObject s3://{bucket}/{key}"
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._stream(bucket, key, version, target)
            except (HTTPClientError, IncompleteReadError) as error:
                problem = translated(error, asked=asked)
                if attempt < ATTEMPTS:
                    continue
            except (ClientError, BotoCoreError) as error:
                problem = translated(error, asked=asked)
            else:
                return
            break
        raise problem

    def _stream(self, bucket: str, key: str, version: str, target: Path) -> None:
        answer = self.client.get_object(Bucket=bucket, Key=key)
        # What `with` would return is the bare stream, which does not notice that it was cut off.
        body = answer["Body"]
        with body, target.open("wb") as file:
            if answer.get("ETag") != version:
                raise AwsUnavailableError(
                    asked=f"GetObject s3://{bucket}/{key}",
                    found="another object than was listed, or an answer that is not from AWS",
                )
            for piece in chunks(body):
                file.write(piece)


class FolderStore:
    """Find captures in a local folder, such as the one into which a job's inputs are copied.

    :param folder: what corresponds to the destination
    :param endpoint: name of the endpoint
    """

    def __init__(self, folder: Path, *, endpoint: str) -> None:
        self.folder = folder / endpoint

    def captured(self, variant: str, hour: int) -> list[Item]:
        """Return the files of one variant and hour (hours since 1970)."""
        return self.below(str(self.folder / variant / folder_of(hour)))

    def below(self, address: str) -> list[Item]:
        """Return all files below a folder."""
        return [local(path) for path in sorted(Path(address).rglob("*")) if path.is_file()]

    def holds(self, address: str) -> bool:
        """Tell whether a folder is inside the captures."""
        return Path(address).resolve().is_relative_to(self.folder.resolve())


def _ask(call: Callable[[], T], *, asked: str) -> T:
    try:
        return call()
    except (ClientError, BotoCoreError, ResponseParserError) as error:
        problem = translated(error, asked=asked)
    raise problem


def _check_is_from_s3(answer: Mapping[str, Any], *fields: str, asked: str) -> None:
    """Refuse a page that did not come from S3: botocore takes a proxy's for an empty answer.

    :param fields: what S3 always sends
    :raises AwsUnavailableError: one of them is missing
    """
    if any(field not in answer for field in fields):
        raise AwsUnavailableError(asked=asked, found="an answer that is not from AWS")


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def translated(error: Exception, *, asked: str) -> ShadowError:
    """Return our error for botocore's.

    :param asked: the operation and the object
    """
    if not isinstance(error, ClientError):
        found = "the transfer from S3 broke off or could not be begun"
        return AwsUnavailableError(asked=asked, found=found, reason=type(error).__name__)
    code, status = _code(error), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    reason = f"{code}: {error.response.get('Error', {}).get('Message', '')}"
    if code in _PASSING or status in _PASSING_STATUS:
        return AwsUnavailableError(asked=asked, found="S3 is unavailable", reason=reason)
    if code in _GONE:
        found = "it is gone since it was listed"
        return AnswersUnreadableError(asked=asked, found=found, next_step="Clear the task.")
    if code in _DENIED:
        return AwsAccessDeniedError(asked=asked, found="access denied", reason=reason)
    return AwsRefusedError(asked=asked, found="S3 refused the call", reason=reason, code=code)
