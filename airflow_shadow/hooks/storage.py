"""Write a text to a local file, or to any object storage that Airflow knows."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from airflow_shadow._compat import AirflowException, object_storage
from airflow_shadow.exceptions import ReportNotWrittenError
from airflow_shadow.text.messages import short_repr

_S3 = frozenset({"s3", "s3a", "s3n"})
#: What a storage raises if it cannot write: the system's own errors, a missing library, an unknown
#: scheme or connection, and what s3fs lets through.
_FAULTS = (
    AirflowException,
    BotoCoreError,
    ClientError,
    ImportError,
    OSError,
    RuntimeError,  # a circle of links, or what a storage has not implemented
    ValueError,
)


def write_text(base: str, way: str, text: str, *, conn_id: str | None) -> str:
    """Write a text in one piece and return its path.

    :param base: a local folder, which is made if needed, or a URL of Airflow's object storage, like
        `s3://bucket/` or `s3://conn_id@bucket/folder/`
    :param way: path below it; no link may lead out of a local folder
    :param conn_id: connection for a URL of S3 that names none
    :raises ReportNotWrittenError: it could not be written
    """
    path = f"{base}{way}"
    scheme, separator, place = path.partition("://")
    try:
        if separator and scheme != "file":
            return _write_object(scheme, place, text, conn_id=conn_id if scheme in _S3 else None)
        return _write_file(base.removeprefix("file://"), way, text)
    except _FAULTS as error:
        raise _refusal(path, scheme, error) from error


def _write_file(base: str, way: str, text: str) -> str:
    """Write a file beside its place and move it there, so that readers see the old or the new."""
    folder = Path(base).expanduser().resolve()
    target = (folder / way).parent.resolve() / Path(way).name
    if not target.is_relative_to(folder):
        raise PermissionError(f"a link leads out of {folder}")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{uuid4().hex}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return str(target)


def _write_object(scheme: str, place: str, text: str, *, conn_id: str | None) -> str:
    bucket, _, key = place.partition("/")
    named, _, bucket = bucket.rpartition("@")
    # A browser shows an object of S3 only if its type is HTML.
    about = {"ContentType": "text/html; charset=utf-8"} if scheme in _S3 else {}
    storage = object_storage(scheme, named or conn_id)
    # An object becomes visible when it is complete, so it is written in place.
    with storage.open(f"{scheme}://{bucket}/{key}", "wb", **about) as file:
        file.write(text.encode())
    return f"{scheme}://{place}"


def _refusal(path: str, scheme: str, error: Exception) -> ReportNotWrittenError:
    """Return our error for a storage's; what to install is known for S3 alone."""
    install = "Install apache-airflow-providers-amazon[s3fs] where tasks run, or give a local path."
    return ReportNotWrittenError(
        asked=f"to write the report to {short_repr(path)}",
        found=f"{type(error).__name__}: {str(error).rstrip('.')}",
        next_step=install if isinstance(error, ImportError) and scheme in _S3 else None,
    )
