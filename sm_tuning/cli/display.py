"""Output of the command: tables and live progress on a terminal, plain lines elsewhere. Text of jobs is never markup."""

import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Self, TextIO, cast

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.progress_bar import ProgressBar
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from sm_tuning.analysis.fit import Verdict
from sm_tuning.cli.tables import Column, FittedTable, safe, table_of
from sm_tuning.client.errors import unless_denied
from sm_tuning.client.status import RunStatus, SilentMetric, Training, duration, setting, short_name
from sm_tuning.printable import printable

if TYPE_CHECKING:
    from types import TracebackType

    from sm_tuning.analysis.data_scaling import DataScalingCurve
    from sm_tuning.client.run import TuningRun
    from sm_tuning.preflight.finding import Finding
    from sm_tuning.report.view_model import ViewModel

# A stop is the usual end with Hyperband and early stopping: no colour.
_COLOURS = {"Completed": "green", "Failed": "red", "Stopping": "yellow", "InProgress": "cyan"}
_BAR, _LEAST_BAR = 40, 10
_SILENCE = 5.0  # seconds between two lines of a long computation's progress
_WIDE = 240  # columns where nobody looks: nothing is cut


class _SafeConsole(Console):
    """A console that sends no control characters but its own to a terminal: all rendered text passes here."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)


class _Unpadded:
    """A stream whose lines end without the blanks that rich fills them with.

    It has what rich needs, and is no `io.TextIOBase`: that flushes when it is collected, and Python 3.13 complains of it if the stream
    below has been closed.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @property
    def encoding(self) -> str:  # what rich chooses its characters by
        return self._stream.encoding

    def write(self, text: str) -> int:
        self._stream.write(re.sub(r" +(?=\n)", "", text))
        return len(text)

    def flush(self) -> None:
        self._stream.flush()


def console(*, error: bool = False) -> Console:
    """A console on standard output or error; without colour if that is no terminal or NO_COLOR is set. Text is never markup."""
    stream = sys.stderr if error else sys.stdout
    if stream.isatty():
        return _SafeConsole(stderr=error, highlight=False, markup=False, emoji=False)
    return _SafeConsole(file=cast("TextIO", _Unpadded(stream)), highlight=False, markup=False, emoji=False, width=_WIDE)


def safe_status(status: str) -> Text:
    """A status in its colour."""
    return Text(safe(status).plain, _COLOURS.get(status, ""))


def number(value: float | None) -> str:
    """A metric's value."""
    return "" if value is None else f"{value:.5g}"


def trainings_table(
    trainings: Sequence[Training], objective: str, *, best: str | None = None, stops: Mapping[str, str] | None = None
) -> FittedTable:
    """Training jobs of a tuning job whose objective has that name; `stops` says where some were stopped, by their names."""
    names = sorted({name for training in trainings for name in training.hyperparameters})
    titles = [Text(short_name(training.name) + (" *" if training.name == best else "")) for training in trainings]
    statuses = Column("status", [safe_status(training.status) for training in trainings])
    definitions = Column("definition", [safe(training.definition or "") for training in trainings])
    columns = [
        Column("training job", [safe(title.plain) for title in titles], 0),
        *([definitions] if any(training.definition for training in trainings) else []),
        replace(statuses, rank=3 if statuses.uniform else 0),
        *([Column("stopped at", [Text((stops or {}).get(training.name, "")) for training in trainings])] if stops else []),
        Column(objective or "objective", [Text(number(training.value)) for training in trainings], 0, "right"),
        *(_hyperparameter(name, trainings) for name in names),
        Column("time", [Text(duration(training.seconds)) for training in trainings], 2, "right"),
    ]
    rows = [training.name for training in trainings]
    return FittedTable(columns, rows.index(best) if best in rows else None)


def _hyperparameter(name: str, trainings: Sequence[Training]) -> Column:
    return Column(name, [safe(setting(training.hyperparameters.get(name, ""))) for training in trainings], 1, "right")


def status_lines(status: RunStatus) -> Group:
    """A tuning job's state on a few lines, its objective by name."""
    line = Text.assemble(
        safe(status.name),
        "  ",
        safe_status(status.status),
        f"  {status.finished}/{status.total} ended, {status.running} running",
        (f", {status.failed} failed", "red") if status.failed else "",
        f", {status.stopped} stopped" if status.stopped else "",
    )
    parts: list[RenderableType] = [line, _Bar(status)]
    if status.best is not None and status.best.value is not None:
        chosen = ", ".join(f"{name}={setting(value)}" for name, value in status.best.hyperparameters.items())
        best = "best" if status.over else "best so far"
        objective = Text.assemble((f"{best} ", "bold"), safe(status.objective), " ", number(status.best.value))
        parts += [Text.assemble(objective, "  by ", safe(short_name(status.best.name))), Text.assemble("  ", safe(chosen))]
    return Group(*parts)


