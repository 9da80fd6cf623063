"""What a script's `requirements.txt` asks pip for, read as pip reads it, and what of it this interpreter has already.

The grammar is pip's own copy of `packaging`, which is what reads the file when a run here installs it. What only pip can say
(addresses, paths, its options, variables) is left to it.
"""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from sm_tuning.rules import training_toolkit
from sm_tuning.spec.script import Script

FILE = "requirements.txt"

_COMMENT = re.compile(r"(^|\s)#.*$")
_MORE = re.compile(r"(?:-[rc]|--(?:requirement|constraint)(?:=|\s))\s*(.+)")
_OPTIONS = re.compile(r"\s--?[a-z].*$")
_OF_PIP = re.compile(r"-|[.~]|[^;]*[/\\]|.*\$\{|\S+\.(whl|zip|tgz|tar\.\w+)\b")  # what begins so is no name with versions
_INSTALLS = re.compile(r"-e\b|--editable\b|[^-]")  # other options do not
_ADDRESS = "an address"  # itself may hold a password


@dataclass(frozen=True, kw_only=True)
class Requirements:
    """What a file asks for.

    Attributes:
        met: Requirements that this interpreter meets, with the versions that it has.
        unmet: Those that it does not meet.
        others: Lines that only pip can say more of.
        faults: What pip cannot read, and why, a sentence each.
        files: The file itself and those that it names, by their names in the folder.
    """

    met: list[str] = field(default_factory=list)
    unmet: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    files: dict[str, Path] = field(default_factory=dict)


def requirements_of(script: Script) -> Requirements | None:
    """What is installed before a script starts, as far as it is known; None where nothing asks for anything."""
    if script.source is None:  # the file alone is sent
        return None
    folder = Path(script.source)
    if not (folder / FILE).is_file() or not (is_package(script) or script.entry.endswith(".py")):
        return None
    requirements = Requirements()
    _read(folder, FILE, requirements)
    return requirements


def is_package(script: Script) -> bool:
    """Whether AWS's training toolkit installs a script's folder, and starts the script as a module."""
    return script.source is not None and training_toolkit.is_package(Path(script.source), script.entry)


def not_installed(script: Script) -> list[str]:
    """What the `pyproject.toml` of a script's folder depends on, where nothing installs it: the toolkit does not read it."""
    if script.source is None or is_package(script) or (Path(script.source) / FILE).is_file():
        return []
    try:
        project = tomllib.loads((Path(script.source) / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
    except (OSError, ValueError):
        return []
    dependencies = project.get("dependencies", []) if isinstance(project, dict) else []
    return [str(dependency) for dependency in dependencies] if isinstance(dependencies, list) else []


def requirement_files(folder: Path) -> Mapping[str, Path]:
    """The requirements.txt of a folder and the files in the folder that it names, by their names; empty without one."""
    requirements = Requirements()
    if (folder / FILE).is_file():
        _read(folder, FILE, requirements)
    return requirements.files


def _read(folder: Path, name: str, requirements: Requirements) -> None:
    path = (folder / name).resolve()
    if path in requirements.files.values():
        return
    requirements.files[name] = path
    try:
        lines = list(_lines(path))
    except (OSError, ValueError):  # pip knows of other encodings
        requirements.others.append(name)
        return
    for number, line in lines:
        if (more := _MORE.fullmatch(line)) is None:
            _add(line, f"line {number} of {name}", requirements)
        elif "://" in more[1] or "${" in more[1]:
            requirements.others.append(_ADDRESS)
        else:
            # Not by `resolve`: before Python 3.13 it fails at a link to itself.
            inner = Path(os.path.realpath(path.parent / more[1].strip()))
            if inner.is_file() and inner.is_relative_to(folder.resolve()):
                _read(folder, str(inner.relative_to(folder.resolve())), requirements)
            else:
                requirements.faults.append(f"line {number} of {name} names {more[1].strip()}, which is no file that is sent")


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """What a file says, line by line, with the number of its first line."""
    begun, text = 1, ""
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        text += line
        if line.endswith("\\") and not _COMMENT.match(line):
            text = text.removesuffix("\\")
            continue
        if stripped := _COMMENT.sub("", text).strip():
            yield begun, stripped
        begun, text = number + 1, ""


def _add(line: str, where: str, requirements: Requirements) -> None:
    text = _OPTIONS.sub("", line)
    if _OF_PIP.match(text):
        if _INSTALLS.match(text):
            requirements.others.append(_ADDRESS if "://" in text else text)
        return
    grammar = _grammar()
    if grammar is None:
        requirements.others.append(text)
        return
    try:
        wanted = grammar.Requirement(text)
    except ValueError as error:
        why, *_ = str(error).splitlines()
        requirements.faults.append(f"pip cannot read {where}, {text!r}: {why}")
        return
    if wanted.marker is not None and not wanted.marker.evaluate():
        return
    try:
        version = metadata.version(wanted.name)
    except metadata.PackageNotFoundError:
        requirements.unmet.append(text)
        return
    if not wanted.specifier.contains(version, prereleases=True):
        requirements.unmet.append(f"{text} (here: {version})")
    elif wanted.extras:  # which require more
        requirements.others.append(text)
    else:
        requirements.met.append(f"{text} ({version})")


def _grammar() -> Any:  # noqa: ANN401 - a module
    """The module of requirements in pip or, without one here, in `packaging`; None without either."""
    for name in ("pip._vendor.packaging.requirements", "packaging.requirements"):
        with suppress(ImportError):
            return import_module(name)
    return None
