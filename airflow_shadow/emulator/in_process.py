"""The emulator without a server: boto3 is intercepted in this process."""

from collections.abc import Iterator
from contextlib import contextmanager

from moto import mock_aws

from airflow_shadow.emulator.choices import ErrorSamples
from airflow_shadow.emulator.core import Emulator
from airflow_shadow.emulator.install import install, uninstall
from airflow_shadow.emulator.pace import PaceName


@contextmanager
def mocked(
    *,
    speed: float = 1.0,
    pace: PaceName = "count",
    reads: int = 2,
    error_samples: ErrorSamples = "zeros",
) -> Iterator[Emulator]:
    """Answer boto3 in this process, without HTTP, while the context lasts.

    Works like moto's `mock_aws` (it sets fake credentials and starts from an empty state) plus
    shadow tests. It has no `url`. Arguments as for Emulator.
    """
    emulator = Emulator(speed=speed, pace=pace, reads=reads, error_samples=error_samples)
    with mock_aws():
        install(emulator)
        try:
            yield emulator
        finally:
            uninstall(emulator)
