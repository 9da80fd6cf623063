"""Files that a program has left, whatever it may have left."""

import os
from pathlib import Path

import pytest

from local_emulator.runs.data.output_files import OutputError, OutputFile, output_files, shown


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "ml" / "model"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "a").write_text("a")
    (folder / "deep" / "er" / "b").write_text("b")
    return folder


def test_regular_files_by_their_names(model: Path) -> None:
    assert list(output_files(model)) == [OutputFile("a", model / "a"), OutputFile("deep/er/b", model / "deep/er/b")]
    assert list(output_files(model.parent / "none")) == []


def test_links_within_are_followed_and_others_named(model: Path) -> None:
    (model / "inner").symlink_to("deep/er/b")
    (model / "outer").symlink_to("/etc/passwd")
    (model / "broken").symlink_to("nothing")
    (model / "folder").symlink_to("deep")
    os.mkfifo(model / "pipe")
    omitted: list[str] = []
    files = {file.name: file for file in output_files(model, omitted)}
    assert set(files) == {"a", "inner", "deep/er/b"}
    assert files["inner"] == OutputFile("inner", model / "deep/er/b", link=True)
    assert omitted == [f"/opt/ml/model/{name}" for name in ("broken", "folder", "outer", "pipe")]


@pytest.mark.parametrize("replaced", ["model", "ml"])
@pytest.mark.parametrize("by", ["link", "file"])
def test_a_folder_that_was_replaced(replaced: str, by: str, model: Path, tmp_path: Path) -> None:
    path = next(parent for parent in (model, *model.parents) if parent.name == replaced)
    path.rename(tmp_path / "aside")
    path.symlink_to(tmp_path / "aside") if by == "link" else path.write_text("")
    with pytest.raises(OutputError, match=rf"/opt/ml.* was replaced by a {by}; it must be a folder"):
        list(output_files(model))


def test_names_for_messages_are_short_and_printable() -> None:
    assert shown("plain") == "'plain'"
    assert shown("a\x1bb") == r"'a\x1bb'"
    assert len(shown("x" * 5000)) < 200
