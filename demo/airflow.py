"""The example Dags in Airflow's own pages: `make airflow`, until Ctrl-C.

Emulator, scheduler, Dag processor, triggerer and API server run in one process group, which ends as
a whole: `airflow standalone` would leave its children behind.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from airflow_shadow.emulator import fleet
from airflow_shadow.emulator.traffic import Traffic
from demo.setup import ROOT, airflow_environment, client, emulator

LOG = ROOT / ".demo" / "standalone.log"
#: Seconds until Airflow must be healthy, and until its processes must have ended.
PATIENCE, GRACE = 300, 20
HEALTH = "/api/v2/monitor/health"
FLEET = {
    "us-east-1": {"churn": ["churn-v1", "churn-v2"], "fraud": ["fraud-v6", "fraud-v7"]},
    "eu-west-1": {"churn": ["churn-v1", "churn-v2"]},
}
#: There the candidate fails every fifth request, so fleet_mapped leaves production as it is.
FAULTS = {"eu-west-1": {"SHADOW_ERROR_RATE": "0.2"}}


def main() -> int:
    """Serve until Ctrl-C or SIGTERM; return 0 if Airflow became healthy."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with tempfile.TemporaryDirectory(prefix="airflow-shadow-ui-") as home, emulator() as url:
        set_up_fleet(url)
        page = f"http://127.0.0.1:{free_port()}"
        print(f"The emulator is at {url}, its own page at {url}/shadow.", flush=True)
        print(f"Airflow starts; its log is in {LOG.relative_to(ROOT)}.", flush=True)
        with suppress(KeyboardInterrupt), standalone(settings(home, url, page)) as airflow:
            if not healthy(page, airflow):
                print("Airflow did not start; the end of its log says why.")
                return 1
            print(f"Open {page} and trigger shadow_on_demand. Ctrl-C ends it all.", flush=True)
            airflow.wait()
    print("All has ended.")
    return 0


def set_up_fleet(url: str) -> None:
    """Create what shadow_on_demand and fleet_mapped ask for; the other examples want more."""
    for region, endpoints in FLEET.items():
        sagemaker = client(url, region)
        for endpoint, (serving, candidate) in endpoints.items():
            fleet.create_endpoint(
                sagemaker, endpoint_name=endpoint, model_name=serving, traffic=Traffic()
            )
            fleet.create_model(sagemaker, name=candidate, environment=FAULTS.get(region, {}))


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def settings(home: str, url: str, page: str) -> dict[str, str]:
    """Return the settings of an Airflow with its own pages, open to whoever is on this machine."""
    return {
        **airflow_environment(home, url),
        "AIRFLOW__API__BASE_URL": page,
        "AIRFLOW__API__HOST": "127.0.0.1",
        # What the examples set for themselves; it is for Dags that are tried beside them.
        "AIRFLOW__CORE__DEFAULT_TASK_RETRIES": "3",
        "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "10",
        "AIRFLOW__API__PORT": page.rsplit(":", 1)[-1],
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{page}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
    }


@contextmanager
def standalone(environment: dict[str, str]) -> Iterator[Any]:
    """Run `airflow standalone` as a process group of its own, and end the whole group."""
    LOG.parent.mkdir(exist_ok=True)
    command = [str(Path(sys.executable).parent / "airflow"), "standalone"]
    with LOG.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            yield process
        finally:
            end_group(process)


def end_group(process: Any) -> None:
    """Ask the group to end, then make it."""
    deadline = time.monotonic() + GRACE
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        while time.monotonic() < deadline:
            process.poll()
            os.killpg(process.pid, 0)  # raises when the last one has ended
            time.sleep(0.2)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def healthy(page: str, airflow: Any) -> bool:
    """Wait until Airflow's own health page says that all of its parts are well."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and airflow.poll() is None:
        with suppress(OSError), urllib.request.urlopen(f"{page}{HEALTH}") as answer:  # noqa: S310
            if b"unhealthy" not in answer.read():
                return True
        time.sleep(0.5)
    return False


if __name__ == "__main__":
    sys.exit(main())
