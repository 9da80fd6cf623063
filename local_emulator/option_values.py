"""Values of the command's options. A wrong value raises ArgumentTypeError with the rule."""

import math
import os
import re
import shlex
import shutil
from argparse import ArgumentTypeError
from collections.abc import Sequence
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from local_emulator.runs.data.links import leads_to_itself
from local_emulator.settings import Docker, Faults, LambdaModule, Python, Quotas, StandIn

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
_GPU = re.compile(r"[0-9]+|(GPU|MIG)-[A-Za-z0-9/-]+")
_DOCKER_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]*")
_MOST_PORT = 65535


def port(text: str) -> int:
    """A TCP port."""
    if not text.isascii() or not text.isdecimal() or int(text) > _MOST_PORT:
        raise ArgumentTypeError(f"{text!r} must be a whole number from 0 to {_MOST_PORT}")
    return int(text)


def count(text: str) -> int:
    """A number of things."""
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} must be a whole number of at least 1")
    return int(text)


def seconds(text: str) -> float:
    """A span of time."""
    return _at_least_0(text, text)


def number(text: str) -> tuple[str, float]:
    """NAME=NUMBER."""
    name, _, value = text.partition("=")
    return name, _at_least_0(value, text)


def _at_least_0(value: str, text: str) -> float:
    try:
        given = float(value)
    except ValueError:
        given = math.nan
    if not 0 <= given < math.inf:
        raise ArgumentTypeError(f"{text!r}: the number must be 0 or more, and finite")
    return given


def region(text: str) -> str:
    """The name of a region."""
    if not _REGION.fullmatch(text):
        raise ArgumentTypeError(f"{text!r} must be the name of a region, such as us-east-1")
    return text


def url(text: str) -> str:
    """Where a service answers."""
    try:
        parts = urlsplit(text)
        known = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        known = None
    if not known:
        raise ArgumentTypeError(f"{text!r} must be a URL such as http://127.0.0.1:9000")
    return text


def folder(text: str) -> Path:
    """A path that can be a folder's."""
    if not text or "\0" in text:
        raise ArgumentTypeError(f"{text!r} must be the path of a folder")
    if leads_to_itself(Path(text)):
        raise ArgumentTypeError(f"{text!r} must be the path of a folder, and leads in a circle")
    return Path(text)


def python(text: str) -> str:
    """An interpreter, by its path or its name."""
    path = Python(text).interpreter
    if not (shutil.which(path) or (Path(path).is_file() and os.access(path, os.X_OK))):
        raise ArgumentTypeError(f"{text!r}: {path} is no interpreter")
    return text


def gpus(text: str) -> tuple[str, ...]:
    """GPUs by their numbers or ids."""
    names = () if text == "none" else tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if not _GPU.fullmatch(name):
            raise ArgumentTypeError(f"{text!r}: {name!r} must be a GPU's number or its id (nvidia-smi -L), or all of it none")
    if not names and text != "none":
        raise ArgumentTypeError(f"{text!r} names no GPU; say none if there are to be none")
    if len(set(names)) < len(names):
        raise ArgumentTypeError(f"{text!r} names a GPU twice")
    return names


def image(text: str) -> tuple[str, StandIn]:
    """PATTERN=WHAT: the stand-in for the images that match a pattern."""
    pattern, _, named = text.partition("=")
    if not pattern or not named.strip():
        raise ArgumentTypeError(f"{text!r} must be PATTERN=COMMAND, PATTERN=python:PATH or PATTERN=docker:[IMAGE]")
    kind, colon, what = named.partition(":")
    if colon and kind == "docker":
        if what and not _DOCKER_IMAGE.fullmatch(what):
            raise ArgumentTypeError(f"{text!r}: {what!r} is no name of an image")
        return pattern, Docker(what or None)
    if colon and kind == "python":
        interpreter = Python(str(Path(what).absolute()))
        if not what or not Path(interpreter.interpreter).is_file() or not os.access(interpreter.interpreter, os.X_OK):
            raise ArgumentTypeError(f"{text!r}: {interpreter.interpreter} is no interpreter")
        return pattern, interpreter
    return pattern, _command(named, text)


def function(text: str) -> tuple[str, LambdaModule]:
    """NAME=MODULE:FUNCTION: what stands in for a function of AWS Lambda; the module is looked for in the working folder first."""
    name, _, named = text.partition("=")
    module, _, called = named.partition(":")
    if not name or not module or not called.isidentifier():
        raise ArgumentTypeError(f"{text!r} must be NAME=MODULE:FUNCTION")
    folder = Path.cwd()
    first = module.partition(".")[0]
    if not (folder / first).is_dir() and not (folder / f"{first}.py").is_file() and find_spec(first) is None:
        raise ArgumentTypeError(f"{text!r}: there is no module {first} in {folder}")
    return name, LambdaModule(module=module, function=called, folder=str(folder))


def file_system(text: str) -> tuple[str, Path]:
    """An id of a file system and a folder, as `fs-0123456789abcdef0=DIR`."""
    name, equals, path = text.partition("=")
    if not equals or not re.fullmatch(r"fs-[0-9a-z]+", name):
        raise ArgumentTypeError(f"{text!r} must be fs-…=DIR")
    if not Path(path).is_dir():
        raise ArgumentTypeError(f"{path!r} is no folder")
    return name, Path(path).resolve()


def _command(named: str, text: str) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(named))
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r}: {error}") from error
    if not words or shutil.which(words[0]) is None:
        raise ArgumentTypeError(f"{text!r}: there is no program {words[0] if words else ''!r}")
    return words


def quotas(given: Sequence[tuple[str, float]]) -> Quotas:
    """The quotas of the account."""
    known = {field.name.replace("_", "-"): field.name for field in fields(Quotas) if field.name != "instances"}
    numbers = {known[name]: int(number) for name, number in given if name in known}
    instances = {name: int(number) for name, number in given if name.startswith("ml.")}
    for name, number in given:
        if number != int(number):
            raise ArgumentTypeError(f"--quota {name}={number:g}: it must be a whole number")
        if name not in known and name not in instances:
            raise ArgumentTypeError(f"--quota {name}: it must be an instance type (ml.…) or one of {', '.join(known)}")
    return Quotas(**numbers, instances=instances)


def faults(given: Sequence[tuple[str, float]]) -> Faults:
    """The faults to inject."""
    known = {field.name for field in fields(Faults)}
    for name, number in given:
        if name not in known:
            raise ArgumentTypeError(f"--fault {name}: it must be one of {', '.join(sorted(known))}")
        if number < 0 or (number > 1 and name != "delay"):
            raise ArgumentTypeError(
                f"--fault {name}={number:g}: it must be {'0 or more seconds' if name == 'delay' else 'within 0 and 1'}"
            )
    return Faults(**dict(given))
