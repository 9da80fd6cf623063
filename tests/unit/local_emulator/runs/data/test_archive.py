"""Hostile archives stay outside, whatever they try; honest ones come through."""

import gzip
import io
import os
import struct
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from local_emulator.runs.data.archive import ArchiveError, Limits, extract

LINK, HARD, FOLDER = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE


def member(name: str, content: bytes = b"x", kind: bytes = tarfile.REGTYPE, link: str = "") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = link
    info.size = len(content) if kind == tarfile.REGTYPE else 0
    return info, content


def archive(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz", format=form) as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content) if info.size else None)
    return raw.getvalue()


def header(**fields: bytes) -> bytes:
    """A bare header with some of its fields replaced, its check sum right."""
    places = {"name": (0, 100), "size": (124, 12), "kind": (156, 1), "link": (157, 100)}
    raw = bytearray(member("a", b"")[0].tobuf(format=tarfile.GNU_FORMAT))
    for name, value in fields.items():
        start, length = places[name]
        raw[start : start + length] = value.ljust(length, b"\0")
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw)
    return bytes(raw)


def pax(text: bytes) -> bytes:
    return header(kind=b"x", size=b"%011o" % len(text)) + text.ljust(-(-len(text) // 512) * 512, b"\0") + header() + bytes(1024)


def names(*several: str, kind: bytes = tarfile.REGTYPE) -> Callable[[], bytes]:
    return lambda: archive(*(member(name, kind=kind) for name in several))


def links(*several: tuple[str, str], kind: bytes = LINK, before: tuple[str, ...] = ("a",)) -> Callable[[], bytes]:
    """Files, then links."""
    return lambda: archive(*map(member, before), *(member(name, kind=kind, link=to) for name, to in several))


def after(name: str, to: str, *several: str, kind: bytes = LINK) -> Callable[[], bytes]:
    """A link, then files that would be written through it."""
    return lambda: archive(member("a"), member(name, kind=kind, link=to), *map(member, several))


HOSTILE: dict[str, Callable[[], bytes]] = {
    # names
    "parent": names("../evil"),
    "deep parent": names("a/../../evil"),
    "parent and back": names("a/../b"),
    "parent after a dot": names("./../evil"),
    "many parents": names("../" * 40 + "tmp/evil"),
    "absolute": names("/etc/evil"),
    "absolute twice": names("//etc/evil"),
    "absolute folder": names("/tmp/evil", kind=FOLDER),
    "dot dot folder": names("..", kind=FOLDER),
    "deep dot dot folder": names("a/../..", kind=FOLDER),
    "backslash": names("..\\evil"),
    "backslash inside": names("a\\..\\..\\evil"),
    "drive": names("C:/evil"),
    "drive alone": names("C:evil"),
    "empty part": names("a//b"),
    "empty name": names(""),
    "dot as a file": names("."),
    "long part": names("a" * 300),
    "long part of accents": names("\u00e9" * 200),
    "long name": names("/".join(["a" * 200] * 30)),
    "deep name": names("/".join("a" * 200)),
    "deep folder": names("a/" * 2000, kind=FOLDER),
    "zero in a name": lambda: pax(b"12 path=a\0b\n"),
    # twice
    "twice": names("a", "a"),
    "twice by a dot": names("a", "./a"),
    "twice by case": names("A", "a"),
    "twice by case in a folder": names("lib/Train.py", "lib/train.py"),
    "twice by accents": names("\u00e9", "e\u0301"),
    "twice by sharp s": names("stra\u00dfe", "strasse"),
    "file then folder": names("a", "a/b"),
    "folder then file": names("a/b", "a"),
    "file then folder member": lambda: archive(member("a"), member("a", kind=FOLDER)),
    "file deep below a file": names("a", "a/b/c/d"),
    # symbolic links
    "link out": links(("link", "/etc/passwd")),
    "link to the parent": links(("link", "..")),
    "link to the parent, deep": links(("d/link", "../..")),
    "link to a neighbour": links(("link", "../other/file")),
    "link by many parents": links(("d/e/link", "../../../x")),
    "link out and back": links(("link", "../code/a")),
    "link by a folder out": links(("link", "d/../../x"), before=("d/f",)),
    "link to the root": links(("link", "/")),
    "link to nothing": links(("link", "")),
    "link with a backslash": links(("link", "..\\x")),
    "link to itself": links(("link", "link")),
    "two links in a ring": links(("b", "c"), ("c", "b")),
    "link through a link": links(("d/e/up", "../.."), ("out", "d/e/up/../x"), before=("d/e/f",)),
    "link through two links": links(("d/up", ".."), ("e", "d/up/d"), ("out", "e/../../x"), before=("d/f",)),
    "link through a link to a folder": links(("d/e/root", "../.."), ("d/out", "e/root/../../x"), before=("d/e/f",)),
    "file through a link": after("link", "d", "link/evil"),
    "file through a link out": after("link", "..", "link/evil"),
    "file over a link": after("link", "a", "link"),
    "link over a file": links(("a", "b")),
    "link over a folder": links(("d", "a"), before=("a", "d/f")),
    "link twice": links(("link", "a"), ("link", "a")),
    "link by case": links(("A", "b")),
    "link with a parent in its name": links(("../link", "a")),
    "long link": links(("link", "a/" * 4000)),
    "link named in a header of its own": lambda: (
        pax(b"20 linkpath=/etc/pass\n")[:512] + pax(b"9 a=b\n")[512:-1536] + header(kind=b"2", link=b"/etc/passwd") + bytes(1024)
    ),
    # hard links
    "hard link out": links(("link", "/etc/passwd"), kind=HARD),
    "hard link to the parent": links(("link", "../x"), kind=HARD),
    "hard link to what comes later": lambda: archive(member("link", kind=HARD, link="b"), member("b")),
    "hard link to a folder": links(("link", "d"), kind=HARD, before=("d/f",)),
    "hard link to itself": links(("link", "link"), kind=HARD),
    "hard link to nothing": links(("link", ""), kind=HARD),
    "hard link to a link": lambda: archive(member("s", kind=LINK, link="a"), member("link", kind=HARD, link="s")),
    "hard link over a file": links(("a", "a"), kind=HARD),
    # kinds
    "character device": names("dev", kind=tarfile.CHRTYPE),
    "block device": names("dev", kind=tarfile.BLKTYPE),
    "fifo": names("fifo", kind=tarfile.FIFOTYPE),
    "unknown kind": lambda: header(kind=b"Z") + bytes(1024),
    "sparse": lambda: header(kind=b"S") + bytes(1024),
    "sparse by a header": lambda: pax(b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n"),
    "sparse of an old form": lambda: pax(b"25 GNU.sparse.map=0,10,20\n"),
    # broken
    "nothing": archive,
    "no archive": lambda: b"this is no archive at all",
    "no tar in it": lambda: gzip.compress(b"this is no tar archive"),
    "empty": lambda: b"",
    "cut": lambda: archive(member("a", os.urandom(100_000)))[:50_000],
    "cut tar": lambda: gzip.decompress(archive(member("a", b"x" * 100_000)))[:50_000],
    "cut after a header": lambda: header(size=b"%011o" % 5000),
    "broken zip": lambda: archive(member("a", b"x" * 100_000))[:-20] + b"\0" * 20,
    "wrong check sum": lambda: archive(member("a"))[:-8] + b"\1" * 8,
    "negative size": lambda: header(size=b"\xff" * 12) + bytes(1024),
    "huge size": lambda: header(size=b"\x80" + struct.pack(">xxxQ", 1 << 60)) + bytes(1024),
    "size that is no number": lambda: header(size=b"99999999999") + bytes(1024),
    "header of a header without end": lambda: header(kind=b"x", size=b"%011o" % (1 << 30)),
    "long name without end": lambda: header(kind=b"L", size=b"%011o" % (1 << 30)),
    "header with a huge length": lambda: pax(b"99999999999999999999 path=a\n"),
    "header with a length of zero": lambda: pax(b"0 path=a\n"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archives_are_refused(name: str, tmp_path: Path) -> None:
    source = tmp_path / "in" / "source.tar.gz"
    source.parent.mkdir()
    source.write_bytes(HOSTILE[name]())
    before = set(tmp_path.rglob("*"))
    with pytest.raises(ArchiveError) as raised:
        extract(source, tmp_path / "out" / "code")
    assert str(raised.value)
    assert set(tmp_path.rglob("*")) - before <= {tmp_path / "out"}


def test_there_are_enough_of_them() -> None:
    assert len(HOSTILE) >= 80
    assert len({make() for make in HOSTILE.values()}) == len(HOSTILE)


@pytest.mark.parametrize(
    ("limits", "content", "why"),
    [
        (Limits(members=3), names("0", "1", "2", "3"), "more than 3 members"),
        (Limits(members=100), names(*(f"{top}/{'/'.join('d' * 30)}/f" for top in range(4))), "counting folders"),
        (Limits(folders=100), names(*(f"{top}/{'d/' * 30}" for top in range(4)), kind=FOLDER), "more than 100 folders"),
        (Limits(total=100), lambda: archive(member("a", b"x" * 60), member("b", b"x" * 60)), "larger than 100 bytes"),
        (Limits(total=100), lambda: archive(member("a", b"x" * 60), member("b", kind=HARD, link="a")), "larger than 100 bytes"),
        (Limits(file=100), lambda: archive(member("a", b"x" * 200)), "'a' makes"),
        (Limits(compressed=10), names("a"), "larger than 10 bytes"),
        (Limits(), lambda: archive(member("zeros", bytes(80 * 2**20))), "200 to 1"),
        (Limits(free=1 << 60), names("a"), "No space left"),
        (Limits(seconds=0), names("a"), "more than 0 seconds"),
    ],
)
def test_limits(limits: Limits, content: Callable[[], bytes], why: str, tmp_path: Path) -> None:
    source = tmp_path / "source.tar.gz"
    source.write_bytes(content())
    with pytest.raises(ArchiveError, match=why):
        extract(source, tmp_path / "code", limits)
    assert [path.name for path in tmp_path.iterdir()] == ["source.tar.gz"]


HONEST: Mapping[str, tuple[Callable[[], bytes], Mapping[str, bytes]]] = {
    "a folder's": (
        lambda: archive(member(".", kind=FOLDER), member("./train.py", b"print(1)"), member("lib/a.py", b"pass")),
        {"train.py": b"print(1)", "lib/a.py": b"pass"},
    ),
    "of an old form": (lambda: archive(member("train.py", b"1"), form=tarfile.USTAR_FORMAT), {"train.py": b"1"}),
    "of GNU tar": (lambda: archive(member("d" * 150 + "/a", b"1"), form=tarfile.GNU_FORMAT), {"d" * 150 + "/a": b"1"}),
    "with a link": (links(("lib/link", "../a")), {"a": b"x", "lib/link": b"x"}),
    "with a link to a folder": (links(("link", "d"), before=("d/f",)), {"d/f": b"x", "link/f": b"x"}),
    "with a link to what comes later": (
        lambda: archive(member("link", kind=LINK, link="b"), member("b", b"later")),
        {"link": b"later", "b": b"later"},
    ),
    "with a link to a link": (links(("b", "c"), ("c", "a")), {"a": b"x", "b": b"x", "c": b"x"}),
    "with a hard link": (links(("d/link", "a"), kind=HARD), {"a": b"x", "d/link": b"x"}),
}


@pytest.mark.parametrize("name", HONEST)
def test_honest_archives(name: str, tmp_path: Path) -> None:
    make, content = HONEST[name]
    for form, raw in {"zipped": make(), "plain": gzip.decompress(make())}.items():
        (tmp_path / form).write_bytes(raw)
        extract(tmp_path / form, tmp_path / "code" / form)
        for file, expected in content.items():
            assert (tmp_path / "code" / form / file).read_bytes() == expected


def test_a_hard_link_becomes_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(HONEST["with a hard link"][0]())
    extract(tmp_path / "source", tmp_path / "code")
    assert (tmp_path / "code" / "a").stat().st_nlink == 1


def test_links_stay_good_in_a_copy(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(HONEST["with a link"][0]())
    extract(tmp_path / "source", tmp_path / "code")
    assert os.readlink(tmp_path / "code" / "lib" / "link") == "../a"  # noqa: PTH115 - as it was written
