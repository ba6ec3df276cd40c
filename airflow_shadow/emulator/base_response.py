"""The base of the response classes, each bound to one emulator."""

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, TypeVar

from moto.core.common_types import TYPE_RESPONSE
from moto.core.responses import BaseResponse

from airflow_shadow.emulator.account_state import AccountState, Document
from airflow_shadow.emulator.call import perform

if TYPE_CHECKING:
    from airflow_shadow.emulator.core import Emulator

Class = TypeVar("Class", bound=type[BaseResponse])


class EmulatedResponse(BaseResponse):
    """A service of moto's that uses an emulator's clock, state and faults."""

    emulator: ClassVar["Emulator"]

    def call_action(self) -> TYPE_RESPONSE:
        """Answer one request: faults, due events, the action, the history."""
        return perform(self, super().call_action)

    @property
    def operation(self) -> str:
        """The API's name of the operation."""
        return str(self._get_action())

    @property
    def now(self) -> datetime:
        """The emulator's time."""
        return self.emulator.clock.now()

    @property
    def state(self) -> AccountState:
        """The state of the caller's account and region."""
        return self.emulator.account_state(account=self.current_account, region=self.region)

    @property
    def request(self) -> Document:
        """The request's members, by the service model, without those that are null."""
        return {name: value for name, value in dict(self.params).items() if value is not None}


def bind(response: Class, emulator: "Emulator") -> Class:
    """Return a response class bound to one emulator, as moto calls it without arguments."""
    bound: Class = type(f"Emulated{response.__name__}", (response,), {"emulator": emulator})  # type: ignore[assignment]
    return bound
