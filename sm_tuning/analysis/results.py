"""What tuning jobs found: a table of their training jobs, learning curves, time spent, and the best so far.

All of it is read through the public API (Describe, List, CloudWatch), so jobs in AWS and on the emulator are alike.
"""

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sm_tuning.client.logs import DENIED
from sm_tuning.client.run import Training, TuningRun
from sm_tuning.errors import Invalid, optional_package
from sm_tuning.spec.metrics import number

if TYPE_CHECKING:
    import pandas as pd

_READERS = 8  # logs are read so many at a time
_OBJECTIVE = "ObjectiveMetric"
_HOUR = 3600.0
_ENOUGH = 10
_SHUFFLES = 10
_FAR_OFF = 1.5  # times the width of the middle half: Tukey's fences

Curves = Mapping[str, Sequence[float]]
"""Values of each metric of one training job, in the order in which they were printed."""

CurveCache = dict[str, tuple[Curves, bool]]
"""Curves by their training job's name, and whether they are coarse (see `TrialResult`)."""


@dataclass(frozen=True, kw_only=True)
class TrialResult:
    """One training job, and where it belongs."""

    tuning: str
    training: Training
    curves: Curves = field(default_factory=dict)
    coarse: bool = False  # the curves are means by the minute, for want of a log

    @property
    def value(self) -> float | None:
        """Its objective, None if it told none or failed."""
        value = self.training.value
        return value if value is not None and math.isfinite(value) and self.training.status != "Failed" else None

    def setting(self, name: str) -> float | str | None:
        """A hyperparameter's value, a number if it is one; None if it has none."""
        text = self.training.hyperparameters.get(name)
        if text is None:
            return None
        value = number(text)
        return text.strip('"') if value is None else value


