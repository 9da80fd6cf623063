"""The wheel as it is released, and those that images hold beside it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT


def guest_python(name: str) -> str:
    """The interpreter of an environment of users' (`make .venv-guest-NAME/.ready`); skips where there is none."""
    folder = ROOT / f".venv-guest-{name}"
    if not (folder / ".ready").exists():
        pytest.skip(f"{folder.name} is not there: make {folder.name}/.ready (it needs that Python)")
    return str(folder / "bin" / "python")


def source(folder: Path) -> Path:
    """A folder with what the wheel is made of: a build leaves files in its source."""
    folder.mkdir(parents=True)
    for name in ("sm_tuning", "local_emulator", "pyproject.toml", "README.md", "LICENSE"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def build(folder: Path) -> Path:
    """Build the wheel in a folder."""
    pip = [guest_python("default"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    built = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(source(folder / "source"))]
    subprocess.run(built, check=True, timeout=300)
    return next(folder.glob("*.whl"))


def copy_pinned(package: str, folder: Path) -> None:
    """Put the wheels that a package's image holds into a new folder."""
    wheels = ROOT / "build" / "wheels" / package
    if not (wheels / ".ready").exists():
        pytest.skip(f"what the image holds is not there: make {wheels.relative_to(ROOT)}/.ready")
    shutil.copytree(wheels, folder, ignore=shutil.ignore_patterns(".ready"))
