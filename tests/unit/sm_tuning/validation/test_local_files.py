"""What is sent of this machine: links are followed, and what is left out is said."""

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sm_tuning import Channel, Script, TuningJob
from sm_tuning.client.source_archive import pack
from sm_tuning.validation.local_files import CACHES, files_of

Make = Callable[..., TuningJob]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with everything that folders hold."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    for path in (root / "deep", root / "__pycache__", outside):
        path.mkdir(parents=True)
    for path in (root / "a.csv", root / "deep" / ".hidden", root / "__pycache__" / "x.pyc", outside / "far.csv"):
        path.write_text(path.name)
    (root / "train.py").write_text("print(1)\n")
    (root / "linked").symlink_to(outside)
    (root / "one.csv").symlink_to(outside / "far.csv")
    (root / "deep" / "up").symlink_to(root)
    (root / "broken").symlink_to(tmp_path / "none")
    os.mkfifo(root / "pipe")
    return root


def test_links_are_followed_and_omissions_said(folder: Path) -> None:
    listing = files_of(folder, CACHES)
    assert [name for name, _ in listing.files] == ["a.csv", "deep/.hidden", "linked/far.csv", "one.csv", "train.py"]
    assert dict(listing.left_out) == {
        "__pycache__/": "a cache or an environment of this machine",
        "broken": "a link to what does not exist",
        "deep/up/": "a link to a folder that holds it",
        "pipe": "neither a file nor a folder",
    }
    assert "__pycache__/x.pyc" in [name for name, _ in files_of(folder).files]  # data are data


def test_plan_says_it_and_the_archive_holds_the_rest(folder: Path, job: Make) -> None:
    script = Script("train.py", source=str(folder))
    report = job(script=script, channels=[Channel("train", str(folder))]).dry_run()
    assert report.ok, report
    assert "script.source is sent without __pycache__/: a cache or an environment of this machine" in report.warnings
    assert "the channel train is sent without pipe: neither a file nor a folder" in report.warnings
    assert "the channel train is sent without deep/up/: a link to a folder that holds it" in report.warnings
    with tarfile.open(fileobj=io.BytesIO(pack(script))) as archive:
        assert all(member.isreg() for member in archive)
        assert archive.getnames() == ["a.csv", "deep/.hidden", "linked/far.csv", "one.csv", "train.py"]


def test_many_of_a_kind_are_one_sentence(tmp_path: Path, job: Make) -> None:
    for number in range(9):
        (tmp_path / f"l{number}").symlink_to(tmp_path / "none")
    (tmp_path / "x").touch()
    (said,) = job(channels=[Channel("train", str(tmp_path))]).dry_run().warnings
    assert said == "the channel train is sent without l0, l1, l2, l3, l4 and 4 more: a link to what does not exist"


def test_a_folder_without_files_is_a_problem(tmp_path: Path, job: Make) -> None:
    (tmp_path / "empty").mkdir()
    (problem,) = job(channels=[Channel("train", str(tmp_path / "empty"))]).dry_run().problems
    assert str(problem).endswith("it holds no file that can be read; AWS refuses a channel without data (channel-missing)")
