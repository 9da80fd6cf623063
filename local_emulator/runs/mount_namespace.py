"""The mount namespace of a program: what it has mounted over its `/opt/ml`, where nobody else sees the files, nor uploads them."""

import contextlib
import ctypes
import os
import threading
from collections.abc import Sequence

from local_emulator.runs.forkserver.server.mounting import OPT_ML

_CLONE_FS = 0x00000200
_CLONE_NEWNS = 0x00020000
_RESULTS = ("model", "output", "output/data", "checkpoints")

_libc = ctypes.CDLL(None, use_errno=True)


class MountNamespace:
    """Keeps the namespace of a running program from going when the program ends. Only root's programs can mount anything."""

    def __init__(self, process: int) -> None:
        self._namespace = self._proc = -1
        with contextlib.suppress(OSError):  # it has ended already, or this is not root
            self._proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            self._namespace = os.open(f"/proc/{process}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)

    def hidden_results(self) -> Sequence[str]:
        """Folders of results, or folders below them, that something was mounted over; paths as the program knows them."""
        if self._namespace < 0:
            return ()
        points: list[str] = []
        thread = threading.Thread(target=self._read_mount_points, args=(points,))  # the namespace is entered by the thread alone
        thread.start()
        thread.join()
        results = tuple(f"{OPT_ML}/{name}" for name in _RESULTS)
        hidden = [point for point in points if point in results or point.startswith(tuple(f"{folder}/" for folder in results))]
        return [*([OPT_ML] if points.count(OPT_ML) > 1 else []), *dict.fromkeys(hidden)]

    def close(self) -> None:
        """Let the namespace go."""
        for descriptor in (self._namespace, self._proc):
            if descriptor >= 0:
                os.close(descriptor)
        self._namespace = self._proc = -1

    def _read_mount_points(self, points: list[str]) -> None:
        with contextlib.suppress(OSError):
            if _libc.unshare(_CLONE_FS) or _libc.setns(self._namespace, _CLONE_NEWNS):
                return
            mounts = os.open("thread-self/mountinfo", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._proc)  # the program may hide /proc
            with open(mounts, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - a descriptor
                points += [line.split(" ", 5)[4] for line in file]
