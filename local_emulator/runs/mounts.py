"""What mounts runs can have on this machine, and which folders a run finds mounted below its `/opt/ml`.

The process that will become the program mounts them itself, between fork and exec (`forkserver.server.mounting`).
"""

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
from enum import StrEnum
from pathlib import Path

from local_emulator.runs.forkserver.server.mounting import OPT_ML, bind_opt_ml, layers_of

_LONGEST = 60  # seconds that an attempt takes
_ATTEMPTS = 3  # to find out what works


class Access(StrEnum):
    """What a run may do to a folder that is mounted below its `/opt/ml`."""

    OWN = "own"  # write; it stays the run's own, beside `ml`
    READ = "read"
    SHARE = "share"  # write to the folder itself


@dataclass(frozen=True)
class Layer:
    """A folder that is mounted below a run's `/opt/ml`."""

    folder: Path
    access: Access = Access.OWN


def lay(ml: Path, layers: Mapping[str, Layer]) -> None:
    """Write down which folders `bind_opt_ml` mounts below `ml`, by their paths there."""
    for number, (path, layer) in enumerate(layers.items()):
        (ml / path).mkdir(parents=True, exist_ok=True)
        for own in ("upper", "work") if layer.access is Access.OWN else ():
            (_layers(ml) / str(number) / own).mkdir(parents=True)
    _layers(ml).mkdir(exist_ok=True)
    index = {path: (str(layer.folder), layer.access) for path, layer in layers.items()}
    (_layers(ml) / "index").write_text(json.dumps(index))


def laid(ml: Path) -> Mapping[str, Layer]:
    """What `lay` has written down for a run's `ml`."""
    try:
        index: Mapping[str, tuple[str, str]] = json.loads((_layers(ml) / "index").read_text())
    except FileNotFoundError:
        return {}
    return {path: Layer(Path(folder), Access(access)) for path, (folder, access) in index.items()}


def _layers(ml: Path) -> Path:
    return Path(layers_of(str(ml)))


@dataclass(frozen=True, kw_only=True)
class Support:
    """Which mounts work: `why_not_private` is None if a private `/opt/ml` does, `layers` says whether overlays below it do."""

    why_not_private: str | None
    layers: bool = False

    @property
    def private(self) -> bool:
        """Whether a run can have `/opt/ml` to itself."""
        return self.why_not_private is None


def not_wanted() -> Support:
    """Use no mounts; stands in for a `Trial`."""
    return Support(why_not_private="switched off")


class Trial:
    """Tries which mounts work in a folder when it is called first, once for each file system in this process."""

    _lock = threading.Lock()
    _known: dict[tuple[int, int], Support] = {}  # noqa: RUF012 - what it is for

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self) -> Support:
        """Which mounts work; the first call takes some 50 ms. Raises OSError if that cannot be found out now."""
        self._folder.mkdir(parents=True, exist_ok=True)  # a cache, which anybody may remove
        key = (self._folder.stat().st_dev, os.geteuid())
        with self._lock:
            if key not in self._known:
                self._known[key] = available(self._folder)
            return self._known[key]


def available(folder: Path) -> Support:
    """Try which mounts work in a folder where runs will have theirs: not every file system allows overlays.

    Tried for real, in a process of its own. Raises OSError if that process cannot tell: a machine short of something, say, which
    is no reason to go without for ever.
    """
    command = [sys.executable, "-P", "-m", "local_emulator.runs.mounts", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    reasons = ""
    for _ in range(_ATTEMPTS):
        try:
            tried = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_LONGEST, env=environment)  # noqa: S603 - ourselves
        except subprocess.TimeoutExpired as error:
            reasons = str(error)
            continue
        if tried.returncode == 0:
            return Support(**json.loads(tried.stdout))
        reasons = tried.stderr.strip() or f"exit code {tried.returncode}"
    raise OSError(errno.EAGAIN, f"It cannot be found out whether runs can have a private /opt/ml: {reasons.splitlines()[-1]}")


def main() -> int:
    """`python -m local_emulator.runs.mounts FOLDER`: try it there, and print the fields of a `Support`.

    It takes a moment, and removes what it made also where its parent is ended meanwhile.
    """
    for number in (signal.SIGINT, signal.SIGTERM):  # which may come to all processes of a terminal or a service
        signal.signal(number, signal.SIG_IGN)
    signal.alarm(_LONGEST)
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
        support = {"why_not_private": _why_not_private(ml), "layers": layers}
    print(json.dumps(support), flush=True)  # noqa: T201 - read by `available`
    return 0


def _why_not_private(ml: Path) -> str | None:
    try:
        bind_opt_ml(str(ml))
    except OSError as error:
        return error.strerror
    return None if (Path(OPT_ML) / "seen").exists() else "what is bound there cannot be seen"


def _try_layers(ml: Path, shared: Path) -> int:
    try:
        lay(ml, {"input": Layer(shared), "code": Layer(shared, Access.READ)})
        bind_opt_ml(str(ml))
        (Path(OPT_ML) / "input" / "file").write_text("written")
    except OSError:
        return 1
    try:
        (Path(OPT_ML) / "code" / "file").write_text("written")
    except OSError:
        return (shared / "file").stat().st_size
    return 1


def _clear(layers: Path) -> None:
    """Remove what was laid; overlayfs leaves a folder without any rights."""
    for path in layers.glob("*/work/work"):
        path.chmod(0o700)
    shutil.rmtree(layers, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
