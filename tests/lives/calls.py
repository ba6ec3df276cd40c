"""The calls of the code under test, one by one: what happens before and after each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import RLock
from typing import Any, Literal

from airflow_shadow.emulator import Emulator

When = Literal["before", "after"]


class KilledError(BaseException):
    """The end of a process, which nothing may catch."""


def kill() -> None:
    """End the process that makes a call."""
    raise KilledError


@dataclass
class Calls:
    """Count the calls of a try, and do between them what is planned.

    :param step: seconds of AWS's time that each call takes
    """

    emulator: Emulator
    step: float = 1.0
    count: int = 0
    plans: list[tuple[int, When, Callable[[], Any]]] = field(default_factory=list)
    lock: Any = field(default_factory=RLock)

    def begin(self, *, step: float) -> None:
        """Forget what was planned for the try before."""
        self.count, self.step = 0, step
        self.plans.clear()

    def plan(self, number: int, when: When, act: Callable[[], Any]) -> None:
        """Let something happen at the call of a number, or not at all if there are fewer."""
        self.plans.append((number, when, act))

    def around(self, ask: Callable[..., Any]) -> Callable[..., Any]:
        """Return `CallingHook.ask` with all that happens around it."""

        def asking(hook: Any, *args: Any, **kwargs: Any) -> Any:
            with self.lock:
                self.count += 1
                number = self.count
                self.emulator.clock.advance(self.step)
            self._happen(number, "before")
            answer = ask(hook, *args, **kwargs)
            self._happen(number, "after")
            return answer

        return asking

    def _happen(self, number: int, when: When) -> None:
        due = [plan for plan in self.plans if plan[:2] == (number, when)]
        for plan in due:
            self.plans.remove(plan)
            plan[2]()
