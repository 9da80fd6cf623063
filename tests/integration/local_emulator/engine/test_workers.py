"""Slow work that hangs holds up nobody."""

import subprocess
import sys


def test_closing_does_not_wait_for_what_hangs() -> None:
    script = (
        "import threading, time\n"
        "from local_emulator.engine.workers import Workers\n"
        "workers = Workers(1)\n"
        "workers.submit(time.sleep, 600)\n"
        "late = workers.submit(time.sleep, 0)\n"
        "workers.close(0.1)\n"
        "assert late.cancelled() and workers.submit(time.sleep, 0).cancelled()\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