@dataclass(frozen=True)
class _Bar:
    """How many training jobs have ended, the time so far and the time left: on one line."""

    status: RunStatus

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        times = f"{duration(self.status.seconds)} elapsed"
        if (left := self.status.seconds_left) is not None:
            times += f", about {duration(left)} left"
        width = min(_BAR, options.max_width - len(times) - 4)
        if width < _LEAST_BAR:
            yield Text(times)
            return
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column()
        grid.add_column(no_wrap=True)
        bar = ProgressBar(total=self.status.total, completed=self.status.finished, width=width)
        grid.add_row(bar, Text(times))
        yield grid


class Progress:
    """Follows a tuning job on the screen: live on a terminal, a line for each change elsewhere."""

    def __init__(self, run: "TuningRun") -> None:
        self._run = run
        self._console = console(error=not sys.stdout.isatty())
        self._live = Live(console=self._console, refresh_per_second=8) if self._console.is_terminal else None
        self._judged: set[str] = set()  # training jobs whose logs need not be read again
        self._warned = False
        self._last = ""

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None") -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, status: RunStatus) -> None:
        """Show a state."""
        if self._live is not None:
            self._live.update(status_lines(status))
        elif str(status) != self._last:
            self._last = str(status)
            self._console.print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", safe(self._last))
        if status.without_objective or (status.finished == 0 and status.launched):
            self._look_for_silence(status)

    def _look_for_silence(self, status: RunStatus) -> None:
        """Warn early of metrics that nothing in the log of a training job matches, where the log may be read."""
        if self._warned and status.with_objective:
            return
        for training in self._run.trainings():
            if training.name in self._judged or training.value is not None or training.status == "Failed":
                continue
            completed = training.status == "Completed"  # one that was stopped may not have come to print its metrics
            checks = unless_denied(partial(self._run.metric_checks, training.name)) or ()
            silent = [check for check in checks if check.lacks_values(ended=completed)]
            if silent or (training.ended is not None and any(check.lines for check in checks)):
                self._judged.add(training.name)
            for check in silent:
                metric = SilentMetric(check=check, trainings=[training.name])
                self._console.print(Text("warning: ", "yellow") + safe_lines(str(metric)))
            if silent:
                self._warned = True
                return


