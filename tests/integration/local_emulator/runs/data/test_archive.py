"""Hostile archives stay outside, whatever they try; honest ones come through."""

import gzip
import subprocess
import tarfile
import time
from pathlib import Path

import pytest

from local_emulator.runs.data import archive as archives
from local_emulator.runs.data.archive import ArchiveError, DiskFullError, Limits, extract, extract_safely
from tests.unit.local_emulator.runs.data.test_archive import HONEST, HOSTILE, archive, header, member

pytestmark = pytest.mark.really_starts  # of this program

LINK, HARD, FOLDER = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE


def test_a_full_disk_is_not_the_archives_fault(tmp_path: Path) -> None:
    source = tmp_path / "source.tar.gz"
    source.write_bytes(archive(member("a", b"x")))
    with pytest.raises(DiskFullError, match="No space left on device: unpacking 'a'"):
        extract(source, tmp_path / "code", Limits(free=1 << 60))
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", disk], check=False, capture_output=True).returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        with pytest.raises(DiskFullError, match="No space left on device"):
            extract_safely(source, disk / "code")
    finally:
        subprocess.run(["umount", disk], check=True)


def test_extract_safely(tmp_path: Path) -> None:
    source = tmp_path / "source.tar.gz"
    source.write_bytes(HONEST["a folder's"][0]())
    extract_safely(source, tmp_path / "code")
    assert (tmp_path / "code" / "train.py").read_bytes() == b"print(1)"
    source.write_bytes(HOSTILE["link out"]())
    with pytest.raises(ArchiveError, match="'link' is a link to '/etc/passwd'"):
        extract_safely(source, tmp_path / "other")


def test_a_child_that_is_killed_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fake").mkdir()
    monkeypatch.setattr(archives, "__file__", str(tmp_path / "fake" / "a" / "b" / "c" / "d.py"))
    package = tmp_path / "fake" / "local_emulator" / "runs" / "data"
    package.mkdir(parents=True)
    for folder in (package, package.parent, package.parents[1]):
        (folder / "__init__.py").touch()
    begun = "import os, sys, time\nos.makedirs(sys.argv[2])\nos.makedirs(sys.argv[3] + '/begun')\n"
    endless = begun + "open(sys.argv[1] + '.begun', 'w')\ntime.sleep(600)"
    (package / "archive.py").write_text(endless)
    (tmp_path / "out").mkdir()
    began = time.monotonic()
    with pytest.raises(ArchiveError, match="more than 1 seconds"):
        extract_safely(tmp_path / "source", tmp_path / "out" / "code", seconds=1)
    assert time.monotonic() - began < 60
    assert list((tmp_path / "out").iterdir()) == []


def test_memory_is_bounded(tmp_path: Path) -> None:
    source = tmp_path / "source.tar.gz"
    with gzip.open(source, "wb", compresslevel=1) as file:
        file.write(header(kind=b"x", size=b"%011o" % (3 << 30)))
        for _ in range(16):
            file.write(bytes(1 << 20))
    with pytest.raises(ArchiveError):
        extract_safely(source, tmp_path / "code")
