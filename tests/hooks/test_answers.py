"""What AWS's answers become."""

from datetime import UTC, datetime, timedelta, timezone

from airflow_shadow.hooks.answers import to_plain

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
