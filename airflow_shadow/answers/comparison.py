"""One comparison in DuckDB: files in, sums out; contents stay inside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

from airflow_shadow.analysis.answer_distribution import Distribution
from airflow_shadow.analysis.answer_sums import MINUTE, AnswerSums, Table, added_tables
from airflow_shadow.analysis.noise import REPEATS
from airflow_shadow.analysis.outputs import Output
from airflow_shadow.answers.dialect import MACROS, PLACE, SHADOW_MARK, Reader, differ_in_places
from airflow_shadow.answers.distributions import distribution_of
from airflow_shadow.answers.engine import sql
from airflow_shadow.answers.items import Item
from airflow_shadow.answers.joining import AROUND, NO_TEXT, Join, SqlEngine, join, pair_repeats
from airflow_shadow.answers.spool import Spool, Spooled
from airflow_shadow.answers.sums import parts_of, renamed, with_own
from airflow_shadow.exceptions import AnswersUnreadableError

#: Shapes of broken answers that are told, for each variant.
SHAPES = 3
_TABULAR = "Give JSON lines as SageMaker has them, or CSV or Parquet with the columns {columns}."
#: What is read beside captures: labels, and own numbers.
Kind = Literal["labels", "own"]
#: What a table of them holds, and the columns of their files, for errors.
_READ: Mapping[Kind, str] = {
    "labels": "(id VARCHAR, t VARCHAR)",
    "own": "(id VARCHAR, side VARCHAR, name VARCHAR, number DOUBLE)",
}
_COLUMNS: Mapping[Kind, str] = {"labels": "id and label", "own": "id, variant, name and value"}


class Comparison:
    """Read captures, labels and own numbers into tables, and sum them.

    What only DuckDB understands is in methods that another engine's comparison replaces.

    :param engine: where the tables are
    :param spool: through which files come; none where another engine reads them
    :param outputs: what is compared, by name
    :param production: name of the production variant, as own numbers have it
    :param shadow: name of the shadow variant
    :param excerpts: whether answers are kept for a file of examples
    """

    #: A row of each place of the view `aligned`.
    place: ClassVar[str] = PLACE

    def __init__(
        self,
        engine: SqlEngine,
        spool: Spool | None,
        outputs: Mapping[str, Output],
        *,
        production: str,
        shadow: str,
        excerpts: bool = False,
    ) -> None:
        self.outputs = outputs
        self.reader = Reader(outputs, excerpts=excerpts)
        self._engine, self._spool = engine, spool
        self._variants = {"production": production, "shadow": shadow}
        answers = [f"answer_{n}" for n in range(len(outputs))] + ["excerpt"] * excerpts
        # Labels, own numbers and examples are found by the ids of production's record.
        is_looked_up = excerpts or any(
            output.labels is not None or output.values is not None for output in outputs.values()
        )
        self._join = Join(answers=answers, is_looked_up=is_looked_up)
        self._prepare()

    def _prepare(self) -> None:
        """Tell the engine what texts mean."""
        for macro in MACROS:
            self._engine.run(macro)
        self._engine.run("CREATE TABLE strays (side VARCHAR, join_key VARCHAR, at_ms BIGINT)")

    def _batches(self, marked: list[tuple[Item, str]]) -> Iterator[list[Spooled]]:
        return self._spool.batches(marked) if self._spool else iter(())

    def read_captures(self, name: str, *, production: list[Item], shadow: list[Item]) -> None:
        """Make a table of the records in some files."""
        self._engine.run(self.reader.table(name))
        marked = [(item, "") for item in production] + [(item, SHADOW_MARK) for item in shadow]
        for batch in self._batches(marked):
            line = max(each.line for each in batch)
            text = self.reader.captures(name, line=line)
            self._insert(text, batch, self.reader.parameters)

    def drop(self, name: str) -> None:
        """Forget a table of records."""
        self._engine.drop(name)

    def _insert(self, text: str, batch: Sequence[Spooled], parameters: dict[str, Any]) -> None:
        """Read files together; if that fails, one by one, so that the error names the file."""
        try:
            self._insert_files(text, batch, parameters)
        except AnswersUnreadableError:
            one_by_one = True
        else:
            one_by_one = False
        for each in batch if one_by_one else ():
            self._insert_files(text, [each], parameters)

    def _insert_files(
        self, text: str, batch: Sequence[Spooled], parameters: dict[str, Any]
    ) -> None:
        files = [str(each.path) for each in batch]
        asked = batch[0].item.address if len(batch) == 1 else f"{len(batch)} files"
        self._engine.run(text, {"files": files, **parameters}, asked=asked)

    def read_labels(self, n: int, items: list[Item]) -> dict[str, int]:
        """Read the labels of one output, and return how many there are.

        A label that is given twice and differs is used for nothing.
        """
        self.read_beside("labels", n, items)
        return self._kept(n, "labels", "id, MIN(t) AS t", "id", "t")

    def read_own(self, n: int, items: list[Item]) -> dict[str, int]:
        """Read the user's own numbers of one output, and return how many there are."""
        self.read_beside("own", n, items)
        chosen = "id, side, name, MIN(number) AS number"
        return self._kept(n, "own", chosen, "id, side, name", "number")

    def read_beside(self, what: Kind, n: int, items: list[Item]) -> None:
        """Make the table `read_labels_<n>`, or `read_own_<n>`, of some files."""
        self._engine.run(f"CREATE TABLE read_{what}_{n} {_READ[what]}")
        write = self.reader.labels if what == "labels" else self.reader.own
        parameters = self._variants if what == "own" else {}
        for batch in self._batches([(item, "") for item in items]):
            for form in ("jsonl", "csv", "parquet"):
                files = [each for each in batch if each.form == form]
                if files:
                    text = write(n, form=form, line=max(each.line for each in files))
                    self._read_table(text, files, parameters, columns=_COLUMNS[what])

    def _read_table(
        self, text: str, files: Sequence[Spooled], parameters: dict[str, Any], *, columns: str
    ) -> None:
        try:
            self._insert(text, files, parameters)
        except AnswersUnreadableError as error:
            asked, found = error.asked, error.found
        else:
            return
        next_step = _TABULAR.format(columns=columns)
        raise AnswersUnreadableError(asked=asked, found=found, next_step=next_step)

    def _kept(self, n: int, what: Kind, chosen: str, key: str, value: str) -> dict[str, int]:
        whole = " AND ".join(f"{column} IS NOT NULL" for column in (*key.split(", "), value))
        one = f"HAVING MIN({value}) = MAX({value})"
        run = self._engine.run
        self._engine.keep(
            f"{what}_{n}",
            f"SELECT {chosen} FROM read_{what}_{n} WHERE {whole} GROUP BY {key} {one}",
        )
        ((read, readable, keys),) = run(
            f"SELECT COUNT(*), COUNT(CASE WHEN {whole} THEN 1 END), "
            f"COUNT(DISTINCT CASE WHEN {whole} THEN ({key}) END) FROM read_{what}_{n}"
        )
        ((kept,),) = run(f"SELECT COUNT(*) FROM {what}_{n}")
        self.drop(f"read_{what}_{n}")
        return {
            "read": read,
            "unreadable": read - readable,
            "contradictory": keys - kept,
            "usable": kept,
        }

    def sums(self, tables: Sequence[str], *, first: float, end: float) -> AnswerSums:
        """Return the sums of records in some tables, of those between two times (in seconds)."""
        spans = {"first": round(first * 1000), "end": round(end * 1000)}
        notes, records = join(self._engine, self._join, tables, **spans)
        self._keep_strays(_STRAYS.format(**spans))
        if any(output.noise == REPEATS for output in self.outputs.values()):
            pair_repeats(self._engine, self._join, tables, **spans)
        outputs: dict[str, Any] = {}
        distributions: dict[str, Distribution] = {}
        for n, (name, output) in enumerate(self.outputs.items()):
            outputs[name], labels = self._output(n, output, spans)
            if (found := distribution_of(output, self._rows)) is not None:
                distributions[name] = found
            if output.noise == REPEATS:
                outputs[name] = added_tables([outputs[name], self._repeats(n, output, spans)])
            if output.labels is not None:
                notes.setdefault("labels", {})[name] = labels
        return AnswerSums(
            records=records, outputs=outputs, notes=notes, distributions=distributions
        )

    def _rows(self, name: str, parts: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        return self._engine.run(sql(name, **parts))

    def _keep_strays(self, text: str) -> None:
        """Remember ids that only one side had."""
        self._engine.run(f"INSERT INTO strays {text}")

    def forget(self) -> None:
        """Let go of what was joined last; it takes as much memory as what is read next."""
        for name in ("keyed", "grouped", "repeats", "aligned"):
            self.drop(name)

    def keep_since(self, name: str, since: float) -> None:
        """Let a table of records hold only those that may be in pairs after a time (in seconds)."""
        first = round(since * 1000) - AROUND
        self._engine.run(f"CREATE TABLE kept AS SELECT * FROM {name} WHERE at_ms >= {first}")
        self.drop(name)
        self._engine.run(f"ALTER TABLE kept RENAME TO {name}")

    def _output(
        self, n: int, output: Output, spans: dict[str, int]
    ) -> tuple[dict[str, list[Any]], dict[str, int]]:
        """Return the sums of one output, and what became of its labels."""
        run = self._engine.run
        sums = self._summed(output, _aligned(n, output, spans))
        counts = run(
            "SELECT at_minute, COUNT(*), CAST(SUM(has_label) AS BIGINT), "
            "CAST(SUM(other_length) AS BIGINT) FROM aligned GROUP BY at_minute"
        )
        pairs = {minute: count for minute, count, *_ in counts}
        sums = {MINUTE: sums[MINUTE], "pairs": [pairs[each] for each in sums[MINUTE]], **sums}
        if output.values is not None:
            sums = with_own(sums, run(sql("own", n=n, **spans)))
        matched, other_length = sum(row[2] for row in counts), sum(row[3] for row in counts)
        return sums, {"matched": matched, "other_length": other_length}

    def _repeats(self, n: int, output: Output, spans: dict[str, int]) -> Table:
        """Return how often production's own answers to equal inputs disagree."""
        sums = self._summed(output, sql("aligned", pairs="repeats", n=n, **_NO_LABEL, **spans))
        return {
            MINUTE: sums[MINUTE],
            "repeats": sums["compared"],
            "repeats_disagreed": sums["disagreed"],
        }

    def _summed(self, output: Output, aligned: str) -> dict[str, list[Any]]:
        """Return the sums of an output's aligned pairs, which the view `place` shows then."""
        self._engine.keep("aligned", aligned)
        self._engine.run(f"CREATE OR REPLACE TEMP VIEW place AS {self.place}")
        return renamed(self._engine.table(sql("sums", **parts_of(output))))

    def malformed(self, tables: Sequence[str]) -> dict[str, Any]:
        """Return what could not be read: lines that are no records, and shapes of answers."""
        notes: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for name in tables:
            text = f"SELECT side, COUNT(*) FROM {name} WHERE at_ms IS NULL GROUP BY side"
            for side, count in self._engine.run(text):
                lines[side] = lines.get(side, 0) + count
        notes["unreadable_lines"] = lines
        notes["shapes"] = {output: self._shapes(n, tables) for n, output in enumerate(self.outputs)}
        return notes

    def _shapes(self, n: int, tables: Iterable[str]) -> dict[str, dict[str, int]]:
        source = " UNION ALL ".join(f"SELECT side, shape_{n} AS shape FROM {t}" for t in tables)
        rows = self._engine.run(
            f"SELECT side, shape, COUNT(*) AS n FROM ({source}) WHERE shape IS NOT NULL "
            "GROUP BY side, shape ORDER BY n DESC, shape"
        )
        found: dict[str, dict[str, int]] = {}
        for side, shape, count in rows:
            shapes = found.setdefault(side, {})
            if len(shapes) < SHAPES:
                shapes[shape] = count
        return found

    def apart(self) -> dict[str, Any]:
        """Return how far records of the same id stand apart that are in different hours, if any.

        Clocks that differ by more than some minutes leave no pairs, so it is told why.
        """
        ((pairs, seconds),) = self._engine.run(
            "SELECT COUNT(*), MEDIAN(s.at_ms - p.at_ms) / 1000 FROM strays AS p JOIN strays AS s "
            "ON p.join_key = s.join_key AND p.side = 'production' AND s.side = 'shadow'"
        )
        return {"clocks_apart": {"ids": pairs, "seconds": seconds}} if pairs else {}

    def examples(self, n: int, *, most: int, first: float, end: float) -> list[tuple[Any, ...]]:
        """Return ids and the beginning of both answers of some pairs that disagree."""
        differ = differ_in_places(list(self.outputs.values())[n], n)
        return self._engine.run(
            f"SELECT inference_id, event_id, p_at, p_excerpt, s_excerpt FROM grouped "
            f"WHERE state = 'lone' AND p_n = 1 AND s_n = 1 AND p_at >= $first AND p_at < $end "
            f"AND {differ} ORDER BY p_at, event_id LIMIT $most",
            {"most": most, "first": round(first * 1000), "end": round(end * 1000)},
        )


#: Ids that only one side had: some of each hour are remembered.
_STRAYS = """
    SELECT CASE WHEN p_n = 1 THEN 'production' ELSE 'shadow' END AS side, join_key,
        COALESCE(p_at, s_at) AS at_ms
    FROM grouped
    WHERE how IN ('id', 'event') AND p_n + s_n = 1
        AND COALESCE(p_at, s_at) >= {first} AND COALESCE(p_at, s_at) < {end}
    ORDER BY HASH(join_key)
    LIMIT 2000"""


#: What `aligned.sql` needs where there are no labels.
_NO_LABEL: Mapping[str, str] = {"label": NO_TEXT, "joins": ""}


def _aligned(n: int, output: Output, spans: dict[str, int]) -> str:
    if output.labels is None:
        return sql("aligned", pairs="grouped", n=n, **_NO_LABEL, **spans)
    joins = (
        f"LEFT JOIN labels_{n} AS by_id ON by_id.id = g.inference_id "
        f"LEFT JOIN labels_{n} AS by_event ON by_event.id = g.event_id"
    )
    label = "COALESCE(by_id.t, by_event.t)"
    return sql("aligned", pairs="grouped", n=n, label=label, joins=joins, **spans)
