"""From botocore's errors to ours, matched on codes: AWS documents none of the texts."""

from __future__ import annotations

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's own
    CredentialRetrievalError,
    HTTPClientError,
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

THROTTLING = frozenset(
    {
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
DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "NotAuthorized", "UnauthorizedOperation", "403"}
)
NOT_FOUND, CONFLICT, VALIDATION = "ResourceNotFound", "ConflictException", "ValidationException"
#: What AWS may answer where somebody else holds the name or the endpoint; undocumented which.
BUSY = frozenset({"ResourceInUse", CONFLICT, VALIDATION})
#: A certificate that cannot be verified (`SSLError`) is one of these, but no waiting mends it.
_UNREACHED = (HTTPClientError, ConnectionError, CredentialRetrievalError)
_SERVER_ERROR, _TOO_MANY = 500, 429


def code_of(error: ClientError) -> str:
    """Return AWS's error code."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_expired(error: Exception) -> bool:
    """Tell whether fresh credentials may help."""
    return isinstance(error, CredentialRetrievalError) or (
        isinstance(error, ClientError) and code_of(error) in EXPIRED
    )


def _is_unavailable(error: ClientError) -> bool:
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    return code_of(error) in THROTTLING | EXPIRED or status >= _SERVER_ERROR or status == _TOO_MANY


def from_botocore(error: ClientError | BotoCoreError, *, asked: str) -> AwsError:
    """Return our error for botocore's: throttling, 5xx, connections and expired credentials pass.

    :param asked: the operation and what it was for
    """
    if isinstance(error, ClientError):
        return _from_answer(error, asked=asked)
    if isinstance(error, _UNREACHED) and not isinstance(error, SSLError):
        found = "AWS could not be reached"
        return AwsUnavailableError(asked=asked, found=found, reason=str(error))
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        found = "the connection has no credentials"
        next_step = "Give the connection credentials, or the worker a role."
        return AwsAccessDeniedError(
            asked=asked, found=found, reason=str(error), next_step=next_step
        )
    return AwsRefusedError(
        asked=asked, found="the call was not sent", reason=str(error), code=type(error).__name__
    )


def _from_answer(error: ClientError, *, asked: str) -> AwsError:
    code = code_of(error)
    reason = f"{code}: {error.response.get('Error', {}).get('Message', '')}"
    if _is_unavailable(error):
        return AwsUnavailableError(asked=asked, found="AWS is unavailable", reason=reason)
    if code in DENIED:
        return AwsAccessDeniedError(asked=asked, found="access denied", reason=reason)
    return AwsRefusedError(asked=asked, found="AWS refused the call", reason=reason, code=code)
