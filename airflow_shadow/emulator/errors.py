"""The errors that the emulator answers with, by their codes.

AWS documents no texts, so match on codes (assumed: texts).
"""

from botocore.exceptions import ConnectionClosedError
from moto.core.exceptions import ServiceException


class Refusal(ServiceException):  # type: ignore[misc,unused-ignore]
    """A refused call: an error of the caller (HTTP 400)."""

    code = "ValidationException"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code or type(self).code
        self.message = message


class Invalid(Refusal):
    """The request breaks a limit or a rule, or names an endpoint or model that does not exist."""


class NotFound(Refusal):
    """No experiment has this name."""

    code = "ResourceNotFound"


class WrongStatus(Refusal):
    """The experiment's status does not allow the call."""

    code = "ConflictException"


class InUse(Refusal):
    """The name is taken."""

    code = "ResourceInUse"


class LostConnectionError(ConnectionClosedError):  # type: ignore[misc,unused-ignore]
    """The connection is to be closed without an answer.

    In process botocore treats it as a lost connection; the server closes the socket.
    """
