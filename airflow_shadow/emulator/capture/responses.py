"""S3: moto's, and captures that are written when somebody looks."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from moto.core.common_types import TYPE_RESPONSE
from moto.s3.responses import S3Response

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
        with self.emulator.lock:
            if self._has_files():
                self._write(self._listed(request, full_url))
                # Under the lock, because no file may come while a list is made.
                return super()._bucket_response(request, full_url)
        return super()._bucket_response(request, full_url)

    def _key_response(self, request: Any, full_url: str) -> TYPE_RESPONSE:
        with self.emulator.lock:
            if self._has_files():
                self._write(self.parse_key_name())
        return super()._key_response(request, full_url)

    def _listed(self, request: Any, full_url: str) -> str | None:
        """Return the prefix of a list; None for a request that looks at no file."""
        query = self._get_querystring(request, full_url)
        if request.method == "GET" and (not query or _LISTS & set(query)):
            return str(query.get("prefix", [""])[0])
        # A bucket with files in it cannot be deleted.
        return "" if request.method == "DELETE" and not query else None

    def _has_files(self) -> bool:
        return any(has_files(one, self.bucket_name) for one in self.emulator.known_states())

    def _write(self, prefix: str | None) -> None:
        now: datetime = self.emulator.clock.now()
        for state in self.emulator.known_states():
            if has_files(state, self.bucket_name):
                run_due_events(state, now)
                write_due(state, self.bucket_name, prefix, now)
