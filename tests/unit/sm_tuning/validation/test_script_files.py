"""What a script is sent with: its source folder, or the modules beside it that it imports."""

from pathlib import Path

import pytest

from sm_tuning import Script
from sm_tuning.validation.script_files import script_files
from tests.unit.sm_tuning.conftest import FILES


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
