"""How a fork becomes `python ENTRY WORDS`; that a script cannot tell is the law of tests/contracts/test_forkserver.py."""

import multiprocessing.process
import os
import sys
import tempfile
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType, SimpleNamespace
from typing import Any

import pytest

from local_emulator.runs.forkserver.server import script


@pytest.fixture(autouse=True)
def _main() -> Iterator[None]:
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before


def run(path: Path, text: str, compiled: dict[tuple[str, bytes], CodeType] | None = None) -> int:
    entry = path / "train.py"
    entry.write_text(text)
    sources: Any = SimpleNamespace(code=lambda path, source: (compiled or {}).get((path, source)))
    return script._run(str(entry), sources)


@pytest.mark.parametrize(
    ("text", "code", "error"),
    [
        ("x = 1", 0, ""),
        ("raise SystemExit", 0, ""),
        ("raise SystemExit(7)", 7, ""),
        ("raise SystemExit(-1)", 255, ""),
        ("raise SystemExit('why')", 1, "why\n"),
        ("1 / 0", 1, "ZeroDivisionError: division by zero\n"),
        ("def f(:\n", 1, "SyntaxError: "),
    ],
)
def test_exit_codes_are_pythons(text: str, code: int, error: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, text) == code
    printed = capsys.readouterr().err
    assert error in printed
    assert "server/script.py" not in printed, "frames of ours are none of the script's"


def test_a_hook_that_fails_is_shown_with_what_it_was_to_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "excepthook", lambda *_: {}[1])  # type: ignore[index] # is to fail
    assert run(tmp_path, "1 / 0") == 1
    error = capsys.readouterr().err
    assert error.index("Error in sys.excepthook:") < error.index("KeyError: 1") < error.index("Original exception was:")
    assert error.rstrip().endswith("ZeroDivisionError: division by zero")


def test_it_is_main_with_nothing_of_ours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(
        tmp_path,
        "print(__name__, __file__, sorted(n for n in dir() if not n.startswith('__')))\nimport __main__\nprint(__main__.__file__)",
    )
    assert capsys.readouterr().out == f"__main__ {tmp_path}/train.py []\n{tmp_path}/train.py\n"


def test_what_is_compiled_already_counts_for_the_same_text_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entry = str(tmp_path / "train.py")
    compiled = {(entry, b"print(1)"): compile("print('compiled')", entry, "exec")}
    run(tmp_path, "print(1)", compiled)
    run(tmp_path, "print(2)", compiled)
    assert capsys.readouterr().out == "compiled\n2\n"


@pytest.mark.parametrize(("named", "paths"), [("", []), ("/a:/b:/a", ["/a", "/b"]), (":/a", ["/here", "/a"])])
def test_python_path_comes_after_the_scripts_folder(named: str, paths: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", named)
    monkeypatch.setattr(os, "getcwd", lambda: "/here")
    assert script._python_path("/code") == ["/code", *paths]


def test_a_file_with_the_name_of_an_imported_module_refuses(tmp_path: Path) -> None:
    code, library = tmp_path / "code", tmp_path / "library"
    for folder in (code, library):
        folder.mkdir()
    entry = code / "train.py"
    paths = [str(code), str(library), str(tmp_path / "missing")]
    assert script._refusal(str(entry), paths, {"json"}) == f"there is no {entry}"
    entry.touch()
    assert script._refusal(str(entry), paths, {"json"}) is None
    (library / "json").mkdir()
    assert script._refusal(str(entry), paths, {"json"}) == (
        "json lies beside the script and has the name of a module that is imported already"
    )


def test_each_run_draws_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    process = multiprocessing.process.current_process()
    monkeypatch.setitem(process._config, "authkey", process.authkey)  # type: ignore[attr-defined] # is put back
    monkeypatch.setattr(multiprocessing.process, "ORIGINAL_DIR", "/elsewhere")
    monkeypatch.setattr(tempfile, "tempdir", "/elsewhere")
    monkeypatch.chdir(tmp_path)
    keys = set()
    for _ in range(2):
        script._reset_modules()
        keys.add(bytes(process.authkey))
    assert len(keys) == 2
    assert os.getcwd() == multiprocessing.process.ORIGINAL_DIR  # type: ignore[attr-defined] # noqa: PTH109 - as Python does
    assert tempfile.tempdir is None


@pytest.mark.parametrize(
    ("origin", "imported"),
    [
        ("/venv/lib/package/__init__.py", True),
        ("/code/helpers.py", False),
        ("/code-packages/package.py", True),  # begins as the script's folder does, and is another
        ("/venv/lib64/package.py", False),  # nobody's
        (None, False),
    ],
)
def test_what_is_installed_is_imported_ahead_next_time(
    origin: str | None, monkeypatch: pytest.MonkeyPatch, *, imported: bool
) -> None:
    module = ModuleType("a_package")
    module.__spec__ = ModuleSpec("a_package", None, origin=origin)
    monkeypatch.setitem(sys.modules, "a_package", module)
    notices: list[object] = []
    compiled = SimpleNamespace(missed=["/code/helpers.py", "/code-packages/package.py"])
    state: Any = SimpleNamespace(
        paths=("", "/venv/lib", "/code-packages"), exclusions={}, notify=notices.append, compiled=compiled
    )
    script._notify_of_imports(state, ["a_package"], "/code", "/run/ml")
    assert ({"imported": ["a_package"]} in notices) is imported
    assert {"sources": {"/code/helpers.py": "/code/helpers.py"}} in notices
