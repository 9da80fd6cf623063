"""Errors of the command as one sentence and an exit code. It imports nothing that may be missing."""

import errno
import os
import sqlite3
import sys
import traceback

from local_emulator.domain.errors import EmulatorError, InUse

FAILED, IN_USE = 1, 3
DEBUG = "SM_TUNING_DEBUG"

_THREADS = (
    "no more processes or threads can be started; end some, or raise the limits (ulimit -u, and ulimit -v, for each needs memory)"
)
_MEMORY = "there is not enough memory; close other programs, or raise the limit (ulimit -v)"
_REMEDIES = {
    errno.EMFILE: "too many files are open; raise the limit (ulimit -n)",
    errno.ENFILE: "this machine has too many files open",
    errno.EAGAIN: _THREADS,
    errno.ENOMEM: _MEMORY,
    errno.ENOSPC: "make room there, or choose another folder with --state (or TMPDIR)",
    errno.EDQUOT: "make room there, or choose another folder with --state (or TMPDIR)",
    errno.EROFS: "choose a folder that can be written with --state",
    errno.EACCES: "give yourself the right, or choose another folder with --state",
    errno.EPERM: "give yourself the right, or choose another folder with --state",
    errno.ENOTDIR: "choose another folder with --state",
    errno.EEXIST: "remove it, or choose another folder with --state",
    errno.EISDIR: "remove it, or choose another folder with --state",
    errno.ENAMETOOLONG: "choose a shorter one with --state",
    errno.ELOOP: "choose another folder with --state",
}


def _held_back() -> list[bytearray]:
    """What is let go of when an error is to be told: that takes memory, of which there may be none left."""
    try:
        return [bytearray(4 << 20)]  # Python takes it by the megabyte
    except MemoryError:
        return []


_reserve = _held_back()


def tell(error: BaseException) -> int:
    """Write an error to standard error; returns the exit code."""
    _reserve.clear()
    if os.environ.get(DEBUG):
        traceback.print_exception(error)
    sentence = "".join(letter if letter.isprintable() else f"#{ord(letter):03o}" for letter in explain(error))
    print(f"local_emulator: {sentence}", file=sys.stderr)  # noqa: T201 - a command line speaks
    return IN_USE if isinstance(error, InUse) else FAILED


def explain(error: BaseException) -> str:
    """One sentence with its remedy."""
    text = " ".join(str(error).split())
    if isinstance(error, EmulatorError):
        return text
    if isinstance(error, MemoryError):
        return _MEMORY
    if (
        isinstance(error, SystemError) and "without exception set" in text
    ):  # CPython's, such as 3.11.2's import with little memory
        return f"Python failed and did not say why, as it does where {_MEMORY}"
    if isinstance(error, ImportError) and not (error.name or "").startswith("local_emulator"):
        return _of_import(error, text)
    return _of_system(error, text) or _fault(error, text)


def _fault(error: BaseException, text: str) -> str:
    fault = f"this is a fault of the emulator itself ({type(error).__name__}: {text[:300]})"
    return f"{fault}; set {DEBUG}=1 for the traceback, and report it"


def _of_import(error: ImportError, text: str) -> str:
    package = (error.name or "").partition(".")[0]
    if isinstance(error, ModuleNotFoundError):
        return f"{package} is not installed: pip install 'sm-tuning[emulator]'"
    return f"{package or 'a package'} cannot be imported ({text[:300]}); is it whole, and is there enough memory (ulimit -v)?"


def _of_system(error: BaseException, text: str) -> str | None:
    if isinstance(error, RuntimeError) and "start new thread" in text:
        return _THREADS
    if isinstance(error, sqlite3.Error):
        return f"a database of the state folder cannot be used ({text}); is there room, and may it be written?"
    if not isinstance(error, OSError):
        return None
    if "temporary directory" in text:
        return f"{text}; set TMPDIR to a folder that can be written"
    what = error.strerror or text
    where = f"{os.fsdecode(error.filename)}: {what}" if isinstance(error.filename, str | bytes) else what
    remedy = "it must be mounted: runs are found there" if "/proc" in where else _REMEDIES.get(error.errno or 0)
    return where if remedy is None else f"{where}; {remedy}"
