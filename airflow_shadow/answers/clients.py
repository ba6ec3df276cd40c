"""S3 outside of Airflow: with the rights, and in the region, of the machine that asks."""

from __future__ import annotations

from typing import Any

#: Times that a call is made while S3 is busy: many machines ask at once.
_ATTEMPTS = 10


def s3_client() -> Any:
    """Return a client of S3 with the machine's own credentials."""
    import boto3  # noqa: PLC0415 - in a task of Airflow the connection's client is used
    from botocore.config import Config  # noqa: PLC0415

    return boto3.client(
        "s3", config=Config(retries={"mode": "standard", "total_max_attempts": _ATTEMPTS})
    )
