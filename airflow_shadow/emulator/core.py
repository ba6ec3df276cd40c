"""The emulator itself: state per account and region, and what tests may turn."""

from datetime import timedelta
from threading import RLock
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from wsgiref.types import WSGIApplication

from airflow_shadow.emulator.account_state import AccountState
from airflow_shadow.emulator.choices import BusyCode, Choices, ErrorSamples
from airflow_shadow.emulator.clock import Clock
from airflow_shadow.emulator.faults import Faults
from airflow_shadow.emulator.history import History
from airflow_shadow.emulator.holds import Holds
from airflow_shadow.emulator.pace import Pace, PaceName
from airflow_shadow.emulator.sagemaker.events import run_due_events
from airflow_shadow.emulator.sagemaker.recorder import declare
from airflow_shadow.emulator.server import Server
from airflow_shadow.emulator.traffic import Flow, Traffic

if TYPE_CHECKING:
    from airflow_shadow.emulator.snapshot import Snapshot

ACCOUNT = "123456789012"  # moto's default
REGION = "us-east-1"


class Emulator:
    """Serve SageMaker's shadow tests (and the rest of moto's AWS) on 127.0.0.1 while entered.

    port: where to listen; 0 picks a free port.
    speed: how many emulator seconds pass in a real one.
    pace: "count" shows each transitional status for `reads` reads, whatever the time; "time"
    lets each last a fixed number of emulator seconds. Schedules always follow the clock.
    error_samples: "zeros" lets error metrics send 0 or 1 for each request, "ones" only the 1s.
    """

    def __init__(
        self,
        port: int = 0,
        speed: float = 1.0,
        pace: PaceName = "count",
        *,
        host: str = "127.0.0.1",
        reads: int = 2,
        error_samples: ErrorSamples = "zeros",
    ) -> None:
        self.lock = RLock()
        self.clock = Clock(speed=speed)
        self.pacing = Pace(name=pace, reads=reads)
        self.faults = Faults()
        self.holds = Holds()
        self._choices = Choices(error_samples=error_samples)
        self._history = History()
        self._states: dict[tuple[str, str], AccountState] = {}
        self._server = Server(emulator=self, host=host, port=port)
        self._at_start = (speed, pace, reads, error_samples)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, in a thread of this process."""
        self._server.start()

    def stop(self) -> None:
        """Stop listening and free the port."""
        self._server.stop()

    @property
    def url(self) -> str:
        """The address to give as `endpoint_url`. Raises RuntimeError when not serving."""
        return self._server.url

    @property
    def application(self) -> WSGIApplication:
        """The WSGI application behind the address. Raises RuntimeError when not serving."""
        return self._server.application

    @property
    def pace(self) -> PaceName:
        """How transitional statuses end: by reads ("count") or by the clock ("time")."""
        return self.pacing.name

    @pace.setter
    def pace(self, name: PaceName) -> None:
        self.pacing.choose(name)

    @property
    def reads(self) -> int:
        """How many reads show each transitional status at pace "count"."""
        return self.pacing.reads

    @reads.setter
    def reads(self, reads: int) -> None:
        self.pacing.reads = reads

    @property
    def busy_code(self) -> BusyCode:
        """The code of a Create on an endpoint that is not free; AWS does not document it."""
        return self._choices.busy_code

    @busy_code.setter
    def busy_code(self, code: BusyCode) -> None:
        self._choices.busy_code = code

    @property
    def error_samples(self) -> ErrorSamples:
        """Whether error metrics send a 0 for requests that did not fail, or nothing."""
        return self._choices.error_samples

    @error_samples.setter
    def error_samples(self, samples: ErrorSamples) -> None:
        self._choices.error_samples = samples

    def account_state(self, *, account: str, region: str) -> AccountState:
        """Return the state of one account in one region, made when first asked for."""
        key = (account, region)
        if key not in self._states:
            self._states[key] = AccountState(
                account=account,
                region=region,
                pace=self.pacing,
                choices=self._choices,
                faults=self.faults,
                history=self._history,
            )
        return self._states[key]

    def account_states(self) -> list[AccountState]:
        """Return the state of every account and region used so far, brought up to date."""
        with self.lock:
            for state in self._states.values():
                run_due_events(state, self.clock.now())
            return list(self._states.values())

    def traffic(
        self, endpoint: str, traffic: Traffic, *, account: str = ACCOUNT, region: str = REGION
    ) -> Flow:
        """Let requests come to an endpoint from now on, in place of those that came.

        With `hours_before` they have come already, and production has points of that time.

        The endpoint need not exist yet; its variants get requests while it runs. Without traffic
        an endpoint has no metrics.
        """
        with self.lock:
            now, state = self.clock.now(), self.account_state(account=account, region=region)
            run_due_events(state, now)
            return declare(state, endpoint, traffic, now)

    def history(
        self, account: str | None = None, region: str | None = None
    ) -> list[dict[str, Any]]:
        """Return everything that happened so far, oldest first, JSON-able.

        Kinds: "call" (an accepted changing call), "status" (of an experiment), "endpoint" (its
        configuration or status, with the cause), "variant" (its status in an experiment).
        """
        self.account_states()
        return self._history.entries(account=account, region=region)

    def forget(self, entry: dict[str, Any]) -> None:
        """Take an entry back out of the history."""
        self._history.remove(entry)

    def snapshot(self) -> "Snapshot":
        """Return what SageMaker keeps and what happened so far, for :meth:`restore`."""
        # Imported late, as in `reset`.
        from airflow_shadow.emulator.snapshot import take  # noqa: PLC0415

        with self.lock:
            return take(at=self.clock.now(), states=self.account_states(), history=self.history())

    def restore(self, snapshot: "Snapshot") -> None:
        """Put back what SageMaker kept, which costs a fraction of the calls that made it.

        Faults, pace and other services stay as they are, and so does the clock unless it is behind.
        """
        from airflow_shadow.emulator.snapshot import put_back  # noqa: PLC0415

        with self.lock:
            self.clock.advance(max(snapshot.at - self.clock.now(), timedelta(0)))
            self._states.clear()
            for account, region in snapshot.states:
                put_back(snapshot, self.account_state(account=account, region=region))
            self._history.replace(snapshot.history)

    def clear(self) -> None:
        """Forget this emulator's own state; `reset` clears moto's too."""
        speed, pace, reads, error_samples = self._at_start
        with self.lock:
            self._states.clear()
            self._history.clear()
            self.faults.clear()
            self.holds.let_go()
            self.clock.reset(speed=speed)
            self.pacing.choose(pace)
            self.pacing.reads = reads
            self.busy_code, self.error_samples = "ResourceInUse", error_samples

    def reset(self) -> None:
        """Start afresh: moto's state, clock, faults, pace and history."""
        # Imported late: moto takes most of a second to load.
        from moto.moto_api._internal.models import moto_api_backend  # noqa: PLC0415

        with self.lock:
            moto_api_backend.reset()
            self.clear()
