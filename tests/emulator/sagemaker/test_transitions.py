"""The transitions of an experiment, at both paces."""

from datetime import timedelta

import pytest

from airflow_shadow.emulator.pace import SECONDS


def test_each_transitional_status_is_shown_exactly_twice(experiments):
    """At pace "count" Creating and Stopping show for two reads each, whatever the time."""
    experiments.create()
    created = experiments.seen_until("Running")
    experiments.stop(experiments.promote)
    assert [
        ["Creating", "Creating", "Running"],
        ["Stopping", "Stopping", "Completed"],
    ] == [created, experiments.seen_until("Completed")]


def test_time_does_not_move_the_count_pace(emulator, experiments):
    """At pace "count" a status waits for reads even if hours pass."""
    experiments.create()
    emulator.clock.advance(3600)
    assert "Creating" == experiments.status()


@pytest.mark.parametrize(("seconds", "status"), [(-1, "Creating"), (0, "Running")])
def test_creation_lasts_its_time(emulator, experiments, seconds, status):
    """At pace "time" Creating lasts a fixed time, however often it is read."""
    emulator.pace = "time"
    experiments.create()
    emulator.clock.advance(SECONDS["create"] + seconds)
    assert [status] * 3 == [experiments.status() for _ in range(3)]


def test_a_whole_life_by_the_clock(emulator, experiments):
    """At pace "time" an experiment runs, ends after a week, and says when."""
    emulator.pace = "time"
    experiments.create()
    emulator.clock.advance(timedelta(days=8))
    description = experiments.describe()
    assert (
        "Completed",
        description["Schedule"]["EndTime"] + timedelta(seconds=SECONDS["expire"]),
    ) == (description["Status"], description["CompletionTime"])


def test_the_number_of_reads_can_be_chosen(emulator, experiments):
    """With reads=1 each transitional status shows once."""
    emulator.reads = 1
    experiments.create()
    assert ["Creating", "Running"] == experiments.seen_until("Running")


def test_list_counts_as_a_read(client, experiments):
    """Statuses move also for a client that only lists."""
    experiments.create()
    listed = [client.list_inference_experiments()["InferenceExperiments"][0] for _ in range(3)]
    assert ["Creating", "Creating", "Running"] == [one["Status"] for one in listed]


def test_a_client_that_reads_only_the_endpoint_sees_it_settle(experiments):
    """Reads of the endpoint advance the experiment's work, too."""
    experiments.create()
    statuses = [experiments.endpoint()["EndpointStatus"] for _ in range(3)]
    assert ["Updating", "Updating", "InService"] == statuses


def test_describe_shows_what_create_was_given(experiments):
    """Describe returns every member of the request."""
    request = experiments.request(
        Description="what for",
        KmsKey="alias/volume",
        DataStorageConfig={
            "Destination": "s3://bucket/capture",
            "ContentType": {"CsvContentTypes": ["text/csv"]},
        },
    )
    experiments.client.create_inference_experiment(**request)
    description = experiments.describe()
    variants = [
        {key: value for key, value in variant.items() if key != "Status"}
        for variant in description["ModelVariants"]
    ]
    elsewhere = {"ModelVariants": variants, "EndpointName": "ep"}
    shown = {key: description[key] for key in request if key not in elsewhere}
    assert request == shown | elsewhere
    assert "ep" == description["EndpointMetadata"]["EndpointName"]


def test_the_endpoint_gets_the_shadow_while_the_experiment_runs(client, experiments):
    """It runs a configuration made by the service, with the shadow at sampling/100."""
    before = experiments.endpoint()["EndpointConfigName"]
    experiments.running(sampling_percentage=25)
    endpoint = experiments.endpoint()
    [shadow] = endpoint["ShadowProductionVariants"]
    config = client.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    assert ("Shadow", 0.25) == (shadow["VariantName"], shadow["CurrentWeight"])
    assert "m2" == config["ShadowProductionVariants"][0]["ModelName"]
    assert endpoint["EndpointConfigName"] != before


def test_the_endpoint_is_updating_while_the_experiment_is_made(experiments):
    """The endpoint and the experiment's metadata both show Updating."""
    experiments.create()
    metadata = experiments.describe()["EndpointMetadata"]
    assert (
        "Updating",
        "Updating",
    ) == (experiments.endpoint()["EndpointStatus"], metadata["EndpointStatus"])


def test_the_experiment_redeploys_production(client, experiments):
    """A production variant with other instances in the request changes production."""
    request = experiments.request()
    infrastructure = request["ModelVariants"][0]["InfrastructureConfig"]
    infrastructure["RealTimeInferenceConfig"]["InstanceCount"] = 1
    client.create_inference_experiment(**request)
    experiments.seen_until("Running")
    [production] = experiments.endpoint()["ProductionVariants"]
    assert 1 == production["DesiredInstanceCount"]


def test_variants_show_their_own_statuses(experiments):
    """The variants are Creating with the experiment, then InService."""
    experiments.create()
    creating = {
        one["VariantName"]: one["Status"] for one in experiments.describe()["ModelVariants"]
    }
    experiments.seen_until("Running")
    running = {one["VariantName"]: one["Status"] for one in experiments.describe()["ModelVariants"]}
    assert [
        {"AllTraffic": "Creating", "Shadow": "Creating"},
        {"AllTraffic": "InService", "Shadow": "InService"},
    ] == [creating, running]


def test_last_modified_moves_with_user_calls_only(emulator, experiments):
    """The service's own transitions do not change LastModifiedTime."""
    experiments.create()
    emulator.clock.advance(60)
    experiments.seen_until("Running")
    description = experiments.describe()
    assert description["LastModifiedTime"] == description["CreationTime"]


def test_deletion_leaves_the_endpoint(client, experiments):
    """Delete removes the experiment and nothing else."""
    experiments.running()
    experiments.ended()
    client.delete_inference_experiment(Name="x")
    refusal = experiments.refusal(client.describe_inference_experiment, Name="x")
    assert (
        "ResourceNotFound",
        "InService",
    ) == (refusal.code, experiments.endpoint()["EndpointStatus"])
