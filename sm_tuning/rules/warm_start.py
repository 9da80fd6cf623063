"""The rules between a tuning job and the finished ones that warm-start it: they need what Describe tells of the parents."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sm_tuning.rules.violation import Problem

_MOST_CHANGES = 10
_MAY_CHANGE = {
    "AlgorithmSpecification",
    "InputDataConfig",
    "OutputDataConfig",
    "StaticHyperParameters",
    "RoleArn",
    "ResourceConfig",
    "StoppingCondition",
    "VpcConfig",
    "EnableManagedSpotTraining",
    "CheckpointConfig",
}
_KINDS = ("IntegerParameterRanges", "ContinuousParameterRanges", "CategoricalParameterRanges")
_PARENTS = "WarmStartConfig.ParentHyperParameterTuningJobs"
_DEFINITION = "TrainingJobDefinition"


def problems(request: Mapping[str, Any], parents: Sequence[Mapping[str, Any]], most_jobs: int) -> Iterator[Problem]:
    """What a request must not change of its parents, each as DescribeHyperParameterTuningJob tells it."""
    for parent in parents:
        yield from _of(request, parent)
    limits = request["HyperParameterTuningJobConfig"]["ResourceLimits"]
    children = sum(sum(parent["TrainingJobStatusCounters"].values()) for parent in parents)
    jobs = limits.get("MaxNumberOfTrainingJobs", 0)
    if children + jobs > most_jobs:
        where = "HyperParameterTuningJobConfig.ResourceLimits.MaxNumberOfTrainingJobs"
        text = f"with the {children} training jobs of the parents it must be at most {most_jobs}"
        yield Problem("warm-start-jobs", where, jobs, text)


def _of(request: Mapping[str, Any], parent: Mapping[str, Any]) -> Iterator[Problem]:
    name, status = parent["HyperParameterTuningJobName"], parent["HyperParameterTuningJobStatus"]
    if status not in {"Completed", "Stopped", "Failed"}:
        yield Problem("warm-start-terminal", _PARENTS, name, f"it is {status}; a parent must be Completed, Stopped or Failed")
    if _DEFINITION not in parent:
        yield Problem("warm-start-definitions", _PARENTS, name, "it has several definitions; a parent must have one")
        return
    ours = request["HyperParameterTuningJobConfig"].get("HyperParameterTuningJobObjective")
    theirs = parent["HyperParameterTuningJobConfig"].get("HyperParameterTuningJobObjective")
    if ours != theirs:
        where = "HyperParameterTuningJobConfig.HyperParameterTuningJobObjective"
        yield Problem("warm-start-objective", where, ours, f"it must be that of the parent {name}, {theirs}")
    yield from _hyperparameters(request, parent, name)
    yield from _definition(request, parent, name)


def _hyperparameters(request: Mapping[str, Any], parent: Mapping[str, Any], name: str) -> Iterator[Problem]:
    tuned, static = _tuned(request), _static(request)
    their_tuned, their_static = _tuned(parent), _static(parent)
    where = "HyperParameterTuningJobConfig.ParameterRanges"
    if missing := {*tuned, *static} ^ {*their_tuned, *their_static}:
        text = f"the names of tunable and static hyperparameters together must be those of the parent {name}"
        yield Problem("warm-start-names", where, sorted(missing), text)
        return
    for one in sorted(tuned.keys() & their_tuned.keys()):
        if tuned[one] != their_tuned[one]:
            kind = their_tuned[one].removesuffix("ParameterRanges")
            yield Problem("warm-start-types", where, one, f"its type must be that in the parent {name}, {kind}")
    changed = [one for one in static if static[one] != their_static.get(one)]
    count = len(changed) + len(static.keys() & their_tuned.keys())
    if count > _MOST_CHANGES:
        where = f"{_DEFINITION}.StaticHyperParameters"
        text = f"so many have changed since the parent {name}; at most {_MOST_CHANGES} may"
        yield Problem("warm-start-changes", where, count, text)


def _tuned(job: Mapping[str, Any]) -> Mapping[str, str]:
    ranges = job["HyperParameterTuningJobConfig"].get("ParameterRanges", {})
    return {one["Name"]: kind for kind in _KINDS for one in ranges.get(kind, ())}


def _static(job: Mapping[str, Any]) -> Mapping[str, str]:
    static = job[_DEFINITION].get("StaticHyperParameters", {})
    return {name: value for name, value in static.items() if name != "_tuning_objective_metric"}


def _definition(request: Mapping[str, Any], parent: Mapping[str, Any], name: str) -> Iterator[Problem]:
    ours, theirs = request[_DEFINITION], parent[_DEFINITION]
    for member in sorted({*ours, *theirs} - _MAY_CHANGE):
        if (ours.get(member) or None) != (theirs.get(member) or None):  # False and {} are as good as nothing
            text = f"it may not change since the parent {name}, where it is {theirs.get(member)!r}"
            yield Problem("warm-start-fields", f"{_DEFINITION}.{member}", ours.get(member), text)
    if request["WarmStartConfig"]["WarmStartType"] != "IdenticalDataAndAlgorithm":
        return
    algorithm, their_algorithm = ours["AlgorithmSpecification"], theirs["AlgorithmSpecification"]
    for member in ("TrainingImage", "AlgorithmName"):
        if algorithm.get(member) != their_algorithm.get(member):
            text = f"for identical data and algorithm it must be that of the parent {name}, {their_algorithm.get(member)!r}"
            yield Problem("warm-start-image", f"{_DEFINITION}.AlgorithmSpecification.{member}", algorithm.get(member), text)


def warnings(request: Mapping[str, Any], parents: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What AWS does not compare: a warm start with identical data whose channels are not the parent's."""
    if request["WarmStartConfig"]["WarmStartType"] != "IdenticalDataAndAlgorithm":
        return
    for parent in parents:
        ours, theirs = _channels(request.get(_DEFINITION, {})), _channels(parent.get(_DEFINITION, {}))
        differing = sorted(name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name))
        if differing:
            yield (
                f"the channels {', '.join(differing)} are not those of the parent {parent['HyperParameterTuningJobName']}; AWS does "
                "not compare them, and takes the parent's objectives for those of these data"
            )


def _channels(definition: Mapping[str, Any]) -> Mapping[str, Any]:
    """Channels by name; `None`, which AWS echoes for what was not said, is left out."""
    return {
        one["ChannelName"]: {member: value for member, value in one.items() if value not in (None, "None")}
        for one in definition.get("InputDataConfig", ())
    }
