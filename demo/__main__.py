"""Run `rollout_on_answers` in a real Airflow on the emulator, for a good and a bad candidate.

The bad one is as fast as production and fails no request: only its answers stop it.

Everything lives in a temporary folder and on loopback; nothing is left behind but Airflow's log and
the reports.
"""

import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from airflow_shadow.emulator import fleet
from airflow_shadow.emulator.capture.answers import Answers
from airflow_shadow.emulator.traffic import Traffic
from demo.evidence import last_table
from demo.setup import ROOT, airflow_environment, client, emulator
from demo.story import Story

FOLDER = ROOT / ".demo"
LOG, REPORTS = FOLDER / "airflow.log", FOLDER / "reports"
PRODUCTION, GOOD, BAD = "churn-20260228", "churn-20260301", "churn-20260302"
#: As many at any hour, so that the demo takes no longer at noon: each request is captured twice.
TRAFFIC = Traffic(requests_per_minute=150, daily_swing=0)
#: Seconds; each run takes a quarter of it, so it ends only what hangs.
PATIENCE = 600
WHAT_NEXT = f"""\
  - open the reports in {REPORTS.relative_to(ROOT)}; Airflow's log is beside them
  - read the Dag: example_dags/rollout_on_answers.py, a minute
  - test your own: docs/testing-your-dags.md
  - keep an emulator: .venv/bin/python -m airflow_shadow.emulator --port 5000 --speed 600
  - against AWS: this Dag promotes by itself, so begin with docs/first-test-on-aws.md, a dry run"""


def main() -> int:
    """Tell the story; return 0 if the good candidate serves in the end, and not the bad one."""
    print("Two candidates, judged on live traffic from an Airflow Dag; no AWS account is needed.\n")
    FOLDER.mkdir(exist_ok=True)
    LOG.write_bytes(b"")
    shutil.rmtree(REPORTS, ignore_errors=True)
    with (
        tempfile.TemporaryDirectory(prefix="airflow-shadow-demo-") as home,
        emulator() as url,
        airflow(home, url) as nights,
    ):
        sagemaker = client(url)
        print(f"1. SageMaker is an emulator at {url}; its clock runs as fast as Airflow waits.")
        set_up_fleet(sagemaker, client(url, service="s3"))
        story = Story(url=url, sagemaker=sagemaker, log=LOG)
        print(f"   Endpoint churn runs {story.endpoint('churn')} under 150 requests a minute.")
        print(f"   {GOOD} answers almost like production.")
        print(f"   {BAD} is as fast as production and never fails, but answers every fifth")
        print("   request wrongly.\n")
        ended_well = night(2, GOOD, nights, story) and night(3, BAD, nights, story)
        return report(ended_well=ended_well, serves=story.serves("churn"))


@contextmanager
def airflow(home: str, url: str) -> Iterator[Any]:
    """Start an Airflow that runs Dags one after the other, and end it."""
    environment = airflow_environment(home, url)
    environment["AIRFLOW__AIRFLOW_SHADOW__REPORTS_FOLDER"] = str(REPORTS)
    with (
        LOG.open("ab") as log,
        subprocess.Popen(
            [sys.executable, "-m", "demo.nights"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as nights,
    ):
        try:
            yield nights
        finally:
            nights.kill()  # Airflow ignores a polite request here


def set_up_fleet(sagemaker: Any, s3: Any) -> None:
    """Create what a team has before it tests: a bucket, an endpoint that serves, candidates."""
    s3.create_bucket(Bucket="captures")
    fleet.create_endpoint(sagemaker, endpoint_name="churn", model_name=PRODUCTION, traffic=TRAFFIC)
    fleet.create_model(sagemaker, name=GOOD, answers=Answers(noise=0.015))
    fleet.create_model(sagemaker, name=BAD, answers=Answers(error_rate=0.2))


def night(number: int, candidate: str, nights: Any, story: Story) -> bool:
    """Run the Dag for the night of a candidate; tell what happens and on what evidence."""
    date = f"{candidate[-8:-4]}-{candidate[-4:-2]}-{candidate[-2:]}"
    print(f"{number}. The night of {candidate}: example_dags/rollout_on_answers.py\n", flush=True)
    story.start, told = None, LOG.stat().st_size
    state = run(nights, f"rollout_on_answers {date}", story)
    with LOG.open(encoding="utf-8") as log:
        log.seek(told)
        print("\n   The evidence, from the task's log:\n")
        for line in last_table(log.read()):
            print(f"   {line}")
    print(f"\n   AWS keeps the reason: {story.reason(candidate)}")
    print(f"   Report: {report_of(date).relative_to(ROOT)}\n", flush=True)
    return state == "success"


def report_of(date: str) -> Path:
    """Return where the Dag writes the report of a night."""
    return REPORTS / "answers" / f"{date}.html"


def run(nights: Any, line: str, story: Story) -> str:
    """Ask for one run, tell what happens meanwhile, and return how it ended; "" without an end."""
    print(line, file=nights.stdin, flush=True)
    deadline = time.monotonic() + PATIENCE
    ended: list[Any] = []
    while not ended and time.monotonic() < deadline:
        story.tell_news()
        ended, _, _ = select.select([nights.stdout], [], [], 0.1)
    story.tell_news()
    return nights.stdout.readline().strip() if ended else ""


def report(*, ended_well: bool, serves: str) -> int:
    """Say how it went and what to do next; return the exit code."""
    written = all(report_of(f"2026-03-0{night}").exists() for night in (1, 2))
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
