"""Every rule of CreateHyperParameterTuningJob, checked without AWS: botocore's own model, and what no single member shows.

boto3 checks required members, types and lower bounds before it sends a request. Upper bounds, patterns, enums and the rules between
members are checked by the service alone, which costs a round trip each time; here they are all checked, and told at once.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sm_tuning.rules import schema as model
from sm_tuning.rules import warm_start as parents
from sm_tuning.rules.violation import Problem
from sm_tuning.spec.parameters import Continuous, Scaling
from sm_tuning.spec.script import Script
from sm_tuning.validation import wording
from sm_tuning.validation.local_files import files_of
from sm_tuning.validation.script_files import script_files

if TYPE_CHECKING:
    from sm_tuning.spec.definition import Definition
    from sm_tuning.spec.job import TuningJobSpec

_MOST_JOBS = {"Bayesian": 750, "Hyperband": 750, "Grid": 750, "Random": 10_000}
_MOST_RANGES = 30
_MOST_HYPERPARAMETERS = 100
_MOST_PARALLEL = 100
_MOST_RUNTIME = 2_419_200
_MOST_RESOURCE = 20_000
_RESOURCES = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")
_DECADES_FOR_LOG = 2.0
_QUOTA_PARALLEL = 10  # AWS's default for one tuning job
_ECR_IMAGE = re.compile(r"\d{12}\.dkr\.ecr[^/]*/([a-z0-9-]+)(?:[:@]|$)")
# Repositories of AWS's built-in algorithms, whose accounts differ by region.
_BUILTIN = {
    "blazingtext",
    "factorization-machines",
    "forecasting-deepar",
    "image-classification",
    "ipinsights",
    "kmeans",
    "knn",
    "lda",
    "linear-learner",
    "ntm",
    "object-detection",
    "object2vec",
    "pca",
    "randomcutforest",
    "sagemaker-xgboost",
    "semantic-segmentation",
    "seq2seq",
    "xgboost",
}
_OBJECTIVE = "_tuning_objective_metric"
_CONFIG = "HyperParameterTuningJobConfig"
_LIMITS = f"{_CONFIG}.ResourceLimits"


@dataclass(frozen=True)
class Report:
    """What a dry run has found. `warnings` break no rule, but are seldom meant; `request` is empty if values have wrong types."""

    request: Mapping[str, Any]
    problems: Sequence[Problem]
    warnings: Sequence[str]

    @property
    def ok(self) -> bool:
        """Whether AWS would take the request, as far as can be told from here."""
        return not self.problems

    def __str__(self) -> str:
        """A line for each problem and warning."""
        lines = [f"problem: {one}" for one in self.problems] + [f"warning: {one}" for one in self.warnings]
        return "\n".join(lines) or "no problems"


def check(job: "TuningJobSpec", client: Any = None) -> Report:  # noqa: ANN401 - a boto3 client
    """Check a tuning job against every rule; with a client also against the parents of its warm start."""
    if wrong := list(job.wrong_types()):
        return Report({}, tuple(wrong), ())
    request = job.request()
    problems = [
        *model.problems(request),
        *_config_problems(request),
        *_warm_start_problems(request),
        *_definition_problems(request),
        *_local_problems(job, request),
    ]
    warnings = list(_warnings(job))
    if client is not None and job.warm_start is not None and not problems:
        described = [
            client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=one) for one in job.warm_start.parents
        ]
        problems += parents.problems(request, described, _MOST_JOBS[request[_CONFIG]["Strategy"]])
        warnings += parents.warnings(request, described)
    spelled = (replace(one, argument=wording.argument(one.rule, one.field, request)) for one in problems)
    return Report(request, tuple(spelled), tuple(warnings))


# --- rules between members ------------------------------------------------------------------------------------------------
#
# They read the request, not the tuning job: a request is all that AWS sees, and each rule is said once for one definition or ten.


def _config_problems(request: Mapping[str, Any]) -> Iterator[Problem]:
    config = request[_CONFIG]
    strategy, limits = config["Strategy"], config["ResourceLimits"]
    jobs, parallel = limits.get("MaxNumberOfTrainingJobs"), limits["MaxParallelTrainingJobs"]
    where = f"{_LIMITS}.MaxNumberOfTrainingJobs"
    if jobs is None and strategy != "Grid" and "Autotune" not in request:
        yield Problem("max-jobs-required", where, None, f"it is required for the strategy {strategy} (max_jobs)")
    if jobs is not None and jobs > _MOST_JOBS[strategy]:
        yield Problem("max-jobs", where, jobs, f"it must be at most {_MOST_JOBS[strategy]} for the strategy {strategy}")
    if parallel > _MOST_PARALLEL:
        where = f"{_LIMITS}.MaxParallelTrainingJobs"
        yield Problem("max-parallel", where, parallel, f"it must be at most {_MOST_PARALLEL}")
    resource = config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {}).get("MaxResource", 0)
    if resource > _MOST_RESOURCE:
        where = f"{_CONFIG}.StrategyConfig.HyperbandStrategyConfig.MaxResource"
        yield Problem("hyperband-max-resource", where, resource, f"it must be at most {_MOST_RESOURCE}")


def _warm_start_problems(request: Mapping[str, Any]) -> Iterator[Problem]:
    if "WarmStartConfig" not in request:
        return
    where = "WarmStartConfig.ParentHyperParameterTuningJobs"
    names = [one["HyperParameterTuningJobName"] for one in request["WarmStartConfig"]["ParentHyperParameterTuningJobs"]]
    for name in _repeated(names):
        yield Problem("warm-start-parents", where, name, "each parent may be there once")
    strategy = request[_CONFIG]["Strategy"]
    if strategy not in {"Bayesian", "Random"}:
        yield Problem("warm-start-strategy", f"{_CONFIG}.Strategy", strategy, "with a warm start it must be Bayesian or Random")
    if "TrainingJobDefinitions" in request:
        count = len(request["TrainingJobDefinitions"])
        yield Problem("warm-start-definitions", "TrainingJobDefinitions", count, "with a warm start there may be but one")


def _definition_problems(request: Mapping[str, Any]) -> Iterator[Problem]:
    config = request[_CONFIG]
    several = request.get("TrainingJobDefinitions", ())
    names = [one["DefinitionName"] for one in several]
    for name in _repeated(names):
        yield Problem("definition-name-unique", "TrainingJobDefinitions.DefinitionName", name, "each definition has its own name")
    if several and "HyperParameterTuningJobObjective" in config:
        where = f"{_CONFIG}.HyperParameterTuningJobObjective"
        text = "with several definitions each has its own objective, and the tuning job none"
        yield Problem("objective-place", where, config["HyperParameterTuningJobObjective"], text)
    if several and "ParameterRanges" in config:
        text = "with several definitions each has its own ranges, and the tuning job none"
        yield Problem("ranges-place", f"{_CONFIG}.ParameterRanges", config["ParameterRanges"], text)
    all_ranges = []
    for where, definition in _numbered(request):
        if several:
            objective, ranges = definition.get("TuningObjective"), definition["HyperParameterRanges"]
            ranges_at = f"{where}.HyperParameterRanges"
        else:
            objective, ranges = config.get("HyperParameterTuningJobObjective"), config["ParameterRanges"]
            ranges_at = f"{_CONFIG}.ParameterRanges"
        if objective is None:
            yield Problem("objective-required", where, None, "an objective is required")
        all_ranges.append(ranges)
        yield from _metric_problems(definition, objective, where)
        yield from _range_problems(request, definition, ranges, ranges_at)
        yield from _training_problems(definition, where)
    yield from _combinations(config, all_ranges, chosen="Autotune" in request)


def _numbered(request: Mapping[str, Any]) -> Sequence[tuple[str, Mapping[str, Any]]]:
    """Every definition with the path to it."""
    if "TrainingJobDefinition" in request:
        return [("TrainingJobDefinition", request["TrainingJobDefinition"])]
    return [(f"TrainingJobDefinitions[{place}]", one) for place, one in enumerate(request["TrainingJobDefinitions"])]


def _metric_problems(definition: Mapping[str, Any], objective: Mapping[str, Any] | None, where: str) -> Iterator[Problem]:
    algorithm = definition["AlgorithmSpecification"]
    names = [one["Name"] for one in algorithm.get("MetricDefinitions", ())]
    stock = _is_builtin(algorithm.get("TrainingImage", ""))
    if stock and names:
        text = "AWS defines the metrics of its built-in algorithms; leave the regular expressions out"
        yield Problem("builtin-metrics", f"{where}.AlgorithmSpecification.MetricDefinitions", names, text)
    if objective is not None and objective["MetricName"] not in names and not stock and "TrainingImage" in algorithm:
        text = "a regular expression is needed to find the objective in the log (only AWS's built-in algorithms have their own)"
        yield Problem("objective-metric", where, objective["MetricName"], text)
    where = f"{where}.AlgorithmSpecification.MetricDefinitions"
    if "ObjectiveMetric" in names:
        yield Problem("metric-reserved", where, "ObjectiveMetric", "the name is reserved")
    for name in _repeated(names):
        yield Problem("metric-unique", where, name, "it is defined twice, with different expressions")


def _is_builtin(image: str) -> bool:
    found = _ECR_IMAGE.match(image)
    return found is not None and found[1] in _BUILTIN


def _range_problems(
    request: Mapping[str, Any], definition: Mapping[str, Any], ranges: Mapping[str, Any], where: str
) -> Iterator[Problem]:
    config, static = request[_CONFIG], definition["StaticHyperParameters"]
    names = [one["Name"] for several in ranges.values() for one in several]
    if not names:
        yield Problem("ranges-required", where, [], "at least one range is required")
        return
    if ranges.get("AutoParameters") and "Autotune" not in request:
        chosen = [one["Name"] for one in ranges["AutoParameters"]]
        yield Problem("autotune-mode", f"{where}.AutoParameters", chosen, "AWS chooses ranges only with autotune")
    if len(names) > _MOST_RANGES:
        yield Problem("ranges-most", where, len(names), f"there may be at most {_MOST_RANGES} ranges")
    for name in _repeated(names):
        yield Problem("range-unique", where, name, "each hyperparameter may have one range")
    for name in sorted(set(names) & set(static)):
        yield Problem("static-or-tunable", where, name, "a hyperparameter is either static or tunable")
    if len(names) + len(static) + 1 > _MOST_HYPERPARAMETERS:
        text = f"with the ranges and one more there may be at most {_MOST_HYPERPARAMETERS}"
        yield Problem("hyperparameters-most", "StaticHyperParameters", len(static), text)
    yield from _strategy_problems(config, static, ranges, where)


def _strategy_problems(
    config: Mapping[str, Any], static: Mapping[str, str], ranges: Mapping[str, Any], where: str
) -> Iterator[Problem]:
    """What a strategy asks of the ranges and the static hyperparameters."""
    wrong = [one["Name"] for kind, several in ranges.items() if kind != "CategoricalParameterRanges" for one in several]
    if config["Strategy"] == "Grid" and wrong:
        text = "the strategy Grid takes categorical ranges only; give the values with Categorical"
        yield Problem("grid-categorical", where, wrong, text)
    inferred = any(static.get(name, "").isdigit() for name in _RESOURCES)
    settings = config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {})
    if config["Strategy"] == "Hyperband" and "MaxResource" not in settings and not inferred:
        where = f"{_CONFIG}.StrategyConfig.HyperbandStrategyConfig.MaxResource"
        text = f"it is required, unless a static hyperparameter is one of {', '.join(_RESOURCES)}"
        yield Problem("hyperband-resource", where, None, text)


def _repeated(names: Sequence[str]) -> Sequence[str]:
    return sorted({name for name in names if names.count(name) > 1})


def _size(ranges: Mapping[str, Any]) -> int | None:
    """Number of distinct points of ranges in AWS's form; None for infinitely many, or for as many as AWS chooses."""
    if ranges.get("ContinuousParameterRanges") or ranges.get("AutoParameters"):
        return None
    whole = (int(one["MaxValue"]) - int(one["MinValue"]) + 1 for one in ranges["IntegerParameterRanges"])
    return math.prod(whole) * math.prod(len(one["Values"]) for one in ranges["CategoricalParameterRanges"])


