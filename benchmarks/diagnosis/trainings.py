"""Several hundred real trainings of random models on random data, with what fresh rows say of each.

    python benchmarks/diagnosis/trainings.py [--half development|held-out] [--problems 64] [--seed 2000]

Runs in an environment of its own with torch, scikit-learn, XGBoost and LightGBM (`make .venv-bench-diagnosis/.ready`, done here if it
is missing), on one thread. Half of the problems are to develop on and half are held out; some families of data occur in one half
only, and no seed in both. Five trainings for each problem, each trained for half as many epochs again as it prints, so that it is
known what more training would have brought, and, where one learnt next to nothing, again with lower learning rates, so that it is
known whether that was the cause. References are tuned models of other kinds. Once a half has been looked at, `--seed` draws another
of the same kind, with problems of that seed and the next ones.

Each problem's trainings are written to a file of its own below benchmarks/.tables, as soon as they are done; those that are there are
not trained again. The same seeds give the same trainings with the same packages and processor; remove the folder after a change of
what is trained.
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # the benchmarks are no package that is installed
CACHE = ROOT / "benchmarks" / ".tables" / "trainings"
HALVES = ("development", "held-out")
ONLY = {  # families of one half alone
    "development": ("planes", "sparse", "wine", "breast cancer"),
    "held-out": ("boxes", "waves", "iris", "diabetes"),
}
BOTH = ("clusters", "wide", "teacher", "counts", "images", "friedman", "digits")
PROBLEMS = 64  # of each half
_TRAININGS = 5  # of each problem
_MOST_STEPS = 2000


def problems(half: str, count: int, seed: int | None = None) -> list[tuple[str, int, Path]]:
    """Family, seed and file of each problem of a half; the first has the given seed."""
    families = (*BOTH, *BOTH, *ONLY[half])
    first = 1000 * HALVES.index(half) if seed is None else seed
    chosen = ((families[number % len(families)], first + number) for number in range(count))
    return [(family, seed, CACHE / half / f"{family}-{seed}.json.gz") for family, seed in chosen]


def trained(half: str, count: int, seed: int | None = None) -> list[dict[str, Any]]:
    """The records of a half, trained if they are missing."""
    wanted = problems(half, count, seed)
    if not all(file.exists() for _, _, file in wanted):
        main(["--half", half, "--problems", str(count), *([] if seed is None else ["--seed", str(seed)])])
    return [record for _, _, file in wanted for record in json.loads(gzip.decompress(file.read_bytes()))]


def train(half: str, count: int, seed: int | None = None) -> None:
    """Train what is missing of a half."""
    from benchmarks.diagnosis.sampling import records  # noqa: PLC0415 - only where torch is

    begun = time.monotonic()
    for number, (family, drawn, file) in enumerate(problems(half, count, seed), start=1):
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            new = file.with_suffix(".new")
            new.write_bytes(gzip.compress(json.dumps(records(family, drawn, _TRAININGS, _MOST_STEPS)).encode()))
            new.replace(file)
        print(f"{half}: {number} of {count} problems, {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> None:
    """Train one half, or both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=HALVES, help="which half (default: both)")
    parser.add_argument("--problems", type=int, default=PROBLEMS, help="of each half (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="of the first problem (default: 0 and 1000)")
    options = parser.parse_args(argv)
    if options.seed is not None and not options.half:
        parser.error("--seed without --half: no seed may occur in both halves")
    environment = ROOT / ".venv-bench-diagnosis"
    if Path(sys.prefix).resolve() != environment.resolve():
        subprocess.run(["make", f"{environment.name}/.ready"], cwd=ROOT, check=False, stdout=sys.stderr)  # noqa: S607 - whichever it is
        if not (environment / ".ready").exists():
            sys.exit("torch, XGBoost and LightGBM cannot be installed here: nothing to train")
        again = [str(environment / "bin" / "python"), __file__, *(sys.argv[1:] if argv is None else argv)]
        if subprocess.run(again, check=False, env=os.environ | {"OMP_NUM_THREADS": "1"}).returncode:
            sys.exit("the trainings failed")
        return
    for half in [options.half] if options.half else HALVES:
        train(half, options.problems, options.seed)


if __name__ == "__main__":
    main()
