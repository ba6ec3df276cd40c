"""The emulator: its state for each account and region, and what tests can set."""

from dataclasses import asdict
from datetime import datetime, timedelta
from threading import RLock
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from wsgiref.types import WSGIApplication

from airflow_shadow.emulator.account_state import AccountState
from airflow_shadow.emulator.capture.label_order import Form, LabelOrder
from airflow_shadow.emulator.clock import Clock
from airflow_shadow.emulator.faults import Faults
from airflow_shadow.emulator.history import History, Numbered
from airflow_shadow.emulator.holds import Holds
from airflow_shadow.emulator.sagemaker.events import next_event, run_due_events
from airflow_shadow.emulator.sagemaker.recorder import add_traffic
from airflow_shadow.emulator.server import Server
from airflow_shadow.emulator.settings import (
    BusyCode,
    ErrorSamples,
    EventIds,
    FailedCaptures,
    FleetName,
    PaceName,
    Settings,
)
from airflow_shadow.emulator.traffic import Flow, Traffic

if TYPE_CHECKING:
    from airflow_shadow.emulator.snapshot import Snapshot

ACCOUNT = "123456789012"  # moto's default
REGION = "us-east-1"

Value = TypeVar("Value")


class Setting(Generic[Value]):
    """An attribute of the emulator that its :class:`Settings` keep and check."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, emulator: "Emulator", owner: type) -> Value:
        value: Value = getattr(emulator.settings, self._name)
        return value

    def __set__(self, emulator: "Emulator", value: Value) -> None:
        setattr(emulator.settings, self._name, value)


class Emulator(Server):
    """Serve SageMaker's shadow tests (and the rest of moto's AWS) on 127.0.0.1 while entered.

    port: where to listen; 0 picks a free port.
    speed: how many emulator seconds pass in a real one.
    pace: "count" shows each transitional status for `reads` reads, whatever the time; "time"
    lets each last a fixed number of emulator seconds. Schedules always follow the clock.
    error_samples: "zeros" lets error metrics send 0 or 1 for each request, "ones" only the 1s.
    fleet: what there is when it starts, and after a reset; None is nothing.
    """

    pace = Setting[PaceName]()
    reads = Setting[int]()
    busy_code = Setting[BusyCode]()
    error_samples = Setting[ErrorSamples]()
    capture_late_seconds = Setting[float]()
    failed_captures = Setting[FailedCaptures]()
    event_ids = Setting[EventIds]()

    def __init__(
        self,
        port: int = 0,
        speed: float = 1.0,
        pace: PaceName = "count",
        *,
        host: str = "127.0.0.1",
        reads: int = 2,
        error_samples: ErrorSamples = "zeros",
        fleet: FleetName | None = None,
    ) -> None:
        super().__init__(host=host, port=port)
        self.lock = RLock()
        self.clock = Clock(speed=speed)
        self.settings = Settings(pace=pace, reads=reads, error_samples=error_samples)
        self.faults = Faults()
        self.holds = Holds()
        self._history = History()
        self._states: dict[tuple[str, str], AccountState] = {}
        self._at_start = {"speed": speed, **asdict(self.settings)}
        self._fleet = fleet

    def start(self) -> None:
        """Bind the port and serve from a thread; with a fleet, start afresh, moto's state too."""
        super().start()
        if self._fleet:
            self.reset()

    def _fill(self) -> None:
        if self._fleet:
            # Imported late, for boto3 is.
            from airflow_shadow.emulator.demo_fleet import fill  # noqa: PLC0415

            fill(self)

    def _make_application(self) -> WSGIApplication:
        # Imported late: moto takes most of a second to load.
        from airflow_shadow.emulator.wsgi import application  # noqa: PLC0415

        return application(self)

    def account_state(self, *, account: str, region: str) -> AccountState:
        """Return the state of one account in one region, created on first use."""
        key = (account, region)
        if key not in self._states:
            self._states[key] = AccountState(
                account=account,
                region=region,
                settings=self.settings,
                faults=self.faults,
                history=self._history,
            )
        return self._states[key]

    def known_states(self) -> list[AccountState]:
        """Return the state of every account and region used so far, as it is."""
        return list(self._states.values())

    def account_states(self) -> list[AccountState]:
        """Return the state of every account and region used so far, brought up to date."""
        with self.lock:
            for state in self._states.values():
                run_due_events(state, self.clock.now())
            return list(self._states.values())

    def next_change(self) -> datetime | None:
        """Return when a status changes next by the clock alone; None if none does."""
        with self.lock:
            times = (next_event(state, self.clock.now()) for state in self.account_states())
            return min(filter(None, times), default=None)

    def traffic(
        self, endpoint: str, traffic: Traffic, *, account: str = ACCOUNT, region: str = REGION
    ) -> Flow:
        """Send requests to an endpoint from now on, in place of its earlier traffic.

        With `hours_before` they began that much earlier, and production has points of that time.
        The endpoint need not exist yet. Without traffic an endpoint has no metrics.
        """
        with self.lock:
            now, state = self.clock.now(), self.account_state(account=account, region=region)
            run_due_events(state, now)
            return add_traffic(state, endpoint, traffic, now)

    def labels(
        self,
        endpoint: str,
        destination: str,
        *,
        share: float = 1.0,
        late_seconds: float = 3600.0,
        form: Form = "jsonl",
        account: str = ACCOUNT,
        region: str = REGION,
    ) -> None:
        """Write what would have been right to S3, for all requests since the traffic began.

        destination, share, late_seconds, form: see :class:`LabelOrder`.
        """
        order = LabelOrder(
            destination=destination, share=share, late_seconds=late_seconds, form=form
        )
        with self.lock:
            state = self.account_state(account=account, region=region)
            state.labels.setdefault(endpoint, []).append(order)

    def history(
        self, account: str | None = None, region: str | None = None
    ) -> list[dict[str, Any]]:
        """Return what happened so far, oldest first, JSON-able: the last 50,000 entries at most.

        Kinds: "call" (an accepted changing call), "status" (of an experiment), "endpoint" (its
        configuration or status, with the cause), "variant" (its status in an experiment), "capture"
        (files that were lost for lack of their bucket).
        """
        self.account_states()
        return self._history.entries(account=account, region=region)

    def newest(self, count: int) -> list[Numbered]:
        """Return the last entries of the history with their numbers, newest first.

        The statuses of variants in experiments are left out.
        """
        self.account_states()
        return self._history.newest(count, without="variant")

    def snapshot(self) -> "Snapshot":
        """Return what SageMaker keeps and what happened so far, for :meth:`restore`."""
        # Imported late, as in `reset`.
        from airflow_shadow.emulator.snapshot import take  # noqa: PLC0415

        with self.lock:
            states = self.account_states()
            return take(at=self.clock.now(), states=states, history=self._history.numbered())

    def restore(self, snapshot: "Snapshot") -> None:
        """Put back what SageMaker kept, which costs a fraction of the calls that made it.

        Faults, settings and other services stay as they are. The clock moves forward to the time of
        the snapshot if it is behind it.
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
        with self.lock:
            self._states.clear()
            self._history.replace([])
            self.faults.clear()
            self.holds.let_go()
            settings = dict(self._at_start)
            self.clock.reset(speed=settings.pop("speed"))
            for name, value in settings.items():
                setattr(self.settings, name, value)

    def reset(self) -> None:
        """Start afresh: moto's state, clock, faults, settings and history; then the fleet."""
        # Imported late: moto takes most of a second to load.
        from moto.moto_api._internal.models import moto_api_backend  # noqa: PLC0415

        with self.lock:
            moto_api_backend.reset()
            self.clear()
        self._fill()  # without the lock, which its calls take
