"""The results of tuning jobs: their training jobs with curves, the best of them, and the time that they took."""

import csv
import io
import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sm_tuning.analysis.curves import Curves, LogLines
from sm_tuning.analysis.steps import VALUE, named_by, printed_with
from sm_tuning.client.description import TuningJobDescription
from sm_tuning.client.status import MetricCheck, duration, short_name
from sm_tuning.errors import Invalid, optional_package
from sm_tuning.rules.roles import Role, role_of
from sm_tuning.spec.metrics import Objective, number
from sm_tuning.spec.parameters import Categorical, Integer, Range
from sm_tuning.summary import Summary, Table

if TYPE_CHECKING:
    import pandas as pd

_HOUR = 3600.0
_LOGS = 5  # that say what a step is called
_SHOWN = 10  # training jobs of a summary
_INT64 = 2**63
_WHOLE = re.compile(r"[-+]?[0-9]+")
_COLUMNS = ("TrainingJobName", "TrainingJobStatus", "FinalObjectiveValue")
_TIMES = ("TrainingStartTime", "TrainingEndTime", "TrainingElapsedTimeSeconds")
_STOPPED_AT = "StoppedAt"


@dataclass(frozen=True, kw_only=True)
class TrialResult:
    """One training job of a tuning job.

    Attributes:
        tuning_job: Name of its tuning job.
        name: Its name.
        status: AWS's TrainingJobStatus.
        hyperparameters: The tuned ones as SageMaker has them: text.
        reported: The objective's last value as the service reports it; None if there is none.
        created: When the service took the request.
        started: When training began; None before.
        ended: When training ended; None before.
        failure_reason: AWS's FailureReason; None unless it failed.
        curves: The values of each metric in the order of the log, by the metric's name.
        coarse: The curves are means by the minute, because there is no log to read.
        definition: The name of its definition; None where the only one has none.
        log: The end of its log.
        silent: Metrics whose expression matches nothing in its log, or takes too long on some lines.
        model: Where its model lies in S3; None where there is none: a script may leave none.
    """

    tuning_job: str
    name: str
    status: str
    hyperparameters: Mapping[str, str]
    reported: float | None = None
    created: datetime | None = field(default=None, repr=False)
    started: datetime | None = field(default=None, repr=False)
    ended: datetime | None = field(default=None, repr=False)
    failure_reason: str | None = field(default=None, repr=False)
    curves: Curves = field(default_factory=dict, repr=False)
    coarse: bool = field(default=False, repr=False)
    definition: str | None = field(default=None, repr=False)
    log: LogLines = field(default=(), repr=False)
    silent: Sequence[MetricCheck] = field(default=(), repr=False)
    model: str | None = field(default=None, repr=False)

    @property
    def objective(self) -> float | None:
        """The objective; None if none was reported, if it is not finite, or if the training job failed."""
        sound = self.reported is not None and math.isfinite(self.reported) and self.status != "Failed"
        return self.reported if sound else None

    @property
    def seconds(self) -> float | None:
        """Seconds from start to end; None for a training job that has not ended."""
        return (self.ended - self.started).total_seconds() if self.started and self.ended else None

    @cached_property
    def settings(self) -> Mapping[str, float | str]:
        """The hyperparameters as numbers, where they are numbers; text without the quotes that SageMaker puts around it."""
        return {name: _setting(text) for name, text in self.hyperparameters.items()}


def _setting(text: str) -> float | str:
    value = number(text)
    return text.strip('"') if value is None else value


def _typed(text: str, parameter: Range | None) -> int | float | str:
    """A hyperparameter in the type of its range; where that is not known, as it is written."""
    value = None if isinstance(parameter, Categorical) else number(text)
    if value is None:
        return text.strip('"')
    if isinstance(parameter, Integer | None) and _WHOLE.fullmatch(text):
        return int(text)  # a float would round it above 2^53
    return int(value) if isinstance(parameter, Integer) and value.is_integer() else value


