"""InferenceExperimentEventTrigger: nothing that goes wrong ends a watcher, or loses an event."""

from __future__ import annotations

import json
from functools import partial

import pytest

from tests.helpers import another, somebodys, stop
from tests.triggers.watching import Store, cancelled, told, wait_until, watcher

LIST, DESCRIBE = "ListInferenceExperiments", "DescribeInferenceExperiment"
pytestmark = pytest.mark.thorough
TROUBLE = "Experiments cannot be watched now"
ONCE = {"retries": {"total_max_attempts": 1}}


@pytest.fixture
def ended(churn, sagemaker):
    """Set up an experiment that somebody stopped."""
    somebodys(sagemaker)
    stop(sagemaker, "theirs")


def names(events):
    """Return the names of the experiments that events tell of."""
    return [event["name"] for event in events]


@pytest.mark.usefixtures("ended")
@pytest.mark.parametrize(
    "body",
    [
        "<html>Maintenance</html>",
        {},
        {"InferenceExperiments": "none"},
        {"InferenceExperiments": [{}]},
        {"InferenceExperiments": [{"Name": "theirs", "Status": "Cancelled"}]},
    ],
)
def test_a_page_that_is_not_from_aws_ends_no_watcher(emulator, body):
    """What a proxy answers is passed over; the next page is read again from the same moment."""
    text = body if isinstance(body, str) else json.dumps(body)
    emulator.faults.add(kind="garbage", operation=LIST, times=3, body=text)
    assert ["theirs"] == names(told(watcher(botocore_config=ONCE)))


@pytest.mark.usefixtures("ended")
def test_refusals_end_no_watcher(emulator):
    """Throttling passes, and a role is given its permissions later."""
    emulator.faults.add(kind="throttle", operation=LIST)
    emulator.faults.add(kind="access-denied", operation=LIST)
    emulator.faults.add(kind="access-denied", operation=DESCRIBE)
    assert ["theirs"] == names(told(watcher(botocore_config=ONCE)))


def two_ended(sagemaker):
    """Let an experiment end on each of two endpoints; return the names as AWS lists them."""
    another(sagemaker, name="other")
    somebodys(sagemaker, name="mine")
    somebodys(sagemaker, name="theirs", EndpointName="other")
    for name in ("mine", "theirs"):
        stop(sagemaker, name)
    return [row["Name"] for row in sagemaker.list_inference_experiments()["InferenceExperiments"]]


@pytest.mark.parametrize("kind", ["access-denied", "garbage"])
@pytest.mark.usefixtures("churn")
def test_what_cannot_be_described_keeps_no_other_from_being_told(emulator, sagemaker, kind):
    """Each gets its event, the one in trouble once it is over."""
    first, second = two_ended(sagemaker)
    options = {"body": "{}"} if kind == "garbage" else {}
    emulator.faults.add(kind=kind, operation=DESCRIBE, about=first, times=3, **options)
    assert [second, first] == names(told(watcher(botocore_config=ONCE), count=2))


@pytest.mark.usefixtures("churn")
def test_events_that_were_found_before_the_trouble_are_told_at_once(emulator, sagemaker):
    """A poll that breaks off in its middle loses nothing, and repeats nothing."""
    first, second = two_ended(sagemaker)
    emulator.faults.add(kind="throttle", operation=DESCRIBE, about=second, times=None)
    watching = watcher(botocore_config=ONCE)
    assert [first] == names(told(watching))
    emulator.faults.clear()
    emulator.faults.add(kind="throttle", operation=DESCRIBE, about=second, times=2)
    assert [first, second] == names(told(watcher(botocore_config=ONCE), count=2))


@pytest.mark.usefixtures("churn")
def test_trouble_at_the_start_moves_the_lookback_no_further(emulator, sagemaker, log):
    """What happens while AWS cannot be asked yet is told afterwards."""
    somebodys(sagemaker)
    emulator.faults.add(kind="throttle", operation=LIST, times=None)

    def end():
        wait_until(lambda: log.containing(TROUBLE), what="trouble")
        stop(sagemaker, "theirs")
        emulator.faults.clear()

    assert ["theirs"] == names(told(watcher(lookback=0, botocore_config=ONCE), end))


#: Each makes no client, or no poll.
WRONG = [
    {"region_name": "no such region"},
    {"region_name": 7},
    {"verify": ["a", "list"]},
    {"botocore_config": "retries=3"},
    {"botocore_config": {"no_such_setting": 1}},
    {"botocore_config": {"retries": "often"}},
    {"aws_conn_id": "nobodys"},
    {"aws_conn_id": 7},
    {"lookback": "long"},
    {"lookback": None},
    {"name": 7},
]


@pytest.mark.usefixtures("ended")
@pytest.mark.parametrize("arguments", WRONG, ids=str)
def test_wrong_arguments_end_no_watcher(arguments, log):
    """The log says it again and again, with pauses; Airflow would start it at once."""
    wrong = watcher(**arguments)
    assert cancelled(wrong, once=lambda: len(log.containing(TROUBLE)) > 2)


@pytest.mark.usefixtures("ended")
@pytest.mark.parametrize("delay", ["soon", 0, -1, None])
def test_a_wrong_delay_is_no_delay(delay, log):
    """Nothing is polled without a pause."""
    assert cancelled(watcher(waiter_delay=delay), once=lambda: log.containing("waiter_delay"))


@pytest.mark.usefixtures("ended")
@pytest.mark.parametrize("value", ["many", "0"])
def test_a_wrong_setting_ends_no_watcher(log, monkeypatch, value):
    """The default is used, and the log says so."""
    monkeypatch.setenv("AIRFLOW__AIRFLOW_SHADOW__MAX_CALLS_PER_SECOND", value)
    assert ["theirs"] == names(told(watcher()))
    assert log.containing("max_calls_per_second must be a number above 0")


@pytest.mark.usefixtures("ended")
def test_a_state_that_cannot_be_read_or_written_ends_no_watcher(log):
    """Events come without it, and the log says once that they may come again."""
    store = Store(fails=float("inf"))
    assert ["theirs"] == names(told(watcher(store), polls=6))
    assert 1 == len(log.containing("The asset's state is unavailable"))


@pytest.mark.usefixtures("churn")
def test_a_state_that_is_read_late_is_gone_on_from(emulator, sagemaker):
    """Until then nothing overwrites it, and what happened after it is told in the end."""
    store = Store()
    somebodys(sagemaker)
    end = partial(stop, sagemaker, "theirs")
    assert ["theirs"] == names(told(watcher(store, lookback=0), end, kept=store))
    somebodys(sagemaker, name="later")
    stop(sagemaker, "later")
    emulator.clock.advance(400)  # beyond what a watcher without state looks back
    store.fails = 3
    assert ["later"] == names(told(watcher(store, lookback=0)))


@pytest.mark.usefixtures("ended")
@pytest.mark.parametrize("kept", ["text", {"since": "then"}, {"since": None, "told": []}, [1]])
def test_a_state_that_is_not_ours_counts_as_none(kept, log):
    """Somebody else may have written it."""
    watching = watcher(store := Store())
    store.values = {watching._state_key: kept}
    assert ["theirs"] == names(told(watching, kept=store))
    assert log.containing("which is no state of ours")
    assert {"since", "told"} == store.values[watching._state_key].keys()
