"""What many waits cost a triggerer, beside the amazon provider's own pattern, in one run.

Each contender runs in a process of its own with one event loop, against a stub in a third that
answers fast and counts. Theirs is `AwsBaseWaiterTrigger` with a waiter on
DescribeInferenceExperiment: a client and a call a poll for each wait. It needs aiobotocore, which
`make bench-waits` installs apart.

`--quick` takes under a minute; without it, several.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
ROWS = (
    ("calls a second", "calls", "{:.2f}"),
    ("CPU s to start", "start_cpu", "{:.2f}"),
    ("memory of all, MB", "mb", "{:.1f}"),
    ("memory a further wait, kB", "kb", "{:.1f}"),
    ("CPU s a minute", "cpu_minute", "{:.2f}"),
    ("loop blocked at start, ms", "start_block", "{:.0f}"),
    ("loop blocked later, ms", "block", "{:.0f}"),
    ("change to event, median s", "median", "{:.2f}"),
    ("change to event, p99 s", "p99", "{:.2f}"),
)


@contextmanager
def stub(count: int) -> Iterator[str]:
    """Serve experiments for as long as the block lasts."""
    command = [sys.executable, str(HERE / "waits_stub.py"), str(count)]
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True) as process:  # noqa: S603
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.stdin.close()


def measure(who: str, count: int, *, delay: float, seconds: float, changes: int) -> dict:
    """Return the figures of one contender."""
    with stub(count) as url:
        connection = {
            "conn_type": "aws",
            "login": "key",
            "password": "secret",
            "extra": {"endpoint_url": url, "region_name": "us-east-1"},
        }
        task = {"who": who, "count": count, "delay": delay, "seconds": seconds, "changes": changes}
        done = subprocess.run(  # noqa: S603 - our own code
            [sys.executable, str(HERE / "waits_process.py"), json.dumps(task)],
            env={
                **os.environ,
                "STUB": url,
                "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(connection),
                "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
            },
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    figures = json.loads(done.stdout.strip().split("\n")[-1])
    delays = sorted(figures.pop("delays")) or [float("nan")]
    figures["median"] = statistics.median(delays)
    figures["p99"] = delays[min(len(delays) - 1, int(0.99 * len(delays)))]
    return {key: value * 1e3 if key.endswith("block") else value for key, value in figures.items()}


def table(count: int, delay: float, ours: dict, theirs: dict | None) -> None:
    """Print figures side by side, with their ratio."""
    print(f"\n{count:,} waits, delay {delay:g} s")
    print(f"{'':28}{'theirs':>12}{'ours':>12}{'ratio':>10}")
    for label, key, form in ROWS:
        their = form.format(theirs[key]) if theirs else "-"
        ratio = f"{theirs[key] / ours[key]:.1f}" if theirs and ours[key] > 0 else "-"
        print(f"{label:28}{their:>12}{form.format(ours[key]):>12}{ratio:>10}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100 waits at 1 s, a short while")
    parser.add_argument("--counts", type=int, nargs="+", default=[1, 10, 100, 1000])
    parser.add_argument("--delays", type=float, nargs="+", default=[5, 30, 60])
    parser.add_argument("--alone", type=int, default=10_000, help="ours alone; 0 for none")
    options = parser.parse_args()
    counts, delays = ([100], [1]) if options.quick else (options.counts, options.delays)
    for delay in delays:
        seconds = 10.0 if options.quick else max(60.0, 2 * delay)
        for count in counts:
            window = {"delay": delay, "seconds": seconds, "changes": 50}
            theirs, ours = (measure(who, count, **window) for who in ("theirs", "ours"))
            table(count, delay, ours, theirs)
    if options.alone and not options.quick:
        window = {"delay": 60.0, "seconds": 120.0, "changes": 50}
        table(options.alone, 60, measure("ours", options.alone, **window), None)


if __name__ == "__main__":
    main()
