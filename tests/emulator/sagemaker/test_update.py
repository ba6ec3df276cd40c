"""UpdateInferenceExperiment: what may change, when it shows, and what it does."""

from datetime import timedelta

import pytest

from airflow_shadow.emulator.fleet import create_model, model_variant, shadow_mode

MODE_75 = shadow_mode(source="AllTraffic", shadow="Shadow", sampling_percentage=75)


def _sampling(description):
    return description["ShadowModeConfig"]["ShadowModelVariants"][0]["SamplingPercentage"]


def test_the_first_read_after_an_update_shows_the_past(client, experiments):
    """Reads show the idle status and the old value, then Updating, then the new value."""
    experiments.running()
    client.update_inference_experiment(Name="x", ShadowModeConfig=MODE_75)
    seen = [experiments.describe() for _ in range(4)]
    assert [
        ("Running", 50),
        ("Updating", 50),
        ("Updating", 50),
        ("Running", 75),
    ] == [(one["Status"], _sampling(one)) for one in seen]


def test_an_update_of_sampling_changes_the_weight(client, experiments):
    """The endpoint is Updating, and has the new weight afterwards."""
    experiments.running()
    client.update_inference_experiment(Name="x", ShadowModeConfig=MODE_75)
    updating = experiments.endpoint()["EndpointStatus"]
    assert "Running" == experiments.seen_until("Updating")[0]
    experiments.seen_until("Running")
    [shadow] = experiments.endpoint()["ShadowProductionVariants"]
    assert ("Updating", 0.75) == (updating, shadow["CurrentWeight"])


def test_an_update_of_sampling_keeps_the_counts(client, experiments):
    """Scaled instance counts survive."""
    experiments.running()
    client.update_endpoint_weights_and_capacities(
        EndpointName="ep",
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 7}],
    )
    client.get_waiter("endpoint_in_service").wait(EndpointName="ep", WaiterConfig={"Delay": 0})
    client.update_inference_experiment(Name="x", ShadowModeConfig=MODE_75)
    experiments.seen_until("Updating")
    experiments.seen_until("Running")
    assert 7 == experiments.endpoint()["ProductionVariants"][0]["CurrentInstanceCount"]


def test_a_description_alone_leaves_the_endpoint(client, experiments):
    """A change of the description does not update the endpoint."""
    experiments.running()
    client.update_inference_experiment(Name="x", Description="new")
    assert "InService" == experiments.endpoint()["EndpointStatus"]


def test_an_update_without_a_change_leaves_the_endpoint(client, experiments):
    """The same sampling again is accepted and deploys nothing."""
    experiments.running()
    client.update_inference_experiment(
        Name="x", ShadowModeConfig=experiments.request()["ShadowModeConfig"]
    )
    experiments.seen_until("Updating")
    experiments.seen_until("Running")
    endpoint = experiments.endpoint()
    assert (
        "InService",
        "x-shadow-1",
    ) == (endpoint["EndpointStatus"], endpoint["EndpointConfigName"])


def test_an_endpoint_that_is_being_updated_conflicts(client, emulator, experiments):
    """The refused update changes nothing."""
    experiments.running()
    before = experiments.describe()["LastModifiedTime"]
    emulator.clock.advance(60)
    client.update_endpoint(EndpointName="ep", EndpointConfigName="ep-config")
    refusal = experiments.refusal(
        client.update_inference_experiment, Name="x", ShadowModeConfig=MODE_75
    )
    description = experiments.describe()
    assert ("ConflictException", before) == (refusal.code, description["LastModifiedTime"])
    assert ("Running", 50) == (description["Status"], _sampling(description))


def test_an_update_is_done_after_enough_reads_of_the_endpoint(client, experiments):
    """Reads of the endpoint alone finish the update, too."""
    experiments.running()
    client.update_inference_experiment(Name="x", ShadowModeConfig=MODE_75)
    statuses = [experiments.endpoint()["EndpointStatus"] for _ in range(3)]
    assert ["Updating", "Updating", "InService"] == statuses


def test_the_end_can_be_moved_while_running(client, emulator, experiments):
    """The experiment ends at the new EndTime."""
    experiments.running()
    end = emulator.clock.now() + timedelta(days=14)
    client.update_inference_experiment(Name="x", Schedule={"EndTime": end})
    experiments.seen_until("Updating")
    experiments.seen_until("Running")
    emulator.clock.advance(timedelta(days=10))
    assert "Running" == experiments.status()


