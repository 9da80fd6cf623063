"""What one run has compiled, the next ones need not; and nobody can tell."""

import importlib
import os
import sys
import traceback
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest

from local_emulator.runs.forkserver.server import compiled as module
from local_emulator.runs.forkserver.server.compiled import CompiledSources

NAME = "beside_the_script"


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> Iterator[CompiledSources]:
    monkeypatch.setattr(SourceFileLoader, "source_to_code", SourceFileLoader.source_to_code)  # put back afterwards
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    yield CompiledSources()
    sys.modules.pop(NAME, None)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path / f"{NAME}.py"


def test_a_module_that_is_compiled_is_not_compiled_again(sources: CompiledSources, path: Path, tmp_path: Path) -> None:
    path.write_text("value = 1\n")
    assert sources.add(str(path), str(path))
    assert not sources.add(str(path), str(path))
    assert importlib.import_module(NAME).value == 1
    assert sources.missed == []
    assert [file.name for file in tmp_path.glob("__pycache__/*.pyc")] == [f"{NAME}.{sys.implementation.cache_tag}.pyc"]


def test_other_text_at_the_same_path_is_compiled(sources: CompiledSources, path: Path) -> None:
    path.write_text("value = 1\n")
    sources.add(str(path), str(path))
    path.write_text("value = 'another'\n")
    assert importlib.import_module(NAME).value == "another"
    assert sources.missed == [str(path)]


def test_a_file_may_lie_elsewhere_than_where_it_is_imported_from(sources: CompiledSources, path: Path, tmp_path: Path) -> None:
    path.write_text("def where(): return where.__code__.co_filename\n")
    outside = tmp_path / "outside.py"
    outside.write_bytes(path.read_bytes())
    assert sources.add(str(path), str(outside))
    assert importlib.import_module(NAME).where() == str(path)
    assert sources.missed == []


@pytest.mark.parametrize("text", ["1 +", "x = '\\d'\n", None])
def test_what_cannot_be_compiled_or_warns_is_left_to_the_runs(sources: CompiledSources, path: Path, text: str | None) -> None:
    if text is not None:
        path.write_text(text)
    assert not sources.add(str(path), str(path))
    assert text is None or sources.code(str(path), text.encode()) is None


def test_an_error_shows_no_frames_of_ours(sources: CompiledSources, path: Path) -> None:
    path.write_text("1 +\n")
    with pytest.raises(SyntaxError) as raised:
        exec(f"import {NAME}", {})  # noqa: S102 - as a script does
    assert sources.missed == [str(path)]
    files = [frame.filename for frame in traceback.extract_tb(raised.value.__traceback__)]
    assert module.__file__ not in files
    assert not any("importlib" in file for file in files)


def test_the_newest_are_kept(sources: CompiledSources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 2)
    files = [tmp_path / f"{number}.py" for number in range(4)]
    for file in files:
        file.write_text("pass\n")
        assert sources.add(str(file), str(file))
    assert [sources.code(str(file), b"pass\n") is not None for file in files] == [False, False, True, True]


def test_what_would_be_read_for_ever_is_not_read(sources: CompiledSources, path: Path) -> None:
    os.mkfifo(path)
    assert not sources.add(str(path), str(path))
    assert not sources.add(str(path), "/dev/zero")
    assert not sources.add(str(path), str(path.parent))


def test_a_large_file_is_not_kept(sources: CompiledSources, path: Path) -> None:
    path.write_text("#" * (1 << 20) + "\n")
    assert not sources.add(str(path), str(path))
