"""Pin what the emulator's image holds: `python .ci/pins.py > local_emulator/requirements-image.txt`.

Of each package that the extras need, the newest release that has a wheel for Python 3.11 on Linux, with the hashes of its wheels for
x86-64 and ARM.
"""

import hashlib
import subprocess
import sys
import tempfile
import tomllib
from collections import defaultdict
from pathlib import Path

EXTRAS = ("cli", "emulator", "scripts")
_MACHINES = ("x86_64", "aarch64")
_GLIBC = 36  # Debian bookworm's
_HEAD = """\
# What the image holds beside the wheel, whole and by its content: wheels for Python 3.11 on Linux, x86-64 and ARM. pip takes nothing
# else. Made by `make emulator-pins`.
"""


def main() -> None:
    """Print the requirements."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    needed = [*project["dependencies"], *(name for extra in EXTRAS for name in project["optional-dependencies"][extra])]
    hashes: dict[str, set[str]] = defaultdict(set)
    for machine in _MACHINES:
        with tempfile.TemporaryDirectory() as folder:
            _download(needed, machine, folder)
            for wheel in Path(folder).iterdir():
                name, version = wheel.name.split("-")[:2]
                hashes[f"{name.replace('_', '-').lower()}=={version}"].add(hashlib.sha256(wheel.read_bytes()).hexdigest())
    sys.stdout.write(_HEAD)
    for pin, digests in sorted(hashes.items()):
        print(" \\\n    ".join([pin, *(f"--hash=sha256:{digest}" for digest in sorted(digests))]))


def _download(needed: list[str], machine: str, folder: str) -> None:
    tags = [f"manylinux_2_{minor}_{machine}" for minor in range(_GLIBC, 4, -1)] + [f"manylinux2014_{machine}"]
    options = [
        "--quiet",
        "--only-binary=:all:",
        "--python-version=3.11",
        "--dest",
        folder,
        *(f"--platform={tag}" for tag in tags),
    ]
    subprocess.run([sys.executable, "-m", "pip", "download", *options, *needed], check=True)


if __name__ == "__main__":
    main()
