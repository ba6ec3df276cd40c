"""Measure how often the judge errs on answers: simulated pairs, minute by minute.

Each run is a window of Poisson traffic with a known truth, summed by minute as an engine sums it,
and judged by the judge itself at the planned looks.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from unittest.mock import patch

import numpy as np
from analysis_answer_worlds import (
    ALL,
    Array,
    World,
    accuracies,
    bursts,
    disagreements,
    errors,
    grades,
    mixed,
    own_numbers,
    repeating,
    shifts,
    skewed,
    spikes,
    student,
)
from analysis_runs import share

from airflow_shadow.analysis import (
    AnalysisSpec,
    AnswerSums,
    Criterion,
    Finding,
    Observations,
    Output,
    judge_criterion,
)
from airflow_shadow.analysis.answer_sums import OUTPUT_COLUMNS, RECORD_COLUMNS
from airflow_shadow.analysis.evidence import RateEvidence
from airflow_shadow.analysis.judge_answers import judge_answer
from airflow_shadow.analysis.look import Look

SEED = 20261129
LABELS = "s3://bucket/truth/"
#: Parts of the pairs that have a label.
LABELLED = (ALL, 0.1, 0.01)
#: Pairs an hour and hours: about as many as a stage of them may take.
TRAFFIC = ((50, 24), (500, 12), (5000, 2))
#: Looks at which a FAIL is looked for, and planned ones of a window that may be prolonged.
OFTEN, PLANNED = 4, 3


@dataclass(frozen=True, kw_only=True)
class Case:
    """Hold what is judged, in which world.

    :param equal: true change, in tolerances, of a candidate that should pass
    """

    criterion: Criterion
    output: Output
    world: World
    equal: float = 0.0

    def drawn(
        self, rng: np.random.Generator, pairs_an_hour: float, hours: float, at: float
    ) -> Callable[[float, list[float]], str]:
        """Return one run as the outcome at some part of its window, with some planned looks."""
        minutes = int(hours * 60)
        pairs = rng.poisson(pairs_an_hour / 60, minutes)
        answers = answer_sums(pairs, self.world(rng, pairs, at))
        spec = AnalysisSpec(
            criteria=(self.criterion,), breakers=(), initial_delay=0, answers={"churn": self.output}
        )

        def outcome(part: float, planned: list[float]) -> str:
            observations = Observations(
                start=0.0,
                end=60.0 * minutes * part,
                sampling_percentage=100.0,
                looks=[60.0 * minutes * each for each in planned],
                answers=answers,
            )
            return judge_answer(Look(spec, observations), self.criterion).outcome

        return outcome

    def at_tolerance(self, rng: np.random.Generator, pairs: float, hours: float) -> set[str]:
        """Return where a candidate exactly at the tolerance passes."""
        outcome = self.drawn(rng, pairs, hours, 1.0)
        planned = [(n + PLANNED) / (2 * PLANNED - 1) for n in range(PLANNED)]
        # The exact interval holds the estimate, so no PASS ends by it; it costs most of the time.
        with patch.object(RateEvidence, "exact", lambda *_: (-1.0, 1.0)):
            shown = {"one"} if outcome(1.0, [1.0]) == "PASS" else set()
            passes = any(outcome(n, planned) == "PASS" for n in planned)
        return shown | ({"any"} if passes else set())

    def equal_one(self, rng: np.random.Generator, pairs: float, hours: float) -> set[str]:
        """Return whether a candidate that should pass does, and whether it ever fails."""
        outcome = self.drawn(rng, pairs, hours, self.equal)
        last = outcome(1.0, [1.0])
        early = [outcome((n + 1) / OFTEN, [1.0]) for n in range(OFTEN - 1)]
        return ({"passed"} if last == "PASS" else set()) | (
            {"failed"} if "FAIL" in {last, *early} else set()
        )


@dataclass(frozen=True, kw_only=True)
class TestedCase(Case):
    """Hold a case whose output names an A/A test, another one in each run.

    :param tested: pairs of the A/A test, at the window's traffic, but in no longer a time
    :param noise: share in which production disagrees with itself
    :param sigma: of the bursts in which it does
    """

    tested: int
    noise: float
    sigma: float

    def drawn(
        self, rng: np.random.Generator, pairs_an_hour: float, hours: float, at: float
    ) -> Callable[[float, list[float]], str]:
        """Return one run after an A/A test of its own."""
        minutes = int(60 * min(hours, self.tested / pairs_an_hour))
        pairs = rng.multinomial(self.tested, np.full(minutes, 1 / minutes))
        rate = np.minimum(self.noise * bursts(rng, minutes, self.sigma), 1.0)
        disagreed = rng.binomial(pairs, rate).sum()
        output = replace(self.output, noise=f"{disagreed}/{self.tested}")
        case = Case(criterion=self.criterion, output=output, world=self.world, equal=self.equal)
        return case.drawn(rng, pairs_an_hour, hours, at)


def answer_sums(pairs: Array, columns: Mapping[str, Array]) -> AnswerSums:
    """Return the sums of an engine for pairs of one value each."""
    minutes, zeros, counts = list(range(len(pairs))), [0] * len(pairs), pairs.tolist()
    output = dict.fromkeys(OUTPUT_COLUMNS, zeros) | {
        "minute": minutes,
        **dict.fromkeys(("pairs", "values", "compared"), counts),
        **{name: values.tolist() for name, values in columns.items()},
    }
    records = dict.fromkeys(RECORD_COLUMNS, zeros) | {
        "minute": minutes,
        **dict.fromkeys(("production", "shadow", "pairs_id"), counts),
    }
    return AnswerSums(records=records, outputs={"churn": output})


def of(measure: str, **fields: object) -> Criterion:
    """Return a criterion on the output."""
    return Criterion(name=measure, metric=f"answers.churn.{measure}", **fields)


HEAD = (
    "pairs an hour",
    "hours",
    "at the tolerance: PASS at one look",
    "at one of three planned looks",
    "equal: PASS at one look",
    "equal: FAIL at one of four looks",
)


def table(
    title: str,
    cases: Mapping[str, Case],
    rng: np.random.Generator,
    runs: int,
    *,
    traffic: tuple[tuple[int, int], ...] = TRAFFIC,
    equal_runs: int | None = None,
) -> None:
    """Print how often each case passes and fails.

    :param equal_runs: runs of equal candidates, if they are others
    """
    fewer = "" if equal_runs is None else f", {equal_runs:,} of equal ones"
    print(f"\n## {title} ({runs:,} runs a cell{fewer}, per cent)\n")
    print(f"| {' | '.join(('what', *HEAD))} |\n|{' --- |' * (len(HEAD) + 1)}")
    for name, case in cases.items():
        for pairs, hours in traffic:
            limit = [case.at_tolerance(rng, pairs, hours) for _ in range(runs)]
            equal = [case.equal_one(rng, pairs, hours) for _ in range(equal_runs or runs)]
            cells = (
                _share(limit, "one"),
                _share(limit, "any"),
                _share(equal, "passed"),
                _share(equal, "failed"),
            )
            print(f"| {' | '.join((name, f'{pairs:,}', str(hours), *cells))} |", flush=True)


def _share(runs: list[set[str]], what: str) -> str:
    return share(np.array([what in shown for shown in runs]))


def table_disagreement(rng: np.random.Generator, runs: int) -> None:
    """Measure shares of answers that differ."""
    cases = {
        f"{rate:.0%}, {noise}": Case(
            criterion=of("disagreement", comparison="absolute", tolerance=rate),
            output=Output(),
            world=disagreements(rate, sigma),
            equal=0.5,
        )
        for noise, sigma in (("independent", 0.0), ("bursts (0.5)", 0.5), ("bursts (1)", 1.0))
        for rate in (0.01, 0.02, 0.10)
    }
    table("Disagreement, equal is half of the tolerance", cases, rng, runs)


def table_noise(rng: np.random.Generator, runs: int) -> None:
    """Measure disagreement beyond that of production with itself, pairs independent."""
    beyond_noise("Disagreement beyond 10 %, +2 pp, independent", 0.0, rng, runs)


def table_noisy_bursts(rng: np.random.Generator, runs: int) -> None:
    """Measure the same with bursts of the A/A test and of the pairs."""
    beyond_noise("Disagreement beyond 10 %, +2 pp, bursts (0.5)", 0.5, rng, runs)


def beyond_noise(title: str, sigma: float, rng: np.random.Generator, runs: int) -> None:
    """Measure disagreement beyond the noise of A/A tests."""
    noise, tolerance = 0.1, 0.02
    rule = of("disagreement", comparison="difference", tolerance=tolerance)
    cases: dict[str, Case] = {
        f"A/A test of {tested:,} pairs": TestedCase(
            criterion=rule,
            output=Output(),
            world=disagreements(tolerance, sigma, noise=noise),
            tested=tested,
            noise=noise,
            sigma=sigma,
        )
        for tested in (500, 2000, 20_000)
    }
    table(title, cases, rng, runs, traffic=((500, 12),), equal_runs=max(1, runs // 10))


def table_repeats(rng: np.random.Generator, runs: int) -> None:
    """Measure disagreement beyond that of production's own requests of equal input."""
    noise, tolerance = 0.1, 0.02
    cases = {
        f"{part:.0%} of the inputs repeat, {kind}": Case(
            criterion=of("disagreement", comparison="difference", tolerance=tolerance),
            output=Output(noise="repeats"),
            world=repeating(
                disagreements(tolerance, sigma, noise=noise), part, noise=noise, sigma=sigma
            ),
        )
        for kind, sigma in (("independent", 0.0), ("bursts (0.5)", 0.5))
        for part in (0.1, 0.4, 1.0)
    }
    cases["100% of the inputs repeat, mix of opposite kinds"] = Case(
        criterion=of("disagreement", comparison="difference", tolerance=tolerance),
        output=Output(noise="repeats"),
        world=mixed(tolerance, 0.3, 0.05, 2.0),
    )
    title = "Disagreement beyond 10 % of repeated inputs, +2 pp"
    table(title, cases, rng, runs, traffic=((500, 12),), equal_runs=max(1, runs // 10))


def table_shift(rng: np.random.Generator, runs: int) -> None:
    """Measure shifts of scores with heavy tails."""
    rule = of("shift", comparison="difference", direction="increase", tolerance=0.01)
    case = Case(criterion=rule, output=Output(kind="score"), world=shifts(0.01, student(0.05, 30)))
    worlds = {
        "nearly normal (0.05)": case.world,
        "Student, 3 degrees (0.05)": shifts(0.01, student(0.05, 3)),
        "log-normal tail upwards (1)": shifts(0.01, skewed(0.05, 1.0)),
        "log-normal tail downwards (1)": shifts(0.01, skewed(-0.05, 1.0)),
        "log-normal tail upwards (1.5)": shifts(0.01, skewed(0.03, 1.5)),
        "1 % of the scores by 1": spikes(0.01, 1.0),
        "10 % of the scores by 0.1": spikes(0.01, 0.1),
    }
    cases = {name: replace(case, world=world) for name, world in worlds.items()}
    table("Shift of 0.01", cases, rng, runs)


def table_accuracy(rng: np.random.Generator, runs: int) -> None:
    """Measure accuracy where some of the pairs have a label."""
    rule = of("accuracy", comparison="difference", direction="decrease", tolerance=0.01)
    case = Case(
        criterion=rule, output=Output(kind="label", labels=LABELS), world=accuracies(0.01, 0.05, 0)
    )
    cases = {
        f"5% apart, {noise}, labels for {part:.0%}": replace(
            case, world=accuracies(0.01, 0.05, sigma, part)
        )
        for noise, sigma in (("independent", 0.0), ("bursts (0.5)", 0.5))
        for part in LABELLED
    }
    table("Accuracy, -1 pp", cases, rng, runs, traffic=((50, 24), (500, 24), (5000, 24)))


def table_error(rng: np.random.Generator, runs: int) -> None:
    """Measure squared errors where some of the pairs have a label."""
    rule = of("error", comparison="relative", tolerance=0.05)
    case = Case(
        criterion=rule,
        output=Output(kind="score", labels=LABELS),
        world=errors(0.05, student(0.1, 30)),
    )
    cases = {
        f"{noise}, labels for {part:.0%}": replace(
            case, world=errors(0.05, student(0.1, freedom), part)
        )
        for noise, freedom, parts in (
            ("nearly normal", 30.0, LABELLED),
            ("Student, 6 degrees", 6.0, LABELLED[:1]),
        )
        for part in parts
    }
    table("Squared error, +5 %", cases, rng, runs, traffic=((50, 24), (500, 24), (5000, 24)))


def table_own(rng: np.random.Generator, runs: int) -> None:
    """Measure own numbers of few pairs: a judge's grades, and numbers with a long tail."""
    tolerance = 0.15
    noises = {"grades": grades, "log-normal tail downwards (1.5)": skewed(-0.3, 1.5)}
    cases = {
        f"{name}, {judged:,} pairs": Case(
            criterion=of(
                "values.own", comparison="difference", direction="decrease", tolerance=tolerance
            ),
            output=Output(values=LABELS, min_values=300),
            world=own_numbers(tolerance, judged, noise),
        )
        for name, noise in noises.items()
        for judged in (300, 500, 1000, 3000)
    }
    table("Own numbers, -0.15, `min_values: 300`", cases, rng, runs, traffic=((500, 12),))


#: In an order that stays: a table's place is part of its seed.
TABLES = {
    "disagreement": table_disagreement,
    "shift": table_shift,
    "accuracy": table_accuracy,
    "error": table_error,
    "own": table_own,
    "noise": table_noise,
    "noisy-bursts": table_noisy_bursts,
    "repeats": table_repeats,
}


def untimed(_look: Look, _criterion: Criterion, finding: Finding, _evidence: object) -> Finding:
    """Leave out what a PASS would still take, which costs most of the time and is not read."""
    return finding


def main() -> None:
    """Print the tables asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--only", choices=TABLES, nargs="*", default=list(TABLES))
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    judge_criterion.with_time_to_pass = untimed
    start = time.process_time()
    print(f"seed {arguments.seed}, {arguments.runs:,} runs")
    for index, name in enumerate(TABLES):
        if name in arguments.only:
            TABLES[name](np.random.default_rng([arguments.seed, index]), arguments.runs)
    print(f"\n{time.process_time() - start:.0f} s of one core")


if __name__ == "__main__":
    main()
