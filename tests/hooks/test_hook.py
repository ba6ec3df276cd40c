"""InferenceExperimentHook."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from traceback import format_exception
from unittest.mock import Mock

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    MetadataRetrievalError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ReadTimeoutError,
    SSLError,
)

from airflow_shadow.emulator import fleet
from airflow_shadow.exceptions import (
    AwsAccessDeniedError,
    AwsRefusedError,
    AwsUnavailableError,
    ConnectionMissingError,
    ExperimentNotFoundError,
    InvalidRequestError,
    ShadowError,
)
from airflow_shadow.hooks.errors import from_botocore, needs_fresh_credentials
from airflow_shadow.hooks.inference_experiment import InferenceExperimentHook
from tests.helpers import another, described, somebodys, stop, until
from tests.hooks.words import NO_RETRIES, connect
from tests.triggers.watching import wait_until


def request(name="x", **members):
    """Return a request of CreateInferenceExperiment."""
    return fleet.experiment_request(
        name=name,
        endpoint_name="churn",
        model_name="churn-v1",
        shadow_model_name="churn-v2",
        **members,
    )


# --- the seven operations -----------------------------------------------------------------


def test_create_and_describe(hook, churn):
    """Rendered text gets the API's types, and times come back as text."""
    variants = request()["ModelVariants"]
    variants[0]["InfrastructureConfig"]["RealTimeInferenceConfig"]["InstanceCount"] = "2"
    arn = hook.create_inference_experiment({**request(), "ModelVariants": variants})
    shown = hook.describe_inference_experiment("x")
    assert (arn, "Creating") == (shown["Arn"], shown["Status"])
    assert datetime.fromisoformat(shown["CreationTime"]).utcoffset() == timedelta(0)


def test_update(hook, churn, sagemaker):
    """What is given changes."""
    somebodys(sagemaker, "x")
    hook.update_inference_experiment({"Name": "x", "Description": "new"})
    until(sagemaker, "x", "Updating")
    assert "new" == until(sagemaker, "x", "Running")["Description"]


def test_start(hook, churn, sagemaker, emulator):
    """A scheduled experiment starts now."""
    start = emulator.clock.now() + timedelta(hours=5)
    somebodys(sagemaker, "x", rests="Created", Schedule={"StartTime": start})
    hook.start_inference_experiment("x")
    assert "Running" == until(sagemaker, "x", "Running")["Status"]


def test_stop_and_delete(hook, churn, sagemaker):
    """A stopped experiment can be deleted, and then it is not found."""
    somebodys(sagemaker, "x")
    actions = {"AllTraffic": "Retain", "churn-v2": "Remove"}
    hook.stop_inference_experiment(
        {"Name": "x", "ModelVariantActions": actions, "DesiredState": "Completed"}
    )
    until(sagemaker, "x", "Completed")
    hook.delete_inference_experiment("x")
    assert hook.find_experiment("x") is None


@pytest.mark.parametrize("operation", ["describe", "start", "delete"])
def test_a_missing_experiment_has_an_error_of_its_own(hook, churn, operation):
    """ResourceNotFound is not a refusal like others."""
    with pytest.raises(ExperimentNotFoundError, match="no experiment named 'nothing'"):
        getattr(hook, f"{operation}_inference_experiment")("nothing")


def test_list_goes_through_empty_pages(hook, churn, sagemaker, emulator):
    """An empty page with a token is not the end."""
    another(sagemaker)
    for name, endpoint in (("a", "churn"), ("b", "other")):
        hook.create_inference_experiment({**request(name), "EndpointName": endpoint})
    emulator.faults.add(kind="empty-pages", operation="ListInferenceExperiments", times=3)
    rows = hook.list_inference_experiments(MaxResults=1)
    assert ["a", "b"] == sorted(row["Name"] for row in rows)


def test_list_filters(hook, churn, sagemaker):
    """The request's own fields filter."""
    somebodys(sagemaker, "x")
    assert ["x"] == [row["Name"] for row in hook.list_inference_experiments(StatusEquals="Running")]
    assert [] == list(hook.list_inference_experiments(StatusEquals="Completed"))


