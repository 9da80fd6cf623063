"""Packages of an environment, which note their import or do what a fork would break."""

# ruff: noqa: E501 - a script is one line here

from collections import Counter
from pathlib import Path

# Notes each import, in the environment's folder.
COUNTED = "import pathlib\nfolder = pathlib.Path(__file__).parents[3]\nwith (folder / 'imported').open('a') as file: file.write(__name__ + ' ')\n"
THREAD = "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon=True).start()"
PACKAGES = {
    "good": "version = 1",
    "threads": THREAD,
    "prints": "print('hello from prints')",
    "opens": "file = open('/etc/hostname')",
    "starts": "import subprocess\nprocess = subprocess.Popen(['sleep', '600'])",
    "fails": "raise RuntimeError('no')",
    "dies": "import os\nos.abort()",
    "inner": COUNTED + THREAD,
    "outer": COUNTED + "import inner",
    "late": COUNTED + "import inner",
    "innocent": COUNTED,
    "purges": "import threading, time, os, pathlib\nthread = threading.Thread(target=time.sleep, args=(600,), daemon=True)\n"
    "thread.start()\npathlib.Path(f'/proc/self/task/{thread.native_id}/comm').write_text('jemalloc_bg_thd')",
    "slow": COUNTED + "import time\nwhile not (folder / 'go').exists(): time.sleep(0.01)",
}


def install(environment: Path) -> str:
    """Put the packages into an environment; its interpreter."""
    (folder,) = environment.glob("lib/*/site-packages")
    for name, content in PACKAGES.items():
        (folder / f"{name}.py").write_text(content)
    return str(environment / "bin" / "python")


def imported(environment: Path) -> Counter[str]:
    """How often each package that counts has been imported, in any process."""
    return Counter((environment / "imported").read_text().split())
