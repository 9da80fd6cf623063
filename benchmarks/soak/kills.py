"""R1: an emulator that is killed a thousand times while tuning jobs of all strategies and pipelines run on it.

    python benchmarks/soak/kills.py [--kills 1000] [--minutes 60] [--hosts 2] [--seed N]

What is compared, and how, is in `tests/resilience/kills.py`; a fifth of the kills come while the emulator starts.
"""

import argparse
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # the benchmarks are no package that is installed

from benchmarks.soak.figures import Figures, folder, served, until_none
from tests.resilience.kills import kill_at_random


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000, help="default: %(default)s")
    parser.add_argument("--minutes", type=float, default=60, help="kill no more after so long (default: %(default)s)")
    parser.add_argument("--hosts", type=int, default=2, help="the most of a training job (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="default: a random one")
    options = parser.parse_args(argv)
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed
    figures = Figures()
    print(f"seed {seed}\n", flush=True)
    with folder() as path:
        with served(path / "state", "--stop-grace", "2") as server:
            outcome = kill_at_random(server, path, options.kills, seed, minutes=options.minutes, hosts=options.hosts)
        left = until_none(str(path), within=10)
    figures.exactly("kills", outcome.kills, options.kills)
    figures.at_least("tuning jobs", outcome.tuning_jobs, outcome.kills // 4)
    figures.at_least("executions of pipelines", outcome.executions, outcome.kills // 6)
    figures.exactly("training jobs", outcome.training_jobs, 6 * outcome.tuning_jobs)
    figures.note("objects whose writing was acknowledged", outcome.objects)
    figures.none("jobs, runs, metrics or objects that are not as they must be", outcome.faults)
    figures.none("processes left behind", left)
    return figures.print()


if __name__ == "__main__":
    sys.exit(main())
