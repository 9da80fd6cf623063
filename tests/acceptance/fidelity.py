"""Writes docs/fidelity.md out of `conformance.toml`: `python -m tests.acceptance.fidelity`, or `make pages`."""

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "fidelity.md"
KINDS = {
    "recorded": "AWS gave this answer, and somebody published it.",
    "documented": "AWS's developer guide, its API model or its SDK say so.",
    "inferred": "Nobody has seen AWS's answer, or its exact words; this is what follows from the rest.",
    "differs": "AWS is known to behave otherwise.",
}
_TITLES = {
    "refusal": "Requests that CreateHyperParameterTuningJob refuses",
    "training": "Requests that CreateTrainingJob refuses",
    "call": "Answers of the operations",
    "state": "Jobs while they move",
    "log": "Logs",
    "scenario": "Tuning jobs from beginning to end",
    "tuning_of_algorithm": "Tuning jobs of AWS's algorithms",
    "hyperparameters": "What AWS's algorithms say of hyperparameters",
    "content_type": "How XGBoost takes a ContentType",
    "autotune": "What Autotune makes of AutoParameters for AWS's algorithms",
}
_HEAD = """# Fidelity

What of the emulator was compared with what AWS really answers. Each row is a test (`tests/acceptance/conformance.toml`; `make pages`
makes this page of it): the emulator behaves so. The last column says how much is known of AWS.

"""


def page(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """The page, as Markdown."""
    return _HEAD + "\n".join(_lines(rows)) + "\n"


def _lines(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[str]:
    counts = Counter(_kind(row) for some in rows.values() for row in some)
    yield "| evidence | rows | meaning |"
    yield "|---|---|---|"
    for kind, meaning in KINDS.items():
        yield f"| {kind} | {counts[kind]} | {meaning} |"
    yield f"| | {counts.total()} | |"
    for name, some in rows.items():
        yield f"\n## {_TITLES.get(name, name)}\n"
        yield "| fact | the emulator | evidence |"
        yield "|---|---|---|"
        for row in some:
            yield f"| {_cell(row['id'])} | {_cell(_said(row))} | {_cell(evidence(row))} |"


def evidence(row: Mapping[str, Any]) -> str:
    """How a row's fact is known: its kind, and after a colon the source."""
    return str(row["evidence"])


def _kind(row: Mapping[str, Any]) -> str:
    return evidence(row).partition(":")[0]


def _said(row: Mapping[str, Any]) -> str:
    """What the row expects, in short."""
    if row.get("text"):
        return f"{row.get('code', '')} `{row['text']}`".strip()
    parts = [f"`{path}` = `{value}`" for path, value in row.get("answer", {}).items()]
    parts += [f"no `{path}`" for path in row.get("absent", ())]
    parts += [f"some `{path}`" for path in row.get("present", ())]
    parts += [
        f"`{path}` like `{pattern}`" for path, pattern in {**row.get("matches", {}), **row.get("child_matches", {})}.items()
    ]
    parts += [f"of the first training job `{path}` = `{value}`" for path, value in row.get("child", {}).items()]
    if "names" in row:
        names = row["names"]
        parts.append(f"{len(names)} metric definitions: {', '.join(names[:3])}{', …' if len(names) > 3 else ''}")
    parts += [f"`{name}` by `{regex}`" for name, regex in row.get("expressions", {}).items()]
    parts += [f"`{name}` in {', '.join(values)}" for name, values in row.get("ranges", {}).items()]
    if "format" in row:
        parts.append(f"read as {row['format']}")
    parts += [f"the {which} line like `{row[which]}`" for which in ("first", "last") if which in row]
    if "keys" in row:
        parts.append(f"`{row['keys']['of']}` in the order {', '.join(row['keys']['are'])}")
    return "; ".join(parts) or "accepted"


def _cell(text: str) -> str:
    """A table's cell: no line breaks, no bars."""
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(
        page(tomllib.loads(Path(__file__).with_name("conformance.toml").read_text(encoding="utf-8"))), encoding="utf-8"
    )
