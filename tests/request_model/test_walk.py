"""The rules by which rendered values become a request, one test a rule."""

import json
import pickle
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_shadow.request_model import (
    Fault,
    FaultKind,
    InvalidParametersError,
    Prepared,
    coerce,
    prepare,
)
from tests.helpers import input_shape

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
ROLE = "arn:aws:iam::123456789012:role/shadow"


def variant(**changes: Any) -> dict[str, Any]:
    """Return one valid ModelVariants entry, changed."""
    realtime = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1}
    infrastructure = {
        "InfrastructureType": "RealTimeInference",
        "RealTimeInferenceConfig": realtime,
    }
    return {
        "ModelName": "model",
        "VariantName": "variant",
        "InfrastructureConfig": infrastructure,
        **changes,
    }


def with_realtime(**changes: Any) -> dict[str, Any]:
    """Return one valid ModelVariants entry with other instances."""
    entry = variant()
    entry["InfrastructureConfig"]["RealTimeInferenceConfig"].update(changes)
    return entry


def request(**changes: Any) -> dict[str, Any]:
    """Return a valid CreateInferenceExperiment, changed."""
    shadows = [{"ShadowModelVariantName": "shadow", "SamplingPercentage": 50}]
    return {
        "Name": "experiment",
        "Type": "ShadowMode",
        "RoleArn": ROLE,
        "EndpointName": "endpoint",
        "ModelVariants": [variant(), variant(VariantName="shadow")],
        "ShadowModeConfig": {"SourceModelVariantName": "variant", "ShadowModelVariants": shadows},
        **changes,
    }


def create(**changes: Any) -> Prepared:
    """Prepare a CreateInferenceExperiment."""
    operation = "CreateInferenceExperiment"
    return prepare(operation=operation, shape=input_shape(operation), values=request(**changes))


def faults_of(**changes: Any) -> list[Fault]:
    """Return what is found wrong with a CreateInferenceExperiment."""
    with pytest.raises(InvalidParametersError) as caught:
        create(**changes)
    return list(caught.value.faults)


def fault_of(**changes: Any) -> Fault:
    """Return the one fault of a CreateInferenceExperiment."""
    (fault,) = faults_of(**changes)
    return fault


def test_structures_may_be_text_at_any_depth():
    """A list of rendered JSON texts and a YAML text are what they hold."""
    infrastructure = (
        "{InfrastructureType: RealTimeInference, "
        "RealTimeInferenceConfig: {InstanceType: ml.m5.xlarge, InstanceCount: 3}}"
    )
    variants = [json.dumps(variant(VariantName="012", InfrastructureConfig=infrastructure))]
    (entry,) = create(ModelVariants=variants).params["ModelVariants"]
    assert (3, "012") == (
        entry["InfrastructureConfig"]["RealTimeInferenceConfig"]["InstanceCount"],
        entry["VariantName"],
    )


@pytest.mark.parametrize("given", [{"team": "ml", "cost": 7}, '{"team": "ml", "cost": 7}'])
def test_tags_may_be_a_mapping(given):
    """Airflow users write tags as a mapping."""
    expected = [{"Key": "team", "Value": "ml"}, {"Key": "cost", "Value": "7"}]
    assert expected == create(Tags=given).params["Tags"]


def test_one_tag_is_not_two():
    """A single Key and Value is one item without its list, not a tag named Key."""
    fault = fault_of(Tags={"Key": "team", "Value": "ml"})
    assert ("Tags", FaultKind.TYPE) == (fault.path, fault.kind)


def test_an_optional_none_is_left_out():
    """None is nothing, for text too, and is named."""
    prepared = create(Description=None, Schedule=None)
    assert ("Schedule", "Description") == prepared.left_out
    assert request() == prepared.params


