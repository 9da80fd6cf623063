"""Which images a Dockerfile builds on, as far as its first lines tell."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from sm_tuning.errors import Invalid

_ARG = re.compile(r"ARG\s+(\w+)(?:=(\S*))?", re.IGNORECASE)
_FROM = re.compile(r"FROM\s+(?:--\w+=\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", re.IGNORECASE)
_NAME = re.compile(r"\$(?:\{(\w+)(?::-([^}]*))?\}|(\w+))")
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")


def check_bases(dockerfile: Path, base: str | None, *, by_digest: bool) -> None:
    """Raise Invalid if there is no Dockerfile, if it has no use for `base`, or with `by_digest` if it builds on what may change."""
    if not dockerfile.is_file():
        raise Invalid(f"{dockerfile.parent} has no Dockerfile")
    lines = dockerfile.read_text(encoding="utf-8").splitlines()
    if base is not None and "BASE" not in _arguments(lines):
        raise Invalid(f"{dockerfile} has no ARG BASE before its FROM, so it does not build on {base}")
    for image in _bases(lines, {} if base is None else {"BASE": base}):
        if by_digest and not _DIGEST.search(image):
            name = image.partition("@")[0]
            raise Invalid(
                f"{dockerfile} builds on {image}; with a gate that must have a digest, as in {name}@sha256:…, there or by --base (in "
                "a pipeline: the variable BASE_IMAGE)"
            )


def _arguments(lines: list[str]) -> Mapping[str, str]:
    """What can stand in a FROM: the ARGs before the first, with their defaults."""
    arguments: dict[str, str] = {}
    for line in lines:
        if _FROM.match(line):
            break
        if match := _ARG.match(line):
            arguments[match[1]] = match[2] or ""
    return arguments


def _bases(lines: list[str], given: Mapping[str, str]) -> Iterator[str]:
    """Images that are no stages of its own, nor `scratch`."""
    values = {**_arguments(lines), **given}
    stages = {"scratch"}
    for match in filter(None, map(_FROM.match, lines)):
        image = _NAME.sub(lambda name: values.get(name[1] or name[3], "") or name[2] or "", match[1])
        if image not in stages:
            yield image
        stages.add(match[2])
