"""docs/reference documents every public name: its pages name modules, whose names Sphinx reads when it builds the site."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from importlib import import_module

import pytest

import sm_tuning
from local_emulator import testing
from tests.conftest import ROOT

REFERENCE = ROOT / "docs" / "reference"
LINES = [
    line
    for page in sorted(REFERENCE.glob("*.md"))
    for block in re.findall(r"^```\{api\}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    for line in block.splitlines()
]
PUBLIC = {sm_tuning._MODULES[name] for name in sm_tuning.__all__}


def test_every_module_of_a_public_name_is_on_one_page() -> None:
    assert Counter(line for line in LINES if line in PUBLIC) == Counter(PUBLIC)


def test_the_rest_is_there_and_no_second_entry_of_a_public_name() -> None:
    others = [line for line in LINES if line not in PUBLIC and line != testing.__name__]
    public = {id(getattr(sm_tuning, name)) for name in sm_tuning.__all__}
    for line in others:
        module, _, name = line.rpartition(".")
        assert id(getattr(import_module(module), name)) not in public, line
    assert testing.__name__ in LINES
    assert len(set(LINES)) == len(LINES)


def values() -> Iterator[object]:
    """What the pages document."""
    for line in LINES:
        names = [f"sm_tuning.{name}" for name in sm_tuning.__all__ if sm_tuning._MODULES[name] == line]
        names = names or ([f"{line}.{name}" for name in testing.__all__] if line == testing.__name__ else [line])
        yield from (getattr(import_module(name.rpartition(".")[0]), name.rpartition(".")[2]) for name in names)


DATACLASSES = [value for value in values() if isinstance(value, type) and is_dataclass(value)]


@pytest.mark.parametrize("kind", DATACLASSES, ids=lambda kind: kind.__name__)
def test_every_field_is_explained(kind: type) -> None:
    text = vars(kind).get("__doc__", "") + (kind.__init__.__doc__ or "")  # type: ignore[misc] # only read
    explained = set(re.findall(r"^ +(\w+): \S", text, re.MULTILINE))
    assert not {field.name for field in fields(kind)} - explained


def test_every_page_is_in_the_table_of_contents_of_the_site() -> None:
    """Once; decisions are there by a pattern."""
    docs = ROOT / "docs"
    pages = [path for folder in (docs, REFERENCE) for kind in ("md", "ipynb") for path in folder.glob(f"*.{kind}")]
    names = [path.relative_to(docs).with_suffix("").as_posix() for path in [*pages, docs / "decisions" / "README.md"]]
    entries = re.findall(r"^ +- file: docs/(\S+)$", (docs / "site" / "toc.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert Counter(entries) == Counter(names)
