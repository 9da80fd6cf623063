"""The Debian with Python that images of the tests begin with: `make build/debian/base.tar`, by debootstrap as root."""

import fcntl
import shutil
import subprocess
from pathlib import Path

ARCHIVE = Path(__file__).parents[1] / "build" / "debian" / "base.tar"


def made() -> Path:
    """Path of the archive; makes it where it is missing, which takes half a minute of processor time."""
    ARCHIVE.parent.mkdir(parents=True, exist_ok=True)
    with ARCHIVE.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of several processes one makes it
        if not ARCHIVE.exists():
            _make(ARCHIVE.with_suffix(".part"), ARCHIVE.parent / "base")
            ARCHIVE.with_suffix(".part").rename(ARCHIVE)
    return ARCHIVE


def _make(archive: Path, base: Path) -> None:
    unmount_below(base)  # of one that was interrupted
    shutil.rmtree(base, ignore_errors=True)
    include = "python3,python3-venv"
    command = ["debootstrap", "--variant=minbase", f"--include={include}", "bookworm", str(base)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    unmount_below(base)  # debootstrap leaves its /proc there if that is in use, as whenever others look at all mounts
    left_out = [f"--exclude=./{name}" for name in ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale")]
    subprocess.run(["tar", "--create", "--file", archive, "--directory", base, *left_out, "."], check=True)
    shutil.rmtree(base)


def unmount_below(folder: Path) -> None:
    """Unmount what is mounted in a folder."""
    for line in Path("/proc/mounts").read_text().splitlines():
        if line.split()[1].startswith(str(folder)):
            subprocess.run(["umount", "--lazy", line.split()[1]], check=False)


if __name__ == "__main__":
    made()
