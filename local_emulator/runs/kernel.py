"""What runs need of the kernel, which is Linux's alone."""

import ctypes
import fcntl
import os
import platform
import signal

from local_emulator.domain.errors import EmulatorError

_NEEDED = {os: ("pidfd_open", "pipe2", "memfd_create"), signal: ("pidfd_send_signal",), fcntl: ("F_OFD_SETLK", "F_OFD_GETLK")}


class NotLinux(EmulatorError):  # noqa: N818 - reads as a fact
    """The emulator cannot hold and end runs on this system."""


def check() -> None:
    """Raise NotLinux if something is missing without which no run can be held or ended."""
    missing = [f"{module.__name__}.{name}" for module, names in _NEEDED.items() for name in names if not hasattr(module, name)]
    if not hasattr(ctypes.CDLL(None), "prctl"):
        missing.append("prctl")
    if missing:
        raise NotLinux(
            f"the emulator needs Linux, and this {platform.system()} has no {', '.join(missing)}; run its image, which clients "
            "find by AWS_ENDPOINT_URL=http://127.0.0.1:4577 (docs/install.md)"
        )
