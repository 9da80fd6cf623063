"""The `sm-tuning` command."""

import atexit
import gc
import io
import sys

from sm_tuning.streams import open_closed_streams


def main() -> None:
    """Entry point; says which extra is missing if the command line's packages are not installed."""
    open_closed_streams()
    # Modules and models of services are no garbage: looking for some among them was half of a short command's time.
    gc.set_threshold(50_000)
    atexit.register(gc.freeze)
    try:
        from sm_tuning.cli.commands import sm_tuning  # noqa: PLC0415 - click and rich are the extra `cli`
    except ModuleNotFoundError as error:
        print(f"sm-tuning: {error.name} is not installed: pip install 'sm-tuning[cli]'", file=sys.stderr)  # noqa: T201 - a command line speaks
        sys.exit(1)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a character that the terminal's encoding lacks is shown by its number
            stream.reconfigure(errors="backslashreplace")
    sm_tuning()
