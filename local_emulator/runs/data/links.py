"""Symbolic links that others have made."""

import errno
import os
from pathlib import Path


def leads_to_itself(link: Path) -> bool:
    """Whether a link leads round in a circle. The system is asked: what pathlib does about it differs from Python to Python."""
    try:
        os.stat(link)  # noqa: PTH116 - the error's number is the answer
    except OSError as error:
        return error.errno == errno.ELOOP
    return False
