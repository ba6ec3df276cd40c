"""DuckDB, shut in: it sees its temporary folder only, and its messages, which quote, go nowhere."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from airflow_shadow.exceptions import (
    AnswersTooLargeError,
    AnswersUnreadableError,
    InvalidRequestError,
    ShadowError,
)

#: Megabytes that DuckDB needs at least, whatever it reads.
LEAST_MEMORY = 128
#: Megabytes that it may spill, for each of the spool.
SPILL = 4
#: Records that are joined at once, for each megabyte that it may use.
RECORDS_A_MB = 3000


def sql(name: str, **parts: Any) -> str:
    """Return one of the texts that every engine runs, with its parts filled in.

    The parts are numbers and names of our own; nothing of a specification's text.
    """
    return (files(__package__) / f"{name}.sql").read_text().format(**parts)


class Engine:
    """Hold one DuckDB in memory, spilling into a folder.

    :param folder: all that it may read, and where it spills
    :param memory_mb: megabytes that it may use; the process uses some more
    :param spool_mb: megabytes of the spool beside it; it may spill :data:`SPILL` times as many
    :param threads: how many it uses
    :raises InvalidRequestError: DuckDB is not installed
    """

    def __init__(self, folder: Path, *, memory_mb: int, spool_mb: int, threads: int) -> None:
        self._limits = f"memory_mb={memory_mb} and spool_mb={spool_mb}"
        self.most_records = float(memory_mb * RECORDS_A_MB)
        self._driver = _duckdb()
        config: dict[str, Any] = {
            "memory_limit": f"{max(memory_mb, LEAST_MEMORY)}MB",
            "max_temp_directory_size": f"{SPILL * spool_mb}MB",
            "temp_directory": str(folder / "spill"),
            "threads": threads,
            "preserve_insertion_order": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        self._connection = self._driver.connect(":memory:", config=config)
        # DuckDB would put an error of its own in the place of what a signal raises, such as a
        # task's timeout, so it runs where no signal is handled.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="answers-engine")
        self._shut_in(folder)

    def _shut_in(self, folder: Path) -> None:
        """Take away everything but the folder, for good."""
        quoted = str(folder).replace("'", "''")
        self.run("SET TimeZone = 'UTC'")
        self.run(f"SET allowed_directories = ['{quoted}']")
        self.run("SET enable_external_access = false")
        self.run("SET lock_configuration = true")

    def __enter__(self) -> Self:
        """Return the engine."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Let go of its memory and its files, once it has stopped."""
        self._thread.shutdown(cancel_futures=True)
        self._connection.close()

    def run(
        self, text: str, parameters: dict[str, Any] | None = None, *, asked: str = "answers"
    ) -> list[tuple[Any, ...]]:
        """Return the rows of a statement.

        DuckDB's own error quotes what it could not read, so it is no cause of ours.

        :param asked: what is being read or compared, for the error
        :raises AnswersTooLargeError: it needs more memory, or more room for what it spills
        :raises AnswersUnreadableError: it cannot be read
        """
        rows, _ = self._answer(text, parameters or {}, asked)
        return rows

    def table(self, text: str) -> dict[str, list[Any]]:
        """Return the columns of a query by their names."""
        rows, names = self._answer(text, {}, "answers")
        columns = list(zip(*rows, strict=True)) or [()] * len(names)
        return {name: list(column) for name, column in zip(names, columns, strict=True)}

    def keep(self, name: str, text: str) -> None:
        """Keep what a query says as a table, in the place of one of that name."""
        self.run(f"CREATE OR REPLACE TEMP TABLE {name} AS {text}")

    def drop(self, name: str) -> None:
        """Let go of a table."""
        self.run(f"DROP TABLE IF EXISTS {name}")

    def _answer(
        self, text: str, parameters: dict[str, Any], asked: str
    ) -> tuple[list[tuple[Any, ...]], list[str]]:
        answer = self._thread.submit(self._fetched, text, parameters)
        try:
            return answer.result()
        except self._driver.Error as error:
            problem = self._problem(error, asked)
        finally:
            if not answer.done():
                self._connection.interrupt()
        raise problem

    def _fetched(
        self, text: str, parameters: dict[str, Any]
    ) -> tuple[list[tuple[Any, ...]], list[str]]:
        answer = self._connection.execute(text, parameters)
        return answer.fetchall(), [column[0] for column in answer.description]

    def _problem(self, error: Exception, asked: str) -> ShadowError:
        if isinstance(error, self._driver.OutOfMemoryException):
            found = f"more records than fit with {self._limits}"
            return AnswersTooLargeError(asked=asked, found=found)
        name = type(error).__name__
        return AnswersUnreadableError(asked=asked, found=f"DuckDB cannot read it ({name})")


def _duckdb() -> Any:
    try:
        import duckdb  # noqa: PLC0415 - an extra, which only this needs
    except ImportError:
        raise InvalidRequestError(
            asked="a comparison of answers",
            found="DuckDB is not installed",
            next_step="Install the extra: pip install 'airflow-shadow[answers]'.",
        ) from None
    return duckdb
