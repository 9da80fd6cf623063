"""A tuning job as the text of a TOML file, which `toml.load` reads, or of Python.

What has its default is left out. Comments stand above the member that they are about, by its path: `strategy`, `ranges.learning_rate`.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from typing import Any, get_args

from sm_tuning.spec.channels import Channel
from sm_tuning.spec.job import TuningJobSpec, WarmStart
from sm_tuning.spec.metrics import Metric, Objective
from sm_tuning.spec.parameters import Auto, Categorical, Continuous, Integer, Range
from sm_tuning.spec.request import given
from sm_tuning.spec.script import Script
from sm_tuning.spec.strategies import Strategy

Comments = Mapping[str, Sequence[str]]
"""Lines of comment by the path of the member above which they stand; those of the empty path stand at the head."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_WIDTH = 100  # of a line of Python; longer calls are written on several
_MEMBERS = ("name", "role", "output", "strategy", "max_jobs", "max_parallel", "completion", "warm_start", "autotune", "tags")


def members(builder: object) -> dict[str, Any]:
    """The fields of a dataclass that have not their defaults."""
    kind: type = type(builder)
    values = {field.name: (field, getattr(builder, field.name)) for field in fields(kind)}
    return {name: value for name, (field, value) in values.items() if not _is_default(field, value)}


def _is_default(field: "Field[Any]", value: object) -> bool:
    default = field.default if field.default_factory is MISSING else field.default_factory()
    if isinstance(value, list | tuple) and isinstance(default, list | tuple):
        return list(value) == list(default)
    return default is not MISSING and value == default


def _job_members(job: TuningJobSpec, comments: Comments) -> dict[str, Any]:
    """Members of a tuning job, those of its only definition among them; tables last."""
    defaults: Mapping[str, object] = {"max_jobs": None, "max_parallel": 1, "warm_start": None, "autotune": False, "tags": {}}
    own = {name: getattr(job, name) for name in _MEMBERS}
    about = {name for name in comments if own.get(name) is not None}  # what is said of a member needs it, default or not
    own = {name: value for name, value in own.items() if name in about or name not in defaults or value != defaults[name]}
    if not members(job.completion):
        del own["completion"]
    return own | ({"definitions": job.definitions} if job.several else members(job.definition))


# --- TOML -------------------------------------------------------------------------------------------------------------------


def as_toml(job: TuningJobSpec, comments: Comments | None = None) -> str:
    """The text of a file that `TuningJob.from_toml` reads as this tuning job."""
    comments = comments or {}
    table = {name: _plain(name, value) for name, value in _job_members(job, comments).items()}
    lines = [_comment(line) for line in comments.get("", ())]
    lines += _toml_lines(table, "", comments)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n"


def _toml_lines(table: Mapping[str, Any], path: str, comments: Comments) -> Iterator[str]:
    """Members of a table as lines, those with tables of their own last; a table inside of one stands on one line."""
    inline = {name: value for name, value in table.items() if path or not _is_section(name, value)}
    for name, value in inline.items():
        yield from (_comment(line) for line in comments.get(f"{path}{name}", ()))
        yield f"{_key(name)} = {_toml(value)}"
    for name, value in table.items():
        if name in inline:
            continue
        about = [_comment(line) for line in comments.get(name, ())]
        if about:
            yield from ("", *about)
        for section in value if isinstance(value, list) else [value]:
            yield from ("", f"[[{_key(name)}]]" if isinstance(value, list) else f"[{_key(name)}]")
            yield from _toml_lines(section, f"{name}.", comments)


def _is_section(name: str, value: object) -> bool:
    """Whether a member of a tuning job gets a table of its own: what is long is no pleasure on one line."""
    if isinstance(value, list):
        return bool(value) and isinstance(value[0], Mapping)
    return isinstance(value, Mapping) and name not in {"strategy", "script", "warm_start"}


def _plain(name: str, value: object) -> Any:  # noqa: ANN401 - a value of TOML
    """A member as TOML spells it: the inverse of the reader's forms."""
    if name == "ranges" and isinstance(value, Sequence):
        return {parameter.name: _range(parameter) for parameter in value}
    if is_dataclass(value):
        form: Callable[[Any], Any] = _FORMS.get(type(value), _table)
        return form(value)
    if isinstance(value, Mapping):
        return {key: _number_or_text(inner) if name == "hyperparameters" else inner for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain("", item) for item in value]
    return value.value if isinstance(value, Enum) else value


def _table(builder: object) -> Mapping[str, Any]:
    return {name: _plain(name, value) for name, value in members(builder).items()}


