"""What an object shows of itself: as text in a terminal, as HTML in a notebook. Both are drawn from one `Summary`.

The HTML is made with the standard library alone, has no style sheet and no script, and leaves fonts and colours to the notebook, so
it follows a light or dark theme and is the same in an untrusted one.
"""

import html
import math
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sm_tuning.printable import printable

_WIDTH = 80  # columns of a terminal
_GAP = "  "

Cell = str | float | None
"""A cell of a table: text, a number, or nothing."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of a summary.

    Args:
        caption: What stands above it.
        columns: Names of the columns, the most important first: text leaves out those that do not fit.
        rows: Rows with as many cells as there are columns.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, kw_only=True)
class Items:
    """Sentences with a number before each.

    Args:
        caption: What stands above them.
        lines: The sentences.
    """

    caption: str
    lines: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What an object shows of itself, as text and as HTML.

    Args:
        title: The title.
        facts: Facts by their names; empty ones are left out.
        sections: Tables and lists; those without rows or lines are left out.
    """

    title: str
    facts: Mapping[str, str] = field(default_factory=dict)
    sections: Sequence[Table | Items] = ()

    def __str__(self) -> str:
        facts = {name: text for name, text in self.facts.items() if text}
        width = max(map(len, facts), default=0)
        lines = [self.title]
        for name, text in facts.items():
            lines += _wrapped(text, f"  {name:{width}}{_GAP}")
        for section in self.sections:
            lines += _table(section) if isinstance(section, Table) else _items(section)
        return printable("\n".join(lines))

    def html(self) -> str:
        """The same as HTML; all text in it is escaped."""
        facts = "".join(f"<tr>{_cell(name, 'th')}{_cell(text)}</tr>" for name, text in self.facts.items() if text)
        sections = "".join(_section(section) for section in self.sections)
        facts = f"<table><tbody>{facts}</tbody></table>" if facts else ""
        return f'<div class="sm-tuning"><p><strong>{escaped(self.title)}</strong></p>{facts}{sections}</div>'


def escaped(text: str) -> str:
    """A text as part of an HTML page."""
    return html.escape(printable(text))


# --- text -------------------------------------------------------------------------------------------------------------------


def _wrapped(text: str, head: str) -> list[str]:
    """A text behind a head, on as many lines as it takes."""
    indent = " " * len(head)
    lines = [line for part in printable(text).splitlines() for line in textwrap.wrap(part, max(_WIDTH - len(head), 20))]
    return [f"{head if index == 0 else indent}{line}" for index, line in enumerate(lines or [""])]


def _items(items: Items) -> Iterator[str]:
    if items.lines:
        yield f"{items.caption}:"
    for number, line in enumerate(items.lines, start=1):
        yield from _wrapped(line, f"  {number}. ")


def _table(table: Table) -> Iterator[str]:
    if not table.rows:
        return
    cells = [[printable(name) for name in table.columns], *([shown(cell) for cell in row] for row in table.rows)]
    widths = [max(len(row[index]) for row in cells) for index in range(len(table.columns))]
    fitting = len(widths)
    while fitting > 1 and sum(widths[:fitting]) + len(_GAP) * fitting > _WIDTH:
        fitting -= 1
    left = ", ".join(printable(name) for name in table.columns[fitting:])
    yield f"{table.caption} (without {left}):" if left else f"{table.caption}:"
    numeric = [all(isinstance(row[index], int | float | None) for row in table.rows) for index in range(fitting)]
    for row in cells:
        aligned = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row[:fitting], widths, numeric, strict=False)
        )
        yield f"  {_GAP.join(aligned)}".rstrip()


def shown(cell: Cell) -> str:
    """A cell as text; numbers with four digits that count, nothing for None."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.4g}" if math.isfinite(cell) else str(cell)
    return printable(str(cell)).replace("\n", " ")


# --- HTML -------------------------------------------------------------------------------------------------------------------


def _section(section: Table | Items) -> str:
    caption = f"<p>{escaped(section.caption)}:</p>"
    if isinstance(section, Items):
        return f"{caption}<ol>{''.join(f'<li>{escaped(line)}</li>' for line in section.lines)}</ol>" if section.lines else ""
    if not section.rows:
        return ""
    head = _row(section.columns, "th")
    return f"{caption}<table><thead>{head}</thead><tbody>{''.join(map(_row, section.rows))}</tbody></table>"


def _row(cells: Iterable[Cell], tag: str = "td") -> str:
    return f"<tr>{''.join(_cell(cell, tag) for cell in cells)}</tr>"


def _cell(cell: Cell, tag: str = "td") -> str:
    """A cell; notebooks put everything to the right, which is for numbers."""
    side = "right" if isinstance(cell, int | float) else "left"
    text = html.escape(shown(cell)) if not isinstance(cell, str) else escaped(cell).replace("\n", "<br>")
    return f'<{tag} style="text-align:{side}">{text}</{tag}>'
