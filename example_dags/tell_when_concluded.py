"""Tell the team whenever one of its shadow tests concludes, whoever started it (Airflow 3).

A watcher polls AWS for all experiments of the team, also those made in the console or by other
programs, and the Dag runs once for what has concluded since. Airflow starts a watcher when it
parses a file whose Dag is active; after unpausing the Dag that is the next time.
"""

from datetime import timedelta

from airflow.sdk import DAG, Asset, AssetWatcher, task

from airflow_shadow.triggers.events import InferenceExperimentEventTrigger

concluded = Asset(
    "churn_shadow_tests",
    watchers=[
        AssetWatcher(
            name="concluded",
            trigger=InferenceExperimentEventTrigger(name="churn-*", waiter_delay=60),
        )
    ],
)

with DAG(
    "tell_when_concluded",
    schedule=[concluded],
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1)},
    doc_md=__doc__,
    tags=["sagemaker", "shadow test"],
) as dag:

    @task
    def tell(triggering_asset_events: dict | None = None) -> list[str]:
        """Say what became of each; put the way to your team here."""
        # A run that somebody triggers comes without an event.
        events = triggering_asset_events.get(concluded, ())
        payloads = [event.extra["payload"] for event in events]
        return [
            f"{one['name']} on {one['endpoint']} is {one['status']}: {one['reason'] or 'no reason'}"
            for one in payloads
        ]

    tell()
