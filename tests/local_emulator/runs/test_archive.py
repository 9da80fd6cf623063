"""Hostile archives stay outside, whatever they try; honest ones come through."""

import gzip
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from local_emulator.runs.archive import ArchiveError, Limits, extract, extract_safely, pack


def member(name: str, content: bytes = b"x", kind: bytes = tarfile.REGTYPE, link: str = "") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = link
    info.size = len(content) if kind == tarfile.REGTYPE else 0
    return info, content


def archive(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content) if info.size else None)
    return raw.getvalue()


HOSTILE: dict[str, Callable[[], bytes]] = {
    "parent": lambda: archive(member("../evil")),
    "deep parent": lambda: archive(member("a/../../evil")),
    "absolute": lambda: archive(member("/etc/evil")),
    "dot dot folder": lambda: archive(member("..", kind=tarfile.DIRTYPE)),
    "backslash": lambda: archive(member("..\\evil")),
    "drive": lambda: archive(member("C:/evil")),
    "symbolic link": lambda: archive(member("link", kind=tarfile.SYMTYPE, link="/etc/passwd")),
    "link inside": lambda: archive(member("a"), member("link", kind=tarfile.SYMTYPE, link="a")),
    "link to the parent": lambda: archive(member("link", kind=tarfile.SYMTYPE, link=".."), member("link/evil")),
    "hard link": lambda: archive(member("link", kind=tarfile.LNKTYPE, link="/etc/passwd")),
    "character device": lambda: archive(member("dev", kind=tarfile.CHRTYPE)),
    "block device": lambda: archive(member("dev", kind=tarfile.BLKTYPE)),
    "fifo": lambda: archive(member("fifo", kind=tarfile.FIFOTYPE)),
    "twice": lambda: archive(member("a"), member("a")),
    "twice by case": lambda: archive(member("A"), member("a")),
    "twice by accents": lambda: archive(member("\u00e9"), member("e\u0301")),
    "file then folder": lambda: archive(member("a"), member("a/b")),
    "long part": lambda: archive(member("a" * 300)),
    "long name": lambda: archive(member("/".join(["a" * 200] * 30))),
    "empty part": lambda: archive(member("a//b")),
    "nothing": archive,
    "no archive": lambda: b"this is no archive at all",
    "no tar in it": lambda: gzip.compress(b"this is no tar archive"),
    "empty": lambda: b"",
    "cut": lambda: archive(member("a", os.urandom(100_000)))[:50_000],
    "broken zip": lambda: archive(member("a", b"x" * 100_000))[:-20] + b"\0" * 20,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archives_are_refused(name: str, tmp_path: Path) -> None:
    source = tmp_path / "in" / "source.tar.gz"
    source.parent.mkdir()
    source.write_bytes(HOSTILE[name]())
    before = set(tmp_path.rglob("*"))
    with pytest.raises(ArchiveError) as told:
        extract(source, tmp_path / "out" / "code")
    assert str(told.value)
    assert set(tmp_path.rglob("*")) - before <= {tmp_path / "out"}


@pytest.mark.parametrize(
    ("limits", "content"),
    [
        (Limits(members=3), lambda: archive(*(member(str(number)) for number in range(4)))),
        (Limits(total=100), lambda: archive(member("a", b"x" * 60), member("b", b"x" * 60))),
        (Limits(file=100), lambda: archive(member("a", b"x" * 200))),
        (Limits(compressed=10), lambda: archive(member("a"))),
        (Limits(), lambda: archive(member("zeros", bytes(80 * 2**20)))),
        (Limits(free=1 << 60), lambda: archive(member("a"))),
    ],
)
def test_limits(limits: Limits, content: Callable[[], bytes], tmp_path: Path) -> None:
    source = tmp_path / "source.tar.gz"
    source.write_bytes(content())
    with pytest.raises(ArchiveError):
        extract(source, tmp_path / "code", limits)
    assert not (tmp_path / "code").exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_honest_archives(zipped: bool, tmp_path: Path) -> None:  # noqa: FBT001 - parametrized
    content = archive(member(".", kind=tarfile.DIRTYPE), member("./train.py", b"print(1)"), member("lib/a.py", b"pass"))
    source = tmp_path / "source.tar"
    source.write_bytes(content if zipped else gzip.decompress(content))
    extract_safely(source, tmp_path / "code")
    found = {str(path.relative_to(tmp_path / "code")): path.read_bytes() for path in (tmp_path / "code").rglob("*.py")}
    assert found == {"train.py": b"print(1)", "lib/a.py": b"pass"}


def test_extract_safely_tells_the_reason(tmp_path: Path) -> None:
    source = tmp_path / "source.tar.gz"
    source.write_bytes(HOSTILE["symbolic link"]())
    with pytest.raises(ArchiveError, match="'link' is a link"):
        extract_safely(source, tmp_path / "code")


def test_pack_keeps_what_lies_inside_only(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "weights").write_bytes(b"w" * 1000)
    (tmp_path / "secret").write_text("secret")
    (folder / "inside").symlink_to(folder / "deep" / "weights")
    (folder / "outside").symlink_to(tmp_path / "secret")
    assert pack(folder, tmp_path / "model.tar.gz")
    first = (tmp_path / "model.tar.gz").read_bytes()
    with tarfile.open(tmp_path / "model.tar.gz") as tar:
        assert sorted(tar.getnames()) == ["deep/weights", "inside"]
    os.utime(folder / "deep" / "weights", (0, 0))
    assert pack(folder, tmp_path / "again.tar.gz")
    assert (tmp_path / "again.tar.gz").read_bytes() == first


def test_pack_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "model" / "empty").mkdir(parents=True)
    assert not pack(tmp_path / "model", tmp_path / "model.tar.gz")
    assert not (tmp_path / "model.tar.gz").exists()
