"""An emulator that is killed two hundred times while endpoints come, change, answer and go on it.

    python benchmarks/soak/endpoints.py [--kills 200] [--seed N]

What is compared, and how, is in `tests/resilience/endpoint_kills.py`.
"""

import argparse
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # the benchmarks are no package that is installed

from benchmarks.soak.figures import Figures, folder, served, until_none
from tests.resilience.endpoint_kills import EndpointChaos, arguments


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200, help="default: %(default)s")
    parser.add_argument("--seed", type=int, help="default: a random one")
    options = parser.parse_args(argv)
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed
    figures = Figures()
    print(f"seed {seed}\n", flush=True)
    with folder() as path:
        with served(path / "state", *arguments(sys.executable)) as server:
            outcome = EndpointChaos(server, path, seed).run(options.kills)
        left = until_none(str(path), within=10)
    figures.exactly("kills", outcome.kills, options.kills)
    figures.at_least("endpoints", outcome.endpoints, options.kills // 8)
    figures.note("invocations answered", outcome.invocations)
    figures.none("endpoints, runs or answers that are not as they must be", outcome.faults)
    figures.none("processes left behind", left)
    return figures.print()


if __name__ == "__main__":
    sys.exit(main())
