"""Removes what is left of runs whose record was deleted or has ended."""

from collections.abc import Callable
from pathlib import Path

from local_emulator.engine.faults import FaultLog
from local_emulator.runs.folder import RunFolder, folders_below
from local_emulator.runs.run import Executor, RunState
from local_emulator.store.base import Store

_MANY = 16  # that do not wait any longer: the loop may be busy for hours


class Leftovers:
    """Runs that have just ended, whose results S3 holds now. Removed at once, they would delay the next run, which begins then.

    `remover` removes the results of one in the background. `remove` is for when nothing else is to be done.
    """

    def __init__(self, remover: Callable[[RunFolder], object]) -> None:
        self._remover = remover
        self._folders: list[RunFolder] = []

    def add(self, folder: RunFolder) -> None:
        """Remember a run that has ended; have all of them removed if they have become many."""
        self._folders.append(folder)
        if len(self._folders) > _MANY:
            self.remove()

    def remove(self) -> None:
        """Have all of them removed."""
        folders, self._folders = self._folders, []
        for folder in folders:
            if folder.has_results():
                self._remover(folder)


def sweep(runs: Path, store: Store, executor: Executor, log: FaultLog) -> None:
    """Look at every run's folder below `runs` once; a folder that cannot be removed is logged."""
    # Folders first: a job's record is there before its folder, so what is listed and has no record was deleted.
    folders = {folder.path.name: folder for folder in folders_below(runs)}
    known = store.runs()
    active = set(store.runs(active=True))
    for name in folders.keys() - active:
        try:
            _clear(folders[name], executor, known=name in known)
        except OSError as error:
            log.report(f"removing the folders of a run: {name}", error)


def _clear(folder: RunFolder, executor: Executor, *, known: bool) -> None:
    """Remove what is left of a run that no active job has: all of it, or, where its job is `known`, what S3 holds now."""
    if (known and not folder.has_results()) or executor.state(folder.path) is RunState.RUNNING:
        return
    if known:  # the emulator was killed between the end of the job and this
        folder.remove_results()
    else:
        folder.remove()
