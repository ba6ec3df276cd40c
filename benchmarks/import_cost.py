"""What a Dag file pays for importing this provider's operators and sensors.

Compared in one run with what users have instead: the amazon provider's own SageMaker operators and
sensors. Both are measured in fresh processes that have imported the AWS base classes already, as
any Dag file with AWS operators has. Prints medians of ten and the ratio.
"""

import json
import statistics
import subprocess
import sys

RUNS = 10
OURS = "airflow_shadow.operators, airflow_shadow.sensors"
THEIRS = (
    "airflow.providers.amazon.aws.operators.sagemaker, "
    "airflow.providers.amazon.aws.sensors.sagemaker"
)
PROBE = """
import json, resource, sys, time
import airflow.providers.amazon.aws.operators.base_aws
import airflow.providers.amazon.aws.sensors.base_aws

def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()

memory, start = resident(), time.perf_counter()
import {modules}
seconds = time.perf_counter() - start
print(json.dumps({{
    "ms": seconds * 1e3,
    "mb": (resident() - memory) / 1e6,
    "triggers": sorted(name for name in sys.modules if name.startswith("airflow_shadow.triggers")),
}}))
"""


def measure(modules: str) -> dict:
    """Import modules in a fresh process and return what it cost."""
    code = PROBE.format(modules=modules)
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.strip().split("\n")[-1])


def main() -> None:
    """Measure both in turn and print the medians."""
    runs = [(measure(OURS), measure(THEIRS)) for _ in range(RUNS)]
    print(f"import after the AWS base classes, median of {RUNS}:")
    print(f"{'':34}{'ms':>8}{'MB':>8}")
    for name, index in (("airflow_shadow", 0), ("amazon provider's SageMaker", 1)):
        ms, mb = (statistics.median(run[index][key] for run in runs) for key in ("ms", "mb"))
        print(f"{name:34}{ms:8.1f}{mb:8.2f}")
    ratio = statistics.median(ours["ms"] / theirs["ms"] for ours, theirs in runs)
    print(f"ratio of the times: {ratio:.2f}")
    print(f"trigger modules imported: {runs[0][0]['triggers'] or 'none'}")


if __name__ == "__main__":
    main()
