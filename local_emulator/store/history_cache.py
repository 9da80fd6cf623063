"""The trials of one tuning job, kept in memory while they begin, change and end."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from local_emulator.domain.history import HistorySummary, Log, Trial, Trials, end_order, in_completion_order


class HistoryCache:
    """The trials of one tuning job. Not safe to use from several threads; the `Trials` that it returns are."""

    def __init__(self, summary: HistorySummary, trials: Iterable[Trial]) -> None:
        self._start = summary
        self._trials = {trial.name.casefold(): trial for trial in trials}
        self._values = sum(len(trial.values) for trial in self._trials.values())
        self._running: dict[str, Trial] = {}
        self._log: Log | None = None
        self._snapshot: Trials | None = None

    @property
    def size(self) -> int:
        """Numbers that it holds; a trial counts as ten."""
        return 10 * len(self._trials) + self._values

    def put(self, trial: Trial) -> None:
        """Add a trial, or replace it; the values that are known of it are kept."""
        name = trial.name.casefold()
        before = self._trials.get(name)
        if before is not None:
            trial = replace(trial, values=before.values)
        self._change(name, before, trial)

    def add_values(self, name: str, values: Sequence[float]) -> None:
        """Add values of a trial's objective."""
        before = self._trials.get(name.casefold())
        if before is not None and values:
            self._values += len(values)
            self._change(name.casefold(), before, replace(before, values=(*before.values, *values)))

    def forget(self, name: str) -> None:
        """Remove a trial: its training job was deleted."""
        removed = self._trials.pop(name.casefold(), None)
        if removed is not None:
            self._values -= len(removed.values)
            self._log = self._snapshot = None

    def _change(self, name: str, before: Trial | None, trial: Trial) -> None:
        if trial == before:
            return
        self._trials[name] = trial
        self._snapshot = None
        if before is not None and before.status.terminal:
            self._log = None  # an ended trial has changed, which is rare: build the log again
        if self._log is None:
            return
        if not trial.status.terminal:
            self._running[name] = trial
            return
        self._running.pop(name, None)
        if self._log.trials and end_order(self._log.trials[-1]) > end_order(trial):
            self._log = None  # the clock was set back
        else:
            self._log.append(trial)

    @property
    def trials(self) -> Trials:
        """All trials, as they are now."""
        if self._log is None:
            self._log = Log(self._start)
            for trial in in_completion_order(self._trials.values()):
                self._log.append(trial)
            self._running = {name: trial for name, trial in self._trials.items() if not trial.status.terminal}
        if self._snapshot is None:
            self._snapshot = Trials(self._log, tuple(sorted(self._running.values(), key=lambda trial: trial.index)))
        return self._snapshot
