"""The whole page: the verdict first, then what it rests on, then what was asked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from airflow_shadow.analysis import AnalysisSpec, Verdict
from airflow_shadow.report.chart import Timeline
from airflow_shadow.report.facts import Experiment, Stage
from airflow_shadow.report.forest import forest
from airflow_shadow.report.markup import Markup, joined, tag
from airflow_shadow.report.scale import moment
from airflow_shadow.report.series import charts, legend, requests_chart, timeline
from airflow_shadow.report.style import STYLE
from airflow_shadow.report.tables import evidence_table, facts, stage_table, traffic_table

MEANING = {
    "PASS": "Every critical criterion lies inside its tolerance: the candidate may be promoted.",
    "FAIL": "The evidence speaks against the candidate: it must not be promoted.",
    "INCONCLUSIVE": "The evidence is enough neither to promote nor to refuse the candidate.",
}
SYMBOLS = {"PASS": "\u2713", "FAIL": "\u2715", "INCONCLUSIVE": "?"}
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
    symbol = tag("span", SYMBOLS[verdict.outcome], aria_hidden="true")
    yield tag(
        "div",
        tag("strong", symbol, f" {verdict.outcome}"),
        tag("p", MEANING[verdict.outcome]),
        _reason(verdict),
        tag("p", _circumstances(stages[-1]), class_="soft"),
        class_=f"verdict {verdict.outcome.lower()}",
    )


def _reason(verdict: Verdict) -> Markup:
    """Return why, without the outcome that stands above it."""
    return tag("p", verdict.reason.removeprefix(f"{verdict.outcome}: "))


def _circumstances(stage: Stage) -> str:
    verdict = stage.verdict
    look = "A scheduled look" if verdict.scheduled else "An interim look"
    among = f", the last of {len(stage.looks):,} in this stage," if stage.looks else ""
    return (
        f"{look}{among} at {moment(verdict.start)} to {moment(verdict.end)} UTC, "
        f"at {verdict.sampling_percentage:g} % sampling; alpha {verdict.alpha:g}."
    )


def _results(stages: Sequence[Stage], spec: AnalysisSpec) -> Iterator[Markup]:
    if not stages:
        return
    time = timeline(stages, spec.period)
    yield _section("Evidence", *_evidence(stages[-1], len(stages)))
    yield _section("Metrics", *_metrics(stages, spec, time))
    yield _section("Traffic", traffic_table(stages), requests_chart(stages, time, spec.period))
    yield from _breakers(stages)
    if len(stages) > 1:
        yield _section("Stages", stage_table(stages), *_earlier(stages))


def _earlier(stages: Sequence[Stage]) -> Iterator[Markup]:
    """Yield the evidence of all stages but the last, each with its outcome and reason."""
    for index, stage in enumerate(stages[:-1]):
        heading, *evidence = _evidence(stage, index + 1)
        yield joined([heading, tag("p", tag("strong", stage.verdict.outcome))])
        yield joined([_reason(stage.verdict), *evidence])


def _evidence(stage: Stage, number: int) -> Iterator[Markup]:
    """Yield one stage's plot and table; the heading tells the stages apart."""
    name = f"Stage {number}, {stage.sampling} sampling"
    findings = stage.verdict.findings
    yield tag("h3", name)
    if plot := forest(findings, key=f"forest-{number}", title=f"Change against tolerance: {name}"):
        yield tag("figure", plot)
    yield evidence_table(f"Evidence of each criterion: {name}", findings)


def _metrics(stages: Sequence[Stage], spec: AnalysisSpec, time: Timeline) -> Iterator[Markup]:
    if drawn := charts(stages, spec.needs, time):
        yield from (_about_charts(time.buckets.width), legend(), drawn)
    else:
        yield tag("p", "No metric was observed.")


def _about_charts(width: float) -> Markup:
    told = (
        f"Each point is {width / 60:g} min of requests. Of means, a pale band reaches from the "
        "lowest to the highest period in it, cut at the edge. Where nothing came, there is no line."
    )
    return tag("p", told, class_="soft")


def _breakers(stages: Sequence[Stage]) -> Iterator[Markup]:
    said = [
        tag("li", f"{stage.sampling} sampling: {breaker.sentence}{_since(breaker.at)}")
        for stage in stages
        for breaker in stage.verdict.breakers
    ]
    if said:
        yield _section("Circuit breakers", tag("ul", *said))


def _since(at: float | None) -> str:
    return "" if at is None else f", first at {moment(at)} UTC"


def _configuration(
    experiment: Experiment, spec: AnalysisSpec, versions: Mapping[str, str] | None
) -> Iterator[Markup]:
    parts = [facts({**experiment.rows, **(versions or {})}), tag("h3", "Specification")]
    told = json.dumps(asdict(spec), indent=1, ensure_ascii=False)
    yield _section("Configuration", *parts, tag("pre", told))


def _section(title: str, *parts: str) -> Markup:
    return tag("section", tag("h2", title), joined(parts))


def _footer(made_at: float | None) -> Iterator[Markup]:
    if made_at is not None:
        yield tag("footer", tag("p", f"Made at {moment(made_at)} UTC.", class_="soft"))
