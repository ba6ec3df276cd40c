"""The whole page: the verdict first, then what it rests on, then what was asked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from airflow_shadow.analysis import AnalysisSpec, Verdict
from airflow_shadow.analysis.verdict import GOOD_SO_FAR
from airflow_shadow.analysis.words import brief, duration, is_critical
from airflow_shadow.report.chart import Timeline
from airflow_shadow.report.facts import Experiment, Stage
from airflow_shadow.report.forest import forest
from airflow_shadow.report.markup import Markup, joined, tag
from airflow_shadow.report.scale import moment
from airflow_shadow.report.series import charts, legend, requests_chart, timeline
from airflow_shadow.report.style import STYLE
from airflow_shadow.report.tables import (
    TONES,
    baseline_table,
    breaker_table,
    evidence_table,
    facts,
    percentile_table,
    stage_table,
)

MEANING = {
    "PASS": "Every critical criterion lies inside its tolerance: the candidate may be promoted.",
    "FAIL": "The evidence speaks against the candidate: it must not be promoted.",
    "INCONCLUSIVE": "The evidence is enough neither to promote nor to refuse the candidate.",
    GOOD_SO_FAR: (
        "Every critical criterion lies inside its tolerance at this sampling; "
        "a promotion needs a PASS with all requests."
    ),
}
SYMBOLS = {"PASS": "\u2713", "FAIL": "\u2715", "INCONCLUSIVE": "?", GOOD_SO_FAR: "\u2197"}
#: Nothing is loaded and nothing runs, whatever a name in the file might try.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def render_report(
    *,
    title: str,
    stages: Sequence[Stage],
    experiment: Experiment,
    spec: AnalysisSpec,
    versions: Mapping[str, str] | None = None,
    made_at: float | None = None,
) -> str:
    """Return one HTML file that needs nothing else: no script, no request, no font.

    It writes nothing and reads no clock, so the same arguments give the same text. A month of
    minutes stays well below a megabyte, because charts are thinned.

    :param title: heading of the page
    :param stages: one for each sampling percentage, in the order of time; the last one decides.
        Without any the report says that nothing was judged
    :param experiment: what was judged
    :param spec: what it was judged by, shown as JSON that :func:`read_spec` reads back
    :param versions: package to version, for who wants to repeat the verdict
    :param made_at: when the report was made, seconds since 1970
    """
    body = [
        tag("header", tag("h1", title), *_headline(stages)),
        tag("main", *_results(stages, spec), *_configuration(experiment, spec, versions)),
        *_footer(made_at),
    ]
    page = tag("html", _head(title), tag("body", *body), lang="en")
    return f"<!DOCTYPE html>\n{page}\n"


def _head(title: str) -> Markup:
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("link", rel="icon", href="data:,"),
        tag("title", title),
        tag("style", Markup(STYLE)),
    )


def _headline(stages: Sequence[Stage]) -> Iterator[Markup]:
    if not stages:
        yield tag("p", "Nothing was judged.")
        return
    verdict = stages[-1].verdict
    symbol = tag("span", f"{SYMBOLS[verdict.headline]} ", aria_hidden="true")
    yield tag(
        "div",
        tag("p", tag("strong", symbol, verdict.headline), _caveat(verdict)),
        tag("p", MEANING[verdict.headline]),
        facts(_reasons(verdict)),
        tag("p", _circumstances(stages[-1]), class_="soft"),
        class_=f"verdict {TONES[verdict.headline]}",
    )


def _caveat(verdict: Verdict) -> Markup:
    return tag("span", f" ({verdict.caveat})", class_="caveat")


def _reasons(verdict: Verdict) -> dict[str, Sequence[str]]:
    """Return what decided, what is missing, and what else is to be known: each in full."""
    critical = list(filter(is_critical, verdict.findings))
    warnings = [each for each in verdict.findings if not is_critical(each)]
    passed = ", ".join(brief(each) for each in critical if each.outcome == "PASS")
    more = "" if verdict.longer is None else f"about {duration(verdict.longer)} would decide"
    return {
        "Tripped": [each.sentence for each in verdict.breakers if each.tripped],
        "Lacking": verdict.lacking,
        "Against it": [each.sentence for each in critical if each.outcome == "FAIL"],
        "Undecided": [each.sentence for each in critical if each.outcome == "INCONCLUSIVE"],
        "For it": [passed] if passed else [],
        "Warnings": [each.sentence for each in warnings if each.outcome == "FAIL"],
        "More time": [more] if more else [],
        "To know": verdict.notes,
    }


def _circumstances(stage: Stage) -> str:
    verdict = stage.verdict
    planned = f"Planned look {verdict.look} of {len(verdict.looks)}"
    look = planned if verdict.look else "A look between the planned ones"
    among = f"; the stage was judged {len(stage.looks):,} times" if len(stage.looks) > 1 else ""
    return (
        f"{look}, {moment(verdict.start)} to {moment(verdict.end)} UTC. "
        f"{stage.name}; alpha {verdict.alpha:g}{among}."
    )


def _results(stages: Sequence[Stage], spec: AnalysisSpec) -> Iterator[Markup]:
    if not stages:
        return
    time = timeline(stages, spec)
    yield _section("Evidence", *_evidence(stages[-1], len(stages)))
    yield _section("Metrics", *_metrics(stages, spec, time))
    yield _section_of("Circuit breakers", breaker_table(stages))
    yield _section_of("Production", baseline_table(stages))
    if len(stages) > 1:
        yield _section("Stages", stage_table(stages), *_earlier(stages))


def _earlier(stages: Sequence[Stage]) -> Iterator[Markup]:
    """Yield the evidence of all stages but the last, each with its outcome and reasons."""
    for index, stage in enumerate(stages[:-1]):
        verdict = stage.verdict
        heading, *evidence = _evidence(stage, index + 1)
        outcome = tag("strong", verdict.headline, class_=TONES[verdict.headline])
        yield joined([heading, tag("p", outcome, _caveat(verdict)), facts(_reasons(verdict))])
        yield from evidence


def _evidence(stage: Stage, number: int) -> Iterator[Markup]:
    """Yield one stage's plot and tables; the heading tells the stages apart."""
    name, findings = stage.name, stage.verdict.findings
    yield tag("h3", name)
    if plot := forest(findings, key=f"forest-{number}", title=f"Change against tolerance: {name}"):
        yield tag("figure", plot)
    yield evidence_table(f"Evidence of each criterion: {name}", findings)
    yield percentile_table(stage)


