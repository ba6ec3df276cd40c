"""Run `rollout_on_evidence` in a real Airflow against the emulator, for a good and a bad candidate.

Everything lives in a temporary folder and on loopback; nothing is left behind but Airflow's log and
the reports.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

from airflow_shadow.emulator import fleet
from airflow_shadow.emulator.traffic import Traffic
from demo.setup import ROOT, SPEED, airflow_environment, client, emulator
from demo.story import Story

FOLDER = ROOT / ".demo"
LOG, REPORTS = FOLDER / "airflow.log", FOLDER / "reports"
PRODUCTION, GOOD, BAD = "churn-20260228", "churn-20260301", "churn-20260302"
#: The bad candidate answers about every 14th request with an error, and is half as fast.
FAULTS = {"SHADOW_ERROR_RATE": "0.07", "SHADOW_LATENCY_MS": "100"}
#: Seconds; each run takes a quarter of it, so it ends only what hangs.
PATIENCE = 600
WHAT_NEXT = f"""\
  - open the reports in {REPORTS.relative_to(ROOT)}; Airflow's log is beside them
  - read the Dag: example_dags/rollout_on_evidence.py, a minute
  - test your own: docs/testing-your-dags.md
  - keep an emulator: .venv/bin/python -m airflow_shadow.emulator --port 5000 --speed 600
  - against AWS: this Dag promotes by itself, so begin with docs/first-test-on-aws.md, a dry run"""


def main() -> int:
    """Tell the story; return 0 if the good candidate serves in the end, and not the bad one."""
    print("Two candidates, judged on live traffic from an Airflow Dag; no AWS account is needed.\n")
    FOLDER.mkdir(exist_ok=True)
    LOG.write_bytes(b"")
    shutil.rmtree(REPORTS, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="airflow-shadow-demo-") as home, emulator() as url:
        sagemaker = client(url)
        print(f"1. SageMaker is an emulator at {url}; its clock runs {SPEED} times as fast.")
        set_up_fleet(sagemaker)
        story = Story(url=url, sagemaker=sagemaker)
        print(f"   Endpoint churn runs {story.endpoint('churn')} under 300 requests a minute.")
        print(f"   {BAD} fails about every 14th of them, {GOOD} is as good as production.\n")
        environment = airflow_environment(home, url)
        environment["AIRFLOW__AIRFLOW_SHADOW__REPORTS_FOLDER"] = str(REPORTS)
        airflow(environment, "db", "migrate")
        ended_well = night(2, GOOD, environment, story) and night(3, BAD, environment, story)
        return report(ended_well=ended_well, serves=story.serves("churn"))


def set_up_fleet(sagemaker: Any) -> None:
    """Create what a team has before it tests: an endpoint that serves, and candidate models."""
    fleet.create_endpoint(
        sagemaker, endpoint_name="churn", model_name=PRODUCTION, traffic=Traffic()
    )
    fleet.create_model(sagemaker, name=GOOD)
    fleet.create_model(sagemaker, name=BAD, environment=FAULTS)


def night(number: int, candidate: str, environment: dict[str, str], story: Story) -> bool:
    """Run the Dag for the night of a candidate; tell what happens and on what evidence."""
    date = f"{candidate[-8:-4]}-{candidate[-4:-2]}-{candidate[-2:]}"
    print(f"{number}. The night of {candidate}: example_dags/rollout_on_evidence.py")
    print(f"   $ airflow dags test rollout_on_evidence {date}\n", flush=True)
    story.start, told = None, LOG.stat().st_size
    ended_well = airflow(environment, "dags", "test", "rollout_on_evidence", date, story=story)
    with LOG.open(encoding="utf-8") as log:
        log.seek(told)
        print("\n   The evidence, from the task's log:\n")
        for line in last_table(log.read().splitlines()):
            print(f"   {line}")
    print(f"\n   AWS keeps the reason: {story.reason(candidate)}")
    print(f"   Report: {(REPORTS / date).relative_to(ROOT)}.html\n", flush=True)
    return ended_well


def last_table(lines: list[str]) -> Iterator[str]:
    """Yield the last table of evidence in Airflow's log."""
    begins = [number for number, line in enumerate(lines) if line.startswith("criterion ")]
    for line in lines[begins[-1] :] if begins else ["none was found; the log says why."]:
        yield line
        if line.startswith("unanswered requests"):
            return


def airflow(environment: dict[str, str], *command: str, story: Story | None = None) -> bool:
    """Run one of Airflow's commands, tell what happens at AWS meanwhile; return whether it did."""
    with (
        LOG.open("ab") as log,
        subprocess.Popen(
            ["airflow", *command],  # noqa: S607 - of this environment
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        ) as run,
    ):
        deadline = time.monotonic() + PATIENCE
        while run.poll() is None:
            if story:
                story.tell_news()
            if time.monotonic() > deadline:
                run.kill()  # Airflow ignores a polite request here
            time.sleep(0.1)
        if story:
            story.tell_news()
        return run.returncode == 0


def report(*, ended_well: bool, serves: str) -> int:
    """Say how it went and what to do next; return the exit code."""
    written = all((REPORTS / f"2026-03-0{night}.html").exists() for night in (1, 2))
    if not ended_well or serves != GOOD or not written:
        print(f"It failed: the runs {'succeeded' if ended_well else 'failed'}, {serves} serves,")
        print(f"the reports are {'written' if written else 'missing'}.")
        print(f"Airflow's log is in {LOG.relative_to(ROOT)}.")
        return 1
    print(f"Promoted on evidence: {GOOD}. Removed on evidence: {BAD}. Next:")
    print(WHAT_NEXT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
