"""S3, where experiments capture requests and answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from airflow_shadow.exceptions import AwsRefusedError, NotFoundError
from airflow_shadow.hooks.base import CallingHook

_NOT_FOUND = frozenset({"404", "NoSuchBucket"})
_REGION = "x-amz-bucket-region"


class CaptureHook(CallingHook):
    """Call Amazon S3 about what is captured.

    The parameters are those of :class:`~airflow_shadow.hooks.base.CallingHook`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["client_type"] = "s3"
        super().__init__(*args, **kwargs)

    @contextmanager
    def client(self, *, asked: str) -> Iterator[Any]:
        """Lend the client to somebody who knows nothing of our errors; its own become ours.

        :param asked: what it is for, for error messages
        :raises AwsError: S3 refused a call, or could not be reached
        """
        client = self.conn
        try:
            yield client
        except (BotoCoreError, ClientError, ResponseParserError) as error:
            raise self._ours(error, asked=asked) from None

    def region_of_bucket(self, bucket: str, *, asked: str) -> str:
        """Return the region of a bucket (HeadBucket), `""` if S3 does not say it.

        :param asked: what the bucket is for, for error messages
        :raises NotFoundError: there is none of that name
        :raises AwsAccessDeniedError: the caller may not list it, whether it exists or not
        """
        try:
            response = self.ask("HeadBucket", {"Bucket": bucket}, asked=asked)
        except AwsRefusedError as error:
            if error.code not in _NOT_FOUND:
                raise
            found = f"no bucket named {bucket!r}"
            raise NotFoundError(asked=asked, found=found, reason=error.reason) from error
        return str(response["ResponseMetadata"].get("HTTPHeaders", {}).get(_REGION, ""))