@pytest.mark.parametrize("nothing", ["", " \n", "None", "null", None])
def test_an_optional_text_of_nothing_is_left_out(nothing):
    """Where no text is wanted, a template that rendered to nothing is nothing."""
    schedule = {"StartTime": nothing, "EndTime": "2026-01-31T12:00Z"}
    prepared = create(Schedule=schedule, Tags=nothing)
    assert ("Schedule.StartTime", "Tags") == prepared.left_out
    assert {"EndTime": NOON} == prepared.params["Schedule"]


def test_a_structure_of_nothing_is_left_out():
    """A schedule whose both ends rendered to nothing is no schedule."""
    prepared = create(Schedule={"StartTime": "", "EndTime": None})
    assert ("Schedule.StartTime", "Schedule.EndTime", "Schedule") == prepared.left_out
    assert {} == create(Schedule={}).params["Schedule"]


@pytest.mark.parametrize("given", [None, "", "null"])
def test_a_required_nothing_is_a_fault(given):
    """A required field cannot be left out."""
    fault = fault_of(ModelVariants=given)
    assert ("ModelVariants", FaultKind.REQUIRED) == (fault.path, fault.kind)


def test_a_missing_nested_field_is_named_by_its_path():
    """The path leads through lists and structures."""
    entry = variant()
    del entry["InfrastructureConfig"]["RealTimeInferenceConfig"]["InstanceCount"]
    path = "ModelVariants[1].InfrastructureConfig.RealTimeInferenceConfig.InstanceCount"
    expected = f"{path}: nothing was given, but it is required"
    assert expected == str(fault_of(ModelVariants=[variant(), entry]))


def test_an_item_of_nothing_is_a_fault():
    """An item that rendered to nothing is not dropped: the request would mean something else."""
    fault = fault_of(ModelVariants=[variant(), None])
    assert ("ModelVariants[1]", FaultKind.REQUIRED) == (fault.path, fault.kind)


@pytest.mark.parametrize(
    "name", ["endpoint_name", "endpointname", "EndpointNam", "Endpoint-Name", "endPointName"]
)
def test_an_unknown_field_suggests_the_real_one(name):
    """Case must match the API; the message knows what was meant."""
    fault = fault_of(**{name: "endpoint"})
    assert (FaultKind.UNKNOWN_FIELD, True) == (
        fault.kind,
        fault.problem.endswith("; did you mean EndpointName?"),
    )


def test_an_unknown_field_without_a_likeness_lists_the_fields():
    """Without a suggestion the fields there are help."""
    problem = fault_of(Schedule={"xyz": 1}).problem
    assert problem.endswith("; use one of StartTime, EndTime")


@pytest.mark.parametrize("values", [{1: "a"}, {None: "a"}, {("a",): "a"}])
def test_keys_are_text(values):
    """A key of another type is refused, in structures and maps."""
    assert [FaultKind.TYPE] == [fault.kind for fault in faults_of(Schedule=values)]
    with pytest.raises(
        InvalidParametersError, match=r"ModelVariantActions \(key\): .* is not text"
    ):
        stop(dict.fromkeys(values, "Retain"))


def stop(actions: Any) -> Prepared:
    """Prepare a StopInferenceExperiment."""
    operation = "StopInferenceExperiment"
    values = {"Name": "experiment", "ModelVariantActions": actions}
    return prepare(operation=operation, shape=input_shape(operation), values=values)


def test_an_empty_map_is_a_fault():
    """An empty map is what botocore would send."""
    with pytest.raises(InvalidParametersError, match="fewer than the minimum of 1") as caught:
        stop({})
    assert [FaultKind.LENGTH] == [fault.kind for fault in caught.value.faults]


