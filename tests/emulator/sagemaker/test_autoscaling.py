"""A scalable target cannot be removed, nor its instance type changed."""

import pytest
from botocore.exceptions import ClientError

from airflow_shadow.emulator.fleet import experiment_request

VARIANT = {
    "VariantName": "AllTraffic",
    "ModelName": "m1",
    "InstanceType": "ml.m5.xlarge",
    "InitialInstanceCount": 1,
}
TARGET = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/ep/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}


@pytest.fixture
def scaling(connect, fleet):
    """Register production as a scalable target, and return the client."""
    client = connect("application-autoscaling")
    client.register_scalable_target(**TARGET, MinCapacity=1, MaxCapacity=4)
    return client


def _update(client, **variant):
    client.create_endpoint_config(EndpointConfigName="next", ProductionVariants=[VARIANT | variant])
    client.update_endpoint(EndpointName="ep", EndpointConfigName="next")


def _refused(call, *args, **kwargs):
    with pytest.raises(ClientError) as caught:
        call(*args, **kwargs)
    return caught.value.response["Error"]["Code"]


@pytest.mark.parametrize("change", [{"VariantName": "Other"}, {"InstanceType": "ml.m5.2xlarge"}])
def test_a_target_keeps_name_and_type(client, scaling, change):
    """UpdateEndpoint refuses it, as AWS documents."""
    assert "ValidationException" == _refused(_update, client, **change)


def test_a_target_may_change_its_model(client, scaling):
    """UpdateEndpoint accepts another model, as AWS documents."""
    _update(client, ModelName="m2")
    assert "Updating" == client.describe_endpoint(EndpointName="ep")["EndpointStatus"]


def test_without_the_target_all_may_change(client, scaling):
    """A deregistered variant can be changed like any other."""
    scaling.deregister_scalable_target(**TARGET)
    _update(client, VariantName="Other")
    assert "Updating" == client.describe_endpoint(EndpointName="ep")["EndpointStatus"]


@pytest.mark.parametrize(
    ("actions", "state"),
    [
        ({"AllTraffic": "Remove", "Shadow": "Promote"}, "Running"),
        ({"AllTraffic": "Retain", "Shadow": "Remove"}, "Stopping"),
    ],
)
def test_a_stop_removes_no_target(client, scaling, actions, state):
    """A stop that would remove a target is refused; one that removes the shadow is not."""
    request = experiment_request(
        name="x", endpoint_name="ep", model_name="m1", shadow_model_name="m2"
    )
    client.create_inference_experiment(**request)
    while client.describe_inference_experiment(Name="x")["Status"] != "Running":
        pass
    stop = {"Name": "x", "ModelVariantActions": actions, "DesiredState": "Completed"}
    if state == "Running":
        assert "ValidationException" == _refused(client.stop_inference_experiment, **stop)
    else:
        client.stop_inference_experiment(**stop)
    assert state == client.describe_inference_experiment(Name="x")["Status"]
