"""The rules that no single member of a request shows: each yields one sentence for each violation."""

import re
from collections.abc import Iterator, Sequence

from local_emulator.api import builtin_rules
from local_emulator.api.violation import Broken, refuse
from local_emulator.documents.parse import space
from local_emulator.domain.jobs import Document
from local_emulator.domain.names import OBJECTIVE_METRIC
from local_emulator.runs.data import expressions
from sm_tuning.rules import catalogue

MOST_RANGES = 30
MOST_HYPERPARAMETERS = 100
MOST_PARALLEL = 100
MOST_JOBS = {"Bayesian": 750, "Hyperband": 750, "Grid": 750, "Random": 10_000}
MOST_RUNTIME = 2_419_200  # 28 days, in seconds
MOST_RESOURCE = 20_000
RESOURCES = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")

_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
_WHOLE = re.compile(r"[-+]?\d+")
_KINDS = ("CategoricalParameterRanges", "IntegerParameterRanges", "ContinuousParameterRanges")

__all__ = ["refuse"]


def tuning_problems(request: Document) -> Iterator[Broken]:
    """Everything that CreateHyperParameterTuningJob refuses."""
    single, several = request.get("TrainingJobDefinition"), request.get("TrainingJobDefinitions")
    if (single is None) == (several is None):
        yield Broken(
            "definition-or-definitions", "Exactly one of TrainingJobDefinition and TrainingJobDefinitions must be given."
        )
        return
    config = request["HyperParameterTuningJobConfig"]
    definitions: Sequence[Document] = [single] if single is not None else several or []
    yield from _strategy(config)
    yield from _names(definitions, several=several is not None)
    for definition in definitions:
        yield from _objective(definition, config, several=several is not None)
        yield from _training(definition, "ResourceConfig", "HyperParameterTuningResourceConfig")
    ranges = [_ranges_of(definition, config, several=several is not None) for definition in definitions]
    problems = [
        one for pair in zip(definitions, ranges, strict=True) for one in _ranges(*pair, config, several=several is not None)
    ]
    yield from problems
    if not problems:
        yield from _combinations(config, ranges, chosen="Autotune" in request)


def _strategy(config: Document) -> Iterator[Broken]:
    strategy = config["Strategy"]
    limits = config["ResourceLimits"]
    jobs = limits.get("MaxNumberOfTrainingJobs")
    if jobs is None and strategy != "Grid":
        yield Broken("max-jobs-required", f"MaxNumberOfTrainingJobs is required in ResourceLimits for the strategy {strategy}.")
    if jobs is not None and jobs > MOST_JOBS[strategy]:
        yield Broken(
            "max-jobs",
            f"MaxNumberOfTrainingJobs is {jobs}; for the strategy {strategy} it must be at most {MOST_JOBS[strategy]}.",
        )
    if limits["MaxParallelTrainingJobs"] > MOST_PARALLEL:
        yield Broken(
            "max-parallel", f"MaxParallelTrainingJobs is {limits['MaxParallelTrainingJobs']}; it must be at most {MOST_PARALLEL}."
        )
    settings = config.get("StrategyConfig", {}).get("HyperbandStrategyConfig")
    if settings is not None and strategy != "Hyperband":
        yield Broken("hyperband-config", f"HyperbandStrategyConfig was given, but the strategy is {strategy}.")
    if strategy == "Hyperband":
        yield from _hyperband(config, settings or {})


def _hyperband(config: Document, settings: Document) -> Iterator[Broken]:
    if config.get("TrainingJobEarlyStoppingType", "Off") != "Off":
        yield Broken(
            "hyperband-early-stopping",
            "TrainingJobEarlyStoppingType must be Off for the strategy Hyperband, which stops training jobs by its own rule.",
        )
    low, high = settings.get("MinResource", 1), settings.get("MaxResource")
    if high is not None and high > MOST_RESOURCE:
        yield Broken("hyperband-max-resource", f"MaxResource is {high}; it must be at most {MOST_RESOURCE}.")
    if high is not None and low > high:
        yield Broken("hyperband-min-resource", f"MinResource is {low}; it must not be more than MaxResource, {high}.")


def _names(definitions: Sequence[Document], *, several: bool) -> Iterator[Broken]:
    if not several:
        return
    names = [one.get("DefinitionName") for one in definitions]
    if None in names:
        yield Broken("definition-name", "DefinitionName is required for each of the TrainingJobDefinitions.")
    for name in sorted({name for name in names if name is not None and names.count(name) > 1}):
        yield Broken(
            "definition-name-unique",
            f"DefinitionName {name!r} is there more than once in TrainingJobDefinitions; each must be unique.",
        )


