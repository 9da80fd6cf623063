"""The results of tuning jobs: their training jobs with curves, the best of them, and the time that they took."""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sm_tuning.analysis.curves import Curves
from sm_tuning.client.description import TuningJobDescription
from sm_tuning.errors import Invalid, optional_package
from sm_tuning.spec.metrics import Objective, number
from sm_tuning.spec.parameters import Range

if TYPE_CHECKING:
    import pandas as pd

_HOUR = 3600.0


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
    """

    tuning_job: str
    name: str
    status: str
    hyperparameters: Mapping[str, str]
    reported: float | None = None
    created: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None
    failure_reason: str | None = None
    curves: Curves = field(default_factory=dict)
    coarse: bool = False

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


@dataclass(frozen=True, kw_only=True)
class Results:
    """Tuning jobs (one or more, with the same objective) and their training jobs. `read_results` makes one."""

    tuning_jobs: Sequence[TuningJobDescription]
    trials: Sequence[TrialResult]

    @property
    def objective(self) -> Objective:
        """The metric that is tuned."""
        return self.tuning_jobs[0].objective

    @cached_property
    def ranges(self) -> Mapping[str, Range]:
        """The ranges of the first tuning job, by the hyperparameter's name."""
        return {parameter.name: parameter for parameter in self.tuning_jobs[0].ranges}

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
            Results(tuning_jobs=[job], trials=[trial for trial in self.trials if trial.tuning_job == job.name])
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
        return sum(part.training_seconds / _HOUR * part.tuning_jobs[0].instance_count for part in self.parts)

    @property
    def slot_use(self) -> float | None:
        """Share of the parallel slots' time that was spent training, 0 to 1; None before anything has ended."""
        slots = sum(part.wall_seconds * min(part.tuning_jobs[0].max_parallel, len(part.trials) or 1) for part in self.parts)
        return min(self.training_seconds / slots, 1.0) if slots else None

    @property
    def saved_seconds(self) -> float | None:
        """Seconds that early stopping has saved; None if no training job was stopped.

        A stopped training job would have made as many epochs as the longest one, at its own pace.
        """
        stopped = [trial for trial in self.trials if trial.status == "Stopped"]
        if not stopped:
            return None
        metric = self.objective.name
        longest = max((len(trial.curves.get(metric, ())) for trial in self.trials), default=0)
        saved = 0.0
        for trial in stopped:
            epochs, seconds = len(trial.curves.get(metric, ())), trial.seconds
            if epochs and seconds:
                saved += seconds / epochs * (longest - epochs)
        return saved

    # --- export ---------------------------------------------------------------------------------------------------------

    def table(self) -> list[dict[str, Any]]:
        """A row for each training job, with the columns of the SageMaker SDK's analytics."""
        return [
            {
                **{name: trial.settings.get(name) for name in self.hyperparameters},
                "TrainingJobName": trial.name,
                "TrainingJobStatus": trial.status,
                "FinalObjectiveValue": trial.reported,
                "TrainingStartTime": trial.started,
                "TrainingEndTime": trial.ended,
                "TrainingElapsedTimeSeconds": trial.seconds,
                **({"TuningJobName": trial.tuning_job} if len(self.tuning_jobs) > 1 else {}),
            }
            for trial in self.trials
        ]

    def dataframe(self) -> "pd.DataFrame":
        """`table()` for pandas, a row for each training job; raises MissingExtra."""
        with optional_package("results", "a DataFrame needs pandas"):
            import pandas as pd  # noqa: PLC0415 - an extra
        return pd.DataFrame(self.table())

    def write(self, path: Path) -> None:
        """Write the table as `.csv`, `.json` (with the learning curves) or `.parquet`; raises Invalid for any other name."""
        if path.suffix == ".parquet":
            self.dataframe().to_parquet(path)
        elif path.suffix == ".csv":
            text = io.StringIO()
            writer = csv.DictWriter(text, list(dict.fromkeys(name for row in self.table() for name in row)))
            writer.writeheader()
            writer.writerows(self.table())
            path.write_text(text.getvalue(), encoding="utf-8")
        elif path.suffix == ".json":
            rows = [{**row, "Curves": trial.curves} for row, trial in zip(self.table(), self.trials, strict=True)]
            path.write_text(json.dumps(rows, default=str, indent=1), encoding="utf-8")
        else:
            raise Invalid(f"{path.name} ends with {path.suffix!r}; it must end with .csv, .json or .parquet")
