"""docs/reference/job_file.md has every key that a job file may hold, with an example that is read and breaks no rule."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, get_args

import botocore
import pytest

from sm_tuning import TuningJob
from sm_tuning.spec import toml
from sm_tuning.spec.data_scaling import DataScaling
from sm_tuning.spec.job import TuningJobSpec
from sm_tuning.spec.parameters import Range
from sm_tuning.spec.value_types import hints_of, options_of
from tests.unit.job_file_examples import BASE, FORM_EXAMPLES, SECTIONS, Section
from tests.unit.job_file_page import OUTPUT, PAGE, ROLE, keys, page, text_of

CASES = [
    pytest.param(section, key.name, id=f"{section.title}.{key.name}")
    for section in SECTIONS
    for key in keys(section)
    if (section.title, key.name) != ("The file", "definitions")
]
_OF_AWS = re.compile(r"<br>\*AWS\*:(?:[^|]|\\\|)*|botocore [0-9.]+")


def comparable(text: str) -> str:
    """The page without what is botocore's, if that was another botocore."""
    return text if f"botocore {botocore.__version__};" in PAGE.read_text(encoding="utf-8") else _OF_AWS.sub("", text)


def test_the_page_is_what_the_code_says() -> None:
    """`make pages` writes it."""
    assert comparable(PAGE.read_text(encoding="utf-8")) == comparable(page())


def builders(kind: type) -> Iterator[type]:
    """A dataclass and all that its fields may hold, as the reader of the file walks them."""
    yield kind
    options = [option for hint in hints_of(kind).values() for option in options_of(hint)]
    inner = [part for option in options for argument in get_args(option) for part in options_of(argument)]
    for part in {*options, *inner} - set(get_args(Range)):
        if isinstance(part, type) and is_dataclass(part):
            yield from builders(part)


def test_every_table_is_on_the_page() -> None:
    assert {*builders(TuningJobSpec), DataScaling} == {kind for section in SECTIONS for kind in section.kinds}


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.title)
def test_every_key_is_explained_by_an_example(section: Section) -> None:
    assert [key.name for key in keys(section)]
    assert all(key.meaning for key in keys(section))
    assert {key.name for key in keys(section)} == set(section.examples)


def names(value: object) -> Iterator[str]:
    """All keys of a document."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from (name, *names(inner))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from names(item)


def job_of(folder: Path, text: str) -> TuningJob:
    (folder / "data").mkdir()
    (folder / "folder").mkdir()
    for name in ("train.py", "folder/train.py", "data/digits.csv"):
        (folder / name).write_text("print(1)\n")
    (folder / "job.toml").write_text(text)
    return TuningJob.from_toml(folder / "job.toml", role=ROLE, output=OUTPUT)


@pytest.mark.parametrize(("section", "key"), CASES)
def test_an_example_says_the_key_and_breaks_no_rule(section: Section, key: str, tmp_path: Path) -> None:
    example: Mapping[str, Any] = tomllib.loads(section.examples[key])
    assert key in set(names(example))
    report = job_of(tmp_path, text_of(section, key)).dry_run()
    assert not report.problems
    toml.load_data_scaling(tmp_path / "job.toml")


@pytest.mark.parametrize("form", toml.FORMS)
def test_a_form_of_a_range_is_read(form: str, tmp_path: Path) -> None:
    lines = [line for name, line in BASE.items() if name != "ranges"]
    assert not job_of(tmp_path, "\n".join([*lines, FORM_EXAMPLES[form]])).dry_run().problems
