"""The tables of evidence that tasks leave in Airflow's log."""

import re
from collections.abc import Iterator, Mapping, Sequence

#: What a task logs of a comparison: the verdict in one line, then a table.
_COMPARED = re.compile(
    r"\] (?P<headline>(?:PASS|FAIL|INCONCLUSIVE|good so far) \(answers were compared\))\n"
    r"(?P<table>criterion .*\n(?:.+?  (?:PASS|FAIL|INCONCLUSIVE).*\n)+)"
)
_TABLE = re.compile(r"^criterion .*\n(?:.+?  (?:PASS|FAIL|INCONCLUSIVE).*\n)+", re.MULTILINE)

Row = Mapping[str, str]


def last_table(log: str) -> Sequence[str]:
    """Return the lines of the last table in a log."""
    tables = _TABLE.findall(log)
    return tables[-1].splitlines() if tables else ["none was found; the log says why."]


def comparisons(log: str) -> Iterator[tuple[int, str]]:
    """Yield where the log tells of a comparison of answers, and what it came to."""
    for found in _COMPARED.finditer(log):
        headline = found["headline"]
        told = "; ".join(_told(_rows(found["table"].splitlines())))
        yield found.start(), f"{headline[0].upper()}{headline[1:]}: {told}"


def _rows(table: Sequence[str]) -> list[Row]:
    """Return the rows of a table whose columns begin where their names do."""
    header, *lines = table
    begins = [(name.group().strip(), name.start()) for name in re.finditer(r"\S+ *", header)]
    ends = [begin for _, begin in begins[1:]] + [None]
    return [
        {name: line[begin:end].strip() for (name, begin), end in zip(begins, ends, strict=True)}
        for line in lines
    ]


def _told(rows: Sequence[Row]) -> Iterator[str]:
    """Yield what did not pass, each with its figures, and what did."""
    for row in rows:
        if row["outcome"] != "PASS":
            yield f"{row['criterion']} {row['change']}, allowed {row['allowed']}"
    yield "passed: " + ", ".join(row["criterion"] for row in rows if row["outcome"] == "PASS")
