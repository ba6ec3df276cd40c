"""What Create refuses: limits of single values, and rules over several."""

import json
import re
import urllib.error
import urllib.request

import pytest

from airflow_shadow.emulator.fleet import ROLE_ARN, create_model, model_variant, shadow_mode


def _refusal(experiments, request):
    return experiments.refusal(experiments.client.create_inference_experiment, **request)


def _with_infrastructure(experiments, **members):
    request = experiments.request()
    infrastructure = request["ModelVariants"][1]["InfrastructureConfig"]
    infrastructure["RealTimeInferenceConfig"] |= members
    return request


@pytest.mark.parametrize(
    ("members", "where", "constraint"),
    [
        ({"name": "a_b"}, "name", "regular expression pattern"),
        ({"Type": "Other"}, "type", "enum value set: [ShadowMode]"),
        ({"Description": "d" * 1025}, "description", "length less than or equal to 1024"),
        ({"RoleArn": "arn:aws:iam::1:role/too-short"}, "roleArn", "regular expression pattern"),
        ({"KmsKey": "not a key"}, "kmsKey", "regular expression pattern"),
        (
            {"sampling_percentage": 101},
            "shadowModeConfig.shadowModelVariants.1.member.samplingPercentage",
            "value less than or equal to 100",
        ),
        (
            {"DataStorageConfig": {"Destination": "ftp://bucket"}},
            "dataStorageConfig.destination",
            "regular expression pattern",
        ),
        (
            {"Tags": [{"Key": "a*b", "Value": "v"}]},
            "tags.1.member.key",
            "regular expression pattern",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_limits_are_worded_as_aws_does(experiments, members, where, constraint):
    """An error names the value, its place and the constraint."""
    found = _refusal(experiments, experiments.request(**members))
    assert "ValidationException" == found.code
    assert found.message.startswith("1 validation error detected: Value '")
    assert f"at '{where}' failed to satisfy constraint: Member must" in found.message
    assert constraint in found.message


def test_all_faults_are_named_at_once(experiments):
    """The message counts the errors and lists each of them."""
    found = _refusal(experiments, experiments.request(name="a_b", Description="d" * 1025))
    assert re.match(r"2 validation errors detected: .*'name'.*; .*'description'", found.message)


def test_an_unknown_instance_type_is_refused(experiments):
    """The types are those of the service model."""
    found = _refusal(experiments, _with_infrastructure(experiments, InstanceType="ml.m5.tiny"))
    assert "modelVariants.2.member.infrastructureConfig" in found.message


def test_an_empty_map_of_actions_is_refused(client, experiments):
    """Botocore sends an empty map, but the service refuses it."""
    experiments.running()
    found = experiments.refusal(client.stop_inference_experiment, Name="x", ModelVariantActions={})
    assert "length greater than or equal to 1" in found.message


def test_accented_tags_are_accepted(experiments):
    """The pattern of tags allows letters of all languages."""
    experiments.create(Tags=[{"Key": "équipe", "Value": "Müller 日本"}])
    assert "Creating" == experiments.status()


def test_a_missing_member_is_null(emulator, experiments):
    """A request without a required member is refused with AWS's wording."""
    authorization = "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/sagemaker/aws4_request"
    call = urllib.request.Request(
        emulator.url,
        data=b"{}",
        headers={
            "X-Amz-Target": "SageMaker.DescribeInferenceExperiment",
            "Content-Type": "application/x-amz-json-1.1",
            "Authorization": authorization,
        },
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(call)
    body = json.loads(caught.value.read())
    expected = (
        "1 validation error detected: Value null at 'name' failed to satisfy constraint:"
        " Member must not be null"
    )
    assert expected == body["Message"]


def _variants(production="m1", shadow="m2", names=("AllTraffic", "Shadow")):
    return [
        model_variant(variant_name=names[0], model_name=production),
        model_variant(variant_name=names[1], model_name=shadow),
    ]


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"endpoint_name": "nowhere"}, id="missing endpoint"),
        pytest.param({"shadow_model_name": "nobody"}, id="missing model"),
        pytest.param({"sampling_percentage": -5}, id="negative sampling"),
        pytest.param({"ModelVariants": _variants()[:1]}, id="one variant"),
        pytest.param({"ModelVariants": _variants(names=("A", "A"))}, id="same name twice"),
        pytest.param(
            {
                "ShadowModeConfig": shadow_mode(
                    source="Other", shadow="Shadow", sampling_percentage=1
                )
            },
            id="source not among the variants",
        ),
        pytest.param(
            {
                "ShadowModeConfig": shadow_mode(
                    source="Shadow", shadow="Shadow", sampling_percentage=1
                )
            },
            id="its own shadow",
        ),
    ],
)
def test_rules_of_the_request(experiments, members):
    """Contradictory members and unknown names are a ValidationException."""
    assert "ValidationException" == _refusal(experiments, experiments.request(**members)).code


