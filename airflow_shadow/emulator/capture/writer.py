"""Write the files that are due to moto's S3, when somebody looks at their bucket."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from moto.s3.models import S3Backend, s3_backends
from moto.utilities.utils import get_partition

from airflow_shadow.emulator.account_state import AccountState
from airflow_shadow.emulator.capture.files import File, fits, folder
from airflow_shadow.emulator.capture.labels import Labels
from airflow_shadow.emulator.capture.series import Captures, Series


def has_files(state: AccountState, bucket: str) -> bool:
    """Whether captures or labels go to a bucket."""
    return any(
        bucket == one.place.bucket for orders in state.labels.values() for one in orders
    ) or any(
        bucket == span.capture.place.bucket for spans in state.captures.values() for span in spans
    )


def write_due(state: AccountState, bucket: str, prefix: str | None, now: datetime) -> None:
    """Write the files that are due in a bucket and whose keys can have a prefix.

    Only those of the minutes that were never settled are made, so that looking at an hour costs
    that hour. Without a bucket all that is due is lost (assumed: capture-without-bucket).

    :param prefix: None if nothing is read, so that nothing has to be written
    """
    backend: S3Backend = s3_backends[state.account][get_partition(state.region)]
    if bucket not in backend.buckets:
        _lose(state, bucket, now)
    elif prefix is not None:
        at = now.timestamp()
        due = (
            (minute, series)
            for series in _all_series(state, bucket)
            for minute in _due(series, at, prefix)
        )
        # By minute, because the variants share the requests of one.
        for minute, series in sorted(due, key=lambda one: one[0]):
            series.written.add(minute)
            if found := series.file(minute):
                _put(backend, bucket, found)


def _all_series(state: AccountState, bucket: str) -> Iterator[Series]:
    for endpoint, spans in state.captures.items():
        variants = state.timelines[endpoint].variants()
        for span in spans:
            if span.capture.place.bucket == bucket:
                for variant in variants:
                    yield Captures(state=state, endpoint=endpoint, variant=variant, span=span)
    for endpoint, orders in state.labels.items():
        for order in orders:
            if order.place.bucket == bucket and endpoint in state.timelines:
                yield Labels(state=state, endpoint=endpoint, order=order)


def _due(series: Series, now: float, prefix: str = "") -> Iterator[int]:
    """Yield the minutes whose files are due and can have a prefix."""
    if not fits(series.base, prefix):
        return

    def wanted(minutes: Sequence[int]) -> bool:
        hours = series.hours(minutes[0]) | series.hours(minutes[-1])
        return any(fits(series.base + folder(hour), prefix) for hour in hours)

    for minute in series.written.missing(series.window(now), wanted):
        if wanted((minute,)) and series.due(minute) <= now:
            yield minute


def _lose(state: AccountState, bucket: str, now: datetime) -> None:
    for series in _all_series(state, bucket):
        lost = list(_due(series, now.timestamp()))
        for minute in lost:
            series.written.add(minute)
        if lost:
            facts = {"endpoint": series.endpoint, "bucket": bucket, "folder": series.base}
            state.note("capture", now, **facts, lost_minutes=len(lost))


def _put(backend: S3Backend, bucket: str, found: File) -> None:
    key = backend.put_object(bucket, found.key, found.body)
    # Moto keeps times in UTC without a zone.
    key.last_modified = datetime.fromtimestamp(found.at, UTC).replace(tzinfo=None)
