"""What an image holds: a list of its packages by Syft (CycloneDX), and what is known to be wrong with them by Grype."""

import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sm_tuning.errors import NotDeployed
from sm_tuning.infra.docker import docker
from sm_tuning.infra.programs import run

SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW")
_PINS = Path(__file__).parent / "tools" / "Dockerfile"
_NAMED = 5
"""So many findings are told; the rest is counted."""


def write_sbom(source: str, path: Path, *, digest: str | None) -> int:
    """Write the packages of an image to `path`; how many there are.

    `source` is Syft's: registry:REPOSITORY@DIGEST or docker:IMAGE. Raises NotDeployed without Syft, or if the list is of something
    else than `digest`, or has no package.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _run("syft", "scan", source, "--output", f"cyclonedx-json={path}", "--quiet")
    document = json.loads(path.read_text(encoding="utf-8"))
    image = document["metadata"]["component"]
    if digest is not None and image.get("version") != digest:
        raise NotDeployed(f"Syft listed the packages of {image.get('version')}, not of {digest}, which was pushed")
    packages = [component for component in document.get("components", ()) if component["type"] == "library"]
    if not packages:
        raise NotDeployed(f"Syft finds no package in {image['name']}: what it holds cannot be told")
    return len(packages)


def refused_by(gate: str) -> Sequence[str]:
    """The severities that a gate refuses: its own and those above it."""
    return SEVERITIES[: SEVERITIES.index(gate) + 1]


def check_sbom(path: Path, gate: str) -> int:
    """Raise NotDeployed if Grype knows something at least as severe as `gate` of a package, and a newer one that mends it.

    Gives how many as severe findings there are that no newer package mends: they pass.
    """
    severe = [match for match in _matches(path) if match["vulnerability"]["severity"].upper() in refused_by(gate)]
    refused = [_told(match) for match in severe if match["vulnerability"]["fix"]["state"] == "fixed"]
    if refused:
        more = f" and {len(refused) - _NAMED} more" if len(refused) > _NAMED else ""
        raise NotDeployed(f"Grype finds in {path} what newer packages mend: {', '.join(refused[:_NAMED])}{more}")
    return len(severe)


def _matches(path: Path) -> Sequence[Mapping[str, Any]]:
    answer: Mapping[str, Any] = json.loads(_run("grype", f"sbom:{path}", "--output", "json", "--quiet"))
    matches: Sequence[Mapping[str, Any]] = answer["matches"]
    return matches


def _told(match: Mapping[str, Any]) -> str:
    package, known = match["artifact"], match["vulnerability"]
    return f"{package['name']} {package['version']} ({known['id']}, {known['severity']}; {' or '.join(known['fix']['versions'])})"


def _run(name: str, *words: str) -> str:
    """Run a program of Anchore's; what it printed. Raises NotDeployed with what it said last."""
    with _program(name) as program:
        return run(name, [program, *words], environment={f"{name.upper()}_CHECK_FOR_APP_UPDATE": "false"})


@contextmanager
def _program(name: str) -> Iterator[str]:
    """Where a program is: on PATH, or else taken out of its image, which is pinned by its digest, for as long as it is needed."""
    if there := shutil.which(name):
        yield there
        return
    with tempfile.TemporaryDirectory() as folder:
        container = docker("create", _image(name)).strip()
        try:
            docker("cp", f"{container}:/{name}", folder)
        finally:
            docker("rm", container)
        yield f"{folder}/{name}"


def _image(name: str) -> str:
    pins: Sequence[tuple[str, str]] = re.findall(r"^FROM (\S+) AS (\w+)$", _PINS.read_text(encoding="utf-8"), re.MULTILINE)
    return next(image for image, program in pins if program == name)
