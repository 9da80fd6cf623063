"""A tuning job whose goal contradicts its objective's name, by all the values that its training jobs printed or reported."""

from dataclasses import replace
from itertools import chain

from sm_tuning.analysis.direction import goal_is_wrong
from sm_tuning.analysis.results import Results


def looks_for_the_worst(results: Results) -> bool:
    """Whether the goal is wrong."""
    name = results.objective.name
    reported = (trial.reported for trial in results.trials if trial.reported is not None)
    printed = (value for trial in results.trials for value in trial.curves.get(name, ()))
    return goal_is_wrong(results.objective, chain(reported, printed))


def with_right_goal(results: Results) -> Results:
    """The results with the goal that the objective's name asks for, by which hyperparameters are judged."""
    if not looks_for_the_worst(results):
        return results
    return replace(results, tuning_jobs=[replace(job, objective=job.objective.opposite) for job in results.tuning_jobs])
