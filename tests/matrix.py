"""Tables of what came of parametrised tests, printed at the end of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pytest

#: The name of the property under which a test hands in its cell.
_PROPERTY = "matrix-cell"
Grid = list[list[str]]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What came of one test.

    :param title: names the table
    :param place: where the cell stands, row by row; parallel tests end in any order
    :param came: what came of it, in a word
    """

    title: str
    place: int
    row: str
    column: str
    mode: str
    came: str


def record(record_property: Callable[[str, Any], None], cell: Cell) -> None:
    """Hand in a cell; it travels in the test's report, for another process may print it.

    :param record_property: pytest's fixture
    """
    record_property(_PROPERTY, asdict(cell))


def grid(cells: Sequence[Cell]) -> Grid:
    """Return a table, its header first; a cell is one word where all modes came to the same."""
    ordered = sorted(cells, key=lambda cell: cell.place)
    rows = dict.fromkeys(cell.row for cell in ordered)
    columns = dict.fromkeys(cell.column for cell in ordered)
    body = [[row, *(_came(cells, row, column) for column in columns)] for row in rows]
    return [["", *columns], *body]


def _came(cells: Sequence[Cell], row: str, column: str) -> str:
    came = {cell.mode: cell.came for cell in cells if (cell.row, cell.column) == (row, column)}
    if len(set(came.values())) == 1:
        return next(iter(came.values()))
    return ", ".join(f"{mode}: {word}" for mode, word in sorted(came.items())) or "(not run)"


def lines(table: Grid, width: int) -> Iterator[str]:
    """Yield a table as text; what is too wide goes on below, with the rows' names again."""
    sizes = [max(map(len, column)) for column in zip(*table, strict=True)]
    for shown in _folded(sizes, width):
        for row in table:
            yield "  ".join(row[i].ljust(sizes[i]) for i in shown).rstrip()
        yield ""


def _folded(sizes: Sequence[int], width: int) -> Iterator[list[int]]:
    """Yield the columns of each part: the first one, and as many others as fit, one at least."""
    part, used = [0], sizes[0]
    for i, size in enumerate(sizes[1:], start=1):
        if len(part) > 1 and used + 2 + size > width:
            yield part
            part, used = [0], sizes[0]
        part.append(i)
        used += 2 + size
    yield part


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tables of all reports, those of other processes included, if all cells ran."""
    if terminalreporter.config.option.markexpr:
        return
    cells = list(_reported(terminalreporter))
    width = terminalreporter.config.get_terminal_writer().fullwidth
    for title in dict.fromkeys(cell.title for cell in cells):
        terminalreporter.section(title)
        for line in lines(grid([cell for cell in cells if cell.title == title]), width):
            terminalreporter.write_line(line)


def _reported(terminalreporter: pytest.TerminalReporter) -> Iterator[Cell]:
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    for report in reports:
        if getattr(report, "when", "") == "call":
            properties = report.user_properties
            yield from (Cell(**value) for name, value in properties if name == _PROPERTY)