@contextmanager
def counted(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show on standard error how much of a long computation is done: a bar on a terminal, now and then a line elsewhere."""
    out = console(error=True)
    first: tuple[float, int] | None = None  # what comes before it is starting, which says nothing of what is left
    said = 0.0
    columns = (TextColumn("{task.description}"), BarColumn(_BAR), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=out, transient=True, disable=not out.is_terminal) as bars:
        task = bars.add_task(what, total=None)

        def show(done: int, total: int) -> None:
            nonlocal first, said
            bars.update(task, completed=done, total=total)
            now = time.monotonic()
            begun, before = first = first or (now, done)
            if not out.is_terminal and now >= max(said, begun) + _SILENCE and done < total:
                said = now
                out.print(f"{what}: {done} of {total}, about {duration((now - begun) / (done - before) * (total - done))} left")

        yield show


def safe_lines(text: str) -> Text:
    """Several lines of a job's text."""
    return Text("\n").join(safe(line) for line in text.splitlines())


# --- the doctor -------------------------------------------------------------------------------------------------------------

_MARKS = {"ok": ("✓", "green"), "problem": ("✗", "bold red"), "skipped": ("–", "dim")}  # noqa: RUF001 - a dash, not a minus


def finding_lines(findings: "Sequence[Finding]") -> Iterator[Text]:
    """A line for each finding, and one for its remedy: not cut, so that it can be copied."""
    width = max(len(finding.check) for finding in findings)
    for finding in findings:
        mark, style = _MARKS[finding.state]
        check = (finding.check.ljust(width), style if finding.state == "skipped" else "")
        yield Text.assemble((mark, style), " ", check, "  ", safe(finding.text))
        if finding.remedy:
            yield Text.assemble(" " * (width + 4), ("→ ", "cyan"), safe(finding.remedy))
    counts = Counter(finding.state for finding in findings)
    problems, skipped = counts["problem"], counts["skipped"]
    summary = "nothing is missing" if not problems else f"{problems} problem{'s' if problems > 1 else ''}"
    yield Text("")
    yield Text.assemble(
        (summary, "bold red" if problems else "bold green"), f"; {skipped} could not be looked at" if skipped else ""
    )


# --- the diagnosis ----------------------------------------------------------------------------------------------------------

_VERDICTS = {
    Verdict.GOOD: "green",
    Verdict.OVERFIT: "red",
    Verdict.DIVERGED: "red",
    Verdict.RATE_TOO_HIGH: "red",
    Verdict.UNDERFIT: "yellow",
    Verdict.IMPROVING: "yellow",
    Verdict.NOISY: "cyan",
    Verdict.UNKNOWN: "cyan",
}
_BARS = " ▁▂▃▄▅▆▇█"


def without_model(uri: Text) -> Text:
    """What stands in place of a model that is not in S3."""
    return Text.assemble("none: nothing is at ", uri, ", as its script left nothing in SM_MODEL_DIR")


def diagnosis_lines(view: "ViewModel") -> Iterator[RenderableType]:
    """The diagnosis, the most important first: failures, where there are any."""
    best, fit = view.best, view.fit
    yield from (safe_lines(str(group)) for group in [*view.failures, *view.silent])
    yield from (safe(shared.sentence) for shared in view.diagnosis.shared_by_failed)
    yield ""
    if best is not None:
        stopped = f", stopped at {best.stopped_at}" if best.stopped_at else ""
        yield Text.assemble("best: ", safe(best.name), f"  {view.objective.name} ", (number(best.objective), "bold"), stopped)
        for name, value in best.hyperparameters.items():
            yield Text.assemble("  ", safe(name), " = ", safe(setting(value)))
    yield from filter(None, [safe(view.diagnosis.better_still)])
    verdict = (fit.verdict.value, f"bold {_VERDICTS[fit.verdict]}")
    yield Text.assemble("verdict: ", verdict, f" ({fit.confidence.value} confidence): ", safe(fit.reason))
    for remark in fit.remarks:
        yield Text.assemble(f"  {remark.cause.value}: ", safe(remark.text))
    yield from filter(None, [safe(view.diagnosis.about_metrics)])
    yield Text("all: " + ", ".join(f"{count} {verdict.value}" for verdict, count in view.verdicts))
    if view.coarse:
        yield Text(f"the curves of {view.coarse} are means by the minute: their logs are gone or may not be read")
    if view.effects or view.diagnosis.comparison.sentence:
        yield ""
    if view.diagnosis.comparison.sentence:
        yield safe(view.diagnosis.comparison.sentence)
    if view.effects:
        yield _effects_table(view)
    if view.data_scaling is not None and view.data_scaling.unused:  # else the advice says it
        yield ""
        yield _more_data(view.objective.name, view.data_scaling)
    if view.advice:
        yield ""
        yield Text("what to do, in the order of worth", "bold")
        yield _advice_table(view)
    took = f"{duration(view.training_seconds)} of training in {duration(view.wall_seconds)}"
    share = "" if view.slot_use is None else f", {view.slot_use:.0%} of {view.max_parallel} parallel slots used"
    saved = [f"; {by} saved about {duration(seconds)}" for by, seconds in view.saved.items()]
    yield ""
    yield Text(f"{took}{share}{''.join(saved)}")


def _advice_table(view: "ViewModel") -> Table:
    """The advice, numbered; what does not fit on a line goes on below its own beginning."""
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right")
    table.add_column(overflow="fold")
    for position, advice in enumerate(view.advice, start=1):
        changes = f"  [{advice.changes}]" if advice.changes else ""
        beside = f"  ({advice.confidence.value} confidence; {advice.cost})"
        text = Text.assemble((advice.remedy, "bold"), ": ", safe(advice.reason), safe(changes), (beside, "dim"))
        table.add_row(f"  {position}.", text)
    return table


def data_scaling_lines(objective: str, scaling: "DataScalingCurve | None") -> Iterator[RenderableType]:
    """The objective on growing shares of the training set, and what more data would bring."""
    if scaling is None:
        yield "too few of the training jobs on shares of the training set have an objective to say anything"
        return
    rows = [
        {scaling.hyperparameter: f"{share:g}", "training": number(train), objective: number(value)}
        for share, train, value in scaling.points
    ]
    yield table_of(rows)
    yield _more_data(objective, scaling)


def _more_data(objective: str, scaling: "DataScalingCurve") -> Text:
    return Text.assemble(("more data: ", "bold"), safe(scaling.sentence(objective)))


def _effects_table(view: "ViewModel") -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("hyperparameter", "decides", "objective, low to high", "best around", ""):
        wraps = title in {"hyperparameter", ""}  # a long name goes on below itself, before a number is cut
        table.add_column(title, no_wrap=not wraps, overflow="fold")
    for effect in view.effects:
        means = [mean for _, mean, _, _ in effect.curve]
        low, high = min(means), max(means)
        bars = "".join(_BARS[1 + round(7 * (mean - low) / (high - low))] if high > low else _BARS[4] for mean in means)
        around = f"{effect.best_around:.4g}" if isinstance(effect.best_around, float) else effect.best_around
        table.add_row(safe(effect.name), effect.decides, bars, safe(around), safe(", ".join(effect.remarks)))
    return table
