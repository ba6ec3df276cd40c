"""S3: moto's, and captures that are written when somebody looks."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from moto.core.common_types import TYPE_RESPONSE
from moto.s3.responses import S3Response

from airflow_shadow.emulator.capture import faults
from airflow_shadow.emulator.capture.writer import has_files, write_due
from airflow_shadow.emulator.sagemaker.events import run_due_events

if TYPE_CHECKING:
    from airflow_shadow.emulator.core import Emulator

#: The parameters of lists of a bucket; others ask for its settings.
_LISTS = {"list-type", "prefix", "delimiter", "versions", "max-keys", "marker"}


class ShadowS3(S3Response):  # type: ignore[misc,unused-ignore]
    """Moto's S3, in which captures and labels appear by the emulator's clock."""

    emulator: ClassVar["Emulator"]

    def _bucket_response(self, request: Any, full_url: str) -> Any:
        listed = self._listed(request, full_url)
        operation = "ListObjectsV2" if listed is not None else f"{request.method.title()}Bucket"

        def act() -> Any:
            with self.emulator.lock:
                if self._has_files():
                    self._write(listed)
                    # Under the lock, because no file may come while a list is made.
                    return super(ShadowS3, self)._bucket_response(request, full_url)
            return super(ShadowS3, self)._bucket_response(request, full_url)

        return self._perform(operation, listed or "", full_url, act)

    def _key_response(self, request: Any, full_url: str) -> TYPE_RESPONSE:
        key = self.parse_key_name()

        def act() -> TYPE_RESPONSE:
            with self.emulator.lock:
                # What is there needs no look at what is due.
                if self._has_files() and not self._is_there(key):
                    self._write(key)
            return super(ShadowS3, self)._key_response(request, full_url)

        return self._perform(f"{request.method.title()}Object", key, full_url, act)

    def _perform(
        self, operation: str, name: str, url: str, act: Callable[[], TYPE_RESPONSE]
    ) -> TYPE_RESPONSE:
        """Answer, or let the call fail as a fault of this operation of S3 says."""
        names = f"{self.bucket_name}/{name}"
        fault = self.emulator.faults.take(
            faults.KINDS,
            operation=operation,
            account=self.current_account,
            region=str(self.region),
            names=names,
            by_name=True,
        )
        if fault is None:
            return act()
        holds = self.emulator.holds
        hold = partial(holds.hold, operation=operation, name=names)
        return faults.perform(fault, url, act=act, hold=lambda kind: hold(kind=kind))

    def _listed(self, request: Any, full_url: str) -> str | None:
        """Return the prefix of a list; None for a request that looks at no file."""
        query = self._get_querystring(request, full_url)
        if request.method == "GET" and (not query or _LISTS & set(query)):
            return str(query.get("prefix", [""])[0])
        # A bucket with files in it cannot be deleted.
        return "" if request.method == "DELETE" and not query else None

    def _is_there(self, key: str) -> bool:
        bucket = self.backend.buckets.get(self.bucket_name)
        return bucket is not None and key in bucket.keys

    def _has_files(self) -> bool:
        return any(has_files(one, self.bucket_name) for one in self.emulator.known_states())

    def _write(self, prefix: str | None) -> None:
        now: datetime = self.emulator.clock.now()
        for state in self.emulator.known_states():
            if has_files(state, self.bucket_name):
                run_due_events(state, now)
                write_due(state, self.bucket_name, prefix, now)