def test_a_bad_request_is_not_sent(hook, churn, emulator):
    """All faults are found before the call, each with its path."""
    with pytest.raises(InvalidRequestError) as caught:
        hook.create_inference_experiment({**request("a_b"), "RoleArn": "nobody", "Colour": "red"})
    assert [] == [
        word for word in ("Name: ", "RoleArn: ", "Colour: ") if word not in str(caught.value)
    ]
    assert [] == [
        e for e in emulator.history() if e.get("operation") == "CreateInferenceExperiment"
    ]


def test_an_unknown_member_of_an_enum_is_sent(hook, churn, log):
    """AWS may have added it since the installed botocore; here it refuses it."""
    with pytest.raises(AwsRefusedError):
        hook.create_inference_experiment({**request(), "Type": "CanaryMode"})
    assert log.containing("; sent nevertheless")


# --- around experiments -------------------------------------------------------------------


def test_tags_are_read_and_overwritten(hook, churn, sagemaker):
    """Known keys get new values."""
    arn = somebodys(sagemaker, "x", Tags=[{"Key": "a", "Value": "1"}])["Arn"]
    hook.add_tags(arn, {"a": "2", "b": "3"})
    assert {"a": "2", "b": "3"} == hook.find_tags(arn)


def test_the_holder_is_found_among_others(hook, churn, sagemaker):
    """List tells no endpoints, so live ones are described."""
    another(sagemaker)
    another(sagemaker, name="third")
    hook.create_inference_experiment({**request("a"), "EndpointName": "other"})
    somebodys(sagemaker, "x")
    assert "x" == hook.find_occupying_experiment("churn")["Name"]
    assert hook.find_occupying_experiment("third") is None


def test_a_holder_is_described_as_it_is_now(hook, churn, sagemaker):
    """What was remembered of it only tells its endpoint."""
    somebodys(sagemaker, "x")
    assert "x" == hook.find_occupying_experiment("churn")["Name"]
    sagemaker.update_inference_experiment(Name="x", Description="Twice as long.")
    wait_until(lambda: described(sagemaker, "x").get("Description"), what="description")
    assert "Twice as long." == hook.find_occupying_experiment("churn")["Description"]
    stop(sagemaker, "x")
    assert hook.find_occupying_experiment("churn") is None


def test_the_desired_and_the_configured_are_told(hook, churn):
    """What production runs is in the configuration, its size on the endpoint."""
    running = hook.find_running("churn")
    assert "churn-v1" == running["ModelName"]
    assert 2 == running["ProductionVariants"][0]["DesiredInstanceCount"]


@pytest.mark.parametrize(
    "find", ["find_endpoint", "find_endpoint_config", "find_model", "find_running"]
)
def test_what_is_missing_is_none(hook, churn, find):
    """SageMaker's older operations answer ValidationException for an unknown name."""
    assert getattr(hook, find)("nothing") is None


# --- AWS's clock --------------------------------------------------------------------------


def test_now_is_the_date_of_the_last_answer(hook, churn, emulator):
    """A fast emulator is ahead of this machine."""
    emulator.clock.advance(timedelta(days=100))
    hook.find_endpoint("churn")
    assert abs(hook.now() - emulator.clock.now()) < timedelta(seconds=5)


def test_now_without_an_answer_is_our_own(hook):
    """Before the first call nothing better is known."""
    assert abs(hook.now() - datetime.now(UTC)) < timedelta(seconds=5)


# --- errors -------------------------------------------------------------------------------


