"""Tags on experiments, endpoints and configurations."""

import pytest

from airflow_shadow.emulator.fleet import create_endpoint


def _tags(client, arn):
    return {tag["Key"]: tag["Value"] for tag in client.list_tags(ResourceArn=arn)["Tags"]}


def test_tags_of_an_experiment(client, experiments):
    """Tags are given at the creation, added, changed and removed."""
    arn = experiments.create(Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])[
        "InferenceExperimentArn"
    ]
    client.add_tags(ResourceArn=arn, Tags=[{"Key": "b", "Value": "3"}, {"Key": "c", "Value": "4"}])
    client.delete_tags(ResourceArn=arn, TagKeys=["a", "unknown"])
    assert {"b": "3", "c": "4"} == _tags(client, arn)


def test_tags_of_an_endpoint(client, fleet):
    """Endpoints of the emulator have tags, too."""
    arn = create_endpoint(client, endpoint_name="other", model_name="m1")
    client.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}])
    assert {"a": "1"} == _tags(client, arn)


def test_tags_of_models_stay_with_moto(client, fleet):
    """Moto keeps the tags of other resources."""
    arn = client.describe_model(ModelName="m1")["ModelArn"]
    client.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}])
    assert {"a": "1"} == _tags(client, arn)


def test_all_fifty_tags_are_listed(client, experiments):
    """Fifty tags are one page without a token."""
    many = [{"Key": f"k{number}", "Value": "v"} for number in range(50)]
    arn = experiments.create(Tags=many)["InferenceExperimentArn"]
    pages = list(client.get_paginator("list_tags").paginate(ResourceArn=arn))
    assert [50] == [len(page["Tags"]) for page in pages]


def test_more_than_fifty_tags_are_refused(client, experiments):
    """A fifty-first tag is refused."""
    many = [{"Key": f"k{number}", "Value": "v"} for number in range(50)]
    arn = experiments.create(Tags=many)["InferenceExperimentArn"]
    found = experiments.refusal(
        client.add_tags, ResourceArn=arn, Tags=[{"Key": "one-more", "Value": "v"}]
    )
    assert "ValidationException" == found.code


def test_tags_go_with_their_experiment(client, experiments):
    """After a deletion the ARN is not found."""
    arn = experiments.create(Tags=[{"Key": "a", "Value": "1"}])["InferenceExperimentArn"]
    experiments.seen_until("Running")
    experiments.ended()
    client.delete_inference_experiment(Name="x")
    assert "ResourceNotFound" == experiments.refusal(client.list_tags, ResourceArn=arn).code


@pytest.mark.parametrize("call", ["list_tags", "delete_tags"])
def test_unknown_arns_are_not_found(client, experiments, call):
    """Tags of an unknown ARN are refused with ResourceNotFound."""
    arn = "arn:aws:sagemaker:us-east-1:123456789012:inference-experiment/none"
    extra = {"TagKeys": ["a"]} if call == "delete_tags" else {}
    found = experiments.refusal(getattr(client, call), ResourceArn=arn, **extra)
    assert "ResourceNotFound" == found.code
