"""`python -m local_emulator serve | status | stop | interrupt | reset | recover`."""

import atexit
import gc
import os
import re
import sys

from local_emulator.failures import tell

# The server keeps no secret that a run could read from /proc: it starts again with these variables only.
_KEPT = re.compile(
    r"PATH|HOME|LANG|LC_\w+|TMPDIR|TERM|NO_COLOR|TZ|XDG_\w+|PYTHON\w*|VIRTUAL_ENV|LD_LIBRARY_PATH|CUDA_\w+|SM_EMULATOR_\w+|SM_TUNING_DEBUG|"
    r"DASK_\w+|DOCKER_(HOST|TLS_VERIFY|CERT_PATH|CONFIG)|RUNNER_TRACKING_ID"  # the last: GitHub ends by it what a job has left running
)
_SCRUBBED = "SM_EMULATOR_SCRUBBED"
_STDERR = 2


def _scrub() -> None:
    kept = {name: value for name, value in os.environ.items() if _KEPT.fullmatch(name)}
    if _SCRUBBED not in os.environ and len(kept) < len(os.environ):
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**kept, _SCRUBBED: "1"})  # noqa: S606 - ourselves


def _open_closed_streams() -> None:
    """Let closed standard streams (`>&-`) lead to the null device, or the next file that is opened takes what is printed."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= _STDERR:
        os.set_inheritable(number, True)
    os.close(number)


def _main() -> int:
    _open_closed_streams()
    if "serve" in sys.argv[1:2]:
        _scrub()
    # What is imported is no garbage: looking for some, while starting and at the end, was a third of the time.
    gc.set_threshold(50_000)
    atexit.register(gc.freeze)
    try:
        from local_emulator.command import main  # noqa: PLC0415 - an import that fails ends in a sentence too, and `serve` starts twice

        return main()
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - the one way out: a sentence and an exit code
        return tell(error)


if __name__ == "__main__":
    sys.exit(_main())
