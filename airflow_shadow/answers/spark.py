"""The comparison on Spark: ``python -m airflow_shadow.answers.spark``, or this file as a job.

One argument: the document of `airflow_shadow.answers.job` as JSON text, or the path of a file.
The sums of each hour are kept in its `results`, where a task of Airflow finds them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from airflow_shadow.answers.job import ComparisonJob
from airflow_shadow.answers.on_spark import on_spark
from airflow_shadow.exceptions import InvalidRequestError, ShadowError


def main(arguments: Sequence[str]) -> int:
    """Compare what a document says, and return the exit code."""
    try:
        job = ComparisonJob.read(_text(arguments))
        # Imported late: a document that is wrong shall not start a cluster.
        from pyspark.sql import SparkSession  # noqa: PLC0415

        session = SparkSession.builder.appName("airflow-shadow answers").getOrCreate()
        job.run(on=on_spark(session))
    except ShadowError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _text(arguments: Sequence[str]) -> str:
    """Return the document that the one argument is, or names."""
    found = f"{len(arguments)} arguments"
    if len(arguments) == 1:
        if arguments[0].lstrip().startswith("{"):
            return arguments[0]
        if Path(arguments[0]).is_file():
            return Path(arguments[0]).read_text()
        found = "neither JSON nor a file that is there"
    raise InvalidRequestError(
        asked="the document of a comparison, as the one argument",
        found=found,
        next_step="Give JSON text, or the path of a file with it.",
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
