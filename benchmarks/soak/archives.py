"""R6: hostile archives, and thousands that were made by changing bytes of hostile and of honest ones.

    python benchmarks/soak/archives.py [--archives 20000] [--seed 14]

Each is unpacked in this process, whose memory is measured, below a folder of which nothing else may change; some also as the emulator
does it, in a child. What comes out of those that are taken must lie inside, within the limits, and lead nowhere else.
"""

import argparse
import gzip
import random
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from shutil import rmtree

sys.path.insert(0, str(Path(__file__).parents[2]))  # the benchmarks are no package that is installed

from benchmarks.soak.figures import Figures, folder, percentile
from local_emulator.runs.data.archive import ArchiveError, Limits, extract, extract_safely
from tests.unit.local_emulator.runs.data.test_archive import HONEST, HOSTILE

LIMITS = Limits(compressed=1 << 20, total=1 << 20, file=1 << 20, members=200, folders=100, seconds=2.0)
_BLOCK = 512
_IN_A_CHILD = 200  # of the archives
_GROWTH = 50  # MiB
_STARTING = 2.0  # seconds that a child may take to start


def plain(raw: bytes) -> bytes:
    """A tar archive without its compression, if it has one."""
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError):
        return raw


def mutated(raw: bytes, rng: random.Random) -> bytes:
    """An archive with some bytes changed, blocks doubled, moved or left out; mostly with check sums that are right all the same."""
    blocks = [bytearray(raw[start : start + _BLOCK]) for start in range(0, len(raw), _BLOCK)][:64] or [bytearray(_BLOCK)]
    for _ in range(rng.randrange(1, 5)):
        block = rng.randrange(len(blocks))
        action = rng.randrange(8)
        if action == 0:
            blocks.insert(block, bytearray(rng.choice(blocks)))
        elif action == 1 and len(blocks) > 1:
            blocks.insert(rng.randrange(len(blocks)), blocks.pop(block))
        elif action == 2 and len(blocks) > 1:
            del blocks[block]
        else:
            _change(blocks[block], rng)
    return b"".join(blocks)


def _change(block: bytearray, rng: random.Random) -> None:
    if len(block) < _BLOCK:
        return
    fields = ((0, 100), (100, 8), (124, 12), (136, 12), (156, 1), (157, 100), (257, 8), (345, 155))
    start, length = rng.choice(fields)
    position = start + rng.randrange(length)
    words = (b"../", b"/etc/", b"\0", b"\xff", b"7" * 11, b"\x80\0\0\0\xff", b"a/../..", b"GNU.sparse", b"12 path=../a\n")
    content = rng.choice(words) if rng.random() < 0.4 else rng.randbytes(rng.randrange(1, 5))
    if length == 1:
        content = rng.choice(b"01234567xgLKSZ\0V").to_bytes()
    block[position : position + len(content)] = content
    del block[_BLOCK:]
    if rng.random() < 0.9:
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)


class Judge:
    """Unpacks archives and says what is wrong with the outcome."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._source, self._out = path / "deep" / "in" / "source.tar.gz", path / "deep" / "out"
        self._source.parent.mkdir(parents=True)
        self._out.mkdir()
        (path / "victim").write_text("kept")
        self._before = self._state()
        self.seconds: list[float] = []
        self.refused = 0
        self.faults: list[str] = []

    def _state(self) -> list[tuple[str, int]]:
        return sorted(
            (str(entry), entry.lstat().st_size if entry.is_file() else 0)
            for entry in self._path.rglob("*")
            if entry != self._source
        )

    def unpack(self, what: str, raw: bytes, *, in_a_child: bool = False) -> None:
        """Unpack one archive and look at what has come of it."""
        self._source.write_bytes(raw)
        code = self._out / "code"
        began = time.perf_counter()
        try:
            if in_a_child:
                extract_safely(self._source, code, LIMITS.seconds)
            else:
                extract(self._source, code, LIMITS)
        except ArchiveError as error:
            self.refused += 1
            if len(str(error)) < 10 or "Traceback" in str(error):
                self.faults.append(f"{what}: refused with {str(error)!r}")
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
            self.faults.append(f"{what}: {error!r}")
        else:
            self._look_at(what, code)
            rmtree(code, ignore_errors=True)
        self.seconds.append(time.perf_counter() - began)
        if self._state() != self._before:
            self.faults.append(f"{what}: something else has changed")
            rmtree(self._out)
            self._out.mkdir()

    def _look_at(self, what: str, code: Path) -> None:
        size = count = 0
        for entry in code.rglob("*"):
            count += 1
            if not entry.resolve().is_relative_to(code):
                self.faults.append(f"{what}: {entry} leads out")
            if not (entry.is_symlink() or entry.is_file() or entry.is_dir()):
                self.faults.append(f"{what}: {entry} is no file or folder")
            size += entry.lstat().st_size if entry.is_file() else 0
        if size > LIMITS.total or count > LIMITS.members:
            self.faults.append(f"{what}: {count} members of {size} bytes")


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archives", type=int, default=20_000, help="that are changed at random (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=14, help="default: %(default)s")
    options = parser.parse_args(argv)
    figures, rng = Figures(), random.Random(options.seed)  # noqa: S311 - not for secrets
    with folder() as path:
        judge = Judge(path)
        for name, make in HOSTILE.items():
            judge.unpack(name, make())
        figures.exactly(f"of {len(HOSTILE)} made by hand, refused", judge.refused, len(HOSTILE))
        several = [plain(make()) for make in HOSTILE.values()] + [plain(make()) for make, _ in HONEST.values()] * 4
        judge.refused = 0
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for number in range(options.archives):
            judge.unpack(f"seed {options.seed}, number {number}", mutated(rng.choice(several), rng))
        growth = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        figures.exactly("changed at random", options.archives, 20_000)
        figures.note("of these refused", judge.refused)
        slowest, judge.seconds = judge.seconds, []
        for number in range(_IN_A_CHILD):
            judge.unpack(f"in a child, number {number}", gzip.compress(mutated(rng.choice(several), rng)), in_a_child=True)
    figures.none("escapes, limits passed, refusals without a reason", judge.faults)
    figures.at_most("growth of memory, MiB", growth, _GROWTH)
    figures.note("milliseconds an archive, 99 %", 1000 * percentile(slowest, 0.99))
    figures.at_most("slowest, s", max(slowest), LIMITS.seconds)
    figures.at_most(f"slowest of {_IN_A_CHILD} in a child, s", max(judge.seconds), LIMITS.seconds + _STARTING)
    return figures.print()


if __name__ == "__main__":
    sys.exit(main())
