"""A private `/opt/ml` for one process: its own mount namespace, with a folder bound over `/opt/ml`.

Asked for by the process that will become the program, between fork and exec. Not root: a user namespace comes first, in which we are.
Folders that many runs read are laid below it by overlayfs: what a run writes there stays its own, and nothing is copied before.
"""

import ctypes
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_CLONE_NEWNS = 0x00020000
_CLONE_NEWUSER = 0x10000000
_MS_BIND = 4096
_PR_SET_PDEATHSIG = 1
_MS_REC = 16384
_MS_PRIVATE = 1 << 18
_OPT_ML = Path("/opt/ml")
_ATTEMPTS = 3  # to find out what can be had

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *args: object) -> None:
    if getattr(_libc, name)(*args) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


def _mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    given = options.encode() if options else None
    _call("mount", os.fsencode(source), os.fsencode(target), kind.encode() if kind else None, flags, given)


def lay(ml: Path, folders: Mapping[str, Path]) -> None:
    """Say which folders `bind_opt_ml` is to show below `ml`, by their paths there; what is written to them is kept beside `ml`."""
    for number, path in enumerate(folders):
        (ml / path).mkdir(parents=True, exist_ok=True)
        for own in ("upper", "work"):
            (_layers(ml) / str(number) / own).mkdir(parents=True)
    _layers(ml).mkdir(exist_ok=True)
    (_layers(ml) / "index").write_text(json.dumps({path: str(folder) for path, folder in folders.items()}))


def _layers(ml: Path) -> Path:
    return ml.with_name("layers")


def _mount_layers(ml: Path, *, root: bool) -> None:
    index = _layers(ml) / "index"
    folders = json.loads(index.read_bytes()) if index.exists() else {}
    for number, (path, folder) in enumerate(folders.items()):
        own = _layers(ml) / str(number)
        # By descriptors: the options of a mount are a text with commas and colons, and paths may hold both.
        opened = {name: os.open(where, os.O_PATH) for name, where in _directories(folder, own).items()}
        options = ",".join(f"{name}=/proc/self/fd/{descriptor}" for name, descriptor in opened.items())
        try:
            _mount("overlay", str(ml / path), "overlay", 0, options if root else f"{options},userxattr")
        finally:
            for descriptor in opened.values():
                os.close(descriptor)


def _directories(folder: str, own: Path) -> Mapping[str, str]:
    return {"lowerdir": folder, "upperdir": str(own / "upper"), "workdir": str(own / "work")}


def bind_opt_ml(ml: Path | str) -> None:
    """Put a folder over `/opt/ml`, and what was laid below it, for this process and its children alone; raises OSError."""
    root = os.geteuid() == 0
    uid, gid = os.geteuid(), os.getegid()
    _call("unshare", _CLONE_NEWNS | (0 if root else _CLONE_NEWUSER))
    if not root:
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1", encoding="ascii")
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    if not _OPT_ML.is_dir():
        if root:
            _OPT_ML.mkdir(parents=True, exist_ok=True)
        else:
            _rebuild_opt()
    _mount_layers(Path(ml), root=root)
    _mount(str(ml), str(_OPT_ML), None, _MS_BIND | _MS_REC)


def _rebuild_opt() -> None:
    """Without the right to make `/opt/ml`: an `/opt` in memory, with everything that was there bound back."""
    opt = _OPT_ML.parent
    with tempfile.TemporaryDirectory() as aside:
        _mount(str(opt), aside, None, _MS_BIND | _MS_REC)
        _mount("tmpfs", str(opt), "tmpfs", 0)
        for entry in Path(aside).iterdir():
            place = opt / entry.name
            if entry.is_symlink():
                place.symlink_to(entry.readlink())
                continue
            if entry.is_dir():
                place.mkdir()
            else:
                place.touch()
            _mount(str(entry), str(place), None, _MS_BIND | _MS_REC)
        _OPT_ML.mkdir()
        _call("umount2", aside.encode(), 2)


@dataclass(frozen=True, kw_only=True)
class Support:
    """What mounts can be had: `why_not_private` is None if a private `/opt/ml` can be, `layers` if folders can be laid below it."""

    why_not_private: str | None
    layers: bool = False

    @property
    def private(self) -> bool:
        """Whether a run can have `/opt/ml` to itself."""
        return self.why_not_private is None


def not_wanted() -> Support:
    """In place of a trial: none of it."""
    return Support(why_not_private="switched off")


class Trial:
    """Tries what mounts can be had in a folder when somebody asks, once for each file system in the life of this process."""

    _lock = threading.Lock()
    _known: dict[tuple[int, int], Support] = {}  # noqa: RUF012 - what it is for

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self) -> Support:
        """What can be had; the first question takes some 50 ms. Raises OSError if that cannot be found out now."""
        self._folder.mkdir(parents=True, exist_ok=True)  # a cache, which anybody may remove
        key = (self._folder.stat().st_dev, os.geteuid())
        with self._lock:
            if key not in self._known:
                self._known[key] = available(self._folder)
            return self._known[key]


def available(folder: Path) -> Support:
    """What mounts can be had in a folder where runs will have theirs: not every file system takes layers.

    Tried for real, in a process of its own. Raises OSError if that process cannot tell: a machine short of something, say, which
    is no reason to go without for ever.
    """
    command = [sys.executable, "-P", "-m", "local_emulator.runs.mounts", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    reasons = ""
    for _ in range(_ATTEMPTS):
        try:
            tried = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment)  # noqa: S603 - ourselves
        except subprocess.TimeoutExpired as error:
            reasons = str(error)
            continue
        if tried.returncode == 0:
            return Support(**json.loads(tried.stdout))
        reasons = tried.stderr.strip() or f"exit code {tried.returncode}"
    raise OSError(errno.EAGAIN, f"It cannot be found out whether runs can have a private /opt/ml: {reasons.splitlines()[-1]}")


def main() -> int:
    """`python -m local_emulator.runs.mounts FOLDER`: try it there, and print the fields of a `Support`."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    with tempfile.TemporaryDirectory(dir=sys.argv[1], prefix=".trial-", ignore_cleanup_errors=True) as folder:
        ml, shared = Path(folder) / "ml", Path(folder) / "shared"
        for path in (ml, shared):
            path.mkdir()
        (ml / "seen").touch()
        (shared / "file").touch()
        child = os.fork()
        if child == 0:
            os._exit(_try_layers(ml, shared))
        layers = os.waitpid(child, 0)[1] == 0
        _clear(_layers(ml))
        print(json.dumps({"why_not_private": _why_not_private(ml), "layers": layers}), flush=True)  # noqa: T201 - read by `available`
    return 0


def _why_not_private(ml: Path) -> str | None:
    try:
        bind_opt_ml(ml)
    except OSError as error:
        return error.strerror
    return None if (_OPT_ML / "seen").exists() else "what is bound there cannot be seen"


def _try_layers(ml: Path, shared: Path) -> int:
    try:
        lay(ml, {"input": shared})
        bind_opt_ml(ml)
        (_OPT_ML / "input" / "file").write_text("written")
    except OSError:
        return 1
    return (shared / "file").stat().st_size


def _clear(layers: Path) -> None:
    """Remove what was laid; overlayfs leaves a folder without any rights."""
    for path in layers.glob("*/work/work"):
        path.chmod(0o700)
    shutil.rmtree(layers, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