@dataclass(frozen=True, kw_only=True)
class Results:
    """The training jobs of one tuning job or several with the same objective. Make one with `Results.read`.

    `ranges` has AWS's form, by the hyperparameter's name, with the member `Kind` (`Continuous`, `Integer` or `Categorical`).
    """

    tunings: Sequence[str]
    objective: str
    goal: str
    rows: Sequence[TrialResult]
    ranges: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    max_parallel: int = 1
    instance: str = ""
    requests: Sequence[Mapping[str, Any]] = ()

    @classmethod
    def read(cls, *runs: TuningRun, curves: bool = True, known: CurveCache | None = None) -> Self:
        """Read what tuning jobs have come to so far.

        Args:
            runs: One tuning job or several; all must have the same objective.
            curves: Whether to read the learning curves, a log for each training job.
            known: Curves of training jobs that had ended when they were read before; what ends now is added.

        Raises:
            Invalid: The tuning jobs have different objectives, or there is none.
        """
        described = [run.describe() for run in runs]
        objectives = {_objective(one) for one in described}
        if len(objectives) != 1:
            raise Invalid(f"the tuning jobs have the objectives {sorted(objectives)}; results need one and the same")
        ((goal, metric),) = objectives
        rows: list[TrialResult] = []
        for run, job in zip(runs, described, strict=True):
            trainings = run.trainings()
            expressions = _expressions(job) if curves else {}
            with ThreadPoolExecutor(_READERS) as threads:
                unknown = [one for one in trainings if known is None or one.name not in known]
                read = dict(
                    zip(
                        [one.name for one in unknown],
                        threads.map(lambda one, run=run, found=expressions: _curves(run, one, found), unknown),
                        strict=True,
                    )
                )
            if known is not None and curves:
                known.update({one.name: read[one.name] for one in unknown if one.ended is not None})
            rows += [
                TrialResult(tuning=run.name, training=one, curves=found, coarse=coarse)
                for one in trainings
                for found, coarse in [read.get(one.name) or (known or {}).get(one.name) or ({}, False)]
            ]
        return cls(
            tunings=[run.name for run in runs],
            objective=metric,
            goal=goal,
            rows=rows,
            requests=described,
            **_facts(described[0]),
        )

    @property
    def coarse(self) -> int:
        """How many training jobs' curves are means by the minute, because their logs are gone or may not be read."""
        return sum(row.coarse for row in self.rows)

    @property
    def parts(self) -> "list[Results]":
        """The results of each tuning job by itself."""
        if len(self.tunings) < 2:  # noqa: PLR2004 - it is its only part
            return [self]
        asked = {request["HyperParameterTuningJobName"]: request for request in self.requests}
        return [
            replace(
                self,
                tunings=[name],
                rows=[row for row in self.rows if row.tuning == name],
                requests=[asked[name]] if name in asked else [],
                **(_facts(asked[name]) if name in asked else {}),
            )
            for name in self.tunings
        ]

    # --- who is best ----------------------------------------------------------------------------------------------------

    def better(self, one: float, other: float) -> bool:
        """Whether an objective is better than another."""
        return one > other if self.goal == "Maximize" else one < other

    @property
    def ranked(self) -> list[TrialResult]:
        """Training jobs with an objective, the best first."""
        valued = [row for row in self.rows if row.value is not None]
        return sorted(valued, key=lambda row: row.value or 0.0, reverse=self.goal == "Maximize")

    @property
    def best(self) -> TrialResult | None:
        """The best training job; of several as good the one that the service calls so."""
        ranked = self.ranked
        named = {request.get("BestTrainingJob", {}).get("TrainingJobName") for request in self.requests}
        return next(
            (row for row in ranked if row.value == ranked[0].value and row.training.name in named), next(iter(ranked), None)
        )

    def best_so_far(self) -> list[tuple[datetime, float]]:
        """Each end of a training job that had an objective, and the best objective by then."""
        ended = sorted(
            ((row.training.ended, row.value) for row in self.rows if row.training.ended and row.value is not None),
            key=lambda one: one[0],
        )
        found: list[tuple[datetime, float]] = []
        for time, value in ended:
            best = value if not found or self.better(value, found[-1][1]) else found[-1][1]
            found.append((time, best))
        return found

    # --- what it took ---------------------------------------------------------------------------------------------------

    @property
    def training_seconds(self) -> float:
        """Time of all training jobs together."""
        return sum(row.training.seconds or 0.0 for row in self.rows)

    @property
    def wall_seconds(self) -> float:
        """From the first training job's creation to the last one's end, of each tuning job; 0 if none has ended."""
        if len(self.tunings) > 1:
            return sum(part.wall_seconds for part in self.parts)
        starts = [row.training.created for row in self.rows if row.training.created]
        ends = [row.training.ended for row in self.rows if row.training.ended]
        return (max(ends) - min(starts)).total_seconds() if starts and ends else 0.0

    @property
    def instance_hours(self) -> float:
        """What is paid for: hours of all training jobs, times their instances."""
        return sum(part.training_seconds / _HOUR * _instances(part.requests) for part in self.parts)

    @property
    def efficiency(self) -> float | None:
        """Share of the parallel slots' time that was spent training; None before anything has ended."""
        slots = sum(part.wall_seconds * min(part.max_parallel, len(part.rows) or 1) for part in self.parts)
        return min(self.training_seconds / slots, 1.0) if slots else None

    @property
    def pruned(self) -> list[TrialResult]:
        """Training jobs that were stopped early."""
        return [row for row in self.rows if row.training.status == "Stopped"]

    def saved_seconds(self) -> float:
        """Time that early stopping has saved: what the stopped ones would have taken for the epochs they had left.

        Their own pace counts, and as many epochs as the longest training job made.
        """
        longest = max((len(row.curves.get(self.objective, ())) for row in self.rows), default=0)
        saved = 0.0
        for row in self.pruned:
            made, took = len(row.curves.get(self.objective, ())), row.training.seconds
            if made and took:
                saved += took / made * (longest - made)
        return saved

    def importances(self) -> dict[str, float]:
        """How much of the objective each hyperparameter decides: permutation importances of a random forest, adding up to 1.

        Objectives that are far off are brought to the edge of the others, so that a few training jobs that diverged do not count for
        all; those that failed have none and are left out. Empty with fewer than ten training jobs, which say nothing; raises
        MissingExtra.
        """
        rows = [row for row in self.rows if row.value is not None]
        if len(rows) < _ENOUGH or not self.names:
            return {}
        with optional_package("results", "importances need scikit-learn"):
            import numpy as np  # noqa: PLC0415 - comes with that extra
            from sklearn.ensemble import RandomForestRegressor  # noqa: PLC0415 - an extra
        values = np.array([row.value for row in rows])
        low, high = np.quantile(values, (0.25, 0.75))
        values = values.clip(low - _FAR_OFF * (high - low), high + _FAR_OFF * (high - low)) if high > low else values
        blocks = {name: np.array(self._coded(name, [row.setting(name) for row in rows])) for name in self.names}
        forest: Any = RandomForestRegressor(n_estimators=200, min_samples_leaf=2, random_state=0)
        forest.fit(np.hstack(list(blocks.values())), values)
        orders = [np.random.default_rng(place).permutation(len(rows)) for place in range(_SHUFFLES)]
        lost = {}
        for name, block in blocks.items():
            shuffled = [forest.predict(np.hstack(list({**blocks, name: block[order]}.values()))) for order in orders]
            lost[name] = sum(float(np.mean((one - values) ** 2)) for one in shuffled) / _SHUFFLES
        base = float(np.mean((forest.predict(np.hstack(list(blocks.values()))) - values) ** 2))
        gained = {name: max(one - base, 0.0) for name, one in lost.items()}
        total = sum(gained.values())
        return {name: one / total if total else 0.0 for name, one in gained.items()}

    def _coded(self, name: str, settings: Sequence[float | str | None]) -> list[list[float]]:
        """Settings as numbers: on a logarithmic scale where the range is; a column of its own for each category."""
        one = self.ranges.get(name, {})
        if one.get("Kind") == "Categorical" or not all(isinstance(setting, float) for setting in settings):
            values = sorted(set(map(str, settings)))
            return [[float(str(setting) == value) for value in values] for setting in settings]
        logarithmic = one.get("ScalingType") == "Logarithmic"
        numbers = [setting for setting in settings if isinstance(setting, float)]
        return [[math.log(setting) if logarithmic and setting > 0 else setting] for setting in numbers]

    # --- for others -----------------------------------------------------------------------------------------------------

    def table(self) -> list[dict[str, Any]]:
        """A row for each training job, with the columns of the SageMaker SDK's analytics."""
        return [
            {
                **{name: row.setting(name) for name in self.names},
                "TrainingJobName": row.training.name,
                "TrainingJobStatus": row.training.status,
                "FinalObjectiveValue": row.training.value,
                "TrainingStartTime": row.training.started,
                "TrainingEndTime": row.training.ended,
                "TrainingElapsedTimeSeconds": row.training.seconds,
                **({"TuningJobName": row.tuning} if len(self.tunings) > 1 else {}),
            }
            for row in self.rows
        ]

    @property
    def names(self) -> list[str]:
        """The tuned hyperparameters."""
        return list(dict.fromkeys(name for row in self.rows for name in row.training.hyperparameters))

    def dataframe(self) -> "pd.DataFrame":
        """`table()` for pandas; raises MissingExtra."""
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
            rows = [{**one, "Curves": row.curves} for one, row in zip(self.table(), self.rows, strict=True)]
            path.write_text(json.dumps(rows, default=str, indent=1), encoding="utf-8")
        else:
            raise Invalid(f"{path.name} ends with {path.suffix!r}; it must end with .csv, .json or .parquet")