def _objective(objective: Objective) -> Mapping[str, Any]:
    metric = objective.metric
    return {"metric": metric.name, "goal": objective.goal, **given(regex=metric.regex, sample=metric.sample)}


def _strategy(strategy: Strategy) -> str | Mapping[str, Any]:
    settings = members(strategy)
    return {"name": type(strategy).__name__, **settings} if settings else type(strategy).__name__


def _script(script: Script) -> str | Mapping[str, Any]:
    return script.entry if script.source is None else members(script)


def _range(parameter: Range) -> Mapping[str, Any]:
    if isinstance(parameter, Categorical):
        return {"values": [_number_or_text(value) for value in parameter.values]}
    if isinstance(parameter, Auto):
        return {"auto": parameter.hint}
    number = int if isinstance(parameter, Integer) else float
    return {"low": number(parameter.low), "high": number(parameter.high), "scaling": parameter.scaling.value}


_FORMS: Mapping[type, Callable[[Any], Any]] = {
    Objective: _objective,
    Script: _script,
    **dict.fromkeys(get_args(Strategy), _strategy),
}


def _number_or_text(value: object) -> object:
    """A text that is a number as Python writes it, as that number."""
    if isinstance(value, str):
        for kind in (int, float):
            try:
                number = kind(value)
            except ValueError:
                continue
            if str(number) == value and value not in {"nan", "inf", "-inf"}:
                return number
    return value


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _toml_text(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(str(name))} = {_toml(inner)}" for name, inner in value.items()) + " }" if value else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return repr(value)


def _toml_text(text: str) -> str:
    if "\\" in text and "'" not in text and not _CONTROL.search(text):
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(line: str) -> str:
    """A line of comment; control characters of others' texts would end it."""
    return f"# {_CONTROL.sub(' ', line)}".rstrip()


# --- Python -----------------------------------------------------------------------------------------------------------------


def as_python(job: TuningJobSpec, comments: Comments | None = None) -> str:
    """The text of a Python program that makes this tuning job."""
    comments = comments or {}
    values = _job_members(job, comments)
    names = sorted({"TuningJob", *(type(builder).__name__ for value in values.values() for builder in _builders(value))})
    lines = [_comment(line) for line in comments.get("", ())]
    lines += [f"from sm_tuning import {', '.join(names)}", "", "job = TuningJob("]
    for name, value in values.items():
        lines += [f"    {_comment(line)}" for line in comments.get(name, ())]
        lines += _python_member(name, value, comments)
    return "\n".join([*lines, ")"]) + "\n"


def _python_member(name: str, value: object, comments: Comments) -> Iterator[str]:
    """A member on a line of its own; lists of builders with each of them on one."""
    if isinstance(value, list | tuple) and value and is_dataclass(value[0]):
        yield f"    {name}=["
        for item in value:
            yield from (f"        {_comment(line)}" for line in comments.get(f"{name}.{getattr(item, 'name', '')}", ()))
            yield f"        {_python(item, 8)},"
        yield "    ],"
    else:
        yield f"    {name}={_python(value, 4)},"


def _builders(value: object) -> Iterator[object]:
    """The dataclasses and enumerations in a value, itself among them."""
    if is_dataclass(value):
        yield value
        for inner in members(value).values():
            yield from _builders(inner)
    elif isinstance(value, Enum):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _builders(item)


_BY_POSITION: Mapping[type, int] = {
    Continuous: 3,
    Integer: 3,
    Categorical: 2,
    Auto: 2,
    Metric: 2,
    Objective: 2,
    Channel: 2,
    WarmStart: 1,
}


def _python(value: object, indent: int) -> str:
    """An expression for a value; one that is long is written on several lines."""
    if is_dataclass(value):
        arguments = _arguments(value, indent + 4)
        call = f"{type(value).__name__}({', '.join(arguments)})"
        if len(call) + indent <= _WIDTH or not arguments:
            return call
        lines = "".join(f"{' ' * (indent + 4)}{argument},\n" for argument in arguments)
        return f"{type(value).__name__}(\n{lines}{' ' * indent})"
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name!r}: {_python(inner, indent)}" for name, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_python(item, indent) for item in value)}]"
    return repr(value)


def _arguments(builder: object, indent: int) -> list[str]:
    kind: type = type(builder)
    names = [field.name for field in fields(kind)][: _BY_POSITION.get(kind, 0)]
    return [
        _python(value, indent) if name in names else f"{name}={_python(value, indent)}"
        for name, value in members(builder).items()
    ]
