"""The first lines of a report, for who has a minute: what happened, on what evidence, what next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from airflow_shadow.analysis import Finding, Verdict, parse_statistic
from airflow_shadow.analysis.formatting import brief, duration, is_critical, number
from airflow_shadow.report.inputs import Ending, Experiment, Stage
from airflow_shadow.report.scale import moment

#: Findings that the first line names.
MOST_NAMED = 4
_TITLES = {
    "PASS": "{model} may be promoted{on}",
    "FAIL": "{model} must not be promoted{on}",
    "INCONCLUSIVE": "No decision yet on {model}{on}",
    "good so far": "{model} is good so far{on}",
}


def heading(experiment: Experiment, stages: Sequence[Stage], ending: Ending) -> str:
    """Return in a few words what became of the candidate, or may become of it."""
    words = {
        "model": experiment.shadow_model or experiment.name,
        "on": f" on {experiment.endpoint}" if experiment.endpoint else "",
    }
    if ending.concluded and ending.promoted is not None:
        done = "was promoted" if ending.promoted else "was not promoted"
        return "{model} {done}{on}".format(**words, done=done)
    if not stages:
        return "Nothing was judged of {model}{on}".format(**words)
    verdict = stages[-1].verdict
    if verdict.outcome == "PASS" and verdict.operational_only:
        return "{model} passed on latency and errors{on}".format(**words)
    return _TITLES[verdict.headline].format(**words)


def first_line(experiment: Experiment, stage: Stage) -> str:
    """Return the evidence of the deciding stage in one sentence."""
    length = duration(stage.observations.end - stage.observations.start)
    seen = f"On {number(stage.requests)} requests in {length}" if stage.requests else f"In {length}"
    said = _said(stage.verdict, experiment.production_model or "production")
    return f"{seen} {said}: {', '.join(_named(stage))}."


def _said(verdict: Verdict, production: str) -> str:
    if verdict.outcome == "FAIL":
        return f"it was not as good as {production}"
    if verdict.headline == "INCONCLUSIVE":
        return f"it did not show whether it is as good as {production}"
    improves = any((each.tolerance or 0) < 0 for each in filter(is_critical, verdict.findings))
    return f"it was {'better than' if improves else 'as good as'} {production}"


def _named(stage: Stage) -> Iterator[str]:
    """Yield what decided, the first few."""
    verdict = stage.verdict
    tripped = [each.sentence for each in verdict.breakers if each.tripped]
    wanted = verdict.outcome if verdict.headline != "good so far" else "PASS"
    critical = (each for each in stage.findings if is_critical(each))
    decided = [_briefly(each) for each in critical if each.outcome == wanted]
    lacking = [] if verdict.headline == "good so far" else [*verdict.lacking]
    every = [*tripped, *lacking, *decided]
    yield from every[:MOST_NAMED]
    if len(every) > MOST_NAMED:
        yield f"and {len(every) - MOST_NAMED} more"


def _briefly(finding: Finding) -> str:
    """Return change and tolerance, or what there is to say where nothing is known or wrong."""
    if finding.outcome == "INCONCLUSIVE":
        return f"{finding.name} undecided"
    if finding.comparison is None:
        return finding.sentence
    is_rate = parse_statistic(finding.statistic).kind != "mean"
    if is_rate and finding.outcome == "PASS" and finding.candidate == 0 == (finding.baseline or 0):
        return f"{finding.name} 0"
    return brief(finding)


def basis(stages: Sequence[Stage]) -> list[str]:
    """Return what the verdict rests on, and what it does not."""
    last = stages[-1]
    before = [stage.sampling for stage in stages[:-1]]
    compared = "Latency, errors, and what both models answered."
    only = "Latency and errors only: what the models answered was not compared."
    rest = [only if last.verdict.operational_only else compared]
    rest.append(f"The last stage decides, with {last.sampling} of the requests")
    rest[-1] += f", after {', '.join(before)}." if before else "."
    return rest if before else rest[:1]


def next_steps(experiment: Experiment, stages: Sequence[Stage], ending: Ending) -> list[str]:
    """Return what is to be done now, as far as the verdict and the test's end tell."""
    verdict = stages[-1].verdict
    production = experiment.production_model or "production"
    if not ending.concluded:
        return [*_while_running(verdict, ending)]
    if ending.promoted:
        return [f"Nothing: {experiment.shadow_model or 'the candidate'} took production's place."]
    if ending.promoted is None:
        return ["The shadow test is over; its record does not tell whether it was promoted."]
    return [f"{production} keeps serving. The shadow test is over.", *_for_another(verdict)]


def _while_running(verdict: Verdict, ending: Ending) -> Iterator[str]:
    """Yield what the verdict allows while the test still runs."""
    until = f" before it ends at {moment(ending.at)} UTC" if ending.at is not None else ""
    if verdict.outcome == "FAIL":
        yield "Remove the candidate; production serves all the while."
    elif verdict.outcome == "PASS" and verdict.operational_only:
        yield f"Compare the answers, or promote on latency and errors alone{until}."
    elif verdict.outcome == "PASS":
        yield f"Promote the candidate{until}."
    elif verdict.headline == "good so far":
        yield "Raise the sampling: a promotion needs a PASS with all requests."
    else:
        yield _more_time(verdict, "would decide")


def _for_another(verdict: Verdict) -> Iterator[str]:
    """Yield what another test of an undecided candidate needs."""
    if verdict.outcome == "PASS" and verdict.operational_only:
        yield "A promotion on the answers needs a comparison of them."
    if verdict.headline == "INCONCLUSIVE":
        yield _more_time(verdict, "would have decided")


def _more_time(verdict: Verdict, would: str) -> str:
    if verdict.longer is None:
        return "More time alone may not help; see what is lacking."
    return f"About {duration(verdict.longer)} more at this traffic {would}."
