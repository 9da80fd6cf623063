"""The dry run refuses the lines of a requirements.txt that pip refuses; pip itself is asked."""

from contextlib import nullcontext
from importlib import import_module
from pathlib import Path

import pytest

from sm_tuning import Script
from sm_tuning.validation.requirements import requirements_of

GOOD = [
    "boto3",
    "boto3[a,b]>=1",
    "boto3 (>=1)",
    "boto3>=1,<2 ; python_version > '3'",
    "boto3~=1.2",
    "./here",
    "a @ https://b/c.zip",
]
BAD = ["boto3 >> 1", "boto3 = 1", "two words", "boto3; b", "!", "boto3>=1 <2"]


@pytest.mark.parametrize("line", [*GOOD, *BAD])
def test_pip_reads_the_same_lines(tmp_path: Path, line: str) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "setup.py").touch()
    (tmp_path / "requirements.txt").write_text(line)
    requirements = requirements_of(Script("train.py", source=str(tmp_path)))
    assert requirements is not None
    assert bool(requirements.faults) == (line in BAD)
    constructors = import_module("pip._internal.req.constructors")
    refusal = import_module("pip._internal.exceptions").InstallationError, ValueError  # the latter of a marker
    with pytest.raises(refusal) if line in BAD else nullcontext(), pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        constructors.install_req_from_line(line)
