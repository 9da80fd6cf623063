"""One set of fork servers for all tests of a file."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.local_emulator.runs.forkserver.packages import install
from tests.integration.local_emulator.runs.forkserver.running import Runs


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    harness = Runs(tmp_path_factory.mktemp("runs"), tmp_path_factory.mktemp("kept"))
    yield harness
    harness.executor.close()


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a virtual environment without packages."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder


@pytest.fixture(scope="module")
def python(environment: Path) -> str:
    """An interpreter with packages that must not be imported before a fork, and some that may be."""
    return install(environment)
