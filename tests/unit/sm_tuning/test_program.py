"""Hints name the program as it was started."""

import sys
from pathlib import Path

import pytest

from sm_tuning.program import command, python


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment below the current folder that is not on the path."""
    script = tmp_path / ".venv" / "bin" / "sm-tuning"
    script.parent.mkdir(parents=True)
    script.touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(sys, "executable", str(script.with_name("python")))
    monkeypatch.setattr(sys, "orig_argv", ["python", "script.py"])
    monkeypatch.setattr(sys, "argv", ["script.py"])
    return script


def test_a_path_is_kept(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [".venv/bin/sm-tuning"])
    assert command("logs", "a b") == ".venv/bin/sm-tuning logs 'a b'"
    monkeypatch.setattr(sys, "argv", [str(installed)])
    assert command("list") == ".venv/bin/sm-tuning list", "the same, shorter"
    (installed.parents[2] / "other").mkdir()
    monkeypatch.chdir(installed.parents[2] / "other")
    assert command("list") == f"{installed} list"


def test_a_name_on_the_path_is_enough(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(installed.parent))
    monkeypatch.setattr(sys, "argv", [str(installed)])
    assert command("list") == "sm-tuning list"


def test_another_of_the_name_on_the_path_is_another(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = installed.parents[2] / "sm-tuning"
    other.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(other.parent))
    assert command("list") == ".venv/bin/sm-tuning list"


def test_from_python_it_is_the_one_of_the_environment(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert command("list") == ".venv/bin/sm-tuning list"
    installed.unlink()
    assert command("list") == ".venv/bin/python -m sm_tuning list"
    monkeypatch.setattr(sys, "orig_argv", [".venv/bin/python", "-m", "sm_tuning", "list"])
    assert command("list") == ".venv/bin/python -m sm_tuning list"


def test_the_interpreter_is_named_as_it_can_be_typed(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert python("a b.py") == ".venv/bin/python 'a b.py'"
    installed.with_name("python").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(installed.parent))
    assert python("train.py") == "python train.py"
