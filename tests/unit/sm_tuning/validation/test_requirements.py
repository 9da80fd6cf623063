"""What a script's requirements.txt asks for."""

import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from sm_tuning import Script
from sm_tuning.validation.requirements import is_package, requirements_of
from tests.unit.sm_tuning.descriptions import Make

BOTO = metadata.version("boto3")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "train.py").touch()
    return tmp_path


def read(folder: Path, text: str) -> Any:
    (folder / "requirements.txt").write_text(text)
    return requirements_of(Script("train.py", source=str(folder)))


def test_what_this_python_has_and_what_pip_will_install(folder: Path) -> None:
    asked = read(
        folder,
        "# ours\nboto3>=1.0  # a comment\nBoto3 \\\n  < 1000\nboto3==0.1\nno-such-package>=2 --hash=sha256:abc\n"
        "no-such-package; python_version < '3'\n",
    )
    assert asked.met == [f"boto3>=1.0 ({BOTO})", f"Boto3   < 1000 ({BOTO})"]
    assert asked.unmet == [f"boto3==0.1 (here: {BOTO})", "no-such-package>=2"]
    assert (asked.others, asked.faults) == ([], [])


def test_what_only_pip_can_say_is_left_to_it(folder: Path) -> None:
    lines = ["--index-url https://me:secret@host/simple", "--pre", "-e ./mine", "./wheel.whl", "git+https://me:secret@host/x"]
    asked = read(folder, "\n".join([*lines, "x @ https://host/x.zip", "boto3[crt]", "${NAME}==1"]))
    assert asked.others == ["-e ./mine", "./wheel.whl", "an address", "an address", "boto3[crt]", "${NAME}==1"]
    assert (asked.met, asked.unmet, asked.faults) == ([], [], [])


def test_other_files_that_are_sent_are_read_too(folder: Path) -> None:
    (folder / "more").mkdir()
    (folder / "more" / "base.txt").write_text("boto3\n-r ../requirements.txt\n-c limits.txt\n")
    (folder / "more" / "limits.txt").write_text("")
    (folder.parent / "outside.txt").touch()
    (folder / "loop.txt").symlink_to("loop.txt")
    asked = read(folder, "-r more/base.txt\n--requirement ../outside.txt\n-c https://host/limits.txt\n-r loop.txt\n")
    assert (asked.met, asked.others) == ([f"boto3 ({BOTO})"], ["an address"])
    assert asked.faults == [
        f"line {line} of requirements.txt names {name}, which is no file that is sent"
        for line, name in ((2, "../outside.txt"), (4, "loop.txt"))
    ]


def test_without_pips_grammar_pip_alone_can_say(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pip._vendor.packaging.requirements", None)
    assert read(folder, "boto3\nboto3 >> 1\n").faults, "packaging has the same"
    monkeypatch.setitem(sys.modules, "packaging.requirements", None)
    assert read(folder, "boto3\nboto3 >> 1\n").others == ["boto3", "boto3 >> 1"]
    (folder / "requirements.txt").write_bytes(b"\xff\xfe\xff")
    assert read(folder, "").others == []


def test_what_is_not_installed_asks_for_nothing(folder: Path) -> None:
    read(folder, "boto3")
    assert requirements_of(Script(str(folder / "train.py"))) is None
    assert requirements_of(Script("train.sh", source=str(folder))) is None
    (folder / "requirements.txt").unlink()
    assert requirements_of(Script("train.py", source=str(folder))) is None


def test_a_file_that_pip_cannot_read_is_refused(folder: Path, job: Make) -> None:
    read(folder, "boto3\nboto3 >> 1\n")
    (problem,) = job(script=Script("train.py", source=str(folder))).dry_run().problems
    assert str(problem).startswith(
        f"script.source is {str(folder)!r}; pip cannot read line 2 of requirements.txt, 'boto3 >> 1': "
    )
    assert str(problem).endswith("(requirements-syntax)")


def test_a_file_that_is_not_sent_is_told(folder: Path, job: Make) -> None:
    read(folder, "boto3")
    (warning,) = job(script=Script(str(folder / "train.py"))).dry_run().warnings
    assert warning == (
        f"requirements.txt beside {folder / 'train.py'} is not sent, so nothing of it is installed: name the folder in script.source"
    )


def test_a_package_is_what_the_toolkit_takes_for_one(folder: Path) -> None:
    script = Script("train.py", source=str(folder))
    (folder / "pyproject.toml").write_text("[project]\nname = 'mine'\n")
    assert not is_package(script)
    (folder / "setup.py").touch()
    assert is_package(script)
    assert not is_package(Script("train.sh", source=str(folder)))
    assert not is_package(Script(str(folder / "train.py"))), "the file alone is sent"


@pytest.mark.parametrize(
    ("project", "beside", "warned"),
    [
        ("[project]\ndependencies = ['polars>=1', 'tqdm']\n", None, "polars>=1, tqdm"),
        ("[project]\ndependencies = ['polars']\n", "requirements.txt", None),
        ("[project]\ndependencies = ['polars']\n", "setup.py", None),
        ("[tool.ruff]\nline-length = 100\n", None, None),
        ("[project]\ndependencies = 'polars'\n", None, None),
        ("project = 1\n", None, None),
        ("no TOML", None, None),
    ],
)
def test_what_nothing_installs_is_warned_of(
    folder: Path, project: str, beside: str | None, warned: str | None, job: Make
) -> None:
    (folder / "pyproject.toml").write_text(project)
    if beside is not None:
        (folder / beside).touch()
    sentence = (
        f"nothing installs {warned}, on which {folder} depends: AWS's training toolkit reads setup.py and requirements.txt, "
        "no pyproject.toml"
    )
    warnings = job(script=Script("train.py", source=str(folder))).dry_run().warnings
    assert [warning for warning in warnings if "install" in warning] == ([sentence] if warned else [])


def test_an_entry_in_a_folder_of_a_package_is_no_module(folder: Path, job: Make) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "train.py").touch()
    script = Script("deep/train.py", source=str(folder))
    assert not any("no module" in warning for warning in job(script=script).dry_run().warnings)
    (folder / "setup.py").touch()
    (warning,) = [warning for warning in job(script=script).dry_run().warnings if "no module" in warning]
    assert "`python -m deep/train`" in warning
