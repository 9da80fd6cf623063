"""Commands on a state folder that no emulator holds: reset, recover."""

import argparse
from collections.abc import Callable, Mapping

from local_emulator.assembly import end_runs
from local_emulator.console import say
from local_emulator.failures import FAILED
from local_emulator.rescue import recover
from local_emulator.state_folder import LOCK, StateLock, wipe

_OK = 0


def _recover(options: argparse.Namespace) -> int:
    with StateLock(options.state):
        for sentence in recover(options.state):
            say(sentence)
    return _OK


def _reset(options: argparse.Namespace) -> int:
    state = options.state
    if not (state / LOCK).exists():
        say(f"{state} holds no state.")
        return _OK
    if not options.yes and input(f"Kill all runs and forget everything in {state}? [y/N] ").strip().lower() not in {"y", "yes"}:
        return FAILED
    with StateLock(state):
        ended = end_runs(state)
        wipe(state)
    say(f"{ended} runs ended, all state forgotten.")
    return _OK


COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = {"recover": _recover, "reset": _reset}
