"""The history of what happened, which tests check."""

import json
import re
from datetime import UTC, datetime
from inspect import getdoc
from pathlib import Path

import pytest
from botocore.exceptions import ConnectionClosedError

from airflow_shadow.emulator import Emulator
from airflow_shadow.emulator.fleet import shadow_mode
from airflow_shadow.emulator.history import KEPT_ENTRIES, History


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


def noted(history, *names):
    """Note calls of these names."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return [history.add(at=at, account="a", region="r", kind="call", name=name) for name in names]


def numbers(history):
    """Return names and numbers, newest first."""
    return [(one["name"], number) for number, one in history.newest(9, without="variant")]


def test_the_oldest_entries_go_first():
    """A full history keeps the last entries, and each its number."""
    history = History(kept=3)
    noted(history, *"abcde")
    assert ["c", "d", "e"] == [one["name"] for one in history.entries(account=None, region=None)]
    assert [("e", 4), ("d", 3), ("c", 2)] == numbers(history)


def test_how_many_are_kept_is_documented():
    """The emulator's docstring and its page have the number."""
    page = (Path(__file__).parents[2] / "docs/emulator.md").read_text("utf-8")
    [told] = re.findall(r"The history has the last ([\d,]+) entries", page)
    assert [told] == re.findall(r"[\d,]*\d", getdoc(Emulator.history)) == [f"{KEPT_ENTRIES:,}"]


def test_a_number_is_never_given_again():
    """Not that of a refused call, nor one that a restored history has, nor one of before it."""
    history = History()
    _, refused = noted(history, "a", "refused")
    history.remove(refused)
    noted(history, "b")
    kept = history.numbered()
    noted(history, "later")
    history.replace(kept)
    assert [("b", 2), ("a", 0)] == numbers(history)
    noted(history, "c")
    assert [("c", 4), ("b", 2), ("a", 0)] == numbers(history)
    other = History()
    other.replace(kept)
    noted(other, "d")
    assert [("d", 3), ("b", 2), ("a", 0)] == numbers(other)


def test_a_full_history_stays_bounded_when_it_is_restored():
    """A snapshot of a longer one leaves the last entries."""
    longer, history = History(), History(kept=2)
    noted(longer, *"abc")
    history.replace(longer.numbered())
    noted(history, "d")
    assert [("d", 3), ("c", 2)] == numbers(history)


def test_a_refused_entry_that_is_gone_by_then_is_no_error():
    """A full history may have dropped it."""
    history = History(kept=1)
    first, _ = noted(history, "a", "b")
    history.remove(first)
    assert [("b", 1)] == numbers(history)


def test_the_page_keeps_its_numbers_over_a_snapshot(emulator, experiments):
    """What is shown after a restore has the numbers that it had before."""
    experiments.create()
    kept, before = emulator.snapshot(), emulator.newest(9)
    emulator.reset()
    emulator.restore(kept)
    assert before == emulator.newest(9)
