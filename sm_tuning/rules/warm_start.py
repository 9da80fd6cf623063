"""The rules of a warm start: those of the request alone, and those between it and the finished tuning jobs that it names."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sm_tuning.rules.limits import MAX_JOBS, MAX_WARM_START_CHANGES
from sm_tuning.rules.registry import Section
from sm_tuning.rules.request import CATEGORICAL, CONFIG, CONTINUOUS, INTEGER, LIMITS, Document, TuningRequest, repeated
from sm_tuning.rules.violation import Violation

# AWS's list, in AWS's order and spelling: it is part of the sentence.
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
_PARENTS = "WarmStartConfig.ParentHyperParameterTuningJobs"
_OBJECTIVE = "HyperParameterTuningJobObjective"
_DEFINITION = "TrainingJobDefinition"


@dataclass(frozen=True)
class Comparison:
    """A request and its parents, each as DescribeHyperParameterTuningJob shows it."""

    request: TuningRequest
    parents: Sequence[Document]

    @property
    def pairs(self) -> Sequence[tuple[Document, Document, str]]:
        """The request with each parent that has a single definition, and that parent's name."""
        own = [parent for parent in self.parents if _DEFINITION in parent]
        return [(self.request.body, parent, parent["HyperParameterTuningJobName"]) for parent in own]


WARM_START: Section[TuningRequest] = Section("Warm start")
PARENTS: Section[Comparison] = Section(
    "Warm start", "The rules about parents need what Describe tells of them, which `dry_run(client)` and `launch()` read."
)


def violations(body: Document, parents: Sequence[Document]) -> Iterator[Violation]:
    """What a request must not change of its parents, each as DescribeHyperParameterTuningJob shows it."""
    yield from PARENTS.violations(Comparison(TuningRequest(body), parents))


def parent_names(body: Document) -> Sequence[str]:
    """The parents that a request names."""
    parents = body.get("WarmStartConfig", {}).get("ParentHyperParameterTuningJobs", ())
    return [parent["HyperParameterTuningJobName"] for parent in parents]


@WARM_START.rule("warm-start-parents", "each parent once")
def _parents(request: TuningRequest) -> Iterator[Violation]:
    for name in repeated(parent_names(request.body)):
        sentence = f"The parent tuning job {name} is there more than once in WarmStartConfig."
        yield Violation(_PARENTS, name, "each parent may be there once", sentence)


@WARM_START.rule("warm-start-strategy", "the strategy is Bayesian or Random")
def _strategy(request: TuningRequest) -> Iterator[Violation]:
    if "WarmStartConfig" in request.body and request.strategy not in {"Bayesian", "Random"}:
        sentence = f"WarmStartConfig was given, but the strategy is {request.strategy}; it must be Bayesian or Random."
        requirement = "with a warm start it must be Bayesian or Random"
        yield Violation(f"{CONFIG}.Strategy", request.strategy, requirement, sentence)


@WARM_START.rule("warm-start-definitions", "a single definition")
def _definitions(request: TuningRequest) -> Iterator[Violation]:
    if "WarmStartConfig" in request.body and request.several:
        sentence = "WarmStartConfig takes a single TrainingJobDefinition, not TrainingJobDefinitions."
        count = len(request.definitions)
        yield Violation("TrainingJobDefinitions", count, "with a warm start there may be but one", sentence)


# --- with the parents ---------------------------------------------------------------------------------------------------------


@PARENTS.rule("warm-start-terminal", "every parent has ended")
def _terminal(comparison: Comparison) -> Iterator[Violation]:
    for parent in comparison.parents:
        name, status = parent["HyperParameterTuningJobName"], parent["HyperParameterTuningJobStatus"]
        if status not in {"Completed", "Stopped", "Failed"}:
            sentence = f"The parent tuning job {name} is in status {status}; it must be Completed, Stopped or Failed."
            yield Violation(_PARENTS, name, f"it is {status}; a parent must be Completed, Stopped or Failed", sentence)


@PARENTS.rule("warm-start-parent-definitions", "every parent has a single definition")
def _parent_definitions(comparison: Comparison) -> Iterator[Violation]:
    for parent in comparison.parents:
        if _DEFINITION not in parent:
            name = parent["HyperParameterTuningJobName"]
            sentence = f"The parent tuning job {name} has TrainingJobDefinitions; it must have a single one."
            yield Violation(_PARENTS, name, "it has several definitions; a parent must have one", sentence)


@PARENTS.rule("warm-start-objective", "the same objective as every parent")
def _objective(comparison: Comparison) -> Iterator[Violation]:
    for request, parent, name in comparison.pairs:
        ours, theirs = request[CONFIG].get(_OBJECTIVE), parent[CONFIG].get(_OBJECTIVE)
        if ours != theirs:
            shown = "none" if theirs is None else f"{theirs['Type']} {theirs['MetricName']}"
            sentence = f"The objective metric must be the same as in the parent tuning job {name}: {shown}."
            yield Violation(f"{CONFIG}.{_OBJECTIVE}", ours, f"it must be that of the parent {name}, {shown}", sentence)


@PARENTS.rule("warm-start-names", "tunable and static hyperparameters together have the same names")
def _names(comparison: Comparison) -> Iterator[Violation]:
    for request, parent, name in comparison.pairs:
        if differing := _all_names(request) ^ _all_names(parent):
            sentence = (
                "The set of tunable plus static HyperParameter names is not the same across current and parent tuning jobs. Please "
                "ensure this set is constant when warm starting. Note that previously static HyperParameters can be tuned in warm "
                "start jobs and vice versa."
            )
            requirement = f"the names of tunable and static hyperparameters together must be those of the parent {name}"
            yield Violation(f"{CONFIG}.ParameterRanges", sorted(differing), requirement, sentence)


