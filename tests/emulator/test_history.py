"""The history of what happened, which tests check."""

import json

import pytest
from botocore.exceptions import ConnectionClosedError

from airflow_shadow.emulator.fleet import shadow_mode


def test_accepted_calls_are_counted_and_refused_ones_are_not(client, emulator, experiments):
    """Of two equal Creates the history has the accepted one."""
    experiments.create()
    experiments.refusal(client.create_inference_experiment, **experiments.request())
    creates = [
        entry["name"]
        for entry in emulator.history()
        if entry.get("operation") == "CreateInferenceExperiment"
    ]
    assert ["x"] == creates


def test_an_action_whose_answer_was_lost_is_counted(emulator, experiments):
    """A call is recorded although its connection was lost afterwards."""
    emulator.faults.add(kind="drop-after", operation="CreateModel")
    with pytest.raises(ConnectionClosedError):
        experiments.client.create_model(ModelName="m9", ExecutionRoleArn="role-" * 5)
    assert "m9" == emulator.history()[-1]["name"]


def test_every_status_is_written_down(emulator, experiments):
    """Each change of a status is recorded with the old and the new one, in order."""
    experiments.running()
    experiments.ended(experiments.promote)
    moves = [(e["from"], e["to"]) for e in emulator.history() if e["kind"] == "status"]
    assert [
        (None, "Creating"),
        ("Creating", "Running"),
        ("Running", "Stopping"),
        ("Stopping", "Completed"),
    ] == moves


def test_the_endpoints_configuration_changes_once_a_deployment(client, emulator, experiments):
    """Each change of the configuration is recorded once, with its cause."""
    experiments.running()
    mode = shadow_mode(source="AllTraffic", shadow="Shadow", sampling_percentage=75)
    client.update_inference_experiment(Name="x", ShadowModeConfig=mode)
    experiments.seen_until("Updating")
    experiments.seen_until("Running")
    client.update_endpoint(EndpointName="ep", EndpointConfigName="ep-config")
    for _ in range(3):
        experiments.endpoint()
    causes = [
        entry["cause"]
        for entry in emulator.history()
        if entry["kind"] == "endpoint" and "config" in entry["changed"]
    ]
    assert ["CreateEndpoint", "x", "x", "UpdateEndpoint"] == causes


def test_a_call_comes_before_what_it_causes(emulator, experiments):
    """A call is recorded before its effects."""
    experiments.create()
    kinds = [entry["kind"] for entry in emulator.history() if entry.get("name") == "x"]
    assert ["call", "status", "variant", "variant"] == kinds


def test_the_history_is_json(emulator, experiments):
    """The history survives a round trip through JSON."""
    experiments.running()
    history = emulator.history()
    assert history == json.loads(json.dumps(history))