def _objective(definition: Document, config: Document, *, several: bool) -> Iterator[Broken]:
    objective = definition.get("TuningObjective") if several else config.get("HyperParameterTuningJobObjective")
    where = "TuningObjective of each of the TrainingJobDefinitions" if several else "HyperParameterTuningJobObjective"
    other = config.get("HyperParameterTuningJobObjective") if several else definition.get("TuningObjective")
    if objective is None:
        yield Broken("objective-required", f"{where} is required.")
        return
    if other is not None:
        yield Broken("objective-place", f"The objective must be given as {where} and nowhere else.")
    algorithm = definition["AlgorithmSpecification"]
    metrics = algorithm.get("MetricDefinitions", [])
    names = [one["Name"] for one in metrics]
    if catalogue.find(algorithm.get("TrainingImage", "")):
        yield from builtin_rules.metric_problems(algorithm)
        yield from builtin_rules.objective_problems(algorithm["TrainingImage"], objective["MetricName"])
    elif objective["MetricName"] not in names:
        yield Broken(
            "objective-metric",
            "A metric is required for this hyperparameter tuning job objective. Provide a metric in the metric definitions.",
        )
    yield from metric_problems(metrics)


def metric_problems(metrics: Sequence[Document]) -> Iterator[Broken]:
    """What is wrong with metric definitions."""
    names = [one["Name"] for one in metrics]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Broken("metric-unique", f"The metric {name!r} is defined more than once in MetricDefinitions.")
    if OBJECTIVE_METRIC in names:
        yield Broken("metric-reserved", f"The metric name {OBJECTIVE_METRIC!r} is reserved.")
    for metric, error in zip(metrics, expressions.errors([metric["Regex"] for metric in metrics]), strict=True):
        if error is not None:
            yield Broken(
                "metric-regex",
                f"The Regex {metric['Regex']!r} of the metric {metric['Name']!r} is no regular expression: {error}.",
            )


# --- ranges ---------------------------------------------------------------------------------------------------------------


def _ranges_of(definition: Document, config: Document, *, several: bool) -> Document:
    found: Document = definition.get("HyperParameterRanges", {}) if several else config.get("ParameterRanges", {})
    return found


def _ranges(definition: Document, ranges: Document, config: Document, *, several: bool) -> Iterator[Broken]:
    if several and "ParameterRanges" in config:
        yield Broken(
            "ranges-place",
            "With TrainingJobDefinitions the ranges are given as HyperParameterRanges of each, not as ParameterRanges.",
        )
    found = [(kind, one) for kind in _KINDS for one in ranges.get(kind, ())]
    names = [one["Name"] for _, one in found]
    if ranges.get("AutoParameters"):  # Autotune has left them, or is not there
        if config["Strategy"] == "Grid":
            yield Broken("grid-categorical", "The strategy Grid takes CategoricalParameterRanges only.")
        else:
            yield Broken("autotune-mode", "AutoParameters were given, but Autotune is not enabled.")
        return
    if not found:
        yield Broken("ranges-required", "At least one hyperparameter range is required.")
        return
    if len(found) > MOST_RANGES:
        yield Broken("ranges-most", f"There are {len(found)} hyperparameter ranges; there may be at most {MOST_RANGES}.")
    static = definition.get("StaticHyperParameters", {})
    yield from builtin_rules.range_problems(
        definition["AlgorithmSpecification"].get("TrainingImage", ""), [one for _, one in found]
    )
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Broken("range-unique", f"The hyperparameter {name!r} has more than one range.")
    for name in sorted(set(names) & set(static)):
        yield Broken("static-or-tunable", f"The hyperparameter {name!r} is both static and tunable.")
    if len(found) + len(static) + 1 > MOST_HYPERPARAMETERS:
        count = len(found) + len(static) + 1
        yield Broken(
            "hyperparameters-most",
            f"There are {count} hyperparameters (one is added for the objective); there may be at most {MOST_HYPERPARAMETERS}.",
        )
    yield from (broken for kind, one in found for broken in _range(kind, one))
    if config["Strategy"] == "Hyperband":
        yield from _resource(config, static)