def test_entries_of_a_map_are_checked():
    """Keys and values of a map have shapes too."""
    with pytest.raises(InvalidParametersError) as caught:
        stop('{"a b": "Retain", "shadow": ["Promote"]}')
    assert [
        ("ModelVariantActions (key)", FaultKind.PATTERN),
        ("ModelVariantActions.shadow", FaultKind.TYPE),
    ] == [(fault.path, fault.kind) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"ModelVariants": [with_realtime(InstanceCount="-1")]}, FaultKind.MINIMUM),
        ({"Name": ""}, FaultKind.LENGTH),
        ({"ModelVariants": []}, FaultKind.LENGTH),
        ({"RoleArn": "arn"}, FaultKind.LENGTH),
    ],
)
def test_too_small_is_a_fault(changes, kind):
    """Minima, of numbers and of lengths."""
    assert kind == fault_of(**changes).kind


SHADOW = {"ShadowModelVariantName": "shadow", "SamplingPercentage": "101"}
CLOSED = [
    ({"ShadowModeConfig": {"SourceModelVariantName": "variant", "ShadowModelVariants": [SHADOW]}},
     FaultKind.MAXIMUM),
    ({"Name": "a" * 121}, FaultKind.LENGTH),
    ({"ModelVariants": [variant()] * 3}, FaultKind.LENGTH),
    ({"Name": "no_underscores"}, FaultKind.PATTERN),
    ({"Name": "newline\n"}, FaultKind.PATTERN),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "kind"), CLOSED)
def test_what_the_model_closes_is_a_fault(changes, kind):
    """Maxima and patterns, which botocore does not check, are."""
    assert kind == fault_of(**changes).kind


@pytest.mark.parametrize(
    ("changes", "meant"),
    [
        ({"ModelVariants": [with_realtime(InstanceType="ml.m5.xlarg")]}, "ml.m5.xlarge"),
        ({"Type": "Shadowmode"}, "ShadowMode"),
    ],
)
def test_an_unknown_member_of_an_enum_only_warns(changes, meant):
    """AWS adds instance types and more faster than botocore is upgraded."""
    (warning,) = create(**changes).warnings
    assert FaultKind.ENUM == warning.kind
    assert warning.problem.endswith(f"; did you mean {meant}?")


def test_all_faults_are_told_at_once_in_order():
    """One run of a task shows all that is to be corrected."""
    faults = faults_of(
        Bogus=1, Tags=[{"Key": "k"}], Name="a b", ModelVariants=[with_realtime(InstanceCount="two")]
    )
    count = "ModelVariants[0].InfrastructureConfig.RealTimeInferenceConfig.InstanceCount"
    assert ["Name", count, "Tags[0].Value", "Bogus"] == [fault.path for fault in faults]
    assert f"{count}: 'two' is not an integer" == str(faults[1])


def test_the_error_lists_all_faults_and_pickles():
    """The error travels to the worker's log in full."""
    with pytest.raises(InvalidParametersError) as caught:
        create(Name="a b", EndpointName=None)
    error = caught.value
    again = pickle.loads(pickle.dumps(error))
    assert str(error).startswith("CreateInferenceExperiment: 2 validation errors")
    assert str(error).endswith(f": {'; '.join(map(str, error.faults))}")
    assert (error.operation, error.faults, str(error)) == (
        again.operation,
        again.faults,
        str(again),
    )


def test_what_was_given_is_shown_shortened():
    """A fault never fills the log with what was given."""
    faults = faults_of(Name=["x" * 500] * 500, RoleArn=10**5000, Type={"deep": [[[[[[[1]]]]]]]})
    assert [True] * 3 == [0 < len(fault.problem) <= 100 for fault in faults]


def test_coerce_takes_what_is_incomplete():
    """Values that are yet to be merged need not be complete, nor within bounds."""
    values = {"Name": "a b", "Type": None, "ShadowModeConfig": {"ShadowModelVariants": [SHADOW]}}
    shape = input_shape("CreateInferenceExperiment")
    prepared = coerce(operation="CreateInferenceExperiment", shape=shape, values=values)
    shadow = {**SHADOW, "SamplingPercentage": 101}
    assert {"Name": "a b", "ShadowModeConfig": {"ShadowModelVariants": [shadow]}} == prepared.params
    assert ("Type",) == prepared.left_out