def size(job: "TuningJobSpec") -> int | None:
    """Number of distinct points of a tuning job's ranges; None for infinitely many."""
    sizes = [_size(part.ranges_request()) for _, part in job.parts()]
    return None if None in sizes else sum(one or 0 for one in sizes)


def _combinations(config: Mapping[str, Any], several: Sequence[Mapping[str, Any]], *, chosen: bool) -> Iterator[Problem]:
    sizes = [_size(ranges) for ranges in several]
    if None in sizes or not all(sizes):
        return
    total = sum(one or 0 for one in sizes)
    jobs, grid = config["ResourceLimits"].get("MaxNumberOfTrainingJobs"), config["Strategy"] == "Grid"
    where = f"{_LIMITS}.MaxNumberOfTrainingJobs"
    if jobs is not None and jobs > total and (grid or not chosen):
        yield Problem("combinations", where, jobs, f"the ranges have only {total} combinations")
    elif grid and jobs not in {None, total}:
        text = f"for the strategy Grid it must be the number of combinations, {total}, or None"
        yield Problem("grid-size", where, jobs, text)
    elif grid and total > _MOST_JOBS["Grid"]:
        text = f"for the strategy Grid there may be at most {_MOST_JOBS['Grid']} combinations"
        yield Problem("grid-most", f"{_CONFIG}.ParameterRanges", total, text)


