"""What would have been right can be had as labels, late as asked."""

import csv
import json
from datetime import timedelta
from http.client import HTTPConnection
from io import StringIO

import pytest

from airflow_shadow.emulator.capture.answers import Answers
from airflow_shadow.emulator.traffic import Traffic
from tests.emulator.capture.conftest import FLAT

pytestmark = pytest.mark.thorough


def ids(records, name):
    """Return an id of each record."""
    return {record["eventMetadata"][name] for record in records}


def test_a_line_has_the_format_of_aws(answering, emulator, captured):
    """A label is a line of groundTruthData, in a folder of the hour of its collection."""
    answering()
    emulator.labels("answering", "s3://captured/truth", late_seconds=0)
    [key, *_] = captured.keys("truth/")
    record = json.loads(captured.text(key).splitlines()[0])
    assert {"encoding": "CSV"} == {
        name: value for name, value in record["groundTruthData"].items() if name != "data"
    }
    assert record["groundTruthData"]["data"] in {"0", "1"}
    assert ["groundTruthData", "eventMetadata", "eventVersion"] == list(record)
    assert 6 == len(key.split("/"))


def test_labels_name_the_callers_id(answering, emulator, captured, labels):
    """Each captured request has one label, under the id that its caller gave."""
    answering()
    emulator.labels("answering", "s3://captured/truth", late_seconds=0)
    found = labels()
    assert ids(captured.records("AllTraffic"), "inferenceId") <= set(found)
    assert {1} == {len(one) for one in found.values()}


def test_labels_name_productions_event_else(answering, emulator, captured, labels):
    """Without an id of the caller a label names the eventId of production's record."""
    answering(traffic=Traffic(requests_per_minute=60, daily_swing=0, inference_ids=0))
    emulator.labels("answering", "s3://captured/truth", late_seconds=0)
    found = set(labels())
    assert ids(captured.records("AllTraffic"), "eventId") <= found
    assert set() == ids(captured.records("Shadow"), "eventId") & found


def test_labels_are_late_as_asked(answering, emulator, captured):
    """A label comes when it is collected, and lies in the folder of that hour."""
    answering(hours=2)
    emulator.labels("answering", "s3://captured/truth", late_seconds=3 * 3600)
    assert [] == captured.keys("truth/")
    emulator.clock.advance(timedelta(hours=2))
    keys = captured.keys("truth/")
    assert len(keys) in range(58, 62)
    hours = {emulator.clock.now() - timedelta(hours=hour) for hour in (0, 1)}
    assert {key[6:19] for key in keys} <= {f"{hour:%Y/%m/%d/%H}" for hour in hours}


def test_a_share_of_the_requests_has_labels(answering, emulator, captured, labels):
    """Labels for a tenth of the requests."""
    emulator.capture_late_seconds = 0
    answering(traffic=Traffic(requests_per_minute=300, daily_swing=0))
    emulator.labels("answering", "s3://captured/truth", late_seconds=0, share=0.1)
    assert pytest.approx(0.1, abs=0.01) == len(labels()) / len(captured.records("AllTraffic"))


def test_labels_can_be_csv(answering, emulator, captured):
    """A table with a header; the rows of a batch are separated by commas."""
    answering(Answers(kind="label", rows=3))
    emulator.labels("answering", "s3://captured/truth", late_seconds=0, form="csv")
    [key, *_] = captured.keys("truth/")
    header, *rows = csv.reader(StringIO(captured.text(key)))
    assert key.endswith(".csv")
    assert ["id", "label"] == header
    assert {3} == {len(label.split(",")) for _, label in rows}


def test_texts_have_texts_as_labels(answering, emulator, captured, labels):
    """The label of a text is the right text."""
    answering(Answers(kind="text"))
    emulator.labels("answering", "s3://captured/truth", late_seconds=0)
    truth, said = labels(), captured.rows("AllTraffic")
    assert [rows[0]["text"] for rows in said.values()] == [truth[name][0] for name in said]


@pytest.mark.parametrize(
    "wrong",
    [
        {"destination": "captured/truth"},
        {"share": 1.5},
        {"late_seconds": -1},
        {"form": "parquet"},
    ],
)
def test_wrong_orders_are_refused(emulator, wrong):
    """An order that cannot be met raises ValueError."""
    [value] = wrong.values()
    with pytest.raises(ValueError, match=str(value)):
        emulator.labels("answering", **{"destination": "s3://captured/truth", **wrong})


@pytest.mark.http
def test_labels_are_ordered_over_http(emulator, answering, captured, labels):
    """Other processes order labels, and see what was ordered."""
    answering(traffic=FLAT)
    host = emulator.url.removeprefix("http://")
    for method, body in (
        (
            "POST",
            {"endpoint": "answering", "destination": "s3://captured/truth", "late_seconds": 0},
        ),
        ("GET", None),
    ):
        connection = HTTPConnection(host)
        connection.request(method, "/shadow-api/labels", body and json.dumps(body))
        [order] = json.load(connection.getresponse())
        connection.close()
        assert ("answering", "jsonl", 1.0) == (order["endpoint"], order["form"], order["share"])
    assert labels()
