"""A private `/opt/ml` for one process: its own mount namespace, with a folder bound over `/opt/ml`.

Asked for by the process that will become the program, between fork and exec. Not root: a user namespace comes first, in which we are.
"""

import ctypes
import os
import subprocess
import sys
import tempfile
from pathlib import Path

_CLONE_NEWNS = 0x00020000
_CLONE_NEWUSER = 0x10000000
_MS_BIND = 4096
_MS_REC = 16384
_MS_PRIVATE = 1 << 18
_OPT_ML = Path("/opt/ml")

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *args: object) -> None:
    if getattr(_libc, name)(*args) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


def _mount(source: str, target: str, kind: str | None, flags: int) -> None:
    _call("mount", source.encode(), target.encode(), kind.encode() if kind else None, flags, None)


def bind_opt_ml(ml: Path) -> None:
    """Put a folder over `/opt/ml`, for this process and its children alone; raises OSError."""
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


def available() -> str | None:
    """None if a private `/opt/ml` can be had here, else why not. Tried for real, in a process of its own."""
    tried = subprocess.run(
        [sys.executable, "-m", "local_emulator.runs.mounts"], capture_output=True, text=True, check=False, timeout=60
    )
    return None if tried.returncode == 0 else (tried.stderr.strip().splitlines() or ["no reason given"])[-1]


def main() -> int:
    """Try it."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "seen").touch()
        try:
            bind_opt_ml(Path(folder))
        except OSError as error:
            print(error.strerror, file=sys.stderr)  # noqa: T201 - read by `available`
            return 1
        return 0 if (_OPT_ML / "seen").exists() else 1


if __name__ == "__main__":
    sys.exit(main())
