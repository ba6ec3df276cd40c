"""Runs that the scheduler makes by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.e2e.dated import Dated
from tests.e2e.places import creation

EVERY = 5


def test_three_dates_promote_three_candidates(api, aws):
    """A Dag with a short timetable promotes a candidate a date, and ends on the last one."""
    start = datetime.now(UTC).replace(microsecond=0)
    moments = [start + timedelta(seconds=EVERY * number) for number in range(3)]
    first, _, last = (moment.isoformat() for moment in moments)
    arguments = f"""
        schedule=DeltaTriggerTimetable(timedelta(seconds={EVERY})),
        start_date=datetime.fromisoformat({first!r}),
        end_date=datetime.fromisoformat({last!r}),
        catchup=True,
        max_active_runs=1,
        default_args={{"deferrable": True}},
    """
    dag = Dated.install(api, aws, "nightly", moments=moments, arguments=arguments)
    runs = dag.ended(3)
    assert {"success"} == set(runs.values())
    assert (aws.created(dag.name), aws.promoted(dag.name), aws.serves(dag.name)) == (
        [creation(dag.name, run, generation=1) for run in runs],
        [dag.model(moment) for moment in moments],
        dag.model(moments[-1]),
    )
