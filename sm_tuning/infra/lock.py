"""The exact packages that requirements come to on this platform and Python, each with its hash, for `pip --require-hashes`."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from sm_tuning.errors import Invalid


def resolve(requirements: Sequence[str]) -> Mapping[str, Any]:
    """Pip's report on which packages it would install; raises Invalid with what it says if it cannot."""
    words = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--report", "-", *requirements]
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 - this interpreter's pip
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["pip failed"]
        raise Invalid(
            f"{', '.join(requirements)} cannot be locked: {said[-1].removeprefix('ERROR: ')}. "
            f"Of a version that PyPI does not have, name a wheel: infra lock 'dist/sm_tuning-VERSION-py3-none-any.whl[cli]'"
        )
    report: Mapping[str, Any] = json.loads(done.stdout)
    return report


def wheels(report: Mapping[str, Any]) -> list[Path]:
    """The files of this machine that were asked for, in a report of pip's; the lock has pip look for them in its own folder."""
    urls = [urlsplit(package["download_info"]["url"]) for package in report["install"] if package.get("is_direct")]
    return [Path(unquote(url.path)) for url in urls if url.scheme == "file"]


def locked(report: Mapping[str, Any], requirements: Sequence[str]) -> str:
    """The lock of a report of pip's; raises Invalid for a package that has no hash, such as a folder.

    It names no path of this machine: of a wheel its name, which has to lie beside the lock (`--find-links .`).
    """
    lines = ["--find-links .\n"] if wheels(report) else []
    for package in report["install"]:
        name, version = package["metadata"]["name"], package["metadata"]["version"]
        sha256 = package["download_info"].get("archive_info", {}).get("hashes", {}).get("sha256")
        if sha256 is None:
            raise Invalid(f"{name} has no hash: {package['download_info']['url']} is no archive")
        lines.append(f"{name.lower()}=={version} --hash=sha256:{sha256}\n")
    facts = report["environment"]
    where = f"Python {facts['python_version']} on {facts['sys_platform']} {facts['platform_machine']}"
    names = ", ".join(word.rpartition("/")[2] for word in requirements)
    return f"# {names} for {where}; `sm-tuning infra lock` makes it again\n" + "".join(sorted(lines))