def answered(code, status=400, *, ahead=None):
    """Return botocore's error for an answer; AWS's clock may be some seconds ahead of ours."""
    headers = {"date": formatdate(time.time() + ahead, usegmt=True)} if ahead else {}
    response = {
        "Error": {"Code": code, "Message": "words"},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers},
    }
    return ClientError(response, "CreateInferenceExperiment")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (answered("ThrottlingException"), AwsUnavailableError),
        (answered("TooManyRequestsException"), AwsUnavailableError),
        (answered("Anything", 429), AwsUnavailableError),
        (answered("InternalFailure", 500), AwsUnavailableError),
        (answered("ServiceUnavailable", 503), AwsUnavailableError),
        (answered("ExpiredTokenException"), AwsUnavailableError),
        (answered("AccessDeniedException"), AwsAccessDeniedError),
        (answered("AccessDenied", 403), AwsAccessDeniedError),
        (answered("ValidationException"), AwsRefusedError),
        (answered("ConflictException"), AwsRefusedError),
        (answered("ResourceLimitExceeded"), AwsRefusedError),
        (answered("NeverHeardOf"), AwsRefusedError),
        (ConnectTimeoutError(endpoint_url="http://127.0.0.1"), AwsUnavailableError),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1"), AwsUnavailableError),
        (ReadTimeoutError(endpoint_url="http://127.0.0.1"), AwsUnavailableError),
        (SSLError(endpoint_url="http://127.0.0.1", error="self-signed"), AwsRefusedError),
        (CredentialRetrievalError(provider="p", error_msg="m"), AwsUnavailableError),
        (NoCredentialsError(), AwsUnavailableError),
        (PartialCredentialsError(provider="p", cred_var="v"), AwsAccessDeniedError),
        (MetadataRetrievalError(error_msg="m"), AwsUnavailableError),
        (answered("IDPCommunicationError"), AwsUnavailableError),
        (answered("InvalidIdentityToken"), AwsUnavailableError),
        (answered("RequestTimeout", 408), AwsUnavailableError),
        (answered("", 408), AwsUnavailableError),
        (answered("", 302), AwsUnavailableError),
        (answered("RequestTimeTooSkewed", 403), AwsUnavailableError),
        (answered("InvalidSignatureException", ahead=600), AwsUnavailableError),
        (answered("SignatureDoesNotMatch", 403, ahead=-3600), AwsUnavailableError),
        (answered("InvalidSignatureException", ahead=5), AwsRefusedError),
        (answered("InvalidSignatureException"), AwsRefusedError),
        (ParamValidationError(report="r"), AwsRefusedError),
    ],
)
def test_errors_are_matched_on_codes(error, expected):
    """AWS documents none of the texts."""
    assert expected is type(from_botocore(error, asked="to create"))


def test_a_refusal_keeps_its_code():
    """Later steps ask for it."""
    assert "ConflictException" == from_botocore(answered("ConflictException"), asked="x").code


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (answered("ExpiredToken"), True),
        (answered("RequestExpired"), True),
        (answered("AccessDenied"), False),
        (CredentialRetrievalError(provider="p", error_msg="m"), True),
        (NoCredentialsError(), True),
        (answered("InvalidIdentityToken"), True),
    ],
)
def test_fresh_credentials_help_where_old_ones_expired(error, expected):
    """Only then is it worth making a new client."""
    assert expected is needs_fresh_credentials(error)


def test_expired_credentials_are_replaced(hook, churn, emulator):
    """The next call reads the connection anew."""
    hook.find_endpoint("churn")
    before = hook.conn
    emulator.faults.add(kind="expired-token", operation="DescribeEndpoint")
    with pytest.raises(AwsUnavailableError):
        hook.find_endpoint("churn")
    assert hook.find_endpoint("churn")
    assert before is not hook.conn


def test_credentials_that_expire_before_there_is_a_client_are_replaced(hook, monkeypatch):
    """STS refuses what the connection was read with, so the next call reads it anew."""
    expired = ClientError({"Error": {"Code": "ExpiredToken", "Message": "Old."}}, "AssumeRole")
    assert hook.conn_config
    monkeypatch.setattr(hook, "get_client_type", Mock(side_effect=expired))
    with pytest.raises(AwsUnavailableError):
        assert hook.conn
    assert "conn_config" not in vars(hook)


def test_insisting_has_an_end(hook, churn, emulator, monkeypatch):
    """An AWS that stays away is reported after a while."""
    monkeypatch.setattr("airflow_shadow.hooks.base._RETRY_SECONDS", 0.2)
    emulator.faults.add(kind="throttle", operation="DescribeEndpoint", times=None)
    began = time.monotonic()
    with pytest.raises(AwsUnavailableError):
        hook.retry_call(lambda: hook.find_endpoint("churn"), delay=0.01)
    assert time.monotonic() - began < 5


