"""StopInferenceExperiment: the table of actions, and what the endpoint runs afterwards."""

import pytest

from airflow_shadow.emulator.fleet import create_model, model_variant


def served(experiments):
    """Return model, variant, type and count of each variant, production first."""
    endpoint = experiments.endpoint()
    config = experiments.client.describe_endpoint_config(
        EndpointConfigName=endpoint["EndpointConfigName"]
    )
    counts = {
        one["VariantName"]: one["CurrentInstanceCount"]
        for key in ("ProductionVariants", "ShadowProductionVariants")
        for one in endpoint.get(key, [])
    }
    return [
        [
            (one["VariantName"], one["ModelName"], one["InstanceType"], counts[one["VariantName"]])
            for one in config.get(key, [])
        ]
        for key in ("ProductionVariants", "ShadowProductionVariants")
    ]


def test_promotion_makes_the_shadow_the_only_variant(experiments):
    """The shadow serves under its own name, with its own instances."""
    experiments.running()
    experiments.ended(experiments.promote)
    assert [[("Shadow", "m2", "ml.m5.xlarge", 2)], []] == served(experiments)


def test_promotion_with_other_instances(experiments):
    """DesiredModelVariants sets type and count of the variant that stays."""
    experiments.running()
    desired = model_variant(
        variant_name="Shadow", model_name="m2", instance_type="ml.c5.xlarge", instance_count=9
    )
    experiments.ended(experiments.promote, DesiredModelVariants=[desired])
    assert [[("Shadow", "m2", "ml.c5.xlarge", 9)], []] == served(experiments)


def test_the_promoted_variant_takes_all_traffic(experiments):
    """Its weight is 1 instead of the sampling rate."""
    experiments.running(sampling_percentage=10)
    experiments.ended(experiments.promote)
    [production] = experiments.endpoint()["ProductionVariants"]
    assert 1.0 == production["CurrentWeight"]


def test_removal_gives_the_endpoint_back(experiments):
    """Production is as it was before, and the shadow is gone."""
    experiments.running()
    experiments.ended(experiments.remove)
    assert [[("AllTraffic", "m1", "ml.m5.xlarge", 2)], []] == served(experiments)


def test_removal_gives_back_the_counts_of_before(client, experiments):
    """A scaled endpoint does not fall back to its configuration's initial count."""
    client.update_endpoint_weights_and_capacities(
        EndpointName="ep",
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 8}],
    )
    client.get_waiter("endpoint_in_service").wait(EndpointName="ep", WaiterConfig={"Delay": 0})
    experiments.running()
    during = served(experiments)[0][0][3]
    experiments.ended(experiments.remove)
    assert (2, 8) == (during, served(experiments)[0][0][3])


def test_removal_with_other_instances(experiments):
    """DesiredModelVariants can set production's instances, too."""
    experiments.running()
    desired = model_variant(variant_name="AllTraffic", model_name="m1", instance_count=4)
    experiments.ended(experiments.remove, DesiredModelVariants=[desired])
    assert [[("AllTraffic", "m1", "ml.m5.xlarge", 4)], []] == served(experiments)


def test_retaining_both_leaves_the_shadow_on_the_endpoint(experiments):
    """Retaining both ends the experiment; the shadow stays and goes on costing money."""
    experiments.running()
    experiments.ended(experiments.retain)
    assert [
        [("AllTraffic", "m1", "ml.m5.xlarge", 2)],
        [("Shadow", "m2", "ml.m5.xlarge", 2)],
    ] == served(experiments)


@pytest.mark.parametrize(
    "actions",
    [
        {"AllTraffic": "Retain", "Shadow": "Promote"},
        {"AllTraffic": "Remove", "Shadow": "Remove"},
        {"AllTraffic": "Promote", "Shadow": "Remove"},
        {"AllTraffic": "Remove", "Shadow": "Retain"},
        {"AllTraffic": "Retain"},
        {"AllTraffic": "Retain", "Other": "Remove"},
    ],
    ids=lambda actions: ",".join(f"{name}={action}" for name, action in actions.items()),
)
def test_actions_outside_the_table_are_refused(client, experiments, actions):
    """Combinations that AWS's own handlers never send are a ValidationException."""
    experiments.running()
    refusal = experiments.refusal(
        client.stop_inference_experiment, Name="x", ModelVariantActions=actions
    )
    assert "ValidationException" == refusal.code


@pytest.mark.parametrize(
    ("variant", "model"), [("AllTraffic", "m1"), ("Other", "m2"), ("Shadow", "m1")]
)
def test_desired_variants_must_be_those_that_stay(client, experiments, variant, model):
    """A removed or unknown variant, or another model, is refused."""
    experiments.running()
    refusal = experiments.refusal(
        client.stop_inference_experiment,
        Name="x",
        ModelVariantActions=experiments.promote,
        DesiredModelVariants=[model_variant(variant_name=variant, model_name=model)],
    )
    assert "ValidationException" == refusal.code


@pytest.mark.parametrize("state", ["Completed", "Cancelled"])
def test_the_desired_state_is_reached_with_the_reason(experiments, state):
    """DesiredState becomes Status, Reason StatusReason, and CompletionTime is set."""
    experiments.running()
    experiments.ended(state=state, Reason="because")
    description = experiments.describe()
    shown = (description["Status"], description["StatusReason"], "CompletionTime" in description)
    assert (state, "because", True) == shown


def test_without_a_desired_state_it_is_cancelled(client, experiments):
    """The default of DesiredState is Cancelled."""
    experiments.running()
    client.stop_inference_experiment(Name="x", ModelVariantActions=experiments.remove)
    assert ["Stopping", "Stopping", "Cancelled"] == experiments.seen_until("Cancelled")


def test_the_variants_show_what_becomes_of_them(experiments):
    """A removed variant is Deleting during the stop, and Deleted afterwards."""
    experiments.running()
    experiments.stop(experiments.promote)
    seen = []
    for _ in range(3):
        variants = experiments.describe()["ModelVariants"]
        seen.append([one["Status"] for one in variants])
    assert [["Deleting", "Updating"], ["Deleting", "Updating"], ["Deleted", "InService"]] == seen


def test_after_a_promotion_the_next_night_can_come(client, experiments):
    """The promoted variant is production of the next experiment, under its own name."""
    experiments.running()
    experiments.ended(experiments.promote)
    create_model(client, name="m3")
    experiments.running(
        name="y",
        model_name="m2",
        variant_name="Shadow",
        shadow_model_name="m3",
        shadow_variant_name="Next",
    )
    experiments.ended({"Shadow": "Remove", "Next": "Promote"}, name="y")
    assert ("Next", "m3") == served(experiments)[0][0][:2]


def test_an_endpoint_that_is_being_updated_conflicts(client, experiments):
    """A stop is refused while somebody updates the endpoint."""
    experiments.running()
    client.update_endpoint(EndpointName="ep", EndpointConfigName="ep-config")
    refusal = experiments.refusal(
        client.stop_inference_experiment, Name="x", ModelVariantActions=experiments.remove
    )
    assert "ConflictException" == refusal.code
