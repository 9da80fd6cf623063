"""R16: databases of the state folder that were cut, or of which bits or pages were changed.

    python benchmarks/soak/damage.py [--damages 1000] [--seed 14]

Half are of the jobs, half of S3's index. Each is opened: its content must be what it was, or it must be refused and left as it is. Of
what was refused all that can be read is then saved; the damaged file must be kept, and nothing that is saved may differ.
"""

import argparse
import random
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import copytree, rmtree

sys.path.insert(0, str(Path(__file__).parents[2]))  # the benchmarks are no package that is installed

from benchmarks.soak.figures import Figures, folder
from local_emulator.cloud.persistence import Mirror
from local_emulator.domain.errors import EmulatorError
from local_emulator.rescue import recover
from local_emulator.store.base import Query
from local_emulator.store.sqlite import SqliteStore
from tests.unit.local_emulator.cloud.test_persistence import fill as fill_s3
from tests.unit.local_emulator.store.test_damage import fill as fill_jobs

NAMES = ("jobs.sqlite", "s3.sqlite")
PAGE = 4096


def content(state: Path) -> Mapping[str, object]:
    """All that a state folder holds, by name. Raises EmulatorError if it is refused."""
    held: dict[str, object] = {}
    store = SqliteStore(state / "jobs.sqlite")
    try:
        for tuning in store.tunings.find(Query()).items:
            held[str(tuning.arn)] = tuning
        for job in store.trainings.find(Query()).items:
            held[str(job.arn)] = job
            for observation in store.observations(job.arn):
                held[f"{job.arn} {observation.metric} {observation.seq}"] = observation
    finally:
        store.close()
    mirror = Mirror(state)
    try:
        held |= {f"bucket {bucket}": True for bucket in mirror.buckets()}
        for stored in mirror.objects():
            held[stored.key] = (stored.blob.path.read_bytes(), stored.size, stored.etag, stored.modified)
    finally:
        mirror.close()
    return held


def damaged(whole: bytes, rng: random.Random) -> bytes:
    """A file that was cut, or of which a bit, some bytes or a page are not what they were."""
    kind, position = rng.randrange(5), rng.randrange(len(whole))
    if kind == 0:
        return whole[:position]
    if kind == 1:
        start = position // PAGE * PAGE
        return whole[:start] + bytes(PAGE) + whole[start + PAGE :]
    if kind == 2:
        return whole[:position] + rng.randbytes(16) + whole[position + 16 :]
    return whole[:position] + (whole[position] ^ 1 << rng.randrange(8)).to_bytes() + whole[position + 1 :]


class Judge:
    """Damages copies of a state folder and looks at what comes of it."""

    def __init__(self, path: Path) -> None:
        self._whole, self._state = path / "whole", path / "state"
        fill_s3(self._whole)
        fill_jobs(self._whole / "jobs.sqlite")
        self.before = content(self._whole)
        self.refused = self.unharmed = self.saved = 0
        self.faults: list[str] = []

    def damage(self, what: str, name: str, rng: random.Random) -> None:
        """Damage one file, open it, and save what can be read of it."""
        rmtree(self._state, ignore_errors=True)
        copytree(self._whole, self._state)
        file = self._state / name
        changed = damaged(file.read_bytes(), rng)
        file.write_bytes(changed)
        blobs = set(self._state.glob("blobs/*/*"))
        try:
            if content(self._state) == self.before:
                self.unharmed += 1
            else:
                self.faults.append(f"{what}: something else is told, without a word")
        except EmulatorError as error:
            self.refused += 1
            if name not in str(error) or "recover" not in str(error):
                self.faults.append(f"{what}: refused with {error}")
            if file.read_bytes() != changed or set(self._state.glob("blobs/*/*")) != blobs:
                self.faults.append(f"{what}: not left as it was")
            self._save(what, name, changed)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
            self.faults.append(f"{what}: {error!r}")

    def _save(self, what: str, name: str, changed: bytes) -> None:
        try:
            sentences = list(recover(self._state))
            saved = content(self._state)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
            self.faults.append(f"{what}: recover: {error!r}")
            return
        if not sentences or all(path.read_bytes() != changed for path in self._state.glob(f"damaged-*/{name}")):
            self.faults.append(f"{what}: recover did not keep the damaged file")
        if different := [key for key, value in saved.items() if self.before.get(key) != value]:
            self.faults.append(f"{what}: recover saved what was never written: {different[:3]}")
        self.saved += len(saved) - len(different)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--damages", type=int, default=1000, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=14, help="default: %(default)s")
    options = parser.parse_args(argv)
    figures, rng = Figures(), random.Random(options.seed)  # noqa: S311 - not for secrets
    with folder() as path:
        judge = Judge(path)
        for number in range(options.damages):
            judge.damage(f"seed {options.seed}, number {number}", NAMES[number % len(NAMES)], rng)
        rows = len(judge.before) * judge.refused
    figures.at_least("damaged files opened", options.damages, 500)
    figures.note("refused", judge.refused)
    figures.note("damaged where nothing is kept, all content told", judge.unharmed)
    figures.none("wrong data, refusals without the remedy, originals changed or lost", judge.faults)
    figures.note("of the rows of files that were refused, saved by recover, %", 100 * judge.saved / max(rows, 1))
    return figures.print()


if __name__ == "__main__":
    sys.exit(main())
