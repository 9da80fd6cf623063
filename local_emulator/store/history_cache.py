"""The trials of one tuning job, kept in memory while they begin, change and end."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from local_emulator.domain.history import HistorySummary, Log, Trial, Trials, end_order, in_order_of_ends


class HistoryCache:
    """The trials of one tuning job as they begin, move and end. Not safe to use from several threads; what it gives is."""

    def __init__(self, summary: HistorySummary, trials: Iterable[Trial]) -> None:
        self._start = summary
        self._trials = {trial.name.casefold(): trial for trial in trials}
        self._values = sum(len(trial.values) for trial in self._trials.values())
        self._running: dict[str, Trial] = {}
        self._log: Log | None = None
        self._moment: Trials | None = None

    @property
    def size(self) -> int:
        """How much it holds: numbers, a trial being worth ten."""
        return 10 * len(self._trials) + self._values

    def put(self, trial: Trial) -> None:
        """A trial has begun, or is no longer what it was; the values that are known of it are kept."""
        name = trial.name.casefold()
        before = self._trials.get(name)
        if before is not None:
            trial = replace(trial, values=before.values)
        self._change(name, before, trial)

    def told(self, name: str, values: Sequence[float]) -> None:
        """A trial has told more values of its objective."""
        before = self._trials.get(name.casefold())
        if before is not None and values:
            self._values += len(values)
            self._change(name.casefold(), before, replace(before, values=(*before.values, *values)))

    def forget(self, name: str) -> None:
        """A trial's training job was deleted."""
        gone = self._trials.pop(name.casefold(), None)
        if gone is not None:
            self._values -= len(gone.values)
            self._log = self._moment = None

    def _change(self, name: str, before: Trial | None, trial: Trial) -> None:
        if trial == before:
            return
        self._trials[name] = trial
        self._moment = None
        if before is not None and before.status.terminal:
            self._log = None  # what has ended hardly ever changes: begin again
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
        """All of them, now."""
        if self._log is None:
            self._log = Log(self._start)
            for trial in in_order_of_ends(self._trials.values()):
                self._log.append(trial)
            self._running = {name: trial for name, trial in self._trials.items() if not trial.status.terminal}
        if self._moment is None:
            self._moment = Trials(self._log, tuple(sorted(self._running.values(), key=lambda trial: trial.index)))
        return self._moment
