"""Run the example Dag `promote_nightly` in a real Airflow against the emulator, and tell the story.

Everything lives in a temporary folder and on loopback; nothing is left behind but Airflow's log.
"""

import subprocess
import sys
import tempfile
import time
from typing import Any

from airflow_shadow.emulator import fleet
from demo.setup import ROOT, SPEED, airflow_environment, client, emulator
from demo.story import Story

LOG = ROOT / ".demo" / "airflow.log"
NIGHT, CANDIDATE, PRODUCTION = "2026-03-01", "churn-20260301", "churn-20260228"
#: Seconds; the whole takes a quarter of it, so it ends only what hangs.
PATIENCE = 300


def main() -> int:
    """Tell the story; return 0 if the candidate serves in the end."""
    print("A shadow test from an Airflow Dag, on this machine, with no AWS account.\n")
    with tempfile.TemporaryDirectory(prefix="airflow-shadow-demo-") as home, emulator() as url:
        sagemaker = client(url)
        print(f"1. SageMaker is an emulator at {url}; its clock runs {SPEED} times as fast.")
        set_up_fleet(sagemaker)
        story = Story(url=url, sagemaker=sagemaker)
        before = story.endpoint("churn")
        print(f"   Endpoint churn runs {before}; tonight's candidate is {CANDIDATE}.\n")
        environment = airflow_environment(home, url)
        print("2. Airflow makes its database and runs example_dags/promote_nightly.py:")
        print(f"   $ airflow dags test promote_nightly {NIGHT}\n")
        ended_well = run_dag(environment, story)
        after = story.endpoint("churn")
        print(f"\n3. Endpoint churn before: {before}\n                   after: {after}\n")
        return report(ended_well=ended_well, serves=story.serves("churn"))


def set_up_fleet(sagemaker: Any) -> None:
    """Create what a team has before it tests: an endpoint that serves, and a candidate model."""
    fleet.create_endpoint(sagemaker, endpoint_name="churn", model_name=PRODUCTION)
    fleet.create_model(sagemaker, name=CANDIDATE)


def run_dag(environment: dict[str, str], story: Story) -> bool:
    """Run the Dag and tell what happens at AWS meanwhile; return whether the run succeeded."""
    LOG.parent.mkdir(exist_ok=True)
    with LOG.open("w", encoding="utf-8") as log:
        output = {"env": environment, "stdout": log, "stderr": subprocess.STDOUT}
        subprocess.run(["airflow", "db", "migrate"], check=True, timeout=PATIENCE, **output)  # noqa: S607
        with subprocess.Popen(
            ["airflow", "dags", "test", "promote_nightly", NIGHT],  # noqa: S607 - of this environment
            **output,
        ) as run:
            deadline = time.monotonic() + PATIENCE
            while run.poll() is None:
                story.tell_news()
                if time.monotonic() > deadline:
                    run.kill()  # Airflow ignores a polite request here
                time.sleep(0.1)
            story.tell_news()
            return run.returncode == 0


def report(*, ended_well: bool, serves: str) -> int:
    """Say how it went and what to do next; return the exit code."""
    if not ended_well or serves != CANDIDATE:
        print(f"It failed: the run {'succeeded' if ended_well else 'failed'}, {serves} serves.")
        print(f"Airflow's log is in {LOG.relative_to(ROOT)}.")
        return 1
    print(f"Promoted: {CANDIDATE} serves, tested on live traffic first.")
    print(f"Airflow's log is in {LOG.relative_to(ROOT)}. Next:")
    print("  - read the Dag: example_dags/promote_nightly.py, a minute")
    print(
        "  - keep an emulator: .venv/bin/python -m airflow_shadow.emulator --port 5000 --speed 600"
    )
    print("  - against AWS: take endpoint_url out of the connection; the Dag stays as it is")
    return 0


if __name__ == "__main__":
    sys.exit(main())
