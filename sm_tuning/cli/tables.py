"""Tables that fit the terminal: what is least is left out and named, no value is cut."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from sm_tuning.printable import printable

_LEAST_TITLE, _LEAST_WORD = 8, 11  # characters on a line of a title that is broken, and of a word that is


def safe(text: object) -> Text:
    """Text of a job on one line with control characters shown, so that a table knows its width."""
    return Text(printable(str(text)).replace("\n", "#012").replace("\t", "#011"))


@dataclass(frozen=True)
class Column:
    """A column. `rank` says how soon it is left out where there is no room: 0 never, then the highest first, from the right."""

    title: str
    cells: Sequence[Text]
    rank: int = 1
    justify: Literal["left", "right"] = "left"

    @property
    def uniform(self) -> bool:
        """Whether all of several cells say the same."""
        return len(self.cells) > 1 and len({cell.plain for cell in self.cells}) == 1

    def titled(self, *, folded: bool) -> Sequence[str]:
        """The lines of the title, if need be no longer than the longest cell."""
        title = safe(self.title).plain
        return _folded(title, max(_LEAST_TITLE, *(cell.cell_len for cell in self.cells), 0)) if folded else [title]

    def width(self, *, folded: bool) -> int:
        """Terminal columns that it takes."""
        return max(*(Text(line).cell_len for line in self.titled(folded=folded)), *(cell.cell_len for cell in self.cells), 0)


def _folded(title: str, width: int) -> Sequence[str]:
    """The title in lines of about so many characters, broken after separators, and inside long words."""
    lines = [""]
    for part in re.findall(r"[^_:/. -]*[_:/. -]?", title):
        if lines[-1] and len((lines[-1] + part).rstrip()) > width:
            lines.append("")
        lines[-1] += part
        while len(lines[-1].rstrip()) > max(width, _LEAST_WORD):
            lines[-1:] = [lines[-1][: max(width, _LEAST_WORD)], lines[-1][max(width, _LEAST_WORD) :]]
    return [line.rstrip() for line in lines]


@dataclass(frozen=True)
class FittedTable:
    """Columns of the same number of cells; `bold` is a row to point out."""

    columns: Sequence[Column]
    bold: int | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """The table in the width that there is, and what is not in it."""
        columns, gap, folded = _fit(self.columns, options.max_width)
        table = Table(box=None, header_style="bold", padding=(0, gap, 0, 0), pad_edge=False)
        for column in columns:
            title = Text("\n".join(column.titled(folded=folded)))
            table.add_column(title, justify=column.justify, no_wrap=True, overflow="fold")
        for index, row in enumerate(zip(*(column.cells for column in columns), strict=True)):
            table.add_row(*row, style="bold" if index == self.bold else "")
        yield table
        if omitted := [column for column in self.columns if column not in columns]:
            yield Text("not shown: " + ", ".join(map(_omitted, omitted)), "dim")


def _omitted(column: Column) -> str:
    return f"{safe(column.title)} ({column.cells[0].plain} in all)" if column.uniform else safe(column.title).plain


def _fit(columns: Sequence[Column], width: int) -> tuple[Sequence[Column], int, bool]:
    """The columns that there is room for, the gap between them, and whether their titles are broken."""
    kept = list(columns)
    while True:
        for gap, folded in ((2, False), (2, True), (1, True)):
            if sum(column.width(folded=folded) + gap for column in kept) - gap <= width:
                return kept, gap, folded
        least = max(kept, key=lambda column: (column.rank, column.uniform, kept.index(column)))
        if least.rank == 0:
            return kept, 1, True
        kept.remove(least)


def table_of(rows: Sequence[Mapping[str, object]], ranks: Mapping[str, int] | None = None) -> FittedTable:
    """Rows as a table with every key, its cell empty where a row has none; a key without a rank is never left out."""
    ranks = ranks or {}
    titles = dict.fromkeys(title for row in rows for title in row)
    return FittedTable([Column(title, [safe(row.get(title, "")) for row in rows], ranks.get(title, 0)) for title in titles])
