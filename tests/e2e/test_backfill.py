"""Backfills: candidates rolled out date by date, again, at once, and over what has been done."""

from __future__ import annotations

import pytest

from tests.e2e.audit import Later
from tests.e2e.dated import Dated


def test_five_dates_in_order(api, aws):
    """`airflow backfill create` makes one experiment a date and ends on the last one."""
    dag = Dated.daily(api, aws, "five", days=5)
    dates = ("--from-date", "2026-03-01", "--to-date", "2026-03-05")
    api.cli("backfill", "create", "--dag-id", dag.name, *dates, "--max-active-runs", "1")
    assert {"success"} == set(dag.ended(5).values())
    assert (aws.created(dag.name), aws.promoted(dag.name), aws.serves(dag.name)) == (
        dag.keys(1, 2, 3, 4, 5, generation="1"),
        dag.models(1, 2, 3, 4, 5),
        dag.models(5)[0],
    )


def test_five_dates_at_once(api, aws):
    """Runs in parallel wait for each other, and none replaces a later date's candidate."""
    # Airflow 3.3.2 now and then fails a task that has just come back from its trigger.
    parallel = "default_args={'deferrable': True, 'retries': 4}, max_active_tasks=5"
    dag = Dated.daily(api, aws, "atonce", days=5, arguments=parallel)
    ended = dag.backfill(1, 5, max_active_runs=5)
    promoted = aws.promoted(dag.name)
    assert (set(ended.values()), promoted, promoted[-1:], aws.serves(dag.name)) == (
        {"success"},
        sorted(promoted),
        dag.models(5),
        dag.models(5)[0],
    )
    days = [number for number in range(1, 6) if dag.models(number)[0] in promoted]
    assert aws.created(dag.name) == dag.keys(*days, generation="4")


def test_backwards(api, aws):
    """The last date goes first, so the earlier ones have nothing to do."""
    dag = Dated.daily(api, aws, "back", days=2)
    assert {"success"} == set(dag.backfill(1, 2, run_backwards=True).values())
    assert (aws.created(dag.name), aws.serves(dag.name)) == (
        dag.keys(2, generation="1"),
        dag.models(2)[0],
    )


def test_only_failed_dates_again(api, aws):
    """Of two failed dates the later is rolled out, and the earlier has been overtaken."""
    dag = Dated.daily(api, aws, "failed", days=3, arguments="default_args={'retries': 0}")
    for date in ("2026-03-01", "2026-03-03"):
        aws.fault(
            kind="fail-creation",
            operation="CreateInferenceExperiment",
            about=f"{dag.name}-backfill-{date}",
            reason="No capacity.",
        )
    first = list(dag.backfill(1, 3).values())
    again = list(dag.backfill(1, 3, reprocess="failed").values())
    assert (["failed", "success", "failed"], ["success"] * 3) == (first, again)
    assert (aws.created(dag.name), aws.promoted(dag.name)) == (
        dag.keys(1, 2, 3, generation="0") + dag.keys(3, generation=Later(0)),
        dag.models(2, 3),
    )


def test_everything_again(api, aws):
    """Where older candidates are allowed, each date gets a new experiment, in the same order."""
    again = "create={'allow_older': True}, promote={'allow_older': True}"
    dag = Dated.daily(api, aws, "again", days=3, arguments=again)
    first, again = dag.backfill(1, 3), dag.backfill(1, 3, reprocess="completed")
    assert {"success"} == {*first.values(), *again.values()}
    assert (aws.created(dag.name), aws.promoted(dag.name), aws.serves(dag.name)) == (
        dag.keys(1, 2, 3, generation="1") + dag.keys(1, 2, 3, generation=Later(1)),
        dag.models(1, 2, 3, 1, 2, 3),
        dag.models(3)[0],
    )


@pytest.mark.parametrize(("choice", "created"), [("skip", 1), ("observe", 2)])
def test_a_reprocessed_scheduled_run_is_a_backfill(api, aws, choice, created):
    """`on_backfill` goes by the run's type: the run keeps the id of a scheduled one."""
    arguments = f"default_args={{'on_backfill': {choice!r}}}, "
    arguments += "create={'allow_serving': True}, removes=True"
    dag = Dated.past(api, aws, choice, days=1, arguments=arguments)
    dag.ended(1)
    dag.backfill(1, 1, reprocess="completed")
    (run,) = api.runs(dag.name)
    states = api.states(dag.name, run["dag_run_id"])
    assert (
        "backfill",
        "scheduled",
        "skipped",
    ) == (run["run_type"], run["dag_run_id"].split("__")[0], states["promote"])
    live = [one for one in aws.experiments(dag.name) if one["Status"] == "Running"]
    assert (len(aws.created(dag.name)), aws.promoted(dag.name), live) == (
        created,
        dag.models(1),
        [],
    )


def test_over_what_scheduled_runs_have_done(api, aws):
    """Production keeps the latest candidate, and nothing is created for the dates before it."""
    dag = Dated.past(api, aws, "done", days=3)
    dag.ended(3)
    runs = dag.backfill(1, 3, reprocess="completed")
    assert {"success"} == set(runs.values())
    assert ["skipped"] * 3 == [api.states(dag.name, run)["create"] for run in runs]
    assert (aws.created(dag.name), aws.promoted(dag.name), aws.serves(dag.name)) == (
        dag.keys(1, 2, 3, generation="1", kind="scheduled"),
        dag.models(1, 2, 3),
        dag.models(3)[0],
    )