def test_the_connections_settings_win(emulator, monkeypatch):
    """Our retries and timeouts are merged under what the connection says."""
    connection = json.loads(os.environ["AIRFLOW_CONN_AWS_DEFAULT"])
    connection["extra"]["config_kwargs"] = {"read_timeout": 7}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
    config = InferenceExperimentHook().conn.meta.config
    assert (7, 10) == (config.read_timeout, config.connect_timeout)


def test_given_settings_are_merged(emulator):
    """A timeout of the user leaves our retries."""
    config = InferenceExperimentHook(config={"read_timeout": 7}).conn.meta.config
    assert (7, 3) == (config.read_timeout, config.retries["total_max_attempts"])


# --- what passes by itself ----------------------------------------------------------------

READS = ["DescribeEndpoint", "ListTags", "ListInferenceExperiments", "DescribeAlarms"]


def ask(hook, operation):
    """Ask something that an empty answer would be taken for: nothing there."""
    return {
        "DescribeEndpoint": lambda: hook.find_endpoint("churn"),
        "ListTags": lambda: hook.find_tags(hook.find_endpoint("churn")["EndpointArn"]),
        "ListInferenceExperiments": lambda: hook.find_occupying_experiment("churn"),
        "DescribeAlarms": lambda: hook.cloudwatch.alarm_states(["a"]),
    }[operation]()


@pytest.mark.parametrize("body", ["", "<!DOCTYPE html><p>Sign in.", "<html></html>"])
@pytest.mark.parametrize("operation", READS)
def test_a_page_of_a_proxy_is_no_answer(hook, churn, emulator, operation, body):
    """With status 200 botocore reads it as an answer without members."""
    emulator.faults.add(kind="garbage", operation=operation, body=body)
    with pytest.raises(AwsUnavailableError):
        ask(hook, operation)


def test_a_word_is_no_answer(hook, churn, emulator):
    """SageMaker answers in JSON, and always with an object."""
    emulator.faults.add(kind="garbage", operation="DescribeEndpoint", body="OK")
    with pytest.raises(AwsUnavailableError):
        hook.find_endpoint("churn")


def test_a_redirection_is_no_answer(hook, churn, emulator):
    """The page to sign in at is somewhere else."""
    emulator.faults.add(kind="garbage", operation="DescribeEndpoint", status=302)
    with pytest.raises(AwsUnavailableError):
        hook.find_endpoint("churn")


def test_a_refusal_tells_the_time_too(hook, emulator):
    """Before the first success nothing else is known of AWS's clock."""
    emulator.clock.advance(timedelta(days=100))
    with pytest.raises(ExperimentNotFoundError):
        hook.describe_inference_experiment("nothing")
    assert abs(hook.now() - emulator.clock.now()) < timedelta(seconds=5)


def test_a_client_without_credentials_is_not_kept(hook, churn, monkeypatch):
    """It would never have any, long after the machine has them again."""
    connect(monkeypatch, anonymous=True)
    with monkeypatch.context() as without:
        without.delenv("AWS_ACCESS_KEY_ID")
        with pytest.raises(AwsUnavailableError):
            hook.find_endpoint("churn")
    assert hook.find_endpoint("churn")


def test_a_missing_connection_is_named(emulator):
    """The provider would go on with whatever rights the machine has."""
    hook = InferenceExperimentHook(aws_conn_id="aws_prod")
    with pytest.raises(ConnectionMissingError, match="'aws_prod'"):
        hook.retry_call(lambda: hook.find_endpoint("churn"), delay=0.01)


@pytest.mark.parametrize("address", ["http://{}:1", "http://{}:none", "{}:1"])
@pytest.mark.parametrize("user", ["user", ""])
def test_a_password_in_an_address_is_not_told(monkeypatch, emulator, address, user):
    """Errors go to logs, events and people."""
    connect(monkeypatch, endpoint_url=address.format(f"{user}:hunter2@127.0.0.1"))
    hook = InferenceExperimentHook(config=NO_RETRIES)
    with pytest.raises(ShadowError) as caught:
        hook.find_endpoint("churn")
    told = "".join(format_exception(caught.value)) + json.dumps(caught.value.to_dict())
    assert "hunter2" not in told
