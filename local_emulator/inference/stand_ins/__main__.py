"""`python -m local_emulator.inference.stand_ins IMAGE`: serve a model of the algorithm of AWS's that an image is."""

import sys
from collections.abc import Sequence
from functools import partial
from typing import NoReturn

from local_emulator.inference.serving import access_log, processes
from local_emulator.inference.stand_ins import applications
from sm_tuning.rules import catalogue


def main(arguments: Sequence[str]) -> NoReturn:
    """Serve until SIGTERM."""
    algorithm = catalogue.find(arguments[0]) if len(arguments) == 1 else None
    if algorithm is None:
        sys.exit(f"The argument must be an image of an algorithm of AWS's, not {' '.join(arguments) or 'nothing'}.")
    if algorithm.program not in applications.SERVED:
        sys.exit(f"Models of AWS's {algorithm.title} are not served: there is no stand-in for it.")
    processes.run(partial(applications.make, algorithm), access_log.nginx)


if __name__ == "__main__":
    main(sys.argv[1:])
