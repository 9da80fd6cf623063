"""A training script that only notes its first and its last moment, on the clock that all processes share: `--stamps FILE`."""

import time

begin = time.monotonic()

import sys  # noqa: E402 - the first moment comes first

print("validation:accuracy=0.5")
with open(sys.argv[sys.argv.index("--stamps") + 1], "a", encoding="ascii") as file:  # noqa: PTH123 - pathlib costs 5 ms
    file.write(f"{begin} {time.monotonic()}\n")
