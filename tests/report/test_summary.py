"""The first lines: what happened, on what evidence, and what is next, as far as that is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_shadow.analysis import Verdict
from airflow_shadow.report import Ending, Experiment, render_report
from airflow_shadow.report.summary import basis, first_line, heading, next_steps
from tests.report import data
from tests.report.reading import of_class, tree, words

LIVE = Ending(at=data.START + 86400.0)
DONE, UNKNOWN = Ending(concluded=True, promoted=True), Ending(concluded=True)
OUT = Ending(concluded=True, promoted=False, at=data.START + 86400.0)


def compared(stage=None):
    """Return a stage whose verdict rests on the answers, too."""
    stage = stage or data.stage()
    return replace(stage, verdict=replace(stage.verdict, operational_only=False))


@pytest.mark.parametrize(
    ("stages", "ending", "expected"),
    [
        (lambda: [data.stage()], DONE, "ranker-42 was promoted on shop-search"),
        (lambda: [data.stage()], OUT, "ranker-42 was not promoted on shop-search"),
        (list, OUT, "ranker-42 was not promoted on shop-search"),
        (lambda: [compared()], LIVE, "ranker-42 may be promoted on shop-search"),
        (lambda: [compared()], UNKNOWN, "ranker-42 may be promoted on shop-search"),
        (lambda: [data.stage()], LIVE, "ranker-42 passed on latency and errors on shop-search"),
        (data.ramp, LIVE, "ranker-42 must not be promoted on shop-search"),
        (lambda: [data.unknown()], LIVE, "No decision yet on ranker-42 on shop-search"),
        (lambda: [data.stage(sampling=50.0)], LIVE, "ranker-42 is good so far on shop-search"),
        (list, LIVE, "Nothing was judged of ranker-42 on shop-search"),
    ],
)
def test_the_title_says_what_is_known(stages, ending, expected):
    """It says what happened once the test is over, and before what the verdict allows."""
    told = stages()
    assert expected == heading(data.EXPERIMENT, told, ending)
    page = render_report(stages=told, experiment=data.EXPERIMENT, spec=data.SPEC, ending=ending)
    head = tree(page)
    assert [expected] * 2 == [words(head.find("head/title")), words(head.find(".//h1"))]


def test_without_models_the_test_is_named():
    """A report without models, as of a test that is gone, has a title as well."""
    assert "nightly may be promoted" == heading(Experiment(name="nightly"), [compared()], LIVE)


def test_a_pass_names_requests_time_and_changes():
    """The first line is enough for who reads no further."""
    said = first_line(data.EXPERIMENT, data.stage())
    assert said.startswith("On 24,000 requests in 2 h it was as good as ranker-41: ")
    assert "mean latency +0.1 % (allowed +10 %)" in said
    assert "unanswered requests 0." in said


def test_a_fail_names_what_failed_and_nothing_else():
    """What passed is no reason."""
    said = first_line(data.EXPERIMENT, data.ramp()[-1])
    assert (
        "On 24,000 requests in 2 h it was not as good as ranker-41: "
        "mean latency +50.2 % (allowed +10 %)." == said
    )


def test_many_reasons_are_counted():
    """Of many the first four are named; the page has them all."""
    stage = data.stage()
    (one, *_) = stage.verdict.findings
    findings = tuple(replace(one, name=f"n{n}", outcome="FAIL") for n in range(6))
    verdict = replace(stage.verdict, outcome="FAIL", findings=findings)
    said = first_line(data.EXPERIMENT, replace(stage, verdict=verdict))
    assert (True, False, True) == ("n3" in said, "n4" in said, said.endswith(", and 2 more."))


def test_no_decision_says_what_is_lacking():
    """Estimates that decide nothing are not told there."""
    said = first_line(data.EXPERIMENT, data.unknown())
    assert "it did not show whether it is as good as ranker-41: window of 2 min is below" in said
    assert "server errors undecided" in said


def test_an_improvement_is_called_one():
    """A negative tolerance passes only what is better."""
    stage = data.stage()
    findings = tuple(replace(one, tolerance=-0.01) for one in stage.verdict.findings)
    better = replace(stage, verdict=replace(stage.verdict, findings=findings))
    assert " it was better than ranker-41: " in first_line(data.EXPERIMENT, better)


def test_what_it_rests_on():
    """Answers or not, and which stages came before."""
    assert basis([data.stage()])[0].startswith("Latency and errors only")
    assert ["Latency, errors, and what both models answered."] == basis([compared()])
    assert (
        "The last stage decides, with 100 % of the requests, after 10 %, 50 %."
        == basis(data.ramp())[1]
    )


def longer(seconds: float | None) -> Verdict:
    """Return a verdict that is undecided, and how much longer it would take."""
    return replace(data.unknown().verdict, longer=seconds)


@pytest.mark.parametrize(
    ("verdict", "ending", "expected"),
    [
        (lambda: data.stage().verdict, DONE, "Nothing: ranker-42 took production's place."),
        (lambda: data.stage().verdict, UNKNOWN, "its record does not tell"),
        (lambda: data.stage().verdict, LIVE, "promote on latency and errors alone before it ends"),
        (lambda: compared().verdict, LIVE, "Promote the candidate before it ends at 2026-03-02"),
        (lambda: data.ramp()[-1].verdict, LIVE, "Remove the candidate"),
        (lambda: data.ramp()[-1].verdict, OUT, "ranker-41 keeps serving."),
        (lambda: data.ramp()[0].verdict, LIVE, "Raise the sampling"),
        (lambda: longer(3000.0), LIVE, "About 50 min more at this traffic would decide."),
        (lambda: longer(None), LIVE, "More time alone may not help"),
        (lambda: longer(3000.0), OUT, "About 50 min more at this traffic would have decided."),
    ],
)
def test_what_is_next(verdict, ending, expected):
    """What the verdict allows while the test runs, and what is left to do afterwards."""
    stage = replace(data.stage(), verdict=verdict())
    said = " ".join(next_steps(data.EXPERIMENT, [stage], ending))
    assert expected in said


def test_the_worst_findings_come_first():
    """In the table and in the plot; of equal ones those that decide."""
    stage = data.ramp()[-1]
    names = [each.name for each in stage.findings]
    assert "mean latency" == names[0]
    assert ["caller errors", "slow requests"] == sorted(names[-2:])


def test_the_ramp_is_a_time_line():
    """Each stage has its step and its outcome, and the end its line; one stage is no ramp."""
    page = render_report(stages=data.ramp(), experiment=data.EXPERIMENT, spec=data.SPEC, ending=OUT)
    (picture,) = of_class(page, "ramp")
    told = words(picture.find("desc"))
    assert told.startswith("10 % from 2026-03-01 00:00 to 2026-03-01 02:00 UTC: good so far.")
    assert told.endswith("The shadow test ended at 2026-03-02 00:00 UTC, not promoted.")
    assert ["step good", "step good", "step fail"] == [
        each.get("class") for each in of_class(page, "step")
    ]
    alone = render_report(stages=[data.stage()], experiment=data.EXPERIMENT, spec=data.SPEC)
    assert [] == of_class(alone, "ramp")
