"""Standard streams that whoever started this program has closed."""

import os
import sys

_STANDARD = (0, 1, 2)


def open_closed_streams() -> None:
    """Let standard streams that are closed (`>&-`) lead to the null device, as if that had been asked for.

    Otherwise the next file or connection that is opened takes a closed one's number, and what a program prints goes into it.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) in _STANDARD:
        os.set_inheritable(number, True)
    os.close(number)
    # None for each that was closed when the interpreter started.
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - to stay open; a number is no path
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
