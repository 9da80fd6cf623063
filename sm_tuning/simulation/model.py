"""The model of a tuning job's training jobs: curves, durations, failures; and the worlds that are drawn from it."""

import math
from collections.abc import Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from local_emulator.domain.history import Goal
from local_emulator.domain.space import Categorical, Point, Space
from local_emulator.strategies.gaussian_process import Array, Embedding
from local_emulator.strategies.random import Key, key
from sm_tuning.errors import Invalid
from sm_tuning.rules.roles import Role, role_of
from sm_tuning.simulation.curve_model import CurveModel, DrawnCurves
from sm_tuning.simulation.duration_model import DurationModel
from sm_tuning.simulation.evidence import Evidence, Example
from sm_tuning.simulation.outcome import Margin
from sm_tuning.simulation.world import Training, World

# Of intervals of the best objective: where training jobs have not looked things may be better than any world says, hardly worse.
_BETTER, _WORSE = 2.0, 1.25  # benchmarks/simulation.py
_FEW = 20  # training jobs: of fewer much is guessed
_FAR = 0.25  # of a range that no training job lies in, at its end
_STOPPED = 0.3  # of the training jobs


class Model:
    """What was learnt of training jobs.

    Raises:
        Invalid: The hyperparameters do not explain the objective of training jobs that were left out.
    """

    def __init__(self, evidence: Evidence, seed: int = 0) -> None:
        self.evidence = evidence
        with threadpool_limits(1):  # of matrices so small threads cost more than they bring, on a busy machine twentyfold
            self.columns = Columns(evidence.space)
            examples = evidence.examples
            rows = self.columns.rows([example.point for example in examples])
            self.lengths = _Lengths(evidence)
            curves = [[evidence.sign * value for value in example.curve] for example in examples]
            lengths = [max(self.lengths.of(example.point), len(example.curve)) for example in examples]
            limit = None if evidence.limit is None else evidence.sign * evidence.limit
            self.curves = CurveModel(rows, self.columns.embedding, curves, lengths, seed, limit)
            self.explained = self.curves.cross_validated()
            if not self.explained > 0.0:
                raise Invalid(
                    f"the hyperparameters of {evidence.name} do not say what objective a training job has: what was learnt of "
                    f"{len(examples)} training jobs is no better than their mean for those that were left out, so nothing can be "
                    f"simulated; {_advice(len(examples))}"
                )
            timed = [(example, row) for example, row in zip(examples, rows, strict=True) if example.seconds is not None]
            self.durations = DurationModel(
                np.array([row for _, row in timed]),
                self.columns.embedding,
                [len(example.curve) for example, _ in timed],
                [example.seconds or 0.0 for example, _ in timed],
                [example.pending for example in examples if example.pending is not None],
            )
        self.rows = rows
        self.failure_share = evidence.failed / (evidence.failed + len(examples))

    def world(self, seed: int) -> World:
        """One way things may be; the same for the same seed."""
        return _ModelWorld(self, seed)

    @property
    def margin(self) -> Margin:
        """How much wider intervals of the best objective are to be than what was simulated."""
        limit = self.evidence.limit
        if self.evidence.goal is Goal.MAXIMIZE:
            return Margin(lower=_WORSE, upper=_BETTER, most=math.inf if limit is None else limit)
        return Margin(lower=_BETTER, upper=_WORSE, least=-math.inf if limit is None else limit)

    @property
    def remarks(self) -> list[str]:
        """What the model cannot know."""
        return _remarks(self)


class _ModelWorld:
    def __init__(self, model: Model, seed: int) -> None:
        rng = np.random.default_rng([seed, 0])
        self._seed = seed
        self._model = model
        self._curves: DrawnCurves = model.curves.draw(rng)
        self._durations = model.durations.draw(rng)
        self._trained: dict[tuple[int, Key], Training] = {}

    def train(self, point: Point, number: int) -> Training:
        """The training job of a point that is launched as the n-th (from 1); of many settings it is the same."""
        known = number, key(point)
        if known not in self._trained:
            self._trained[known] = self._train(point, number)
        return self._trained[known]

    def _train(self, point: Point, number: int) -> Training:
        model = self._model
        row = model.columns.rows([point])[0]
        rng = np.random.default_rng([self._seed, number])
        curve, expected = self._curves.curve(row, model.lengths.of(point), rng)
        pending, epoch = self._durations(row, rng)
        sign = model.evidence.sign
        return Training(
            curve=tuple((sign * curve).tolist()),
            pending=pending,
            startup=model.durations.startup,
            epoch=epoch,
            expected=sign * expected,
            fails=bool(rng.random() < model.failure_share),
        )


