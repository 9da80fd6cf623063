"""A problem's first round of training jobs, what is advised after it, and the rounds that may follow it, without any server."""

import hashlib
import json
import math
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.diagnosis.problems import Problem
from local_emulator.documents import parse
from local_emulator.domain.history import Goal, History, Trial
from local_emulator.domain.jobs import Status
from local_emulator.domain.space import Point, Space
from local_emulator.strategies.base import Strategy
from local_emulator.strategies.bayesian import Bayesian
from local_emulator.strategies.random import Random
from local_emulator.strategies.registry import make
from sm_tuning import Bayesian as BayesianStrategy
from sm_tuning import Objective, TuningJob
from sm_tuning.analysis import diagnose
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.client.description import TuningJobDescription

_TABLES = Path(__file__).parents[1] / ".tables"
_START = datetime(2026, 1, 1, tzinfo=UTC)
_ROUND, _AT_ONCE = 12, 2
_SOURCES = ("models.py", "networks.py")
Curves = Mapping[str, Sequence[float]]


class Trainings:
    """Trainings by problem, point and seed; their curves are kept as long as the programs stay the same. `run` counts what was run."""

    def __init__(self) -> None:
        _TABLES.mkdir(exist_ok=True)
        self._table = sqlite3.connect(_TABLES / "following.sqlite")
        self._table.execute("CREATE TABLE IF NOT EXISTS trainings (key TEXT PRIMARY KEY, curves TEXT)")
        folder = Path(__file__).parent
        self._version = hashlib.sha256(b"".join((folder / name).read_bytes() for name in _SOURCES)).hexdigest()[:12]
        self._tests: dict[str, Sequence[float]] = {}
        self.run = 0

    def curves(self, problem: Problem, point: Point, seed: int) -> Curves:
        """The learning curves of a training."""
        key = self._key(problem, point, seed)
        row = self._table.execute("SELECT curves FROM trainings WHERE key = ?", (key,)).fetchone()
        if row is not None:
            stored: Curves = json.loads(row[0])
            return stored
        self.run += 1
        curves = problem.run(point, seed).curves
        with self._table:
            self._table.execute("INSERT INTO trainings VALUES (?, ?)", (key, json.dumps(curves)))
        return curves

    def test(self, problem: Problem, point: Point, seed: int) -> Sequence[float]:
        """Each row's loss on the test data. Few trainings are asked for it, and run once more: kept for all, it would be gigabytes."""
        key = self._key(problem, point, seed)
        if key not in self._tests:
            self.run += 1
            self._tests[key] = [float(loss) for loss in problem.run(point, seed).test]
        return self._tests[key]

    def _key(self, problem: Problem, point: Point, seed: int) -> str:
        return json.dumps([self._version, problem.name, sorted({**problem.static, **point}.items()), seed])


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A training job that has ended."""

    point: Point
    curves: Curves
    objective: float | None


class Repetition:
    """The rounds of one problem with one seed."""

    def __init__(self, problem: Problem, seed: int, trainings: Trainings) -> None:
        self._problem, self._seed, self._trainings = problem, seed, trainings
        self._goal = Goal.MAXIMIZE if problem.maximizes else Goal.MINIMIZE
        self._space = Space(parameters=tuple(axis.parameter for axis in problem.axes))
        self.first = self._round(Bayesian(self._space, seed=seed), [])
        self.diagnosis = diagnose(self.results)
        self.following = self.diagnosis.next_round(self.job)

    def scores(self) -> dict[str, Sequence[float]]:
        """Each row's loss on the test data, of the best of the first round and of both, by what the second was.

        `expert` is what an advice could at most bring: the right ranges, warm-started as the advised ones.
        """
        plan = parse.tuning(self.following.request())
        advised = make(plan, plan.definitions[0], self._seed if plan.seed is None else plan.seed)
        further: dict[str, list[Trained]] = {
            "first": [],
            "advised": self._round(advised, [], self.first),
            "expert": self._round(Bayesian(self._right, seed=self._seed + 1), [], self.first),
            "random": self._round(Random(self._space, seed=self._seed + 1), []),
            "Bayesian": self._round(Bayesian(self._space, seed=self._seed), self.first),
        }
        return {way: self._test([*self.first, *jobs]) for way, jobs in further.items()}

    @property
    def changed(self) -> list[str]:
        """What the advised round changes of the ranges, in words."""
        before = {parameter.name: parameter for parameter in self.job.definition.ranges}
        return [str(parameter) for parameter in self.following.definition.ranges if parameter != before[parameter.name]]

    @property
    def _right(self) -> Space:
        """The ranges as somebody chooses them who knows what was wrong."""
        right = {axis.name: axis for axis in self._problem.right}
        return Space(parameters=tuple(right.get(axis.name, axis).parameter for axis in self._problem.axes))

    # --- the product's view -----------------------------------------------------------------------------------------------------

    @property
    def job(self) -> TuningJob:
        """The first round as its user has described it."""
        problem = self._problem
        return TuningJob(
            name="following",
            role="arn:aws:iam::123456789012:role/R",
            output="s3://b/o",
            image="123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1",
            objective=self._objective,
            ranges=[axis.range for axis in problem.axes],
            hyperparameters=problem.static,
            strategy=BayesianStrategy(seed=self._seed),
            max_jobs=_ROUND,
            max_parallel=_AT_ONCE,
        )

    @property
    def _objective(self) -> Objective:
        name = self._problem.objective
        return (Objective.maximize if self._problem.maximizes else Objective.minimize)(name, rf"{name}=(\S+)")

    @property
    def results(self) -> Results:
        """The first round as the product reads it."""
        description = TuningJobDescription(
            name="following",
            objective=self._objective,
            ranges=[axis.range for axis in self._problem.axes],
            strategy="Bayesian",
            seed=self._seed,
            max_parallel=_AT_ONCE,
            static_hyperparameters=self._problem.static,
        )
        trials = [
            TrialResult(
                tuning_job="following",
                name=f"following-{number:03d}",
                status="Completed",
                hyperparameters=trained.point,
                reported=trained.objective,
                created=_START + timedelta(minutes=number),
                started=_START + timedelta(minutes=number),
                ended=_START + timedelta(minutes=number + 1),
                curves=trained.curves,
            )
            for number, trained in enumerate(self.first, 1)
        ]
        return Results(tuning_jobs=[description], trials=trials)

    # --- rounds -----------------------------------------------------------------------------------------------------------------

    def _round(self, strategy: Strategy, before: Sequence[Trained], parents: Sequence[Trained] = ()) -> list[Trained]:
        """Twelve more training jobs, after those before or beside those of parents."""
        jobs: list[Trained] = []
        known = [self._trial(number, trained) for number, trained in enumerate(parents)]
        while len(jobs) < _ROUND:
            trials = [self._trial(number, trained) for number, trained in enumerate([*before, *jobs])]
            history = History(goal=self._goal, trials=tuple(trials), parents=tuple(known))
            points = strategy.ask(history, min(_AT_ONCE, _ROUND - len(jobs)))
            if not points:
                break
            jobs += [self._trained(point) for point in points]
        return jobs

    def _trained(self, point: Point) -> Trained:
        curves = self._trainings.curves(self._problem, point, self._seed)
        last = curves[self._problem.objective][-1]
        return Trained(point=point, curves=curves, objective=last if math.isfinite(last) else None)

    def _trial(self, number: int, trained: Trained) -> Trial:
        return Trial(
            name=str(number),
            index=number,
            point=trained.point,
            status=Status.COMPLETED,
            final=trained.objective,
            ended=_START + timedelta(minutes=number),
        )

    def _test(self, jobs: Sequence[Trained]) -> Sequence[float]:
        sound = [job for job in jobs if job.objective is not None]
        best = (max if self._problem.maximizes else min)(sound, key=lambda job: job.objective or 0.0)
        return self._trainings.test(self._problem, best.point, self._seed)
