"""Accounts and regions are separate."""

from airflow_shadow.emulator.fleet import create_endpoint, create_model


def assumed(connect, account, region="us-east-1"):
    """Return a SageMaker client of another account, by an assumed role."""
    credentials = connect("sts").assume_role(
        RoleArn=f"arn:aws:iam::{account}:role/x", RoleSessionName="test"
    )["Credentials"]
    return connect(
        region=region,
        key=credentials["AccessKeyId"],
        secret=credentials["SecretAccessKey"],
        token=credentials["SessionToken"],
    )


def test_an_assumed_role_works_in_its_own_account(connect, experiments):
    """The same names in another account are other resources."""
    other = assumed(connect, "222222222222")
    create_endpoint(other, endpoint_name="ep", model_name="m1")
    create_model(other, name="m2")
    experiments.create()
    arn = other.create_inference_experiment(**experiments.request())["InferenceExperimentArn"]
    assert "arn:aws:sagemaker:us-east-1:222222222222:inference-experiment/x" == arn


def test_an_account_does_not_see_the_others(connect, experiments):
    """Describe and List do not show other accounts' experiments."""
    experiments.create()
    other = assumed(connect, "222222222222")
    found = experiments.refusal(other.describe_inference_experiment, Name="x")
    assert (
        "ResourceNotFound",
        [],
    ) == (found.code, other.list_inference_experiments()["InferenceExperiments"])


def test_a_region_does_not_see_the_others(connect, experiments):
    """List does not show other regions' experiments."""
    experiments.create()
    other = connect(region="eu-west-1")
    assert [] == other.list_inference_experiments()["InferenceExperiments"]


def test_history_can_be_cut_to_an_account_and_region(connect, emulator, experiments):
    """The history can be selected by account or region."""
    create_model(assumed(connect, "222222222222"), name="there")
    create_model(connect(region="eu-west-1"), name="elsewhere")
    names = [
        [entry["name"] for entry in emulator.history(**selection)]
        for selection in ({"account": "222222222222"}, {"region": "eu-west-1"})
    ]
    assert [["there"], ["elsewhere"]] == names
