"""The state folder: this user's alone, and one emulator's at a time."""

import errno
import json
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from local_emulator.domain.errors import EmulatorError, InUse
from local_emulator.runs import lock

LOCK = "emulator.lock"  # locked by the emulator that uses the folder
_LOG = "emulator.log"  # written by who starts it
_RUN_KEY = "run-key"
_TRIES = 5
_PAUSE = 0.1  # seconds
_CHANGES = (errno.ENOENT, errno.ENOTEMPTY)  # while another process changes the folder
_SAYS_WITHIN = 2.0  # seconds from taking the lock to writing down who has
PORTS = "ports.json"  # where the last emulator has answered
KEEP = "keep"  # if this file is there the emulator does not end by itself


class StateInUse(InUse):
    """Another emulator holds the state folder."""


class StateNotOurs(EmulatorError):  # noqa: N818 - reads as a fact
    """Another user could read or change the content of the state folder."""


class StateLock:
    """Reserves a state folder for one emulator; the kernel releases it when the process ends, however it ends."""

    def __init__(self, state: Path) -> None:
        check_path(state)
        _check_kind(state)
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        check_owner(state)
        _close_to_others(state)
        held = lock.take(state / LOCK)
        if held is None:
            owner = _named_owner(state)
            raise StateInUse(
                f"the state folder {state} is in use by the emulator at {owner.get('url', 'an address not known yet')} "
                f"(process {owner.get('pid', 'unknown')})"
            )
        self._fd = held
        os.ftruncate(self._fd, 0)
        self.publish()

    def publish(self, **facts: object) -> None:
        """Write down who holds the folder, for others to read."""
        os.pwrite(self._fd, json.dumps({"pid": os.getpid(), **facts}).encode().ljust(4096), 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.ftruncate(self._fd, 0)
        os.close(self._fd)


def _check_kind(state: Path) -> None:
    """Raise StateNotOurs if a path is no folder, or holds something else: others lose their rights to its content."""
    if not state.exists():
        return
    if not state.is_dir():
        raise StateNotOurs(f"the state folder {state} is a file; choose another with --state")
    names = {entry.name for entry in os.scandir(state)} - {_LOG}
    if names and LOCK not in names:
        raise StateNotOurs(
            f"the folder {state} holds something else ({min(names)}) and no state; choose an empty one with --state"
        )


def check_path(path: Path) -> None:
    """Raise StateNotOurs if a link that another user has made lies on the way to a folder."""
    whole = path.absolute()
    for part in (*reversed(whole.parents), whole):
        if part.is_symlink() and part.lstat().st_uid not in {0, os.geteuid()}:
            raise StateNotOurs(
                f"the state folder {path} is reached by {part}, a link of another user's; choose another with --state"
            )


def check_owner(state: Path) -> None:
    """Raise StateNotOurs if a state folder, or something in it, belongs to another user, or its lock leads elsewhere."""
    owner = state.stat().st_uid
    if owner != os.geteuid():
        raise StateNotOurs(f"the state folder {state} belongs to another user (uid {owner}); choose another with --state")
    for entry, facts in _entries(state):
        other = facts.st_uid
        if other != owner:
            raise StateNotOurs(f"{entry.path} belongs to another user (uid {other}); choose another state folder with --state")
        if entry.name == LOCK and entry.is_symlink():
            raise StateNotOurs(f"{entry.path} is a link; remove it, or choose another state folder with --state")


def _close_to_others(state: Path) -> None:
    """Remove the rights of other users: an earlier version, or the user, may have made the folder with more."""
    state.chmod(0o700)
    for entry, facts in _entries(state):
        mode = stat.S_IMODE(facts.st_mode)
        if mode & 0o077 and not entry.is_symlink():
            with suppress(FileNotFoundError):
                Path(entry.path).chmod(mode & 0o700)


def _entries(state: Path) -> Iterator[tuple["os.DirEntry[str]", os.stat_result]]:
    """The entries of a state folder that do not vanish meanwhile: its emulator, and SQLite, write there."""
    with os.scandir(state) as entries:
        for entry in entries:
            try:
                facts = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            yield entry, facts


def run_key(state: Path) -> str:
    """The access key that containers of this state's runs sign with: made once, since runs outlive the emulator."""
    path = state / _RUN_KEY
    if not path.exists():
        new = path.with_suffix(".new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w") as file:
            file.write(f"RUN{secrets.token_hex(16).upper()}")
        new.replace(path)
    return path.read_text()


def _named_owner(state: Path) -> Mapping[str, object]:
    """The facts about the emulator that holds a state folder; one that has just started gets a moment to write them."""
    deadline = time.monotonic() + _SAYS_WITHIN
    while "pid" not in (owner := read_owner(state) or {}) and time.monotonic() < deadline:
        time.sleep(0.01)
    return owner


def read_owner(state: Path) -> Mapping[str, object] | None:
    """The facts (pid, url) about the emulator that holds a state folder; None if none does."""
    path = state / LOCK
    if not path.exists():
        return None
    check_owner(state)
    if not lock.taken(path):
        return None
    try:
        facts = json.loads(path.read_bytes() or b"{}")
    except ValueError:  # it is about to be written, or was written by another program
        return {}
    return facts if isinstance(facts, dict) else {}


def _remove(folder: Path) -> None:
    """Remove a folder that another process may still change: a trial of mounts, or a supervisor that is being killed."""
    for tries_left in reversed(range(_TRIES)):
        try:
            shutil.rmtree(folder)
        except OSError as error:
            if not folder.exists():
                return
            if tries_left == 0 or error.errno not in _CHANGES:
                raise
            time.sleep(_PAUSE)
        else:
            return


def wipe(state: Path) -> None:
    """Forget everything a state folder holds but the folder itself, and where its emulator answers."""
    for entry in state.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            _remove(entry)
        elif entry.name not in {LOCK, PORTS}:
            entry.unlink()
