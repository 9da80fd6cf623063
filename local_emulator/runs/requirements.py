"""Compares `requirements.txt` with what an interpreter has installed: names what is missing, and changes nothing.

AWS's training toolkit installs the file with pip when a script begins. Here the interpreter is the user's own, so a script whose
requirements it does not meet is refused, with the command that meets them.
"""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    NormalizedName,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

from local_emulator.domain.errors import RunError

_FILE = "requirements.txt"
_MOST_FILES = 20
_COMMENT = re.compile(r"(^|\s)#.*$")
_OPTION_OF_A_LINE = re.compile(r"\s--?[a-z].*$")
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9._-]+)")
_URL = re.compile(r"(git|hg|svn|bzr)\+|[a-z]+://", re.IGNORECASE)
# Where pip looks for packages, and how: nothing that decides whether one is installed.
_ABOUT_SOURCES = {
    "-i", "--index-url", "--extra-index-url", "--no-index", "-f", "--find-links", "--pre", "--trusted-host", "--require-hashes",
    "--no-binary", "--only-binary", "--prefer-binary", "--use-feature",
}  # fmt: skip
_FACTS = """
import importlib.metadata, json, os, platform, sys
info = sys.implementation.version
version = f"{info.major}.{info.minor}.{info.micro}" + ("" if info.releaselevel == "final" else info.releaselevel[0] + str(info.serial))
markers = {
    "implementation_name": sys.implementation.name, "implementation_version": version, "os_name": os.name,
    "platform_machine": platform.machine(), "platform_release": platform.release(), "platform_system": platform.system(),
    "platform_version": platform.version(), "python_full_version": platform.python_version(),
    "platform_python_implementation": platform.python_implementation(), "sys_platform": sys.platform,
    "python_version": ".".join(platform.python_version_tuple()[:2]),
}
installed = []
for distribution in importlib.metadata.distributions():
    if distribution.metadata["Name"]:
        url = json.loads(distribution.read_text("direct_url.json") or "{}").get("url")
        installed.append([distribution.metadata["Name"], distribution.version, distribution.requires or [], url])
print(json.dumps({"markers": markers, "installed": installed}))
"""


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """One line: a requirement by its name, or by a URL or path whose package may have no name that can be told."""

    line: str
    name: str | None = None
    requirement: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class _Installed:
    version: str
    requires: Sequence[str]
    url: str | None


@dataclass
class _Lines:
    """The content of a requirements file and of those that it names."""

    wanted: list[_Wanted] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    files: int = 0


def check(code: Path, python: str) -> None:
    """Raise RunError for a source folder whose requirements.txt, which is there, an interpreter does not meet."""
    lines = _Lines()
    _read(code / _FILE, code, lines, constraint=False)
    if lines.wanted:
        _check_installed(tuple(lines.wanted), tuple(lines.constraints), python)


# --- the file -------------------------------------------------------------------------------------------------------------


def _read(path: Path, code: Path, lines: _Lines, *, constraint: bool) -> None:
    lines.files += 1
    shown = path.relative_to(code) if path.is_relative_to(code) else path
    if lines.files > _MOST_FILES:
        raise RunError(f"ClientError: {_FILE} leads to more than {_MOST_FILES} files, {shown} among them")
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise RunError(f"ClientError: {_FILE} names {shown}, which cannot be read: {error.strerror}") from error
    for raw in re.sub(r"\\\n", "", text).splitlines():
        line = _COMMENT.sub("", raw).strip()
        if line.startswith("-"):
            _option(line, path, code, lines, constraint=constraint)
        elif line:
            wanted = _wanted(line, shown)
            if not constraint:
                lines.wanted.append(wanted)
            elif wanted.requirement is not None:
                lines.constraints.append(wanted.requirement)


def _option(line: str, path: Path, code: Path, lines: _Lines, *, constraint: bool) -> None:
    option, value = _split(line)
    if option in {"-r", "--requirement", "-c", "--constraint"}:
        if "://" in value:
            raise RunError(f"ClientError: {_FILE} names {value}, which is not read here; put the file into the source")
        _read(path.parent / value, code, lines, constraint=constraint or option in {"-c", "--constraint"})
    elif option in {"-e", "--editable"}:
        lines.wanted.append(_wanted(value, path.relative_to(code)))
    elif option not in _ABOUT_SOURCES:
        raise RunError(f"ClientError: {_FILE} has {line!r}, an option that pip's requirements files do not know")


def _split(line: str) -> tuple[str, str]:
    """An option and its value, which may stand behind a blank, an equals sign, or (one letter) directly."""
    long = re.match(r"(--[a-z-]+)(?:=|\s+|$)", line)
    option, value = (long[1], line[long.end() :]) if long else (line[:2], line[2:].lstrip(" ="))
    return option, value.strip()


