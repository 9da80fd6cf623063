"""Replays tuning jobs on real training jobs alone: each point stands for the nearest one that was trained. A check of the model."""

import math

import numpy as np

from local_emulator.domain.space import Point
from sm_tuning.errors import Invalid
from sm_tuning.simulation.evidence import Evidence
from sm_tuning.simulation.model import Columns
from sm_tuning.simulation.world import Training, World


class Replays:
    """Real training jobs as a world, the same for every seed; raises Invalid where none ran to its end with its time known."""

    def __init__(self, evidence: Evidence) -> None:
        whole = [example for example in evidence.examples if example.complete and example.seconds is not None]
        if not whole:
            raise Invalid(f"no training job of {evidence.name} ran to its end; a replay needs some that did")
        self._evidence = evidence
        self._columns = Columns(evidence.space)
        self._examples = whole
        self._points = self._columns.embedding(self._columns.rows([example.point for example in whole]))

    @property
    def count(self) -> int:
        """Training jobs that points stand for."""
        return len(self._examples)

    @property
    def remarks(self) -> list[str]:
        """What a replay cannot know."""
        evidence = self._evidence
        remarks = [
            f"every point stands for the nearest of {self.count} whole training jobs: there is nothing between them, and no noise"
        ]
        remarks += evidence.left_out
        if unfinished := len(evidence.examples) - self.count:
            remarks.append(
                f"{unfinished} training jobs were stopped, or nobody knows how long they took: no point stands for them"
            )
        if evidence.failed:
            remarks.append(f"{evidence.failed} training jobs failed: in the replay none does")
        return remarks

    def world(self, seed: int) -> World:  # noqa: ARG002 - the real training jobs are the same in every replica
        """The training jobs."""
        return self

    def train(self, point: Point, number: int) -> Training:  # noqa: ARG002 - the same point is the same training job
        """The training job whose point is the nearest."""
        row = self._columns.embedding(self._columns.rows([point]))[0]
        example = self._examples[int(np.argmin(((self._points - row) ** 2).sum(axis=1)))]
        curve = tuple(filter(math.isfinite, example.curve)) or (
            example.final,
        )  # what is no number does not count for the service
        return Training(
            curve=curve,
            pending=max(example.pending or 0.0, 0.0),
            epoch=max(example.seconds or 0.0, 1e-3) / len(curve),
            expected=example.final,
        )
