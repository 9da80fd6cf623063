"""What goes wrong in the command is one sentence with what to do, and an exit code."""

import errno
import sqlite3

import pytest

from local_emulator.domain.errors import InUse, StoreError
from local_emulator.failures import FAILED, IN_USE, explain, tell


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (StoreError("the store\n is   odd"), "the store is odd"),
        (MemoryError(), "there is not enough memory; close other programs, or raise the limit (ulimit -v)"),
        (
            SystemError("error return without exception set"),
            "Python failed and did not say why, as it does where there is not enough memory; close other programs",
        ),
        (SystemError("bad argument"), "this is a fault of the emulator itself (SystemError: bad argument)"),
        (ModuleNotFoundError("", name="moto.core"), "moto is not installed: pip install 'sm-tuning[emulator]'"),
        (ImportError("undefined symbol", name="numpy.core"), "numpy cannot be imported (undefined symbol); is it whole"),
        (OSError(errno.ENOSPC, "No space left", "/state"), "/state: No space left; make room there, or choose another folder"),
        (
            OSError(errno.EMFILE, "Too many open files"),
            "Too many open files; too many files are open; raise the limit (ulimit -n)",
        ),
        (RuntimeError("can't start new thread"), "no more processes or threads can be started"),
        (sqlite3.OperationalError("disk I/O error"), "a database of the state folder cannot be used (disk I/O error)"),
        (FileNotFoundError("No usable temporary directory found"), "set TMPDIR to a folder that can be written"),
        (KeyError("x"), "this is a fault of the emulator itself (KeyError: 'x'); set SM_TUNING_DEBUG=1"),
        (ModuleNotFoundError("", name="local_emulator.x"), "this is a fault of the emulator itself"),
    ],
)
def test_sentences(error: BaseException, sentence: str) -> None:
    assert sentence in explain(error)
    assert "\n" not in explain(error)


def test_what_is_not_printable_is_shown_by_its_number(capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(InUse("folder \x1b[31m is held")) == IN_USE
    assert capsys.readouterr().err == "local_emulator: folder #033[31m is held\n"
    assert tell(StoreError("no")) == FAILED


def test_a_traceback_for_who_asks(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("SM_TUNING_DEBUG", "1")
    tell(KeyError("x"))
    assert "KeyError" in capsys.readouterr().err.splitlines()[0]