def _wanted(line: str, file: object) -> _Wanted:
    """A requirement in any of pip's forms."""
    text = _OPTION_OF_A_LINE.sub("", line)  # --hash and the like
    if _URL.match(text) or text.startswith((".", "/")) or text.endswith((".whl", ".tar.gz", ".zip")):
        return _by_url(text)
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise RunError(f"ClientError: {file} has {line!r}, which is no requirement: {str(error).splitlines()[0]}") from error
    return _Wanted(line=text, name=requirement.name, requirement=text, url=requirement.url)


def _by_url(text: str) -> _Wanted:
    url, _, marker = text.partition(" ;")
    name: str | None = None
    if egg := _EGG.search(url):
        name = egg[1]
    else:
        last = url.split("#")[0].rstrip("/").rsplit("/", 1)[-1]
        for parse in (parse_wheel_filename, parse_sdist_filename):
            try:
                name = name or str(parse(last)[0])
            except (InvalidWheelFilename, InvalidSdistFilename):
                continue
    if name is None and (url.startswith("file:") or not _URL.match(url)):
        where = "on the disk of another machine" if url.startswith(("file:", "/")) else "in the source"
        raise RunError(
            f"ClientError: {_FILE} asks for {url!r}, which lies {where}; only AWS would install it from there. Install it yourself "
            "and name it by its name"
        )
    requirement = f"{name} ;{marker}" if name and marker else name
    return _Wanted(line=url.strip(), name=name, requirement=requirement, url=url.strip())


# --- the interpreter ------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _check_installed(wanted: tuple[_Wanted, ...], constraints: tuple[str, ...], python: str) -> None:
    """Raise RunError if requirements are not met. That all are met is cached; that some are not is checked again."""
    facts = _facts(python)
    markers: dict[str, str] = facts["markers"]
    installed = {
        canonicalize_name(name): _Installed(version, requires, url) for name, version, requires, url in facts["installed"]
    }
    unmet = list(
        dict.fromkeys(reason for requirement in wanted for reason in _unmet(requirement, constraints, installed, markers))
    )
    if unmet:
        names = ", ".join(f"{what} ({why})" for what, why in unmet)
        command = shlex.join([python, "-m", "pip", "install", *dict.fromkeys(what for what, _ in unmet)])
        raise RunError(
            f"ClientError: requirements.txt asks for what is not installed in {python}: {names}. Install it: {command} "
            "(or give the image an environment that has it: serve --image 'PATTERN=python:VENV')"
        )


def _facts(python: str) -> Mapping[str, Any]:
    asked = subprocess.run([python, "-c", _FACTS], capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - an argument list
    try:
        facts: Mapping[str, Any] = json.loads(asked.stdout)
    except ValueError as error:
        said = asked.stderr.strip().splitlines()
        raise RunError(f"ClientError: {python} cannot say what it has installed: {said[-1] if said else 'no answer'}") from error
    return facts


def _unmet(
    wanted: _Wanted, constraints: Sequence[str], installed: Mapping[NormalizedName, _Installed], markers: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """(what to install, why) for a line that the installed packages do not meet."""
    if wanted.requirement is not None:
        yield from _unmet_requirement(Requirement(wanted.requirement), wanted.url, constraints, installed, markers)
    elif wanted.url not in {package.url for package in installed.values() if package.url}:
        bare = re.sub(r"^(git|hg|svn|bzr)\+|\.git$|(?<=[^/])@[^/]*$", "", str(wanted.url))
        known = {re.sub(r"\.git$", "", package.url) for package in installed.values() if package.url}
        if re.sub(r"\.git$", "", bare) not in known:
            yield str(wanted.url), "not installed from there"


def _unmet_requirement(
    requirement: Requirement,
    url: str | None,
    constraints: Sequence[str],
    installed: Mapping[NormalizedName, _Installed],
    markers: Mapping[str, str],
    seen: frozenset[str] = frozenset(),
) -> Iterator[tuple[str, str]]:
    if requirement.marker is not None and not any(
        requirement.marker.evaluate({**markers, "extra": extra}) for extra in (seen or {""})
    ):
        return
    name = canonicalize_name(requirement.name)
    specifier = requirement.specifier
    for constraint in map(Requirement, constraints):
        if canonicalize_name(constraint.name) == name and (
            constraint.marker is None or constraint.marker.evaluate(dict(markers))
        ):
            specifier &= constraint.specifier
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    what = f"{requirement.name}{extras}{specifier}" if url is None else url
    have = installed.get(name)
    if have is None:
        yield what, "missing"
    elif not specifier.contains(have.version, prereleases=True):
        yield what, f"installed is {have.version}"
    else:
        for needed in map(Requirement, have.requires if requirement.extras and not seen else ()):
            if needed.marker is not None and "extra" in str(needed.marker):
                yield from _unmet_requirement(needed, needed.url, (), installed, markers, frozenset(requirement.extras))
