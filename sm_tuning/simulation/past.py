"""What Bayesian search knew when it proposed a point: the results as they were then."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from local_emulator.domain.history import History, Trial
from local_emulator.domain.jobs import Status
from local_emulator.domain.space import Point
from local_emulator.domain.tuning import Definition, Plan
from sm_tuning.analysis.proposals import Kind, Proposal
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.client.status import short_name
from sm_tuning.simulation.evidence import point_of

if TYPE_CHECKING:  # it loads numpy and scipy, an extra
    from local_emulator.strategies.bayesian import Bayesian


class Past:
    """The training jobs of one definition of a tuning job, at any time before now."""

    def __init__(
        self, plan: Plan, definition: Definition, strategy: "Bayesian", results: Results, parents: Mapping[str, Results]
    ) -> None:
        self._goal, self._transfer, self._strategy = definition.objective.goal, plan.transfer, strategy
        self._trials = [
            (trial, point_of(trial, definition.space, results) or trial.hyperparameters)
            for trial in results.trials
            if trial.definition == definition.name and trial.created is not None
        ]
        self._parents = [
            _trial(trial, point, number)
            for parent in (parents[name] for name in plan.parents)
            for number, trial in enumerate(parent.trials, start=1)
            if trial.ended is not None and (point := point_of(trial, definition.space, parent)) is not None
        ]

    def proposal(self, trial: TrialResult, point: Point) -> Proposal:
        """Why a training job of the definition has its point."""
        history = self._history(trial)
        if self._transfer and all(known.final is None for known in history.trials):
            reason = (
                "proposed for what was good in the parents, which learnt from other data; it had no result of its own by then"
            )
            return Proposal(kind=Kind.PARENTS, reason=reason)
        expectation = self._strategy.expectation(history, point)
        if expectation is None:
            return Proposal(kind=Kind.SPREAD, reason="one of the first points, spread over the ranges")
        kind, known = (Kind.EXPLORES, "little") if expectation.explores else (Kind.EXPLOITS, "much")
        best = history.best
        reported = "" if best is None else f"; best result by then: {best.final:.4g} ({short_name(best.name)})"
        return Proposal(
            kind=kind,
            reason=(
                f"{known} was known there: {expectation.mean:.4g} expected, 80 % interval {expectation.low:.4g} to "
                f"{expectation.high:.4g}; {expectation.best:.4g} expected of the best point by then; "
                f"expected gain {expectation.gain:.2g}{reported}"
            ),
            expected=expectation.mean,
            low=expectation.low,
            high=expectation.high,
            gain=expectation.gain,
        )

    def _history(self, trial: TrialResult) -> History:
        """What was known when a training job was created: those launched before it, with the objectives of those that had ended."""
        assert trial.created is not None  # noqa: S101 - those without are left out
        trials = []
        for number, (other, point) in enumerate(self._trials, start=1):
            if other is trial:
                break
            trials.append(_trial(other, point, number, trial.created))
        return History(goal=self._goal, trials=tuple(trials), parents=tuple(self._parents), transfer=self._transfer)


def _trial(trial: TrialResult, point: Point, number: int, moment: datetime | None = None) -> Trial:
    """A training job as a strategy saw it at a moment; None: at its end."""
    if moment is not None and not _ended_by(trial.ended, moment):
        return Trial(name=trial.name, index=number, point=point, status=Status.IN_PROGRESS)
    ended = Status.FAILED if trial.status == "Failed" else Status.COMPLETED
    return Trial(name=trial.name, index=number, point=point, status=ended, final=trial.objective, ended=trial.ended)


def _ended_by(ended: datetime | None, moment: datetime) -> bool:
    """Whether a training job had ended; where one of the times has whole seconds, so is the other taken."""
    if ended is None:
        return False
    return (ended if moment.microsecond else ended.replace(microsecond=0)) <= moment
