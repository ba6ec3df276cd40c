"""A Dag that runs when an experiment concludes, whoever made it."""

from airflow.sdk import DAG, Asset, AssetWatcher, task

from airflow_shadow.triggers.events import InferenceExperimentEventTrigger

concluded = Asset(
    "e2e_shadow_tests",
    watchers=[
        AssetWatcher(
            name="concluded",
            trigger=InferenceExperimentEventTrigger(
                name="watched-*", waiter_delay=0.5, region_name="eu-north-1"
            ),
        )
    ],
)

# A watcher begins when a file is parsed whose Dag is active, so not when it is unpaused later.
with DAG("e2e_watch", schedule=[concluded], is_paused_upon_creation=False):

    @task
    def tell(triggering_asset_events=None):
        """Return the key, endpoint and reason of each event."""
        payloads = [one.extra["payload"] for one in triggering_asset_events[concluded]]
        return [[one["key"], one["endpoint"], one["reason"]] for one in payloads]

    tell()
