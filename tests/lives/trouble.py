"""What may go wrong in one try of a task, drawn from a seed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from airflow_shadow.emulator import Emulator
from tests.lives.calls import Calls, kill
from tests.lives.others import Others
from tests.log import Log

#: The operation by which each task changes something.
CHANGES = {
    "create": "CreateInferenceExperiment",
    "ramp": "UpdateInferenceExperiment",
    "promote": "StopInferenceExperiment",
    "remove": "StopInferenceExperiment",
    "clean_up": "StopInferenceExperiment",
}
#: The arguments of each task that a template may take away. A name that is nothing is a teardown's
#: own business: there was nothing to create.
TEMPLATES = {
    "create": ("region_name", "aws_conn_id", "endpoint_name", "shadow_model_name"),
    "ramp": ("region_name", "aws_conn_id", "name", "sampling_percentage"),
    "analysis": ("region_name", "aws_conn_id", "name"),
    "decide": ("verdict",),
    "promote": ("region_name", "aws_conn_id", "name", "verdict", "creation_time"),
    "remove": ("region_name", "aws_conn_id", "name"),
    "clean_up": ("region_name", "aws_conn_id"),
}
NOTHING = "{{ none }}"
#: Calls of a try after which nothing is planned any more: most tasks make fewer.
_CALLS = 14
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


@dataclass
class Try:
    """One try of a task, and what becomes of it.

    :param is_last: another failure is for good, so nothing strikes that costs a try
    :param arguments: what the task gets instead of what the Dag says
    """

    task: str
    is_last: bool
    random: Random
    arguments: dict[str, Any] = field(default_factory=dict)
    #: What was drawn, and of that what changes how a life ends.
    drawn: list[str] = field(default_factory=list)
    decisive: list[str] = field(default_factory=list)


@dataclass
class Trouble:
    """Makes things go wrong, as drawn."""

    emulator: Emulator
    calls: Calls
    others: Others
    log: Log

    def strike(self, this: Try) -> None:
        """Draw what goes wrong in a try, and let it come."""
        self.emulator.faults.clear()
        for _ in range(this.random.choices((0, 1, 2), (3, 4, 3))[0]):
            weights = [row.weight for row in KINDS.values()]
            kind = this.random.choices(list(KINDS), weights)[0]
            if KINDS[kind].concerns(this):
                this.drawn.append(kind)
                KINDS[kind].comes(self, this)

    # --- what AWS and its surroundings do --------------------------------------------------

    def refuse(self, kind: str, this: Try, **options: Any) -> None:
        """Let some calls go wrong at once, the changing one among them or any."""
        operation = this.random.choice(("*", CHANGES.get(this.task, "*")))
        times = this.random.randint(1, 3)
        self.emulator.faults.add(kind=kind, operation=operation, times=times, **options)

    def lag(self, this: Try) -> None:
        """Let reads lag behind the changing call, and lose its answer at times."""
        drop, reads = this.random.random() < 0.5, this.random.randint(1, 4)
        options = {"drop": True} if drop else {}
        operation = CHANGES[this.task]
        self.emulator.faults.add(kind="lag", operation=operation, reads=reads, **options)

    def lose_answer(self, this: Try) -> None:
        """Lose the answer of a call that AWS has acted upon."""
        self.emulator.faults.add(kind="drop-after", operation=CHANGES[this.task])

    def fail_work(self, kind: str) -> None:
        """Let AWS take a call and fail to do it."""
        options = {"rollback": True} if kind == "fail-update" else {}
        self.emulator.faults.add(kind=kind, reason="No capacity.", **options)

    def take_keys(self, this: Try) -> None:
        """Leave the machine without credentials until some calls have gone wrong for that."""
        keys = {name: os.environ.pop(name) for name in _KEYS if name in os.environ}
        left = this.random.randint(1, 3)

        def missed() -> None:
            nonlocal left
            left -= 1
            if left:
                self.log.when("AWS could not be asked", missed)
            else:
                os.environ.update(keys)

        self.log.when("AWS could not be asked", missed)

    # --- what happens to the task ------------------------------------------------------------

    def kill(self, this: Try) -> None:
        """End the process right before a call, or between a call and its answer."""
        self.calls.plan(self._moment(this), this.random.choice(("before", "after")), kill)

    def lose_template(self, this: Try) -> None:
        """Let one template render to nothing."""
        argument = this.random.choice(TEMPLATES[this.task])
        this.arguments[argument] = NOTHING
        this.decisive.append(f"{argument} is nothing")

    # --- what people do ------------------------------------------------------------------------

    def deploy(self, this: Try) -> None:
        """Let somebody begin to deploy a hotfix, with or without the shadow."""
        keeps = this.random.random() < 0.5

        def act() -> None:
            if self.others.deploy(keeps_shadow=keeps):
                this.decisive.append("somebody deployed")

        self.calls.plan(self._moment(this), this.random.choice(("before", "after")), act)

    def stop(self, this: Try) -> None:
        """Let somebody stop the experiment."""

        def act() -> None:
            if self.others.stop():
                this.decisive.append("somebody stopped it")

        self.calls.plan(self._moment(this), this.random.choice(("before", "after")), act)

    @staticmethod
    def _moment(this: Try) -> int:
        return this.random.randint(1, _CALLS)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of trouble.

    :param tasks: those that it concerns
    :param costs_try: whether it may cost one
    """

    comes: Callable[[Trouble, Try], None]
    tasks: tuple[str, ...] = tuple(TEMPLATES)
    weight: float = 1.0
    costs_try: bool = False

    def concerns(self, this: Try) -> bool:
        """Tell whether it may come over a try."""
        return this.task in self.tasks and not (self.costs_try and this.is_last)


_ASKING = tuple(task for task in TEMPLATES if task != "decide")
_CHANGING = tuple(CHANGES)


def _refused(kind: str, **options: Any) -> Kind:
    return Kind(comes=lambda trouble, this: trouble.refuse(kind, this, **options), tasks=_ASKING)


#: All kinds, by what a failing life calls them; one that the emulator learns gets an entry here.
KINDS: dict[str, Kind] = {
    "throttle": _refused("throttle"),
    "5xx": _refused("server-error", status=503),
    "lost call": _refused("drop-before"),
    "expired keys": _refused("expired-token"),
    "garbage": _refused("garbage"),
    "slow": _refused("slow", seconds=0.05),
    "lost answer": Kind(comes=Trouble.lose_answer, tasks=_CHANGING),
    "lag": Kind(comes=Trouble.lag, tasks=_CHANGING, weight=2),
    "no keys": Kind(comes=Trouble.take_keys, tasks=_ASKING),
    "breaks": Kind(
        comes=lambda trouble, _: trouble.fail_work("fail-creation"),
        tasks=("create",),
        costs_try=True,
    ),
    "rolls back": Kind(
        comes=lambda trouble, _: trouble.fail_work("fail-update"), tasks=("ramp",), costs_try=True
    ),
    "killed": Kind(comes=Trouble.kill, tasks=_ASKING, weight=4, costs_try=True),
    "template": Kind(comes=Trouble.lose_template, weight=0.5),
    "deployment": Kind(comes=Trouble.deploy, tasks=_ASKING, weight=0.7),
    "stopped": Kind(comes=Trouble.stop, tasks=_ASKING[1:], weight=0.4),
}


@contextmanager
def keys_kept() -> Iterator[None]:
    """Give the machine its credentials back, however a try ended."""
    keys = {name: os.environ[name] for name in _KEYS}
    try:
        yield
    finally:
        os.environ.update(keys)
