"""A run: ask before each stage, look, and clean up however it ends."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import botocore

from airflow_shadow import __version__
from airflow_shadow.conformance.account import Pace
from airflow_shadow.conformance.checks import CannotSeeError, Check, Outcome, Stage, cost
from airflow_shadow.conformance.clean_up import CleanUp
from airflow_shadow.conformance.journal import Journal
from airflow_shadow.conformance.lab import Lab, Order
from airflow_shadow.conformance.own_endpoint import no_variants_yet
from airflow_shadow.conformance.record import Result
from airflow_shadow.exceptions import AwsUnavailableError, NotFoundError, ShadowError
from airflow_shadow.experiments.lifecycle import CONCLUDED, status_of
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook

#: With what the names of a run begin.
PREFIX = "shadow-conformance"
_DECLINED = "it was not asked for: the answer to its costs was no"
_ENDED = "the run ended before"


def new_name() -> str:
    """Return the name of a run, which nothing else bears."""
    return f"{PREFIX}-{secrets.token_hex(4)}"


def new_lab(
    hook: InferenceExperimentHook,
    order: Order,
    pace: Pace,
    *,
    folder: Path,
    say: Callable[[str], None],
) -> Lab:
    """Return what a run works with, after a look whether the models exist.

    :param folder: where the journal is written
    :raises NotFoundError: a model does not exist
    """
    for model in order.models:
        if hook.find_model(model) is None:
            raise NotFoundError(asked=f"a run with model {model!r}", found="no such model")
    run = new_name()
    journal = Journal(
        path=folder / f"{run}.journal.json",
        run=run,
        began=hook.now().isoformat(),
        region=str(hook.conn_region_name),
    )
    return Lab(hook=hook, journal=journal, pace=pace, say=say, order=order)


@dataclass
class Program:
    """A run of chosen checks.

    :param stages: each with its checks to make
    :param agree: asks a person whether to go on, and returns whether the answer is yes
    """

    lab: Lab
    stages: Sequence[tuple[Stage, Sequence[Check]]]
    agree: Callable[[str], bool]
    results: list[Result] = field(default_factory=list)

    def run(self) -> None:
        """Run the stages one after the other; what is not reached is said to be so.

        :raises ShadowError: AWS was unavailable for too long
        """
        try:
            self._run_stages()
        finally:
            self._fill(_ENDED)

    def _run_stages(self) -> None:
        for stage, checks in self.stages:
            if stage.has_endpoint and self._lacks_endpoint(checks):
                self._fill("the run has no endpoint")
                return
            if not self.agree(self._question(stage, checks)):
                self._fill(_DECLINED)
                return
            settle(self.lab)
            for check in checks:
                self._take(check)

    def _lacks_endpoint(self, checks: Sequence[Check]) -> bool:
        return no_variants_yet not in checks and not self.lab.journal.knows(self.lab.run)

    def _question(self, stage: Stage, checks: Sequence[Check]) -> str:
        kind, limit = self.lab.order.instance_type, self.lab.pace.limit
        costs = cost(checks, instance_type=kind, limit=limit)
        return f"Stage {stage.name!r}: {stage.about}. It costs {costs}. Go on?"

    def _take(self, check: Check) -> None:
        """Make a check and keep how it ended.

        :raises AwsUnavailableError: AWS was, for too long; the run ends
        """
        try:
            seen = check.look(self.lab)
        except CannotSeeError as error:
            self._keep(check, Outcome.UNSEEN, str(error))
        except AwsUnavailableError as error:
            self._keep(check, Outcome.UNSEEN, f"{error.found}: {error.reason}")
            raise
        except ShadowError as error:
            self._keep(check, Outcome.UNSEEN, f"{error.found} ({error.reason or error.asked})")
        except (LookupError, TypeError, ValueError) as error:
            reason = f"AWS's answer is none that this program knows: {error!r}"
            self._keep(check, Outcome.UNSEEN, reason)
        else:
            outcome = Outcome.AS_ASSUMED if seen.as_assumed else Outcome.DIFFERS
            self._keep(check, outcome, seen.observed)

    def _keep(self, check: Check, outcome: Outcome, observed: str) -> None:
        self.results.append(Result(check, outcome, observed))
        self.lab.say(f"{check.name}: {outcome}: {observed}")

    def _fill(self, why: str) -> None:
        """Say of each check that was not made why."""
        made = [result.check for result in self.results]
        for _, checks in self.stages:
            for check in checks:
                if check not in made:
                    self.results.append(Result(check, Outcome.UNSEEN, why))


def settle(lab: Lab) -> None:
    """Conclude and delete what a stage has left alive, so that the next one finds its endpoint."""
    for entry in [one for one in lab.journal.entries if one.kind == "experiment"]:
        found = lab.find(entry.kind, entry.name)
        if found is not None and status_of(found) not in CONCLUDED:
            CleanUp(lab).delete(entry)


def facts(lab: Lab, *, ended: str) -> dict[str, Any]:
    """Return what is kept of a run besides its checks.

    :param ended: how it ended
    """
    return {
        "program": "airflow-shadow conformance",
        "version": __version__,
        "botocore": botocore.__version__,
        "asked": "AWS" if lab.hook.is_at_aws else "an emulator",
        "region": lab.journal.region,
        "began": lab.journal.began,
        "ended": ended,
        "instance type": lab.order.instance_type,
        "seconds of each transition": [
            {"transition": what, "seconds": round(seconds)} for what, seconds in lab.durations
        ],
        "refusals": [
            {"operation": operation, "code": code, "text": text}
            for operation, code, text in lab.refusals
        ],
    }


def names_of(lab: Lab) -> dict[str, str]:
    """Return the names that are not to be in the file, with what stands for each."""
    first, second = lab.order.models
    return {first: "<model A>", second: "<model B>", lab.order.role_arn: "<role>"}