def test_an_unchanged_start_is_tolerated_while_running(client, emulator, experiments):
    """Clients may send the whole schedule back."""
    experiments.running()
    schedule = experiments.describe()["Schedule"]
    end = emulator.clock.now() + timedelta(days=2)
    client.update_inference_experiment(Name="x", Schedule=schedule | {"EndTime": end})
    assert "Updating" == experiments.seen_until("Updating")[-1]


@pytest.mark.parametrize(
    "change",
    [
        {"DataStorageConfig": {"Destination": "s3://bucket/x"}},
        {
            "ModelVariants": [
                model_variant(variant_name="Shadow", model_name="m2", instance_count=5)
            ]
        },
        {
            "ShadowModeConfig": shadow_mode(
                source="Shadow", shadow="AllTraffic", sampling_percentage=50
            )
        },
    ],
    ids=["data storage", "variants", "names"],
)
def test_while_running_other_members_are_refused(client, experiments, change):
    """Only description, sampling and EndTime can change while it is Running."""
    experiments.running()
    refusal = experiments.refusal(client.update_inference_experiment, Name="x", **change)
    assert "ValidationException" == refusal.code


def test_while_running_the_start_is_refused(client, emulator, experiments):
    """StartTime cannot change once the experiment has started."""
    experiments.running()
    schedule = {"StartTime": emulator.clock.now() + timedelta(hours=1)}
    refusal = experiments.refusal(client.update_inference_experiment, Name="x", Schedule=schedule)
    assert "ValidationException" == refusal.code


def test_unchanged_members_are_tolerated_while_running(client, experiments):
    """Members with their current values are no change."""
    experiments.running()
    variants = experiments.request()["ModelVariants"]
    client.update_inference_experiment(Name="x", ModelVariants=variants, Description="new")
    experiments.seen_until("Updating")
    experiments.seen_until("Running")
    assert "new" == experiments.describe()["Description"]


def test_a_scheduled_experiment_goes_back_to_created(client, experiments, scheduled):
    """It goes from Created to Updating to Created."""
    scheduled()
    client.update_inference_experiment(Name="x", Description="new")
    assert [
        "Created",
        "Updating",
        "Updating",
        "Created",
    ] == [experiments.status() for _ in range(4)]


def test_a_scheduled_experiment_may_change_its_window(client, emulator, experiments, scheduled):
    """Both times can change before the start."""
    scheduled(hours=2)
    start = emulator.clock.now() + timedelta(hours=10)
    schedule = {"StartTime": start, "EndTime": start + timedelta(days=1)}
    client.update_inference_experiment(Name="x", Schedule=schedule)
    experiments.seen_until("Updating")
    experiments.seen_until("Created")
    emulator.clock.advance(timedelta(hours=5))
    assert "Created" == experiments.status()


def test_a_scheduled_experiment_may_change_one_variant(client, experiments, scheduled):
    """A single variant in the request leaves the other unchanged."""
    scheduled()
    variant = model_variant(variant_name="Shadow", model_name="m2", instance_count=5)
    client.update_inference_experiment(Name="x", ModelVariants=[variant])
    experiments.seen_until("Updating")
    experiments.seen_until("Created")
    counts = [
        one["InfrastructureConfig"]["RealTimeInferenceConfig"]["InstanceCount"]
        for one in experiments.describe()["ModelVariants"]
    ]
    assert [2, 5] == counts


def test_a_variants_model_is_fixed(client, experiments, scheduled):
    """Another model under a variant's name is refused."""
    scheduled()
    create_model(client, name="m3")
    variant = model_variant(variant_name="Shadow", model_name="m3")
    refusal = experiments.refusal(
        client.update_inference_experiment, Name="x", ModelVariants=[variant]
    )
    assert "ValidationException" == refusal.code


def test_a_scheduled_experiment_may_get_another_shadow(client, experiments, scheduled):
    """A new variant with a new model replaces the old one."""
    scheduled()
    create_model(client, name="m3")
    variants = [
        model_variant(variant_name="AllTraffic", model_name="m1"),
        model_variant(variant_name="Other", model_name="m3"),
    ]
    mode = shadow_mode(source="AllTraffic", shadow="Other", sampling_percentage=10)
    client.update_inference_experiment(Name="x", ModelVariants=variants, ShadowModeConfig=mode)
    experiments.seen_until("Updating")
    experiments.seen_until("Created")
    assert mode == experiments.describe()["ShadowModeConfig"]
