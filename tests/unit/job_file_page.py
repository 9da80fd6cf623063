"""Writes docs/reference/job_file.md out of what reads a job file: `python -m tests.unit.job_file_page`, or `make pages`.

Keys, types and defaults are those of the dataclasses that a file's tables become, their meaning is in the docstrings. What AWS asks
of a key's value is found by making the request of its example: the member that the key became has its constraints in botocore's model.
"""

import inspect
import json
import re
import tempfile
import tomllib
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin

import botocore

from sm_tuning import TuningJob
from sm_tuning.errors import Invalid
from sm_tuning.rules import schema
from sm_tuning.spec import toml
from sm_tuning.spec.data_scaling import DataScaling
from sm_tuning.spec.job import TuningJobSpec
from sm_tuning.spec.metrics import Metric, Objective
from sm_tuning.spec.parameters import Range
from sm_tuning.spec.value_types import hints_of, options_of
from sm_tuning.validation.wording import argument
from tests.conftest import ROOT
from tests.unit.job_file_examples import BASE, FORM_EXAMPLES, RANGES, SECTIONS, Section

PAGE = ROOT / "docs" / "reference" / "job_file.md"
ROLE, OUTPUT = "arn:aws:iam::123456789012:role/SageMakerRole", "s3://my-bucket/jobs"
_NOUNS: Mapping[object, str] = {str: "text", int: "whole number", float: "number", bool: "true or false"}
_CREATE = "CreateHyperParameterTuningJob"
_SHORT = {"strategy", "script"}  # a text is short for a table of one key
_MOST_VALUES = 8  # of an enum
_SWITCH = frozenset({"Enabled", "Disabled", "Off", "Auto", "Prioritized"})
_TELLING = range(4, 80)  # lengths of patterns that say something, and can be read

_HEAD = """# Keys of a job file

Every key of a tuning job in TOML, which `sm-tuning plan FILE` checks, `sm-tuning run FILE` launches and `TuningJob.from_toml` reads.
The words are those of [the Python classes](python_jobs.md). [The command line](../cli.md#a-tuning-job-in-a-file) shows a whole file,
[Rules](../rules.md) has what must hold between keys. `make pages` makes this page out of what reads the file; the tests read every
example.

*AWS* names the member of CreateHyperParameterTuningJob that a key becomes, and what botocore's model asks of it (here that of
botocore {botocore}; a dry run asks the installed one). Below each key stands its type, then its default or that it is
required. *None* in a sentence is a key that is left out. Paths of this machine are
relative to the file.
"""


@dataclass(frozen=True)
class Key:
    """One key of a table; `default` is as TOML spells it, empty for a key that must be given."""

    name: str
    type: str
    default: str
    meaning: str


# --- what the code says -----------------------------------------------------------------------------------------------------


def keys(section: Section) -> Sequence[Key]:
    """The keys of a section's table, in the order of its dataclasses' fields."""
    merged: dict[str, Key] = {}
    for kind in section.kinds:
        for field in fields(kind):
            name = "metric" if (kind, field.name, section.title) == (Metric, "name", "objective") else field.name
            if name not in section.without and (kind, name) != (Objective, "metric"):
                merged.setdefault(name, _key(section, kind, field, name))
    return list(merged.values())


def _key(section: Section, kind: type, field: "Field[Any]", name: str) -> Key:
    required = not section.at and name in BASE and not _is_readable({key: line for key, line in BASE.items() if key != name})
    default = "" if required else _default(kind, field)
    short = "text or " if name in _SHORT and not section.at else ""
    return Key(name, short + _type(hints_of(kind)[field.name]), default, _meanings(kind)[field.name])


@cache
def _meanings(kind: type) -> Mapping[str, str]:
    """What the docstring of a dataclass or its constructor says of each argument."""
    _, _, arguments = inspect.cleandoc(vars(kind)["__init__"].__doc__ or kind.__doc__ or "").partition("Args:\n")
    arguments, _, _ = arguments.partition("\nRaises:")
    parts = re.split(r"^    (\w+): ", arguments, flags=re.MULTILINE)[1:]
    return {name: " ".join(text.split()) for name, text in zip(parts[::2], parts[1::2], strict=True)}


def _default(kind: type, field: "Field[Any]") -> str:
    value: object = field.default if field.default_factory is MISSING else field.default_factory()
    if kind is TuningJobSpec:
        value = inspect.signature(kind).parameters[field.name].default
    if value is MISSING or value is inspect.Parameter.empty:
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, Sequence) and not isinstance(value, str) and value:
        return f"`{list(value)}`"
    return f"`{json.dumps(value)}`" if isinstance(value, str | int | float) else "optional"


def _type(hint: Any) -> str:
    options = [option for option in options_of(hint) if option is not types.NoneType]
    tables = list(dict.fromkeys(_link(option) for option in options if is_dataclass(option)))
    return " or ".join(
        [_noun(option) for option in options if not is_dataclass(option)] + [f"[table]({link})" for link in tables]
    )


def _noun(option: Any) -> str:
    if (outer := get_origin(option)) is not None:
        inner = options_of(get_args(option)[-1])
        if is_dataclass(inner[0]):
            return f"[{'table' if inner == get_args(Range) else 'list of tables'}]({_link(inner[0])})"
        nouns = " or ".join(_NOUNS[kind] for kind in inner)
        return f"list of {nouns}" if outer is Sequence else f"table of {nouns}"
    return _NOUNS.get(option, "text")