def _metrics(stages: Sequence[Stage], spec: AnalysisSpec, time: Timeline) -> Iterator[Markup]:
    drawn = [*charts(stages, spec.needs, time), requests_chart(stages, time, spec)]
    if any(drawn):
        yield from (
            _about_charts(time.buckets.width),
            legend(),
            tag("div", *drawn, class_="charts"),
        )
    else:
        yield tag("p", "No metric was observed.")


def _about_charts(width: float) -> Markup:
    told = (
        f"Each point is {width / 60:g} min of requests. Of means, a pale band reaches from the "
        "lowest to the highest period in it, cut at the edge. Where nothing came, there is no line."
    )
    return tag("p", told, class_="soft")


def _configuration(
    experiment: Experiment, spec: AnalysisSpec, versions: Mapping[str, str] | None
) -> Iterator[Markup]:
    rows = {**experiment.rows, **(versions or {})}
    parts = [facts({label: [value] for label, value in rows.items()}), tag("h3", "Specification")]
    told = json.dumps(asdict(spec), indent=1, ensure_ascii=False)
    yield _section("Configuration", *parts, tag("pre", told))


def _section(title: str, *parts: str) -> Markup:
    return tag("section", tag("h2", title), joined(parts))


def _section_of(title: str, part: str) -> Markup:
    """Return a section, empty if there is nothing in it."""
    return _section(title, part) if part else Markup()


def _footer(made_at: float | None) -> Iterator[Markup]:
    if made_at is not None:
        yield tag("footer", tag("p", f"Made at {moment(made_at)} UTC.", class_="soft"))