@dataclass(frozen=True, kw_only=True)
class Results:
    """Tuning jobs with the same objective, and their training jobs. `read_results` makes one.

    Attributes:
        tuning_jobs: One tuning job or more.
        trials: Their training jobs, in launch order for each tuning job.
    """

    tuning_jobs: Sequence[TuningJobDescription]
    trials: Sequence[TrialResult]

    @property
    def objective(self) -> Objective:
        """The metric that is tuned."""
        return self.tuning_jobs[0].objective

    @property
    def latest(self) -> TuningJobDescription:
        """The tuning job that was created last; where that is not known, the last one."""
        return self._latest_first[0]

    @property
    def _latest_first(self) -> Sequence[TuningJobDescription]:
        def age(index: int) -> tuple[float, int]:
            created = self.tuning_jobs[index].created
            return (math.inf if created is None else -created.timestamp(), -index)

        return [self.tuning_jobs[index] for index in sorted(range(len(self.tuning_jobs)), key=age)]

    @cached_property
    def ranges(self) -> Mapping[str, Range]:
        """The ranges by the hyperparameter's name, each of the latest tuning job that has it."""
        ranges: dict[str, Range] = {}
        for parameter in (parameter for job in self._latest_first for parameter in job.ranges):
            ranges.setdefault(parameter.name, parameter)
        return ranges

    @cached_property
    def hyperparameters(self) -> Sequence[str]:
        """Names of the tuned hyperparameters."""
        return list(dict.fromkeys(name for trial in self.trials for name in trial.hyperparameters))

    @cached_property
    def parts(self) -> "Sequence[Results]":
        """The results of each tuning job by itself."""
        if len(self.tuning_jobs) == 1:
            return [self]
        return [
            replace(self, tuning_jobs=[job], trials=[trial for trial in self.trials if trial.tuning_job == job.name])
            for job in self.tuning_jobs
        ]

    # --- the best -------------------------------------------------------------------------------------------------------

    @cached_property
    def ranking(self) -> Sequence[TrialResult]:
        """Training jobs with an objective, the best first."""
        with_objective = [trial for trial in self.trials if trial.objective is not None]
        return sorted(with_objective, key=lambda trial: trial.objective or 0.0, reverse=self.objective.higher_is_better)

    @cached_property
    def best(self) -> TrialResult | None:
        """The best training job; of several with the same objective the one that the service calls so."""
        named = {job.best_training_job for job in self.tuning_jobs}
        equals = [trial for trial in self.ranking if trial.objective == self.ranking[0].objective]
        return next((trial for trial in equals if trial.name in named), next(iter(equals), None))

    def best_so_far(self) -> Sequence[tuple[datetime, float]]:
        """Each end of a training job with an objective, and the best objective by then."""
        steps: list[tuple[datetime, float]] = []
        ended = [(trial.ended, trial.objective) for trial in self.trials if trial.ended and trial.objective is not None]
        for time, value in sorted(ended, key=lambda step: step[0]):
            best = value if not steps or self.objective.is_better(value, steps[-1][1]) else steps[-1][1]
            steps.append((time, best))
        return steps

    # --- time -----------------------------------------------------------------------------------------------------------

    @cached_property
    def begin(self) -> datetime | None:
        """When the first training job was created."""
        return min((trial.created for trial in self.trials if trial.created), default=None)

    @property
    def training_seconds(self) -> float:
        """Seconds of all training jobs together."""
        return sum(trial.seconds or 0.0 for trial in self.trials)

    @property
    def wall_seconds(self) -> float:
        """Seconds from the first training job's creation to the last one's end, of each tuning job; 0 if none has ended."""
        if len(self.tuning_jobs) > 1:
            return sum(part.wall_seconds for part in self.parts)
        ends = [trial.ended for trial in self.trials if trial.ended]
        return (max(ends) - self.begin).total_seconds() if self.begin and ends else 0.0

    @property
    def instance_hours(self) -> float:
        """Hours of all training jobs times their instances, which is what AWS charges for."""
        jobs = {job.name: job for job in self.tuning_jobs}
        return sum((trial.seconds or 0.0) / _HOUR * jobs[trial.tuning_job].instances(trial.definition) for trial in self.trials)

    @property
    def slot_use(self) -> float | None:
        """Share of the parallel slots' time that was spent training, 0 to 1; None before anything has ended."""
        slots = sum(part.wall_seconds * min(part.tuning_jobs[0].max_parallel, len(part.trials) or 1) for part in self.parts)
        return min(self.training_seconds / slots, 1.0) if slots else None

    # --- how far each came ----------------------------------------------------------------------------------------------

    def values_made(self, trial: TrialResult) -> int | None:
        """How many values of the objective a training job has printed, each an epoch; None where its curve does not show it."""
        return None if trial.coarse else len(trial.curves.get(self.objective.name, ())) or None

    @cached_property
    def step(self) -> str:
        """What the script calls that after which it prints the objective: `epoch`, `round`, `tree`; `value` where that does not show.

        By its log, or by the hyperparameter that says how many values a training job makes.
        """
        made = [(trial, count) for trial in self.trials if (count := self.values_made(trial))]
        printed = (printed_with(trial.log, count) for trial, count in made[:_LOGS] if trial.log)
        if (step := next(filter(None, printed), None)) is not None:
            return step
        static = self.latest.static_hyperparameters
        names = [name for name in dict.fromkeys([*self.hyperparameters, *static]) if role_of(name) is Role.EPOCHS]
        return next((step for name in names if self._counts_values(name, made) and (step := named_by(name))), VALUE)

    def _counts_values(self, name: str, made: Sequence[tuple[TrialResult, int]]) -> bool:
        """Whether nothing speaks against a hyperparameter's being the number of values that training jobs make."""
        static = number(self.latest.static_hyperparameters.get(name, "").strip('"'))
        known = [(trial, count, setting) for trial, count in made if (setting := trial.settings.get(name, static)) is not None]
        whole = [count == setting for trial, count, setting in known if trial.status == "Completed"]
        return all(isinstance(setting, float) and count <= setting for _, count, setting in known) and (any(whole) or not whole)

    def ran_to_its_end(self, trial: TrialResult) -> bool:
        """Whether a training job ended by itself, or was stopped when it had made as many values as any can."""
        return trial.status == "Completed" or (trial.status == "Stopped" and self._made_all(trial))

    def stopped_at(self, trial: TrialResult) -> str:
        """Where a training job was stopped: `epoch 3`, `round 3`, or `MaxResource`; empty for others, or where it is not known."""
        made = self.values_made(trial)
        if trial.status != "Stopped" or made is None:
            return ""
        most = self._max_resource[trial.tuning_job]
        return "MaxResource" if most is not None and made >= most else f"{self.step} {made}"

    def most_values(self, trial: TrialResult) -> int | None:
        """The values that a training job makes if nothing stops it, as far as that is known.

        As many as its hyperparameter says, and Hyperband's MaxResource; without both, as the longest that ended by itself.
        """
        setting = trial.settings.get(self._says_values or "")
        most = [self._max_resource[trial.tuning_job], int(setting) if isinstance(setting, float) else None]
        return min((number for number in most if number is not None), default=self._longest.get(trial.tuning_job))

    def _made_all(self, trial: TrialResult) -> bool:
        made, most = self.values_made(trial), self.most_values(trial)
        return made is not None and most is not None and made >= most

    @cached_property
    def _max_resource(self) -> Mapping[str, int | None]:
        return {job.name: job.max_resource for job in self.tuning_jobs}

    @cached_property
    def _longest(self) -> Mapping[str, int]:
        """By the tuning job's name, the most values that a training job has made which ended by itself."""
        longest: dict[str, int] = {}
        for trial in self.trials:
            if trial.status == "Completed" and (made := self.values_made(trial)) is not None:
                longest[trial.tuning_job] = max(made, longest.get(trial.tuning_job, 0))
        return longest

    @cached_property
    def _says_values(self) -> str | None:
        """The tuned hyperparameter that says how many values most training jobs that ended by themselves made; None without one."""
        whole = [(trial, made) for trial in self.trials if trial.status == "Completed" and (made := self.values_made(trial))]
        names = [name for name in self.hyperparameters if role_of(name) is Role.EPOCHS]
        return next(
            (name for name in names if 2 * sum(trial.settings.get(name) == made for trial, made in whole) > len(whole)), None
        )

    # --- in short -------------------------------------------------------------------------------------------------------

    def _summary(self) -> Summary:
        """The results in short."""
        counts = Counter(trial.status for trial in self.trials)
        best = self.best
        facts = {
            "objective": f"{self.objective.goal.lower()} {self.objective.name}",
            "training jobs": ", ".join(f"{count} {status}" for status, count in counts.most_common()) or "none yet",
            "best": "" if best is None else f"{best.objective:.6g} by {best.name}",
            "time": f"{duration(self.training_seconds)} of training in {duration(self.wall_seconds)}",
        }
        columns = ("training job", "objective", *self.hyperparameters, "status", "seconds")
        rows = [self._summary_row(trial) for trial in self.ranking[:_SHOWN]]
        caption = f"the best {_SHOWN} of {len(self.ranking)}" if len(self.ranking) > _SHOWN else "the best first"
        names = ", ".join(job.name for job in self.tuning_jobs)
        return Summary(title=f"Results of {names}", facts=facts, sections=[Table(caption=caption, columns=columns, rows=rows)])

    def _summary_row(self, trial: TrialResult) -> tuple[int | float | str | None, ...]:
        values = self.values(trial)
        settings = (values.get(name) for name in self.hyperparameters)
        return (short_name(trial.name), trial.objective, *settings, trial.status, trial.seconds)

    def __repr__(self) -> str:
        return str(self._summary())

    def _repr_html_(self) -> str:
        return self._summary().html()

    # --- export ---------------------------------------------------------------------------------------------------------

    def values(self, trial: TrialResult) -> Mapping[str, int | float | str]:
        """A training job's hyperparameters in the types of their ranges: whole numbers of Integer, text of Categorical."""
        ranges = self._ranges_of.get(trial.tuning_job, {})
        return {name: _typed(text, ranges.get(name)) for name, text in trial.hyperparameters.items()}

    @cached_property
    def _ranges_of(self) -> Mapping[str, Mapping[str, Range]]:
        return {job.name: {parameter.name: parameter for parameter in job.ranges} for job in self.tuning_jobs}

    def table(self) -> list[dict[str, Any]]:
        """A row for each training job, with the columns of the SageMaker SDK's analytics and where it was stopped.

        `StoppedAt` is as `stopped_at` says; None where that is empty, as it is in results that were read without curves.
        """
        return [
            {
                **dict.fromkeys(self.hyperparameters),
                **self.values(trial),
                "TrainingJobName": trial.name,
                "TrainingJobStatus": trial.status,
                "FinalObjectiveValue": trial.reported,
                "TrainingStartTime": trial.started,
                "TrainingEndTime": trial.ended,
                "TrainingElapsedTimeSeconds": trial.seconds,
                _STOPPED_AT: self.stopped_at(trial) or None,
                **({"TuningJobName": trial.tuning_job} if len(self.tuning_jobs) > 1 else {}),
            }
            for trial in self.trials
        ]

    def dataframe(self) -> "pd.DataFrame":
        """`table()` for pandas, a row for each training job; raises MissingExtra.

        Whole numbers are `Int64`, which has a missing value, other numbers `float64`, categories text, times in UTC;
        `StoppedAt` is `string`.
        """
        with optional_package("results", "a DataFrame needs pandas"):
            import pandas as pd  # noqa: PLC0415 - an extra
        rows = self.table()
        frame = pd.DataFrame(rows, columns=self._columns)
        for name in self.hyperparameters:
            values = [row[name] for row in rows]
            if all(value is None or (isinstance(value, int) and -_INT64 <= value < _INT64) for value in values):
                frame[name] = pd.array(values, dtype="Int64")
        for name in ("FinalObjectiveValue", "TrainingElapsedTimeSeconds"):
            frame[name] = frame[name].astype("float64")
        for name in ("TrainingStartTime", "TrainingEndTime"):
            frame[name] = pd.to_datetime(frame[name], utc=True).astype("datetime64[us, UTC]")
        frame[_STOPPED_AT] = frame[_STOPPED_AT].astype("string")  # where none was stopped, too
        return frame

    @property
    def _columns(self) -> list[str]:
        """The names of the table's columns."""
        several = ["TuningJobName"] if len(self.tuning_jobs) > 1 else []
        return list(dict.fromkeys([*self.hyperparameters, *_COLUMNS, *_TIMES, _STOPPED_AT, *several]))

    def write(self, path: Path) -> None:
        """Write the table as `.csv`, `.json` (with the learning curves) or `.parquet`; raises Invalid for any other name."""
        if path.suffix == ".parquet":
            self.dataframe().to_parquet(path)
        elif path.suffix == ".csv":
            text = io.StringIO()
            writer = csv.DictWriter(text, self._columns)
            writer.writeheader()
            writer.writerows(self.table())
            path.write_text(text.getvalue(), encoding="utf-8")
        elif path.suffix == ".json":
            rows = [{**row, "Curves": trial.curves} for row, trial in zip(self.table(), self.trials, strict=True)]
            path.write_text(json.dumps(rows, default=str, indent=1), encoding="utf-8")
        else:
            raise Invalid(f"{path.name} ends with {path.suffix!r}; it must end with .csv, .json or .parquet")
