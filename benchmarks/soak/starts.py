"""R13: two emulators that start on one state folder at the same time, and emulators whose port is taken.

python benchmarks/soak/starts.py [--pairs 200] [--ports 50]
"""

import argparse
import re
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # the benchmarks are no package that is installed

from benchmarks.soak.figures import ROOT, Figures, folder

IN_USE = 3


def start(state: Path, output: Path, port: int = 0) -> "subprocess.Popen[bytes]":
    """An emulator, not yet there; what it says goes to a file."""
    command = [sys.executable, "-m", "local_emulator", "serve", "--port", str(port), "--state", str(state)]
    with output.open("wb") as file:
        return subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=file)


def pair(folder_: Path) -> str | None:
    """Start two; what is wrong with the outcome."""
    outputs = [folder_ / "first", folder_ / "second"]
    both = [start(folder_ / "state", output) for output in outputs]
    deadline = time.monotonic() + 120
    try:
        while True:
            serving = [b"SageMaker emulator at http://" in output.read_bytes() for output in outputs]
            ended = [process.poll() for process in both]
            if all(code is not None or serves for code, serves in zip(ended, serving, strict=True)):
                break
            if time.monotonic() > deadline:
                return f"neither serving nor ended: {[output.read_text() for output in outputs]}"
            time.sleep(0.02)
        if sorted(ended, key=str) != [IN_USE, None]:
            return f"exit codes {ended}"
        said = outputs[0 if ended[0] == IN_USE else 1].read_text()
        owner = both[1 if ended[0] == IN_USE else 0].pid
        if len(said.splitlines()) != 1 or not re.search(rf"is in use by .*\b{owner}\b", said):
            return f"the second says {said!r}; the first is process {owner}"
        return None
    finally:
        for process in both:
            process.terminate()
            process.wait(timeout=60)


def taken(folder_: Path) -> str | None:
    """Start one on a port that somebody listens on; what is wrong with the outcome."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        process = start(folder_ / "state", folder_ / "output", port)
        code = process.wait(timeout=120)
    said = (folder_ / "output").read_text()
    if code != IN_USE or len(said.splitlines()) != 1 or f"port {port}" not in said:
        return f"exit code {code}: {said!r}"
    return None


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=200, help="default: %(default)s")
    parser.add_argument("--ports", type=int, default=50, help="default: %(default)s")
    options = parser.parse_args(argv)
    figures = Figures()
    with folder() as path:
        pairs = [fault for _ in range(options.pairs) if (fault := pair(path))]
        ports = [fault for _ in range(options.ports) if (fault := taken(path))]
    figures.exactly("pairs on one folder", options.pairs, 200)
    figures.none("pairs of which not exactly one serves and the other ends with 3 and names it", pairs)
    figures.exactly("starts on a port that is taken", options.ports, 50)
    figures.none("starts that do not end with 3 and name the port", ports)
    return figures.print()


if __name__ == "__main__":
    sys.exit(main())