class Columns:
    """Rows of points, as the processes take them: numbers in [0, 1], of categories their index."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._counts = [len(parameter.values) if isinstance(parameter, Categorical) else 0 for parameter in space.parameters]
        self.embedding = Embedding(self._counts)

    def rows(self, points: Sequence[Point]) -> Array:
        """A row of each point."""
        units = np.array([self._space.units(point) for point in points])
        for column, count in enumerate(self._counts):
            if count:
                units[:, column] = np.minimum(np.floor(units[:, column] * count), count - 1)
        return units


class _Lengths:
    """How many epochs a training job makes: as many as all, or what one of its hyperparameters says."""

    def __init__(self, evidence: Evidence) -> None:
        whole = [example for example in evidence.examples if example.complete] or list(evidence.examples)
        counts = sorted(len(example.curve) for example in whole)
        self.usual = counts[len(counts) // 2]
        self.vary = counts[0] < counts[-1]
        named = [name for name in whole[0].point if role_of(name) is Role.EPOCHS]
        self.by = next((name for name in named if self.vary and _says(name, whole)), None)
        self.longest = evidence.epochs

    def of(self, point: Point) -> int:
        """Epochs of the training job of a point."""
        if self.by is None:
            return self.usual
        return min(max(round(float(point[self.by])), 1), self.longest)


def _says(name: str, examples: Sequence[Example]) -> bool:
    """Whether a hyperparameter is the number of epochs of most training jobs."""
    same = sum(
        example.point[name].replace(".", "").isdigit() and float(example.point[name]) == len(example.curve)
        for example in examples
    )
    return 2 * same > len(examples)


def _advice(count: int) -> str:
    if count < _FEW:
        return f"with {_FEW} or more it often can"
    return "noise may be all that is left, or it takes more training jobs to tell"


def _remarks(model: Model) -> list[str]:
    evidence, count = model.evidence, len(model.evidence.examples)
    stopped = sum(not example.complete for example in evidence.examples)
    remarks = [f"the model explains {model.explained:.0%} of the differences between {count} training jobs that it was not shown"]
    if count < _FEW:
        remarks.append(f"{count} training jobs are few: intervals are wide, and hardly cover what lies between the points tried")
    remarks += evidence.left_out
    if evidence.failed:
        remarks.append(
            f"{evidence.failed} training jobs failed: as large a share fails in the simulation, anywhere in the ranges"
        )
    if not evidence.has_curves:
        remarks.append("there are no learning curves: early stopping and Hyperband cannot be simulated")
    elif stopped == count:
        remarks.append(
            f"no training job ran to its end: how long one would have gone on is not known, so {model.lengths.usual} epochs are "
            "assumed, in the middle of those made"
        )
    elif stopped > _STOPPED * count:
        remarks.append(
            f"{stopped} training jobs were stopped before their end: how their curves would have gone on is guessed from the others"
        )
    if model.lengths.vary and model.lengths.by is None:
        remarks.append(
            f"training jobs made different numbers of epochs, which no hyperparameter says: {model.lengths.usual} are assumed"
        )
    if evidence.has_curves and not model.durations.tells_start:
        remarks.append(
            "all training jobs made about as many epochs: what starting costs is not known, and counted with the epochs"
        )
    for parameter, column in zip(evidence.space.parameters, model.rows.T, strict=True):
        if not isinstance(parameter, Categorical) and max(column.min(), 1.0 - column.max()) > _FAR:
            end = "lower" if column.min() > 1.0 - column.max() else "upper"
            remarks.append(f"no training job lies near the {end} end of {parameter.name}: what is there is guessed")
    return remarks
