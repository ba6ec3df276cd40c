"""`watch`: an experiment until its end; a live view on a terminal, a line a change elsewhere."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from airflow_shadow.analysis import AnalysisSpec, Verdict
from airflow_shadow.analysis.formatting import brief, duration, is_critical
from airflow_shadow.cli.access import ReadingHook, opened, spec_of
from airflow_shadow.cli.experiments import clock, endpoint_of, variant
from airflow_shadow.exceptions import ShadowError
from airflow_shadow.experiments.lifecycle import (
    CONCLUDED,
    NOT_BEGUN,
    Ending,
    Status,
    ending,
    failure_reason,
    production_variant,
    sampling,
    shadow_variant,
    status_of,
)
from airflow_shadow.experiments.schedule import parse_duration
from airflow_shadow.hooks.polling import wait_for
from airflow_shadow.hooks.verdicts import find_verdict
from airflow_shadow.waiters import (
    ANY_ENDING,
    FILLING_SECONDS,
    Judged,
    Policy,
    ReachStatus,
    WaitState,
    planned_window,
)

Experiment = Mapping[str, Any]
#: Exit code of each ending; 1 and 2 are errors.
EXIT_CODES = {
    Ending.PROMOTED: 0,
    Ending.COMPLETED: 3,
    Ending.REMOVED: 4,
    Ending.STOPPED: 4,
    Ending.BROKEN: 5,
}
#: Seconds at AWS between two looks at the evidence.
_LOOK_SECONDS = 300.0


class _WatchingHook(ReadingHook):
    """A hook that shows each description of the experiment."""

    seen: Callable[[dict[str, Any]], None] = staticmethod(lambda _: None)

    def describe_inference_experiment(self, name: str) -> dict[str, Any]:
        """Call DescribeInferenceExperiment and show the answer."""
        experiment = super().describe_inference_experiment(name)
        self.seen(experiment)
        return experiment


@dataclass
class _Evidence:
    """What the evidence says so far; no PASS, which only a planned look can bring.

    :param looked: AWS's time of the last look
    """

    hook: ReadingHook
    spec: AnalysisSpec | None
    metrics: Mapping[str, Any]
    looked: float = 0.0
    text: str = ""

    def look(self, experiment: Experiment) -> str:
        """Return the last verdict in one line, at most five minutes old; empty where none is."""
        now = self.hook.now().timestamp()
        if self.spec is None or status_of(experiment) in NOT_BEGUN | CONCLUDED:
            return ""
        if now >= self.looked + _LOOK_SECONDS:
            self.looked = now
            try:
                self.text = self._judge(self.spec, experiment, now)
            except ShadowError as error:
                self.text = f"unknown: {error.found} ({error.asked})"
        return self.text

    def _judge(self, spec: AnalysisSpec, experiment: Experiment, now: float) -> str:
        name, metrics = experiment["Name"], self.metrics
        start = Judged(name, spec, metrics).looks(dict(experiment)).start
        end = now - FILLING_SECONDS
        if end < start + spec.period:
            return "no data yet"
        about = {"experiment": experiment, "spec": spec, "metrics": metrics}
        found = find_verdict(self.hook, {**about, "start": start, "end": end})
        return _brief(Verdict.from_dict(found))


def _brief(verdict: Verdict) -> str:
    """Return what a look between planned ones says, in one line."""
    if verdict.outcome == "FAIL":
        return verdict.reason
    said = "undecided so far" if verdict.headline == verdict.outcome else verdict.headline
    known = [one for one in verdict.findings if is_critical(one) and one.estimate is not None]
    return f"{said}: {', '.join(map(brief, known)) or 'no data yet'}"


@dataclass
class _Screen:
    """What a person sees."""

    hook: ReadingHook
    evidence: _Evidence
    console: Console = field(default_factory=lambda: Console(highlight=False))
    experiment: Experiment = field(default_factory=dict)
    said: str = ""

    def take(self, experiment: Experiment) -> None:
        """Show a description: in place on a terminal, as a line if it tells something new."""
        verdict = self.evidence.look(experiment)
        self.experiment = experiment
        line = f"{_stage(experiment)}; {verdict}" if verdict else _stage(experiment)
        if not self.console.is_terminal and line != self.said:
            self.said = line
            moment = clock(self.hook.now().isoformat())
            print(f"{moment} {line}; {self.left()}", flush=True)

    def left(self) -> str:
        """Return how much time is left."""
        if status_of(self.experiment) in CONCLUDED:
            return "over"
        end = planned_window(dict(self.experiment))[1]
        rest = (end - self.hook.now()).total_seconds()
        return f"{duration(rest)} left" if rest > 0 else "about to end"

    def table(self) -> Table:
        """Return the live view, its time left counted down."""
        table = Table.grid(padding=(0, 2))
        for name, value in _facts(self.experiment).items() if self.experiment else ():
            table.add_row(Text(name, style="bold"), Text(value))
        if self.experiment:
            table.add_row(Text("time left", style="bold"), Text(self.left()))
            table.add_row(Text("verdict", style="bold"), Text(self.evidence.text or "-"))
        return table

    @contextmanager
    def live(self) -> Iterator[None]:
        """Keep the view on a terminal up to date."""
        if not self.console.is_terminal:
            yield
            return
        with Live(console=self.console, get_renderable=self.table, refresh_per_second=2):
            yield


def _stage(experiment: Experiment) -> str:
    if status_of(experiment) in CONCLUDED:
        return str(experiment["Status"])
    _, share = sampling(experiment)
    since = clock(experiment.get("LastModifiedTime") or experiment["CreationTime"])
    return f"{experiment['Status']}, {share} % of the requests since {since}"


def _facts(experiment: Experiment) -> dict[str, str]:
    return {
        "experiment": f"{experiment['Name']} on endpoint {endpoint_of(experiment)}",
        "stage": _stage(experiment),
        "production": variant(production_variant(experiment)),
        "shadow": variant(shadow_variant(experiment)),
    }


def watch(args: Namespace) -> int:
    """Show an experiment until it ends; the exit code tells how."""
    spec, metrics = (None, {}) if args.no_verdict else spec_of(args)
    deadline = _deadline(args.waiter_timeout)
    with opened(args, _WatchingHook) as hook:
        # A wait outlasts an outage; who has just typed the command wants to know what is wrong.
        hook.describe_inference_experiment(args.name)
        screen = _Screen(hook, _Evidence(hook, spec, metrics))
        hook.seen = screen.take
        state = WaitState()
        condition = ReachStatus(args.name, tuple(map(str, CONCLUDED)), tolerates=ANY_ENDING)
        with screen.live():
            result = wait_for(
                hook, condition, policy=Policy(args.waiter_delay, deadline), state=state
            )
        if result is None or result.error:
            raise (result and result.error) or AssertionError("a patient wait returned nothing")
    return _end(result.description, state)


def _deadline(timeout: str | None) -> float:
    """Return when to give up, in epoch seconds; never unless a timeout is given."""
    if timeout is None:
        return float("inf")
    length = parse_duration(timeout, argument="--waiter-timeout", may_be_zero=True)
    return time.time() + length.total_seconds()


def _end(experiment: Experiment, state: WaitState) -> int:
    """Say how an experiment ended, and return the exit code."""
    last = Status(state.last_live) if state.last_live else None
    how = ending(experiment, last_live=last, known_failure=state.known_failure)
    why = experiment.get("StatusReason") or failure_reason(experiment)
    print(f"{experiment['Name']}: {how}" + (f" ({why})" if why else ""))
    return EXIT_CODES[how or Ending.COMPLETED]
