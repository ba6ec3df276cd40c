"""ShadowAnalysisOperator."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_shadow._compat import AirflowFailException
from airflow_shadow.analysis import AnalysisSpec
from airflow_shadow.emulator.behaviour import Behaviour
from airflow_shadow.operators import ShadowAnalysisOperator
from airflow_shadow.sensors import ShadowAnalysisSensor as Sensor
from tests.helpers import fails, stop, until
from tests.reference_pages import arguments_of
from tests.shadows import run_shadow

NAME, HOUR = "theirs", timedelta(hours=1)


@pytest.fixture
def shadow(emulator, sagemaker):
    """Run a shadow under traffic, from one hour ago or so; return since when."""

    def run(*, hours=2, **behaviour):
        since = run_shadow(emulator, sagemaker, Behaviour(**behaviour))
        emulator.clock.advance(hours * HOUR)
        return since

    return run


def analysed(tasks, **arguments):
    """Judge the experiment."""
    return tasks.run(ShadowAnalysisOperator, name=NAME, **arguments)


def test_a_window_is_judged_as_a_planned_look(shadow, tasks):
    """A good candidate is a PASS at once, because the only look is a planned one."""
    since = shadow()
    end = since + 1.5 * HOUR
    verdict = analysed(tasks, since=since.isoformat(), until=end.isoformat()).value
    assert ("PASS", 1, NAME) == (verdict["outcome"], verdict["look"], verdict["experiment"])


def test_without_a_window_all_is_judged(emulator, shadow, tasks):
    """By default the window is from the last change to the newest complete minute."""
    since = shadow()
    verdict = analysed(tasks).value
    length = (verdict["end"] - verdict["start"]) / 60
    assert ("PASS", True) == (verdict["outcome"], 116 <= length <= 117)
    assert abs(verdict["start"] - since.timestamp()) < 2


def test_a_window_has_a_begin_and_a_length(shadow, tasks):
    """`since` and `duration` say what is judged, as in the sensor."""
    since = shadow()
    verdict = analysed(tasks, since=since.isoformat(), duration="90m").value
    begin = since.timestamp()
    assert (begin, begin + 5400) == (verdict["start"], verdict["end"])


def test_a_window_with_two_ends_is_refused(shadow, worker):
    """`duration` and `until` together are an error."""
    since = shadow()
    arguments = {"since": since, "duration": "90m", "until": since + HOUR}
    assert "Asked: duration and until." in fails(
        AirflowFailException, analysed, worker, **arguments
    )


def test_operator_and_sensor_have_the_same_words():
    """Operator and sensor share the arguments that do not depend on the way of waiting."""
    operator, sensor = (set(arguments_of([cls])) for cls in (ShadowAnalysisOperator, Sensor))
    assert {"fail_on", "name", "until"} == operator - sensor
    assert {"interval", "max_duration", "min_remaining"} == sensor - operator


def test_a_window_that_still_fills_is_waited_for(emulator, shadow, tasks):
    """The task waits until CloudWatch has the window's last minutes."""
    since = shadow(hours=1)
    emulator.clock.speed = 3600
    end = since + 2 * HOUR
    verdict = analysed(tasks, since=since.isoformat(), until=end.isoformat()).value
    assert ("PASS", 120) == (verdict["outcome"], round((verdict["end"] - verdict["start"]) / 60))


def test_the_evidence_is_in_the_log_and_in_markdown(shadow, tasks, log):
    """The evidence is a table in the log and in an XCom."""
    since = shadow(error_rate=0.05)
    run = analysed(tasks, since=since.isoformat())
    assert "FAIL" == run.value["outcome"]
    assert any("server errors" in line for line in log.lines)
    assert "| server errors |" in run.ti.xcoms["evidence"]


def test_fail_on_fails_the_task_at_once(shadow, tasks):
    """An outcome in `fail_on` fails the task without a retry."""
    since = shadow(error_rate=0.05)
    text = fails(AirflowFailException, analysed, tasks, since=since.isoformat(), fail_on=("FAIL",))
    assert text.startswith("FAIL (operational metrics only): ")


def test_a_concluded_experiment_is_judged_up_to_its_end(emulator, sagemaker, shadow, tasks):
    """The window of a concluded experiment ends with it, and the verdict stays the same."""
    since = shadow()
    stop(sagemaker, NAME, Reason="Enough.")
    until(sagemaker, NAME, "Cancelled")
    emulator.clock.advance(HOUR)
    first = analysed(tasks, since=since.isoformat()).value
    emulator.clock.advance(HOUR)
    again = analysed(tasks, since=since.isoformat()).value
    assert ("PASS", first) == (first["outcome"], again)


#: A specification in all the forms that it may have; the context of its templates is below.
FORMS = {
    "value": AnalysisSpec(min_periods=50),
    "mapping": {"min_periods": 50},
    "templated leaf": {"min_periods": "{{ periods }}"},
    "templated key": {"{{ key }}": "50"},
    "JSON": '{"min_periods": 50}',
    "YAML": "min_periods: 50",
    "template of a mapping": "{{ spec }}",
    "file": "spec.yaml",
}


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_a_specification_in_whatever_form(shadow, worker, tmp_path, form, native):
    """A specification in any form reaches the judge with the right types."""
    (tmp_path / "spec.yaml").write_text("min_periods: 50")
    worker.dag = {
        "template_searchpath": str(tmp_path),
        "render_template_as_native_obj": native,
    }
    since = shadow()
    verdict = worker.run(
        ShadowAnalysisOperator,
        context={
            "periods": 50,
            "key": "min_periods",
            "spec": {"min_periods": 50},
            "since": since.isoformat(),
        },
        name=NAME,
        since="{{ since }}",
        until=since + HOUR,
        sampling_percentage="{{ 100 }}",
        spec=FORMS[form],
    ).value
    assert ("PASS", 50, 100.0) == (
        verdict["outcome"],
        verdict["spec"]["min_periods"],
        verdict["sampling_percentage"],
    )


def test_metrics_of_ones_own(shadow, worker):
    """A criterion can use a metric that is not SageMaker's own."""
    since = shadow()
    criterion = {
        "name": "clicks",
        "metric": "Clicks",
        "statistic": "Average",
        "tolerance": 0.1,
        "direction": "decrease",
    }
    verdict = analysed(
        worker,
        since=since.isoformat(),
        spec={"criteria": [criterion]},
        metrics={"Clicks": {"namespace": "Shop", "name": "Clicks"}},
    ).value
    outcomes = {finding["name"]: finding["outcome"] for finding in verdict["findings"]}
    assert "INCONCLUSIVE" == outcomes["clicks"]


def test_a_report_is_written_and_linked(shadow, tasks, tmp_path):
    """The report is one HTML file that needs nothing else."""
    since = shadow()
    path = tmp_path / "reports" / "{{ ti.task_id }}.html"
    run = analysed(tasks, since=since.isoformat(), report=str(path))
    page = (tmp_path / "reports" / "task.html").read_text()
    assert "PASS" == run.value["outcome"]
    assert (True, True) == ("<dd>theirs</dd>" in page, "mean latency" in page)


def test_an_end_before_the_start_is_refused(shadow, worker):
    """A window that ends before it begins is an error."""
    since = shadow()
    text = fails(
        AirflowFailException,
        analysed,
        worker,
        since=since.isoformat(),
        until=(since - HOUR).isoformat(),
    )
    assert "the end is not after the start" in text
