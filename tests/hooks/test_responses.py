"""What AWS's answers become."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from airflow_shadow.hooks.responses import date_of, to_plain

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def test_a_response_becomes_plain():
    """A description goes to XCom as JSON can carry it."""
    zone = timezone(timedelta(hours=1))
    response = {
        "Schedule": {"StartTime": NOON.astimezone(zone)},
        "ModelVariants": [{"Status": "InService"}],
        "ResponseMetadata": {"HTTPStatusCode": 200},
    }
    assert {
        "Schedule": {"StartTime": "2026-01-31T12:00:00+00:00"},
        "ModelVariants": [{"Status": "InService"}],
    } == to_plain(response)


@pytest.mark.parametrize("date", ["yesterday", "", None])
def test_a_date_that_cannot_be_read_is_no_time(date):
    """The hook keeps the time of the last answer that had one."""
    answer = {"ResponseMetadata": {"HTTPHeaders": {"date": date}}}
    assert date_of(answer) is None
