"""Programs that were started with closed standard streams: what they print goes nowhere, and into no file."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

SHELL = "/bin/sh"
PRINTING = """
import os, subprocess, sys
from {module} import {function}
{function}()
number = os.open("database", os.O_CREAT | os.O_RDWR)
print("to nobody", flush=True)
print("of an error", file=sys.stderr, flush=True)
subprocess.run(["/bin/sh", "-c", "echo of a child; echo of its error >&2"], check=True)
os.write(number, b"numbers")
sys.exit(number)
"""


def closed(streams: str, words: Sequence[str], folder: Path) -> int:
    """The exit code of a program started without these streams."""
    shell = [SHELL, "-c", f'exec "$@" {streams}', SHELL, *words]
    return subprocess.run(shell, cwd=folder, stdin=subprocess.DEVNULL, check=False, timeout=600).returncode


@pytest.mark.parametrize(
    ("module", "function"), [("sm_tuning.streams", "open_closed_streams"), ("local_emulator.__main__", "_open_closed_streams")]
)
@pytest.mark.parametrize("streams", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_what_is_printed_goes_into_no_file_that_is_opened_later(streams: str, module: str, function: str, tmp_path: Path) -> None:
    program = PRINTING.format(module=module, function=function)
    assert closed(streams, [sys.executable, "-c", program], tmp_path) > 2
    assert (tmp_path / "database").read_bytes() == b"numbers"


def test_the_command_does_its_work(tmp_path: Path) -> None:
    for words in (["init", "job"], ["plan", "job/job.toml"]):
        assert closed("<&- >&- 2>&-", [sys.executable, "-m", "sm_tuning", *words], tmp_path) == 0
    assert (tmp_path / "job" / "job.toml").is_file()
