"""The SageMaker Python SDK's two versions inside `emulated_sagemaker()`: the caller's role, which both ask for, jobs and waits."""

import os
import site
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.sdk import PROGRAMS
from tests.conftest import ROOT

pytestmark = pytest.mark.slow(20)

_ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
_BEGIN = "import rare_gc, one_loader, runpy, sys; sys.path.append(sys.argv[1]); runpy.run_path(sys.argv[2], run_name='__main__')"


def _printed(version: int, home: Path) -> list[str]:
    """The lines that a program prints in the SDK's own environment, to which moto and what else the emulator needs are added."""
    python = ROOT / f".venv-sdk{version}" / "bin" / "python"
    if not python.exists():
        pytest.skip(f"`make .venv-sdk{version}/.ready` makes the SDK's environment")
    ours = subprocess.run([python, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, text=True, check=True)
    if ours.stdout.strip() != str(sys.version_info[:2]):
        pytest.skip(f"{python} is another Python than this one, whose moto it cannot import")
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    environment = kept | {"HOME": str(home), "PYTHONPATH": f"{ROOT}:{PROGRAMS}", "SAGEMAKER_SUPPRESS_V2_WARNING": "1"}
    command: list[str | Path] = [python, "-c", _BEGIN, site.getsitepackages()[0], PROGRAMS / f"sdk{version}_in_process.py"]
    done = subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    lines: list[str] = done.stdout.splitlines()
    return lines


def test_version_2(tmp_path: Path) -> None:
    lines = _printed(2, tmp_path)
    expected = [f"role {_ROLE}", "bucket sagemaker-us-east-1-123456789012", "loss=0.25", f"by name {_ROLE}", "tuning Completed 4"]
    assert [line for line in expected if line not in lines] == []


def test_version_3(tmp_path: Path) -> None:
    lines = _printed(3, tmp_path)
    expected = [
        f"role {_ROLE}",
        "bucket sagemaker-us-east-1-123456789012",
        f"resolved {_ROLE}",
        f"by name {_ROLE}",
        "missing RoleValidationError",  # a role that IAM does not know passes no check
        "training Completed",
        "tuning Completed 4",
    ]
    assert [line for line in expected if line not in lines] == []