def _range(kind: str, one: Document) -> Iterator[Broken]:
    name = one["Name"]
    if kind == "CategoricalParameterRanges":
        values = one["Values"]
        for value in sorted({value for value in values if values.count(value) > 1}):
            yield Broken("categorical-unique", f"The value {value!r} of the hyperparameter {name!r} is there more than once.")
        return
    whole = kind == "IntegerParameterRanges"
    for member in ("MinValue", "MaxValue"):
        if not (_WHOLE if whole else _NUMBER).fullmatch(one[member]):
            noun = "an integer" if whole else "a number"
            yield Broken("range-number", f"{member} {one[member]!r} of the hyperparameter {name!r} must be {noun}.")
            return
    low, high = float(one["MinValue"]), float(one["MaxValue"])
    if not low < high or high == float("inf") or low == float("-inf"):
        yield Broken(
            "range-ends",
            f"MinValue {one['MinValue']} of the hyperparameter {name!r} must be less than MaxValue {one['MaxValue']}.",
        )
    scaling = one.get("ScalingType", "Auto")
    if scaling == "Logarithmic" and low <= 0:
        yield Broken(
            "range-logarithmic",
            f"MinValue {one['MinValue']} of the hyperparameter {name!r} must be greater than 0 for the ScalingType Logarithmic.",
        )
    if scaling == "ReverseLogarithmic" and whole:
        yield Broken(
            "range-reverse-continuous",
            f"The ScalingType ReverseLogarithmic of the hyperparameter {name!r} is for continuous ranges only.",
        )
    elif scaling == "ReverseLogarithmic" and not (low >= 0 and high < 1):
        yield Broken(
            "range-reverse-ends",
            f"The range of the hyperparameter {name!r} must lie within 0 <= x < 1.0 for the ScalingType ReverseLogarithmic.",
        )


def _resource(config: Document, static: Document) -> Iterator[Broken]:
    settings: Document = config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {})
    if "MaxResource" not in settings and not any(static.get(name, "").isdigit() for name in RESOURCES):
        yield Broken(
            "hyperband-resource",
            "MaxResource parameter is not provided and could not be inferred from provided static hyperparameters of "
            "TrainingJobDefinition.",
        )


def _combinations(config: Document, several: Sequence[Document], *, chosen: bool) -> Iterator[Broken]:
    strategy = config["Strategy"]
    jobs = config["ResourceLimits"].get("MaxNumberOfTrainingJobs")
    if strategy == "Grid" and any(ranges.get(kind) for ranges in several for kind in _KINDS[1:]):
        yield Broken("grid-categorical", "The strategy Grid takes CategoricalParameterRanges only.")
        return
    sizes = [space(ranges).size for ranges in several]
    size = None if None in sizes else sum(one or 0 for one in sizes)
    # Where AWS chooses the ranges, it sees to it that there are enough.
    if size is not None and jobs is not None and jobs > size and not (chosen and strategy != "Grid"):
        yield Broken(
            "combinations",
            "You don't have enough combinations of hyperparameter ranges. The total number of hyperparameter combinations for the "
            f"provided ranges [{float(size)}] must be equal or greater than the value of MaxNumberOfJobs, [{jobs}]. "
            "Provide additional ranges.",
        )
    elif strategy == "Grid" and jobs is not None and jobs != size:
        yield Broken(
            "grid-size",
            f"MaxNumberOfTrainingJobs is {jobs}; for the strategy Grid it must be the number of combinations, {size}, or left out.",
        )
    elif strategy == "Grid" and size is not None and size > MOST_JOBS["Grid"]:
        yield Broken(
            "grid-most", f"The ranges have {size} combinations; for the strategy Grid there may be at most {MOST_JOBS['Grid']}."
        )


# --- what every training job needs ----------------------------------------------------------------------------------------


def training_problems(request: Document) -> Iterator[Broken]:
    """Everything that CreateTrainingJob refuses."""
    for member in ("AlgorithmSpecification", "ResourceConfig", "StoppingCondition"):
        if member not in request:
            yield Broken("training-required", f"{member} is required.")
    if "AlgorithmSpecification" in request:
        algorithm = request["AlgorithmSpecification"]
        yield from builtin_rules.metric_problems(algorithm)
        yield from metric_problems(algorithm.get("MetricDefinitions", []))
        yield from _training(request, "ResourceConfig")


