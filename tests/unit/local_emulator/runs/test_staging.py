"""What goes wrong while files are brought, as reasons of jobs."""

import errno
import os
from pathlib import Path

import pytest

from local_emulator.domain.errors import RunError
from local_emulator.runs.staging import failures_as_reasons

RUN = "0" * 32


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (f"/state/work/{RUN}/ml/processing/in/a", "/opt/ml/processing/in/a"),
        (f"/state/work/{RUN}/hosts/algo-2/ml/model", "/opt/ml/model"),
        (f"/state/runs/{RUN}/run.json", f"/state/runs/{RUN}/run.json"),
        ("/ml/elsewhere", "/ml/elsewhere"),
        (None, f"/state/runs/{RUN}"),
    ],
)
def test_paths_are_told_as_the_program_knows_them(path: str | None, shown: str) -> None:
    with pytest.raises(RunError) as error, failures_as_reasons(Path("/state/runs") / RUN):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    assert str(error.value) == f"ClientError: Is a directory: {shown}"


def test_what_may_pass_is_raised_as_it_is() -> None:
    with pytest.raises(OSError, match="Too many open files"), failures_as_reasons(Path("/state/runs") / RUN):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