def _training_problems(definition: Mapping[str, Any], where: str) -> Iterator[Problem]:
    algorithm = definition["AlgorithmSpecification"]
    if "TrainingImage" in algorithm and "AlgorithmName" in algorithm:
        text = "an image and an algorithm are both given; AWS takes one of them"
        yield Problem("image-one", f"{where}.AlgorithmSpecification", algorithm["TrainingImage"], text)
    output = definition["OutputDataConfig"]["S3OutputPath"]
    if not output.startswith("s3://"):
        yield Problem("output-s3", f"{where}.OutputDataConfig.S3OutputPath", output, "it must begin with s3://")
    yield from _time_problems(definition, f"{where}.StoppingCondition")
    channels = definition.get("InputDataConfig", ())
    for name in _repeated([one["ChannelName"] for one in channels]):
        yield Problem("channel-unique", f"{where}.InputDataConfig", name, "each channel may be there once")


def _time_problems(definition: Mapping[str, Any], where: str) -> Iterator[Problem]:
    condition, spot = definition["StoppingCondition"], definition["EnableManagedSpotTraining"]
    runtime, wait = condition["MaxRuntimeInSeconds"], condition.get("MaxWaitTimeInSeconds")
    if runtime > _MOST_RUNTIME:
        yield Problem("max-runtime", f"{where}.MaxRuntimeInSeconds", runtime, f"it must be at most {_MOST_RUNTIME} (28 days)")
    if wait is not None and wait < runtime:
        yield Problem(
            "max-wait", f"{where}.MaxWaitTimeInSeconds", wait, f"it must not be less than MaxRuntimeInSeconds, {runtime}"
        )
    if wait is not None and not spot:
        yield Problem("max-wait-spot", f"{where}.MaxWaitTimeInSeconds", wait, "it may be given for spot training only")


