"""Why each point was proposed, computed from the results by the emulator's own strategies.

A proposal follows from the training jobs that had begun and ended by then, so nobody needs to record it. On the emulator this is the
model that proposed the points; AWS does not tell its own, so of a tuning job there it is this model's view of them.
"""

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from functools import partial
from math import prod

from local_emulator.documents import parse
from local_emulator.domain.space import Categorical, Point, Space
from local_emulator.domain.tuning import Definition, Plan
from local_emulator.strategies.hyperband import Hyperband
from local_emulator.strategies.registry import make
from sm_tuning.analysis.proposals import Kind, Proposal, Proposals
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.errors import MissingExtra, optional_package
from sm_tuning.simulation.evidence import point_of
from sm_tuning.simulation.past import Past

MOST = 150
"""Points of a tuning job that Bayesian search's model is asked about, which takes some hundredths of a second for each."""

_Explain = Callable[[TrialResult, Point], Proposal]


def explain(
    results: Results,
    parents: Mapping[str, Results] | None = None,
    known: MutableMapping[str, Proposal] | None = None,
) -> Proposals:
    """Say why each training job has its hyperparameters.

    Args:
        results: The results of tuning jobs.
        parents: The results of the tuning jobs that they were warm-started with, by name.
        known: What was computed before, by the training job's name; training jobs that have ended since are added.
    """
    proposals: dict[str, Proposal] = {}
    missing: list[str] = []
    for part in results.parts:
        chosen = _chosen(part)
        try:
            proposals |= _explained(part, chosen, parents or {}, {} if known is None else known)
        except (MissingExtra, _Unknown) as error:
            missing.append(f"Why the points of {part.tuning_jobs[0].name} were proposed is not known: {error}")
        else:
            missing += _sentences(part, chosen, proposals)
    return Proposals(by_name=proposals, missing=missing)


class _Unknown(Exception):  # noqa: N818 - it is told, not raised to anybody
    """Why nothing can be said."""


def _chosen(results: Results) -> Sequence[TrialResult]:
    """The training jobs that are explained; of Bayesian search not too many: those that run, and the best."""
    if results.tuning_jobs[0].strategy != "Bayesian":
        return results.trials
    running = [trial for trial in results.trials if trial.ended is None]
    return list({trial.name: trial for trial in (*running, *results.ranking, *results.trials)}.values())[:MOST]


def _explained(
    results: Results, chosen: Sequence[TrialResult], parents: Mapping[str, Results], known: MutableMapping[str, Proposal]
) -> Mapping[str, Proposal]:
    """The proposals of one tuning job."""
    plan = _plan(results)
    unread = [name for name in plan.parents if name not in parents]
    if unread and plan.strategy == "Bayesian":
        raise _Unknown(f"it learnt from {', '.join(unread)} too, which cannot be read")
    proposals = {}
    for definition in plan.definitions:
        explained_by = _explainer(plan, definition, results, parents)
        for trial in chosen:
            point = point_of(trial, definition.space, results)
            if trial.definition != definition.name or point is None or trial.created is None:
                continue
            proposals[trial.name] = known.get(trial.name) or explained_by(trial, point)
            if trial.ended is not None:
                known[trial.name] = proposals[trial.name]
    return proposals


def _plan(results: Results) -> Plan:
    try:
        return parse.tuning(results.tuning_jobs[0].request)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise _Unknown(f"its request cannot be read: {type(error).__name__}: {error}") from error


def _explainer(plan: Plan, definition: Definition, results: Results, parents: Mapping[str, Results]) -> _Explain:
    """What explains the points of a definition, by the tuning job's strategy."""
    if plan.strategy == "Grid":
        return partial(_of_grid, definition.space)
    if plan.strategy == "Random":
        return _of_random
    try:
        with optional_package("simulation", "Bayesian search needs numpy, scipy and threadpoolctl"):
            strategy = make(plan, definition, plan.seed or 0)  # a seed decides which points are looked at, not what is expected
    except (ValueError, StopIteration) as error:
        raise _Unknown(str(error) or "the request has no MaxResource") from error
    if isinstance(strategy, Hyperband):
        return partial(_of_hyperband, strategy, results)
    return Past(plan, definition, strategy, results, parents).proposal  # type: ignore[arg-type] # Bayesian is loaded on demand


def _of_random(_trial: TrialResult, _point: Point) -> Proposal:
    return Proposal(kind=Kind.RANDOM, reason="drawn at random, whatever the results were")


def _of_grid(space: Space, _trial: TrialResult, point: Point) -> Proposal:
    axes = [parameter for parameter in space.parameters if isinstance(parameter, Categorical)]
    number = 0
    for axis in axes:
        number = number * len(axis.values) + axis.values.index(point[axis.name])
    return Proposal(kind=Kind.GRID, reason=f"combination {number + 1} of {prod(len(axis.values) for axis in axes)}")


def _of_hyperband(strategy: Hyperband, results: Results, trial: TrialResult, _point: Point) -> Proposal:
    """A draw, and the rungs at which it was judged."""
    values = results.values_made(trial) or 0
    rungs = [str(rung) for rung in strategy.rungs if rung <= values]
    reason = "drawn at random"
    if rungs:
        stopped = results.stopped_at(trial)
        outcome = f"stopped at {stopped}" if stopped else "not stopped there"
        reason += f"; judged at {_listed(rungs)} and {outcome}"
    return Proposal(kind=Kind.RANDOM, reason=reason)


def _listed(rungs: Sequence[str]) -> str:
    *others, last = rungs
    return f"the rungs {', '.join(others)} and {last}" if others else f"the rung {last}"


def _sentences(results: Results, chosen: Sequence[TrialResult], proposals: Mapping[str, Proposal]) -> Sequence[str]:
    """Which proposals of a tuning job are missing."""
    name = results.tuning_jobs[0].name
    outside = sum(trial.name not in proposals for trial in chosen)
    counts = {
        f"Of {name} the points that run and the best, {MOST} together, are explained": len(results.trials) - len(chosen),
        f"{outside} training jobs of {name} lie outside its ranges, or have no time of creation": outside,
    }
    return [sentence for sentence, count in counts.items() if count]
