"""The errors the emulator answers with, each with the code botocore turns into its own class.

AWS documents no texts, so match on codes (assumed: texts).
"""

from botocore.exceptions import ConnectionClosedError
from moto.core.exceptions import ServiceException


class Refusal(ServiceException):  # type: ignore[misc,unused-ignore]
    """A call that is answered with an error (HTTP 400)."""

    code = "ValidationException"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code or type(self).code
        self.message = message


class Invalid(Refusal):
    """The request breaks a limit or a rule, or names an endpoint or model that is not there."""


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
    """The connection shall be closed without an answer.

    In process botocore treats it as the lost connection it is; the server closes the socket.
    """