def _objective(job: Mapping[str, Any]) -> tuple[str, str]:
    config = job["HyperParameterTuningJobConfig"]
    found = config.get("HyperParameterTuningJobObjective") or job["TrainingJobDefinitions"][0]["TuningObjective"]
    return found["Type"], found["MetricName"]


def _definition(job: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = job.get("TrainingJobDefinition") or job["TrainingJobDefinitions"][0]
    return found


def _ranges(job: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    ranges = job["HyperParameterTuningJobConfig"].get("ParameterRanges") or _definition(job).get("HyperParameterRanges", {})
    return {
        one["Name"]: {**one, "Kind": kind.removesuffix("ParameterRanges")}
        for kind, some in ranges.items()
        if kind != "AutoParameters"
        for one in some
    }


def _facts(job: Mapping[str, Any]) -> dict[str, Any]:
    """What a tuning job's description says of all its training jobs."""
    limits = job["HyperParameterTuningJobConfig"]["ResourceLimits"]
    return {"ranges": _ranges(job), "max_parallel": limits["MaxParallelTrainingJobs"], "instance": _instance(job)}


def _instance(job: Mapping[str, Any]) -> str:
    definition = _definition(job)
    chosen = definition.get("ResourceConfig") or definition.get("HyperParameterTuningResourceConfig", {})
    return str(chosen.get("InstanceType", ""))


def _instances(requests: Sequence[Mapping[str, Any]]) -> int:
    """Instances of a training job."""
    counts = [one.get("TrainingJobDefinition", {}).get("ResourceConfig", {}).get("InstanceCount", 1) for one in requests]
    return max(counts, default=1)


def _expressions(job: Mapping[str, Any]) -> dict[str, "re.Pattern[str]"]:
    """The metric definitions of all training job definitions; AWS's copy of the objective is no metric of its own."""
    several = job.get("TrainingJobDefinitions") or [job["TrainingJobDefinition"]]
    found = {}
    for definition in several:
        for one in definition["AlgorithmSpecification"].get("MetricDefinitions", ()):
            if one["Name"] != _OBJECTIVE:
                found[one["Name"]] = re.compile(one["Regex"])
    return found


def _curves(run: TuningRun, training: Training, expressions: Mapping[str, "re.Pattern[str]"]) -> tuple[Curves, bool]:
    """A training job's curves, and whether they are means by the minute: what is left where its log cannot be read."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - see TuningRun.__init__

    if not expressions:
        return {}, False
    try:
        curves = _matched(run.logs(training.name), expressions)
    except ClientError as error:
        if error.response["Error"]["Code"] not in DENIED:
            raise
    else:
        if curves or training.ended is None:
            return curves, False
    try:
        curves = run.minutes(training, list(expressions))
    except ClientError as error:
        if error.response["Error"]["Code"] not in DENIED:
            raise
        return {}, False
    return curves, bool(curves)


def _matched(lines: Iterable[str], expressions: Mapping[str, "re.Pattern[str]"]) -> Curves:
    """The values of metrics in a log."""
    found: dict[str, list[float]] = {name: [] for name in expressions}
    for line in lines:
        for name, expression in expressions.items():
            for hit in expression.finditer(line):
                text = hit[1] if expression.groups else hit[0]
                try:
                    found[name].append(float(text))  # nan and inf too: they are what went wrong
                except (TypeError, ValueError):
                    continue
    return {name: tuple(values) for name, values in found.items() if values}
