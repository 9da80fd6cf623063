"""What a script is sent with: its source folder, or the modules beside it that it imports."""

import io
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sm_tuning import Script, TuningJob
from sm_tuning.client.launch import pack
from sm_tuning.validation.script_files import script_files

Make = Callable[..., TuningJob]
FILES = {
    "train.py": "import os, contract\nimport numpy\n\ndef main():\n    from layers.dense import Dense\n    import namespace\n",
    "contract.py": "import deeper\n",
    "deeper.py": "import contract\n",
    "layers/__init__.py": "",
    "layers/dense.py": "from . import weights\nimport helper\nDense = 1\n",
    "layers/weights.txt": "1 2 3",
    "layers/weights.py": "",
    "layers/__pycache__/x.pyc": "",
    "helper.py": "def broken(:\n",
    "namespace/data.csv": "1,2\n",
    "unused.py": "",
    "requirements.txt": "numpy\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_script_takes_along_what_it_imports_from_beside_itself(folder: Path) -> None:
    files = script_files(Script(str(folder / "train.py")))
    assert [name for name, _ in files.files] == [
        "contract.py",
        "deeper.py",
        "helper.py",
        "layers/__init__.py",
        "layers/dense.py",
        "layers/weights.py",
        "layers/weights.txt",
        "train.py",
    ]
    assert files.left_out == [("layers/__pycache__/", "a cache or an environment of this machine")]
    assert all(path == folder / name for name, path in files.files)


def test_a_source_folder_is_sent_whole(folder: Path) -> None:
    files = script_files(Script("train.py", source=str(folder)))
    assert {name for name, _ in files.files} == {*FILES} - {"layers/__pycache__/x.pyc"}


@pytest.mark.parametrize("content", [b"echo hi\n", b"import (\n", b"'\\d'\n", b"\x00\xff", b""])
def test_what_is_no_python_is_sent_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "contract.py").write_text("")
    for name in ("train.sh", "train.py"):
        (tmp_path / name).write_bytes(content)
        assert [sent for sent, _ in script_files(Script(str(tmp_path / name))).files] == [name]


def test_the_archive_runs_elsewhere_and_the_plan_says_what_is_left_out(folder: Path, tmp_path: Path, job: Make) -> None:
    (folder / "train.py").write_text("import contract\nprint(contract.NAME)\n")
    (folder / "contract.py").write_text("import layers.dense\nNAME = layers.dense.Dense\n")
    (folder / "helper.py").write_text("")
    script = Script(str(folder / "train.py"))
    with tarfile.open(fileobj=io.BytesIO(pack(script))) as archive:
        archive.extractall(tmp_path / "code", filter="data")
    done = subprocess.run([sys.executable, "train.py"], cwd=tmp_path / "code", capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
    report = job(script=script).dry_run()
    assert report.ok, report
    assert "script.entry is sent without layers/__pycache__/: a cache or an environment of this machine" in report.warnings
