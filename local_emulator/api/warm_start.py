"""What a tuning job and the finished ones that warm-start it must have in common."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from local_emulator.api.rules import MOST_JOBS
from local_emulator.api.violation import Broken
from local_emulator.domain.jobs import Document
from local_emulator.domain.names import OBJECTIVE_STATIC
from local_emulator.domain.tuning import TuningJob

MOST_CHANGES = 10

# AWS's list, in AWS's order and spelling: it is part of the message.
_MAY_CHANGE = (
    "algorithmSpecification",
    "inputDataConfig",
    "outputDataConfig",
    "staticHyperParameters",
    "roleArn",
    "resourceConfig",
    "stoppingCondition",
    "vpcConfig",
    "enableManagedSpotTraining",
    "checkpointConfig",
)
_KINDS = ("IntegerParameterRanges", "ContinuousParameterRanges", "CategoricalParameterRanges")


def parent_names(request: Document) -> Sequence[str]:
    """The parents that a request names."""
    config = request.get("WarmStartConfig", {})
    return [one["HyperParameterTuningJobName"] for one in config.get("ParentHyperParameterTuningJobs", ())]


def form_problems(request: Document) -> Iterator[Broken]:
    """What is wrong with the request itself."""
    if "WarmStartConfig" not in request:
        return
    names = parent_names(request)
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Broken("warm-start-parents", f"The parent tuning job {name} is there more than once in WarmStartConfig.")
    strategy = request["HyperParameterTuningJobConfig"]["Strategy"]
    if strategy not in {"Bayesian", "Random"}:
        yield Broken(
            "warm-start-strategy", f"WarmStartConfig was given, but the strategy is {strategy}; it must be Bayesian or Random."
        )
    if "TrainingJobDefinitions" in request:
        yield Broken(
            "warm-start-definitions", "WarmStartConfig takes a single TrainingJobDefinition, not TrainingJobDefinitions."
        )


def problems(request: Document, parents: Sequence[TuningJob], children: int) -> Iterator[Broken]:
    """What an echoed request must not change of its parents; `children` is the number of the parents' training jobs."""
    for parent in parents:
        yield from _of(request, parent)
    config = request["HyperParameterTuningJobConfig"]
    most, jobs = MOST_JOBS[config["Strategy"]], config["ResourceLimits"]["MaxNumberOfTrainingJobs"]
    if children + jobs > most:
        yield Broken(
            "warm-start-jobs",
            f"MaxNumberOfTrainingJobs is {jobs}; with the {children} training jobs of the parent tuning jobs it must be at most "
            f"{most}.",
        )


def _of(request: Document, parent: TuningJob) -> Iterator[Broken]:
    name = parent.name
    if not parent.status.terminal:
        yield Broken(
            "warm-start-terminal",
            f"The parent tuning job {name} is in status {parent.status.value}; it must be Completed, Stopped or Failed.",
        )
    if "TrainingJobDefinitions" in parent.request:
        yield Broken(
            "warm-start-definitions", f"The parent tuning job {name} has TrainingJobDefinitions; it must have a single one."
        )
        return
    objective = request["HyperParameterTuningJobConfig"].get("HyperParameterTuningJobObjective")
    theirs = parent.request["HyperParameterTuningJobConfig"].get("HyperParameterTuningJobObjective")
    if objective != theirs:
        yield Broken(
            "warm-start-objective", f"The objective metric must be the same as in the parent tuning job {name}: {_shown(theirs)}."
        )
    yield from _hyperparameters(request, parent)
    yield from _definitions(request, parent)


def _shown(objective: Mapping[str, Any] | None) -> str:
    return "none" if objective is None else f"{objective['Type']} {objective['MetricName']}"


def _hyperparameters(request: Document, parent: TuningJob) -> Iterator[Broken]:
    tuned, static = _tuned(request), _static(request)
    their_tuned, their_static = _tuned(parent.request), _static(parent.request)
    if {*tuned, *static} != {*their_tuned, *their_static}:
        yield Broken(
            "warm-start-names",
            "The set of tunable plus static HyperParameter names is not the same across current and parent tuning jobs. Please ensure "
            "this set is constant when warm starting. Note that previously static HyperParameters can be tuned in warm start jobs and "
            "vice versa.",
        )
        return
    for name in sorted(tuned.keys() & their_tuned.keys()):
        if tuned[name] != their_tuned[name]:
            yield Broken(
                "warm-start-types",
                f"The type of the hyperparameter {name!r} must be the same as in the parent tuning job {parent.name}: "
                f"{their_tuned[name].removesuffix('ParameterRanges')}.",
            )
    frozen = static.keys() & their_tuned.keys()
    changed = [name for name in static if static[name] != their_static.get(name)]
    if len(frozen) + len(changed) > MOST_CHANGES:
        yield Broken(
            "warm-start-changes",
            f"There are {len(frozen) + len(changed)} changes of static hyperparameters since the parent tuning job {parent.name}; "
            f"there may be at most {MOST_CHANGES}.",
        )


def _tuned(request: Document) -> Mapping[str, str]:
    ranges = request["HyperParameterTuningJobConfig"].get("ParameterRanges", {})
    return {one["Name"]: kind for kind in _KINDS for one in ranges.get(kind, ())}


def _static(request: Document) -> Mapping[str, str]:
    static = request["TrainingJobDefinition"].get("StaticHyperParameters", {})
    return {name: value for name, value in static.items() if name != OBJECTIVE_STATIC}


def _definitions(request: Document, parent: TuningJob) -> Iterator[Broken]:
    ours, theirs = request["TrainingJobDefinition"], parent.request["TrainingJobDefinition"]
    differing = {member for member in {*ours, *theirs} if ours.get(member) != theirs.get(member)}
    if not {member[0].lower() + member[1:] for member in differing} <= set(_MAY_CHANGE):
        yield Broken(
            "warm-start-fields",
            f"Only the following fields in TrainingJobDefinition are allowed to change: [{', '.join(_MAY_CHANGE)}].",
        )
    if request["WarmStartConfig"]["WarmStartType"] != "IdenticalDataAndAlgorithm":
        return
    image = ("TrainingImage", "AlgorithmName")
    algorithm, their_algorithm = ours["AlgorithmSpecification"], theirs["AlgorithmSpecification"]
    if any(algorithm.get(member) != their_algorithm.get(member) for member in image):
        yield Broken(
            "warm-start-image",
            f"For the WarmStartType IdenticalDataAndAlgorithm the training image must be that of the parent tuning job {parent.name}.",
        )