def _link(kind: object) -> str:
    sections = sorted(SECTIONS[1:], key=lambda section: section.kinds != (kind,))
    titles = [section.title for section in sections if kind in section.kinds]
    return "#" + (titles[0] if titles else "ranges").replace(" ", "-").replace("'", "")


# --- what AWS asks ----------------------------------------------------------------------------------------------------------


def text_of(section: Section, key: str) -> str:
    """A whole job file in which the example of a key stands."""
    example = section.examples[key]
    said = {*tomllib.loads(example)}
    head = {*said} if not section.header else {re.split(r"[.\]]", section.header.strip("["))[0]}
    lines = dict(BASE)
    if "definitions" in head:
        lines = {name: line for name, line in BASE.items() if name not in section.required or name == "name"}
    lines = {name: line for name, line in lines.items() if name not in head}
    if not section.header:
        return "\n".join([*lines.values(), example])
    needed = [line for name, line in section.required.items() if name not in said]
    return "\n".join([*lines.values(), section.header, *needed, example])


def job_of(text: str) -> TuningJob:
    """The tuning job of a file beside which lies what the examples name."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        (base / "job.toml").write_text(text, encoding="utf-8")
        return toml.load(base / "job.toml", TuningJob, role=ROLE, output=OUTPUT)


def _is_readable(lines: Mapping[str, str]) -> bool:
    try:
        job_of("\n".join(lines.values()))
    except Invalid:
        return False
    return True


def constraints(section: Section, key: str) -> str:
    """What AWS asks of a key's value, and the member that it becomes; empty where it becomes none of its own."""
    if DataScaling in section.kinds or section.examples[key].startswith("see "):
        return ""
    request = job_of(text_of(section, key)).request()
    members = [member for member in _members(schema.Member(schema.operation(_CREATE).input_shape, request)) if member.path]
    matching = [member for member in members if _plain(argument(member.path, request)) == _plain(f"{section.at}{key}")]
    if not matching:
        return ""
    stated = dict.fromkeys(filter(None, (_stated(member) for member in matching if type(member.value) is not bool)))
    names = dict.fromkeys(f"`{member.step}`" for member in matching if isinstance(member.step, str))
    return f"*AWS*: {'; '.join([', '.join(names), *stated])}"


def _plain(path: str) -> str:
    return re.sub(r"\[\d*\]", "", path)


def _members(member: schema.Member) -> Iterator[schema.Member]:
    yield member
    for shape, value, step in member.parts():
        yield from _members(schema.Member(shape, value, member, step))


def _stated(member: schema.Member) -> str:
    """The constraints of a member's shape in words."""
    shape: Mapping[str, Any] = member.shape.metadata
    values = shape.get("enum", ())
    if set(values) <= _SWITCH or len(values) > _MOST_VALUES:  # true or false to us; all instance types
        values = ()
    if values:
        return "one of " + ", ".join(f"`{value}`" for value in values)
    low, high = shape.get("min"), shape.get("max")
    unit = {"string": " characters", "list": " items", "map": " entries"}.get(member.kind, "")
    bounds = f"{low or 0:,} to {high:,}{unit}" if high is not None else f"{low:,} or more{unit}" if low else ""
    pattern = shape.get("pattern")
    return ", ".join(filter(None, [bounds, f"matches {_code(pattern)}" if pattern and len(pattern) in _TELLING else ""]))


# --- the page ---------------------------------------------------------------------------------------------------------------


def page() -> str:
    """The page, as Markdown."""
    return (
        "\n".join(
            [
                _HEAD.format(botocore=botocore.__version__).rstrip("\n"),
                *(line for section in SECTIONS for line in _section(section)),
            ]
        )
        + "\n"
    )


def _section(section: Section) -> Iterator[str]:
    yield from ("", f"## {section.title}", "")
    if section.text:
        yield from (section.text, "")
    yield from ("| key | what it says | example |", "|---|---|---|")
    for key in keys(section):
        default = "" if key.default == "optional" else key.default or "**required**"
        name = "<br>".join(filter(None, [f"`{key.name}`", key.type, default]))
        rule = constraints(section, key.name)
        example = section.examples[key.name]
        shown = example if example.startswith("see ") else _lines(example)
        yield f"| {name} | {_cell(key.meaning)}{f'<br>{_cell(rule)}' if rule else ''} | {_cell(shown)} |"
    if section.title == "objective":
        yield from _ranges()


def _ranges() -> Iterator[str]:
    """The forms of a range, which stand beside the objective in a file."""
    yield from ("", "## ranges", "", RANGES, "", "| form | keys | example |", "|---|---|---|")
    for form, names in toml.FORMS.items():
        yield f"| {form} | {', '.join(f'`{name}`' for name in sorted(names))} | {_lines(FORM_EXAMPLES[form])} |"
    yield from ("", "| preset | range |", "|---|---|")
    for name, preset in toml.PRESETS.items():
        summary = (inspect.getdoc(preset) or "").splitlines()[0]
        yield f"| `{name}` | {summary} |"


def _lines(text: str) -> str:
    return "<br>".join(map(_code, text.splitlines()))


def _code(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