def _training(definition: Document, *resources: str) -> Iterator[Broken]:
    given = [member for member in resources if member in definition]
    if len(given) != 1 and len(resources) > 1:
        yield Broken("resources-one", f"Exactly one of {' and '.join(resources)} must be given.")
    algorithm = definition["AlgorithmSpecification"]
    # A built-in algorithm's stand-in trains on all shards by itself; a script's hosts would have to find one another.
    stock = catalogue.find(algorithm.get("TrainingImage", ""))
    hyperparameters = definition.get("HyperParameters") or definition.get("StaticHyperParameters") or {}
    most = None if stock and stock.program and "sagemaker_program" not in hyperparameters else 1
    for member in given:
        yield from _resources(definition[member], member, most)
        if "InstancePreferences" in definition[member] and definition.get("EnableManagedSpotTraining"):
            yield Broken("instance-preferences", "InstancePreferences must not be given when EnableManagedSpotTraining is true.")
    if ("TrainingImage" in algorithm) == ("AlgorithmName" in algorithm):
        yield Broken("image-one", "Exactly one of TrainingImage and AlgorithmName must be given in AlgorithmSpecification.")
    condition = definition.get("StoppingCondition", {})
    runtime, wait = condition.get("MaxRuntimeInSeconds", 86_400), condition.get("MaxWaitTimeInSeconds")
    if runtime > MOST_RUNTIME:
        yield Broken("max-runtime", f"MaxRuntimeInSeconds is {runtime}; it must be at most {MOST_RUNTIME} (28 days).")
    if wait is not None and wait < runtime:
        yield Broken("max-wait", f"MaxWaitTimeInSeconds is {wait}; it must not be less than MaxRuntimeInSeconds, {runtime}.")
    spot = definition.get("EnableManagedSpotTraining", False)
    if spot and wait is None:
        yield Broken(
            "spot-max-wait", "MaxWaitTimeInSeconds is required in StoppingCondition when EnableManagedSpotTraining is true."
        )
    if wait is not None and not spot:
        yield Broken(
            "max-wait-spot",
            "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true",
        )
    yield from _channels(definition.get("InputDataConfig", ()))
    if not definition["OutputDataConfig"]["S3OutputPath"].startswith("s3://"):
        yield Broken("output-s3", f"S3OutputPath {definition['OutputDataConfig']['S3OutputPath']!r} must begin with s3://.")


def _resources(config: Document, member: str, most: int | None) -> Iterator[Broken]:
    scalars = {"InstanceType", "InstanceCount", "VolumeSizeInGB"}
    if "InstancePreferences" in config:
        yield from _preferences(config, most)
        return
    several = config.get("InstanceConfigs") or config.get("InstanceGroups")
    if several and scalars & set(config) - {"VolumeSizeInGB"}:
        yield Broken("resources-form", f"{member} takes either InstanceType and InstanceCount or a list of them, not both.")
    if not several:
        for scalar in ("InstanceType", "InstanceCount"):
            if scalar not in config:
                yield Broken("resources-required", f"{scalar} is required in {member}.")
    count = config.get("InstanceCount", 1)
    if most is not None and count > most:
        yield Broken("instance-count", f"InstanceCount is {count}; training on more than one instance is not emulated.")


def _preferences(config: Document, most: int | None) -> Iterator[Broken]:
    preferences = config["InstancePreferences"]
    for other in ("InstanceType", "InstanceGroups", "InstancePlacementConfig", "SelectedInstanceType", "SelectedInstanceCount"):
        if other in config:
            yield Broken("instance-preferences", f"{other} must not be given in ResourceConfig beside InstancePreferences.")
    kinds = [preference["InstanceType"] for preference in preferences]
    for kind in sorted({kind for kind in kinds if kinds.count(kind) > 1}):
        yield Broken("instance-preferences", f"The InstanceType {kind} is there more than once in InstancePreferences.")
    counts = [preference["InstanceCount"] for preference in preferences if "InstanceCount" in preference]
    if len(counts) != (0 if "InstanceCount" in config else len(preferences)):
        yield Broken(
            "instance-preferences", "InstanceCount must be given either in ResourceConfig or in each of the InstancePreferences."
        )
    if "TrainingPlanArn" in config and any("TrainingPlanArns" in preference for preference in preferences):
        yield Broken("instance-preferences", "TrainingPlanArn must not be given in ResourceConfig beside TrainingPlanArns.")
    count = max([*counts, config.get("InstanceCount", 1)])
    if most is not None and count > most:
        yield Broken("instance-count", f"InstanceCount is {count}; training on more than one instance is not emulated.")


def _channels(channels: Sequence[Document]) -> Iterator[Broken]:
    names = [one["ChannelName"] for one in channels]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Broken("channel-unique", f"The channel {name!r} is there more than once in InputDataConfig.")
    for one in channels:
        sources = set(one["DataSource"])
        if len(sources) != 1:
            yield Broken("channel-source", f"The channel {one['ChannelName']!r} must have exactly one data source.")
        elif sources != {"S3DataSource"}:
            yield Broken(
                "channel-s3-only", f"The channel {one['ChannelName']!r} has a {sources.pop()}; only S3DataSource is emulated."
            )
        elif not one["DataSource"]["S3DataSource"]["S3Uri"].startswith("s3://"):
            yield Broken(
                "channel-s3",
                f"S3Uri {one['DataSource']['S3DataSource']['S3Uri']!r} of the channel {one['ChannelName']!r} must begin with s3://.",
            )