def test_inf1_is_refused(experiments):
    """Inf1 types are refused, although they are in the enumeration."""
    request = _with_infrastructure(experiments, InstanceType="ml.inf1.xlarge")
    assert "Inf1" in _refusal(experiments, request).message


def test_multi_model_candidates_are_refused(client, experiments):
    """Shadow tests do not support multi-model candidates."""
    client.create_model(
        ModelName="many",
        ExecutionRoleArn=ROLE_ARN,
        PrimaryContainer={"Image": "i", "Mode": "MultiModel", "ModelDataUrl": "s3://b/k"},
    )
    found = _refusal(experiments, experiments.request(shadow_model_name="many"))
    assert "multi-model" in found.message


def test_multi_container_candidates_are_refused(client, experiments):
    """Shadow tests do not support candidates of several containers."""
    client.create_model(
        ModelName="many", ExecutionRoleArn=ROLE_ARN, Containers=[{"Image": "a"}, {"Image": "b"}]
    )
    found = _refusal(experiments, experiments.request(shadow_model_name="many"))
    assert "multi-container" in found.message


REAL_TIME = {
    "VariantName": "AllTraffic",
    "ModelName": "m1",
    "InstanceType": "ml.m5.xlarge",
    "InitialInstanceCount": 1,
}
SERVERLESS = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}


@pytest.mark.parametrize(
    ("config", "word"),
    [
        (
            {
                "ProductionVariants": [
                    {"VariantName": "A", "ModelName": "m1", "ServerlessConfig": SERVERLESS}
                ]
            },
            "serverless",
        ),
        (
            {
                "ProductionVariants": [REAL_TIME],
                "AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://b/o"}},
            },
            "asynchronous",
        ),
        (
            {"ProductionVariants": [{k: v for k, v in REAL_TIME.items() if k != "ModelName"}]},
            "components",
        ),
        ({"ProductionVariants": [REAL_TIME | {"InstanceType": "ml.inf1.xlarge"}]}, "Inf1"),
        (
            {"ProductionVariants": [REAL_TIME, REAL_TIME | {"VariantName": "B"}]},
            "several production variants",
        ),
    ],
    ids=["serverless", "asynchronous", "components", "inf1", "two variants"],
)
def test_unsupported_endpoints_are_refused(client, experiments, config, word):
    """The error names the kind of endpoint that is not supported."""
    client.create_endpoint_config(EndpointConfigName="odd", **config)
    client.create_endpoint(EndpointName="odd", EndpointConfigName="odd")
    client.get_waiter("endpoint_in_service").wait(EndpointName="odd", WaiterConfig={"Delay": 0})
    found = _refusal(experiments, experiments.request(endpoint_name="odd"))
    assert ("ValidationException", True) == (found.code, word in found.message)


def test_a_taken_name_is_in_use(experiments):
    """A second experiment of a name is refused with ResourceInUse."""
    experiments.running()
    assert "ResourceInUse" == _refusal(experiments, experiments.request()).code


@pytest.mark.parametrize("code", ["ResourceInUse", "ConflictException", "ValidationException"])
def test_a_busy_endpoint_answers_the_chosen_code(emulator, experiments, code):
    """AWS does not document the code, so tests choose it."""
    emulator.busy_code = code
    experiments.running()
    assert code == _refusal(experiments, experiments.request(name="y")).code


def test_a_scheduled_experiment_occupies_its_endpoint(experiments, scheduled):
    """A second scheduled experiment on an endpoint is refused."""
    scheduled()
    assert "ResourceInUse" == _refusal(experiments, experiments.request(name="y")).code


def test_an_endpoint_under_update_is_busy(client, experiments):
    """An endpoint that is not InService is refused."""
    client.update_endpoint(EndpointName="ep", EndpointConfigName="ep-config")
    assert "ResourceInUse" == _refusal(experiments, experiments.request()).code


def test_a_free_endpoint_takes_the_next_experiment(client, experiments):
    """An experiment that has ended does not occupy its endpoint."""
    experiments.running()
    experiments.ended()
    create_model(client, name="m3")
    experiments.running(name="y", shadow_model_name="m3")
    assert "Running" == experiments.status("y")


def test_a_refused_create_leaves_nothing(client, experiments):
    """A refused Create leaves neither an experiment nor tags."""
    _refusal(experiments, experiments.request(endpoint_name="nowhere"))
    assert [] == client.list_inference_experiments()["InferenceExperiments"]