@PARENTS.rule("warm-start-types", "what is tunable in both has the same type")
def _types(comparison: Comparison) -> Iterator[Violation]:
    for request, parent, name in comparison.pairs:
        ours, theirs = _tuned(request), _tuned(parent)
        for parameter in sorted(ours.keys() & theirs.keys()) if _all_names(request) == _all_names(parent) else ():
            if ours[parameter] != theirs[parameter]:
                kind = theirs[parameter].removesuffix("ParameterRanges")
                sentence = (
                    f"The type of the hyperparameter {parameter!r} must be the same as in the parent tuning job {name}: {kind}."
                )
                requirement = f"its type must be that in the parent {name}, {kind}"
                yield Violation(f"{CONFIG}.ParameterRanges", parameter, requirement, sentence)


@PARENTS.rule("warm-start-changes", f"at most {MAX_WARM_START_CHANGES} static hyperparameters have changed")
def _changes(comparison: Comparison) -> Iterator[Violation]:
    for request, parent, name in comparison.pairs:
        static, theirs = _static(request), _static(parent)
        count = sum(static[parameter] != theirs.get(parameter) for parameter in static) + len(
            static.keys() & _tuned(parent).keys()
        )
        if count > MAX_WARM_START_CHANGES and _all_names(request) == _all_names(parent):
            sentence = (
                f"There are {count} changes of static hyperparameters since the parent tuning job {name}; there may be at most "
                f"{MAX_WARM_START_CHANGES}."
            )
            requirement = f"so many have changed since the parent {name}; at most {MAX_WARM_START_CHANGES} may"
            yield Violation(f"{_DEFINITION}.StaticHyperParameters", count, requirement, sentence)


@PARENTS.rule("warm-start-fields", "nothing else of the definition has changed but what AWS lists")
def _fields(comparison: Comparison) -> Iterator[Violation]:
    for request, parent, name in comparison.pairs:
        ours, theirs = request[_DEFINITION], parent[_DEFINITION]
        for member in sorted({*ours, *theirs}):
            same = (ours.get(member) or None) == (theirs.get(member) or None)  # False and {} are as good as nothing
            if not same and member[0].lower() + member[1:] not in _MAY_CHANGE:
                sentence = f"Only the following fields in {_DEFINITION} are allowed to change: [{', '.join(_MAY_CHANGE)}]."
                requirement = f"it may not change since the parent {name}, where it is {theirs.get(member)!r}"
                yield Violation(f"{_DEFINITION}.{member}", ours.get(member), requirement, sentence)


@PARENTS.rule("warm-start-image", "the same image, for IdenticalDataAndAlgorithm")
def _image(comparison: Comparison) -> Iterator[Violation]:
    if not _identical(comparison.request.body):
        return
    for request, parent, name in comparison.pairs:
        ours, theirs = (job[_DEFINITION]["AlgorithmSpecification"] for job in (request, parent))
        for member in ("TrainingImage", "AlgorithmName"):
            if ours.get(member) != theirs.get(member):
                sentence = (
                    "For the WarmStartType IdenticalDataAndAlgorithm the training image must be that of the parent tuning job "
                    f"{name}."
                )
                requirement = f"for identical data and algorithm it must be that of the parent {name}, {theirs.get(member)!r}"
                yield Violation(f"{_DEFINITION}.AlgorithmSpecification.{member}", ours.get(member), requirement, sentence)


@PARENTS.rule("warm-start-jobs", "with the parents' training jobs not more than `max-jobs`")
def _jobs(comparison: Comparison) -> Iterator[Violation]:
    request, limit = comparison.request, MAX_JOBS[comparison.request.strategy]
    children = sum(sum(parent["TrainingJobStatusCounters"].values()) for parent in comparison.parents)
    if children + (request.jobs or 0) > limit:
        sentence = (
            f"MaxNumberOfTrainingJobs is {request.jobs or 0}; with the {children} training jobs of the parent tuning jobs it must be "
            f"at most {limit}."
        )
        requirement = f"with the {children} training jobs of the parents it must be at most {limit}"
        yield Violation(f"{LIMITS}.MaxNumberOfTrainingJobs", request.jobs, requirement, sentence)


def warnings(body: Document, parents: Sequence[Document]) -> Iterator[str]:
    """What AWS does not compare: a warm start with identical data whose channels are not the parent's."""
    for parent in parents if _identical(body) else ():
        ours, theirs = _channels(body), _channels(parent)
        differing = sorted(name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name))
        if differing:
            yield (
                f"the channels {', '.join(differing)} are not those of the parent {parent['HyperParameterTuningJobName']}; AWS does "
                "not compare them, and takes the parent's objectives for those of these data"
            )


def _identical(body: Document) -> bool:
    return bool(body.get("WarmStartConfig", {}).get("WarmStartType") == "IdenticalDataAndAlgorithm")


def _tuned(job: Document) -> Mapping[str, str]:
    ranges = job[CONFIG].get("ParameterRanges", {})
    return {entry["Name"]: kind for kind in (INTEGER, CONTINUOUS, CATEGORICAL) for entry in ranges.get(kind, ())}


def _static(job: Document) -> Mapping[str, str]:
    static = job[_DEFINITION].get("StaticHyperParameters", {})
    return {name: value for name, value in static.items() if name != "_tuning_objective_metric"}


def _all_names(job: Document) -> set[str]:
    return {*_tuned(job), *_static(job)}


def _channels(job: Document) -> Mapping[str, Document]:
    """Channels by name; `None`, which AWS echoes for what was not said, is left out."""
    return {
        channel["ChannelName"]: {member: value for member, value in channel.items() if value not in (None, "None")}
        for channel in job.get(_DEFINITION, {}).get("InputDataConfig", ())
    }
