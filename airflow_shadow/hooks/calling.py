"""What calling AWS has in common: retry settings, our errors, fresh credentials, AWS's clock."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any, Self

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from airflow_shadow.hooks.errors import from_botocore, is_expired
from airflow_shadow.service_model import to_plain

# The waiting has its own back-off, so botocore need not insist; a user's setting wins.
_CONFIG = Config(
    connect_timeout=10, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 3}
)
# A task that is killed has seconds: two calls, four seconds at most.
_HURRIED = Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 1})


class CallingHook(AwsBaseHook):
    """Call the operations of one AWS service by their names in the API.

    :param aws_conn_id: an Airflow connection of type `aws`
    :param region_name: AWS region, if the connection's is not meant
    :param verify: whether, or with which CA bundle, to verify TLS certificates
    :param config: botocore's `Config`, merged over this hook's retry settings
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._hurried = False
        self._aws_clock: tuple[datetime, float] | None = None

    @classmethod
    def beside(cls, hook: CallingHook) -> Self:
        """Return a hook with the connection and the settings of another."""
        return cls(
            aws_conn_id=hook.aws_conn_id,
            region_name=hook._region_name,
            verify=hook._verify,
            config=hook._config,
        )

    @cached_property
    def conn(self) -> Any:
        """Return the service's client; the connection's own settings win over ours.

        :raises AwsError: STS, whom a connection with a role asks, gave no credentials
        """
        try:
            config = _CONFIG.merge(self.config)
            return self.get_client_type(
                region_name=self.region_name,
                config=config.merge(_HURRIED) if self._hurried else config,
            )
        except (ClientError, BotoCoreError) as error:
            if is_expired(error):
                self.forget_connection()
            raise from_botocore(error, asked="credentials for AWS") from error

    def forget_connection(self) -> None:
        """Drop client and credentials, so that the next call makes fresh ones."""
        for cached in ("conn", "conn_config", "config"):
            self.__dict__.pop(cached, None)

    def call(self, operation: str, params: Mapping[str, Any], *, asked: str = "") -> dict[str, Any]:
        """Call one operation and return its answer as plain values.

        :param operation: the operation's name in the API, like `DescribeEndpoint`
        :param params: its request, already typed
        :param asked: what for, for error messages
        """
        return dict(to_plain(self.ask(operation, params, asked=asked)))

    def ask(self, operation: str, params: Mapping[str, Any], *, asked: str = "") -> dict[str, Any]:
        """Call one operation and return botocore's answer as it is, for large ones.

        The parameters are those of :meth:`call`.
        """
        method = getattr(self.conn, _method_name(self.conn, operation))
        try:
            response: dict[str, Any] = method(**params)
        except (ClientError, BotoCoreError) as error:
            if is_expired(error):
                self.forget_connection()
            raise from_botocore(error, asked=asked or _describe_call(operation, params)) from error
        self._set_clock(response)
        return response

    # --- AWS's clock ---------------------------------------------------------------------

    def _set_clock(self, response: Mapping[str, Any]) -> None:
        headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        if "date" in headers:
            self._aws_clock = (parsedate_to_datetime(headers["date"]), time.monotonic())

    @property
    def knows_time(self) -> bool:
        """Tell whether AWS has answered yet, so that :meth:`now` is its time."""
        return self._aws_clock is not None

    def now(self) -> datetime:
        """Return AWS's time: the `Date` of its last answer and what has passed since."""
        if self._aws_clock is None:
            return datetime.now(UTC)
        then, at = self._aws_clock
        return then + timedelta(seconds=time.monotonic() - at)


def _method_name(client: Any, operation: str) -> str:
    mapping: Mapping[str, str] = client.meta.method_to_api_mapping
    return next(method for method, name in mapping.items() if name == operation)


def _describe_call(operation: str, params: Mapping[str, Any]) -> str:
    named = next((value for key, value in params.items() if key.endswith("Name")), "")
    return f"{operation} {named!r}" if named else operation
