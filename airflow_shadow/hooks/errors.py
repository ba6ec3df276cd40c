"""Translate botocore's errors to ours, by their codes: AWS documents none of the texts."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's own
    CredentialRetrievalError,
    HTTPClientError,
    MetadataRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    SSLError,
)

from airflow_shadow.exceptions import (
    AwsAccessDeniedError,
    AwsError,
    AwsRefusedError,
    AwsUnavailableError,
)
from airflow_shadow.hooks.responses import date_of

THROTTLING = frozenset(
    {
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
    }
)
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
#: STS could not reach the identity provider, or the token's file is about to be replaced: botocore
#: and the service's documentation advise to retry.
_STS_PASSING = frozenset({"IDPCommunicationError", "InvalidIdentityToken"})
#: What services answer to a key that does not exist, or not any more; not about permissions.
_KEYS = frozenset({"UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"})
_TIMEOUTS = frozenset({"RequestTimeout", "RequestTimeoutException"})
#: Answers to a wrong clock; the last two also answer a wrong secret.
_SIGNATURE = frozenset(
    {
        "RequestTimeTooSkewed",
        "RequestInTheFuture",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
    }
)
#: AWS accepts signatures that are five minutes off; its `Date` has seconds, and answers take some.
_SKEW = timedelta(minutes=4)
DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "NotAuthorized", "UnauthorizedOperation", "403"}
)
NOT_FOUND, CONFLICT, VALIDATION = "ResourceNotFound", "ConflictException", "ValidationException"
IN_USE = "ResourceInUse"
#: What AWS may answer if the name or the endpoint is taken; it does not document which.
BUSY = frozenset({IN_USE, CONFLICT, VALIDATION})
#: `SSLError`, of a certificate that cannot be verified, is one of these, but retrying is useless.
_UNREACHED = (HTTPClientError, ConnectionError, CredentialRetrievalError, MetadataRetrievalError)
_REDIRECTIONS, _SERVER_ERRORS, _TIMEOUT, _TOO_MANY = range(300, 400), range(500, 600), 408, 429
_USER_OF_AN_ADDRESS = re.compile(r"""(?<![^\s/"'])[^\s/?#"'@]*:[^\s/?#"']*@""")


class NoAnswerError(BotoCoreError):  # type: ignore[misc]
    """A body that did not come from the service: a proxy's page, or an empty one."""

    fmt = "status {status}, but not an answer of {operation}: {body}"


def code_of(error: ClientError) -> str:
    """Return AWS's error code."""
    return str(error.response.get("Error", {}).get("Code", ""))


def needs_fresh_credentials(error: Exception) -> bool:
    """Tell whether a new client may get the credentials that this one lacks."""
    if isinstance(error, ClientError):
        return code_of(error) in EXPIRED | _STS_PASSING
    return isinstance(error, CredentialRetrievalError | NoCredentialsError)


def is_key_refused(error: Exception) -> bool:
    """Tell whether AWS refused key or secret: that of the connection may be another by now."""
    return isinstance(error, ClientError) and code_of(error) in _KEYS | _SIGNATURE


def without_user(text: str) -> str:
    """Return a text without user and password of the addresses in it, as of an `endpoint_url`."""
    return _USER_OF_AN_ADDRESS.sub("", text)


def _is_unavailable(error: ClientError) -> bool:
    code, status = code_of(error), _status_of(error)
    passing = code in THROTTLING | EXPIRED | _STS_PASSING | _TIMEOUTS
    broken = status in _REDIRECTIONS or status in _SERVER_ERRORS or status in {_TIMEOUT, _TOO_MANY}
    return passing or broken or (code in _SIGNATURE and _is_skewed(error))


def _status_of(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _is_skewed(error: ClientError) -> bool:
    """Tell whether our clock explains a refused signature; a wrong secret is never retried."""
    if code_of(error) in {"RequestTimeTooSkewed", "RequestInTheFuture"}:
        return True
    date = date_of(error.response)
    return date is not None and abs(datetime.now(UTC) - date) > _SKEW


def from_botocore(error: ClientError | BotoCoreError, *, asked: str) -> AwsError:
    """Return our error for botocore's: what passes by itself is an `AwsUnavailableError`.

    That is throttling, 5xx, 408, redirections, lost connections, answers of a proxy, a wrong clock,
    and credentials that have expired or are missing at the moment.

    :param asked: the operation and what it was for
    """
    if isinstance(error, ClientError):
        return _from_answer(error, asked=asked)
    reason = without_user(str(error))
    if isinstance(error, NoAnswerError):
        found = "an answer that is not from AWS"
        return AwsUnavailableError(asked=asked, found=found, reason=reason)
    if isinstance(error, _UNREACHED) and not isinstance(error, SSLError):
        found = "AWS could not be reached"
        return AwsUnavailableError(asked=asked, found=found, reason=reason)
    if isinstance(error, NoCredentialsError):
        return AwsUnavailableError(
            asked=asked,
            found="neither the connection nor the machine has credentials",
            reason=reason,
            next_step="Give the connection credentials, or the worker a role, and retry the task.",
        )
    if isinstance(error, PartialCredentialsError):
        found = "the connection's credentials are incomplete"
        next_step = "Give the connection both key and secret."
        return AwsAccessDeniedError(asked=asked, found=found, reason=reason, next_step=next_step)
    return AwsRefusedError(
        asked=asked, found="the call was not sent", reason=reason, code=type(error).__name__
    )


def _from_answer(error: ClientError, *, asked: str) -> AwsError:
    code = code_of(error)
    reason = f"{code}: {error.response.get('Error', {}).get('Message', '')}"
    if _is_unavailable(error):
        return AwsUnavailableError(asked=asked, found="AWS is unavailable", reason=reason)
    if code in DENIED:
        return AwsAccessDeniedError(asked=asked, found="access denied", reason=reason)
    return AwsRefusedError(asked=asked, found="AWS refused the call", reason=reason, code=code)