# --- what only this machine knows -----------------------------------------------------------------------------------------


def _local_problems(job: "TuningJobSpec", request: Mapping[str, Any]) -> Iterator[Problem]:
    for (_, part), (where, _definition) in zip(job.parts(), _numbered(request), strict=True):
        for one in part.channels:
            if one.path is not None and not one.path.exists():
                text = "it is neither an s3:// URI nor a file or folder here"
                yield Problem("channel-missing", f"{where}.InputDataConfig.{one.name}", one.source, text)
            elif one.path is not None and not files_of(one.path).files:
                text = "it holds no file that can be read; AWS refuses a channel without data"
                yield Problem("channel-missing", f"{where}.InputDataConfig.{one.name}", one.source, text)
        if part.script is not None:
            yield from _script_problems(part.script)


def _script_problems(script: Script) -> Iterator[Problem]:
    root = Path(script.source) if script.source is not None else Path()
    if script.source is not None and not root.is_dir():
        yield Problem("script-missing", "script.source", script.source, "there is no such folder")
    elif not (root / script.entry).is_file():
        place = f" in {root}" if script.source else ""
        yield Problem("script-missing", "script.entry", script.entry, f"there is no such file{place}")


# --- warnings -------------------------------------------------------------------------------------------------------------


def _warnings(job: "TuningJobSpec") -> Iterator[str]:
    if job.max_jobs is not None and job.max_parallel > job.max_jobs:
        yield f"max_parallel is {job.max_parallel}, more than there are training jobs ({job.max_jobs})"
    elif _QUOTA_PARALLEL < job.max_parallel <= _MOST_PARALLEL:
        yield f"max_parallel is {job.max_parallel}; an account may run {_QUOTA_PARALLEL} at a time unless its quota was raised"
    for _, part in job.parts():
        yield from _part_warnings(part)


def _part_warnings(part: "Definition") -> Iterator[str]:
    for metric in (*([part.objective.metric] if part.objective else []), *part.metrics):
        yield from metric.warnings()
    for one in part.ranges:
        linear = isinstance(one, Continuous) and one.scaling is Scaling.LINEAR
        decades = math.log10(one.high / one.low) if isinstance(one, Continuous) and linear and one.low > 0 else 0.0
        if decades >= _DECADES_FOR_LOG:
            yield f"{one.name} spans {decades:.0f} powers of ten on a linear scale: nine of ten points lie in the last"
    if _OBJECTIVE in part.hyperparameters:
        yield f"AWS sets the hyperparameter {_OBJECTIVE!r} itself, to the objective's name"
    for channel in part.channels:
        if channel.path is not None and channel.path.exists():
            yield from files_of(channel.path).omissions(f"the channel {channel.name}")
    if part.script is not None and not [*_script_problems(part.script)]:
        yield from script_files(part.script).omissions("script.source" if part.script.source is not None else "script.entry")
    yield from _script_warnings(part)


def _script_warnings(part: "Definition") -> Iterator[str]:
    """Hyperparameters that an argparse script does not seem to take."""
    if part.script is None or not part.script.entry.endswith(".py"):
        return
    path = Path(part.script.source or ".") / part.script.entry
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return
    if "argparse" not in text or "add_argument" not in text:
        return
    for name in [one.name for one in part.ranges] + list(part.hyperparameters):
        if not any(spelling in text for spelling in (name, name.replace("_", "-"))):
            yield f"the script {part.script.entry} does not mention the hyperparameter {name!r}"
