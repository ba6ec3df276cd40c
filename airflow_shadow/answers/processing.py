"""The comparison in a SageMaker Processing job: ``python -m airflow_shadow.answers.processing``.

A job's container finds its document below ``/opt/ml/processing`` and leaves the sums there, which
SageMaker uploads. Captures are read from S3 by the job's role, hour by hour, so that the job's
disk need not hold them. What goes wrong is the job's ``ExitMessage``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from airflow_shadow.answers.job import ComparisonJob
from airflow_shadow.exceptions import ShadowError

#: A container's folder, and those of the document and of the sums in it.
ROOT = "/opt/ml"
INPUT, OUTPUT = "processing/input/job", "processing/output"
DOCUMENT, SUMS = "job.json", "sums.json"
#: The file whose text DescribeProcessingJob shows, and how many bytes of it.
_MESSAGE, _SHOWN = "output/message", 1024


def main(arguments: Sequence[str]) -> int:
    """Compare what the job's document says, and return the exit code.

    :param arguments: the folder that stands for `/opt/ml`, if it is another
    """
    root = Path(arguments[0] if arguments else ROOT)
    try:
        job = ComparisonJob.read((root / INPUT / DOCUMENT).read_text())
        output = root / OUTPUT
        output.mkdir(parents=True, exist_ok=True)
        replace(job, sums=str(output / SUMS)).run()
    except ShadowError as error:
        message = root / _MESSAGE
        message.parent.mkdir(parents=True, exist_ok=True)
        message.write_bytes(_cut(str(error)))
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _cut(text: str) -> bytes:
    """Return the beginning of a text; half a character would let SageMaker refuse the whole."""
    return text.encode()[:_SHOWN].decode(errors="ignore").encode()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
