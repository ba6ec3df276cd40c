"""What the demo and the browser version share: an emulator, a fleet, and an Airflow of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

ROOT = Path(__file__).resolve().parent.parent
REGION = "us-east-1"


@contextmanager
def emulator(*, seconds_per_poll: float = 300) -> Iterator[str]:
    """Start the demo's emulator, give its address, and end it."""
    command = [sys.executable, "-m", "demo.emulator", str(seconds_per_poll)]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise SystemExit(f"The emulator did not start; see why with: {' '.join(command)}")
            yield line.split()[-1]
        finally:
            process.terminate()


def client(url: str, region: str = REGION, service: str = "sagemaker") -> Any:
    """Return a client of the emulator."""
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=region,
        aws_access_key_id="demo",
        aws_secret_access_key="demo",  # noqa: S106 - the emulator takes any
    )


def airflow_environment(home: str, url: str) -> dict[str, str]:
    """Return the settings of an Airflow of its own, with the connection to the emulator.

    Whatever Airflow the caller's environment speaks of, its database above all, is left alone.
    """
    connection = {
        "conn_type": "aws",
        "login": "demo",
        "password": "demo-password",
        "extra": {"region_name": REGION, "endpoint_url": url},
    }
    others = {key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW")}
    return {
        **others,
        "AIRFLOW_HOME": home,
        "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(connection),
        "AIRFLOW__AIRFLOW_SHADOW__WAITER_DELAY": "0.5",
        # The emulator's clock moves at each poll, and it has no quota.
        "AIRFLOW__AIRFLOW_SHADOW__MAX_CALLS_PER_SECOND": "1000",
        "AIRFLOW__AIRFLOW_SHADOW__POLL_INTERVAL": "0.5",
        # Seconds; with Airflow's 30 and 50 a Dag is missing where the machine is busy.
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "300",
        "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "300",
        "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "example_dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
