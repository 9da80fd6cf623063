"""Commands on a state folder that no emulator holds: reset, recover, and the second half of stop."""

import argparse
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from local_emulator.assembly import end_runs
from local_emulator.console import say
from local_emulator.failures import FAILED
from local_emulator.rescue import recover
from local_emulator.runs.folder import EvidenceError, RunFolder
from local_emulator.runs.process import living
from local_emulator.runs.run import Contract
from local_emulator.state_folder import LOCK, StateLock, wipe

_OK = 0


def _recover(options: argparse.Namespace) -> int:
    with StateLock(options.state):
        for sentence in recover(options.state):
            say(sentence)
    return _OK


def _confirmed(question: str) -> bool:
    try:
        return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:
        say("Nobody answers: confirm with --yes.")
        return False


def _reset(options: argparse.Namespace) -> int:
    state = options.state
    if not (state / LOCK).exists():
        say(f"{state} holds no state.")
        return _OK
    if not options.yes and not _confirmed(f"Kill all runs and forget everything in {state}?"):
        return FAILED
    with StateLock(state):
        ended = end_runs(state)
        wipe(state)
    say(f"{ended} runs ended, all state forgotten.")
    return _OK


def _stop(options: argparse.Namespace) -> int:
    """Say which runs go on without the emulator, or end them."""
    runs = options.state / "runs"
    left = sorted(living(runs))
    what = _counted(runs / run for run in left)
    single = len(left) == 1
    if options.all:
        with StateLock(options.state):
            elsewhere = end_runs(options.state) - len(left)
        also = f"{elsewhere} on the cluster" if elsewhere > 0 else ""
        ended = " and ".join(filter(None, (what, also)))
        say(f"Ended too: {ended}." if ended else "Nothing else was going on.")
    elif left:
        say(
            f"{what} {'goes' if single else 'go'} on, and the next start finds {'it' if single else 'them'} again; "
            f"the same command with --all ends {'it' if single else 'them'}."
        )
    return _OK


def _counted(folders: Iterable[Path]) -> str:
    """Runs by what they are for, such as "1 training job and 2 endpoint instances"; empty for none."""
    counts = Counter(_noun(RunFolder(folder)) for folder in folders)
    parts = [f"{count} {noun}{'s' if count > 1 else ''}" for noun, count in sorted(counts.items())]
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


def _noun(folder: RunFolder) -> str:
    try:
        run = folder.load_run()
    except EvidenceError:
        return "unknown run"
    if run.contract is Contract.SERVING:
        return "endpoint instance"
    if run.contract is Contract.TRAINING:
        return "training job"
    return "transform job" if run.servers else "processing job"


COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = {"recover": _recover, "reset": _reset, "stop": _stop}
