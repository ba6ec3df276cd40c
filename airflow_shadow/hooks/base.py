"""Call AWS: retry settings, our errors, fresh credentials, AWS's clock."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Self

from airflow.exceptions import AirflowNotFoundException  # type: ignore[attr-defined]
from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from botocore.parsers import ResponseParserError

from airflow_shadow.exceptions import (
    AwsUnavailableError,
    ConnectionMissingError,
    InvalidRequestError,
    ShadowError,
)
from airflow_shadow.hooks.errors import (
    THROTTLING,
    NoAnswerError,
    code_of,
    from_botocore,
    is_key_refused,
    needs_fresh_credentials,
    without_user,
)
from airflow_shadow.hooks.pace import Pace
from airflow_shadow.hooks.responses import date_of, to_plain
from airflow_shadow.waiters import backoff

# The waiting has its own back-off, so botocore need not retry for long; a user's setting wins.
_CONFIG = Config(
    connect_timeout=10, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 3}
)
#: How long one call is repeated while AWS is unavailable; a wait goes on until its deadline.
_RETRY_SECONDS = 300.0
# A task that is killed has seconds: two calls, four seconds at most.
_HURRIED = Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 1})

#: What a call may raise. The AWS provider reads STS's answer unchecked, hence `KeyError`; botocore
#: raises `ValueError` for an address.
_FAILURES = (ClientError, BotoCoreError, ResponseParserError, KeyError, ValueError)
_OK = range(200, 300)
_SHOWN = 60  # characters of a body that did not come from AWS


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
        self._warned: set[str] = set()
        self._accepted: Any = None  # the client whose keys AWS has accepted
        #: How fast the calls of all threads may follow each other; `None` leaves it to the caller.
        self.pace: Pace | None = None

    @classmethod
    def get_connection(cls, conn_id: str) -> Any:
        """Return an Airflow connection; without one the provider would use the machine's rights.

        A missing `aws_default` is the provider's way to ask for just that.

        :raises ConnectionMissingError: there is none of that name
        """
        try:
            return super().get_connection(conn_id)
        except AirflowNotFoundException as error:
            if conn_id == cls.default_conn_name:
                raise
            raise ConnectionMissingError(
                asked=f"connection {conn_id!r}", found="no such connection"
            ) from error

    @classmethod
    def has_connection(cls, conn_id: str) -> bool:
        """Tell whether Airflow knows a connection of that name."""
        try:
            super().get_connection(conn_id)
        except AirflowNotFoundException:
            return False
        return True

    @property
    def config(self) -> Config:
        """Return the settings of the client and of STS; the connection's override ours."""
        config: Config = _CONFIG.merge(self.conn_config.botocore_config or Config())
        return config.merge(_HURRIED) if self._hurried else config

    def get_session(self, *args: Any, **kwargs: Any) -> Any:
        """Return a session that has credentials, and whose every client has our timeouts.

        A client that was made without credentials would never have any.
        """
        session, config = super().get_session(*args, **kwargs), self.config
        inner = getattr(session, "_session", None)  # aiobotocore's sessions have none
        if inner is None:
            return session
        # This reaches the clients by which botocore itself gets credentials, too.
        inner.set_default_client_config(config)
        inner.register("before-parse", _refuse_garbage)
        if session.get_credentials() is None and config.signature_version is not UNSIGNED:
            raise NoCredentialsError
        return session

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
        """Return the service's client, made with credentials.

        :raises AwsError: STS or the machine's metadata service gave none
        """
        try:
            return self.get_client_type(region_name=self.region_name)
        except _FAILURES as error:
            raise self._ours(error, asked="credentials for AWS") from _shown(error)

    def forget_connection(self) -> None:
        """Drop client and credentials, so that the next call makes fresh ones."""
        for cached in ("conn", "conn_config"):
            self.__dict__.pop(cached, None)

    @property
    def place(self) -> str:
        """Region and connection, for messages about what was not found."""
        try:
            region, known = self.conn_region_name, bool(self.conn_config)
        except ShadowError:  # no credentials at the moment
            region, known = self._region_name or "the default region", True
        missing = "" if known else ", which does not exist"
        named = f"connection {self.aws_conn_id!r}{missing}" if self.aws_conn_id else "no connection"
        return f"in {region} ({named})"

    def _ours(self, error: Exception, *, asked: str) -> ShadowError:
        """Return our error for a call's, and drop a client that lacks credentials."""
        if needs_fresh_credentials(error):
            self.forget_connection()
        if isinstance(error, ClientError):
            self._set_clock(error.response)
            if self.pace and code_of(error) in THROTTLING:
                self.pace.slow_down()
        if isinstance(error, ValueError) and not isinstance(error, BotoCoreError):
            return InvalidRequestError(
                asked=f"{asked} by connection {self.aws_conn_id!r}",
                found=without_user(str(error)),
                next_step="Correct the connection's endpoint_url; nothing was sent to AWS.",
            )
        if not isinstance(error, ClientError | BotoCoreError):
            error = NoAnswerError(status=200, operation=asked, body=repr(error))
        return from_botocore(error, asked=asked)

    def call(self, operation: str, params: Mapping[str, Any], *, asked: str = "") -> dict[str, Any]:
        """Call one operation and return its answer as plain values.

        :param operation: the operation's name in the API, like `DescribeEndpoint`
        :param params: its request, with the API's types
        :param asked: the purpose, for error messages
        """
        return to_plain(self.ask(operation, params, asked=asked))

    def ask(self, operation: str, params: Mapping[str, Any], *, asked: str = "") -> dict[str, Any]:
        """Call one operation and return botocore's answer unchanged, for large ones.

        The parameters are those of :meth:`call`.
        """
        client = self.conn
        if self.pace:
            self.pace.take()
        try:
            response: dict[str, Any] = getattr(client, _method_name(client, operation))(**params)
        except _FAILURES as error:
            if is_key_refused(error) and self._has_new_keys(client):
                return self.ask(operation, params, asked=asked)
            ours = self._ours(error, asked=asked or _describe_call(operation, params))
            raise ours from _shown(error)
        self._accepted = client
        self._set_clock(response)
        return response

    def _has_new_keys(self, client: Any) -> bool:
        """Tell whether to read the connection anew for a client whose keys are refused.

        Keys that AWS has accepted before were replaced; perhaps another thread knows it already.
        """
        if client is self._accepted:
            self._accepted = None
            self.forget_connection()
        return client is not vars(self).get("conn")

    def pages(
        self, operation: str, params: Mapping[str, Any], *, asked: str = ""
    ) -> Iterator[dict[str, Any]]:
        """Call one operation page by page; yield each answer as botocore gives it.

        The parameters are those of :meth:`call`.
        """
        token: dict[str, str] = {}
        while True:
            page = self.ask(operation, {**params, **token}, asked=asked)
            yield page
            if not page.get("NextToken"):
                return
            if page["NextToken"] == token.get("NextToken"):
                found, reason = "pages without end", "the same NextToken came twice"
                raise AwsUnavailableError(asked=asked or operation, found=found, reason=reason)
            token = {"NextToken": page["NextToken"]}

    def retry_call(self, call: Callable[[], Any], *, delay: float) -> Any:
        """Repeat a call while AWS is unavailable, for at most five minutes.

        :param call: must be harmless if AWS has acted already and only the answer was lost
        :param delay: seconds, the base of the full-jitter exponential back-off
        :raises AwsUnavailableError: AWS stayed unavailable
        """
        deadline, failures = time.monotonic() + _RETRY_SECONDS, 0
        while True:
            try:
                return call()
            except ConnectionMissingError:
                raise  # only a trigger waits for it: there it has existed before
            except AwsUnavailableError as error:
                failures += 1
                pause = backoff(delay, failures)
                if time.monotonic() + pause > deadline:
                    raise
                self.log.info("AWS could not be asked (%s); trying again.", error.reason)
                time.sleep(pause)

    def warn_once(self, text: str) -> None:
        """Log a warning that this hook has not logged yet: polls come again and again."""
        if text not in self._warned:
            self._warned.add(text)
            self.log.warning("%s", text)

    # --- AWS's clock ---------------------------------------------------------------------

    def _set_clock(self, response: Mapping[str, Any]) -> None:
        if date := date_of(response):
            self._aws_clock = (date, time.monotonic())

    @property
    def knows_time(self) -> bool:
        """Whether AWS has answered yet, so that :meth:`now` is its time."""
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


def _shown(error: Exception) -> Exception | None:
    """Return the cause that a traceback may show: none that contains a password."""
    return error if without_user(str(error)) == str(error) else None


def _refuse_garbage(operation_model: Any, response_dict: Mapping[str, Any], **_: Any) -> None:
    """Refuse a body that did not come from AWS; botocore would take a proxy's page for an answer.

    :raises NoAnswerError: the body is not of the service's format
    """
    status, body = response_dict["status_code"], response_dict["body"]
    if status not in _OK or not operation_model.output_shape or not isinstance(body, bytes):
        return
    if not body and _is_in_headers(operation_model.output_shape):
        return
    protocol = operation_model.service_model.metadata.get("protocol", "")
    if not (_is_json(body) if "json" in protocol else _is_something(body)):
        shown = body[:_SHOWN].decode(errors="replace") or "an empty body"
        raise NoAnswerError(status=status, operation=operation_model.name, body=shown)


def _is_in_headers(shape: Any) -> bool:
    """Tell whether an answer has no body: S3 says what it has done in headers."""
    return all("header" in one.serialization.get("location", "") for one in shape.members.values())


def _is_json(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False


def _is_something(body: bytes) -> bool:
    begin = body.lstrip()[:9].lower()
    return bool(begin) and not begin.startswith((b"<html", b"<!doctype"))
