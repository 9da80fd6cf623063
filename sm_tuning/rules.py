"""Every rule of CreateHyperParameterTuningJob, checked without AWS: botocore's own model, and what no single member shows.

boto3 checks required members, types and lower bounds before it sends a request. Upper bounds, patterns, enums and the rules between
members are checked by the service alone, which costs a round trip each time; here they are all checked, and told at once.
"""

import functools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sm_tuning.parameters import Categorical, Continuous, Integer, Scaling
from sm_tuning.strategies import Grid, Hyperband
from sm_tuning.training import Script

if TYPE_CHECKING:
    from botocore.model import Shape

    from sm_tuning.tuning_job import TuningJob

_RESERVED = "_tuning_objective_metric"
_MOST_JOBS = {"Bayesian": 750, "Hyperband": 750, "Grid": 750, "Random": 10_000}
_MOST_RANGES = 30
_MOST_HYPERPARAMETERS = 100
_MOST_PARALLEL = 100
_MOST_RUNTIME = 2_419_200
_MOST_RESOURCE = 20_000
_RESOURCES = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")
_NO_SIGN_OR_EXPONENT = re.compile(r"\(\[0-9\\?\.\]\+\)|\(\[\\d\\?\.\]\+\)|\(\\d\+\\\.\\d\+\)")
_DECADES_FOR_LOG = 2.0


@dataclass(frozen=True)
class Problem:
    """A rule that the tuning job breaks: the member of the request, its value, and what it must be."""

    field: str
    value: object
    rule: str

    def __str__(self) -> str:
        """One line."""
        shown = repr(self.value) if not isinstance(self.value, str) or len(self.value) <= 80 else f"{self.value[:77]!r}…"  # noqa: PLR2004 - a line
        return f"{self.field} is {shown}; {self.rule}"


@dataclass(frozen=True)
class Report:
    """What a dry run has found. `warnings` break no rule, but are seldom meant."""

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


def check(job: "TuningJob") -> Report:
    """Check a tuning job against every rule."""
    request = job.request()
    problems = [
        *_model_problems(request),
        *_config_problems(job, request),
        *_range_problems(job, request),
        *_training_problems(job),
    ]
    return Report(request, tuple(problems), tuple(_warnings(job)))


# --- botocore's model -----------------------------------------------------------------------------------------------------


@functools.cache
def _input_shape() -> "Shape":
    from botocore.loaders import Loader  # noqa: PLC0415 - a tenth of a second that building a request need not pay
    from botocore.model import ServiceModel  # noqa: PLC0415 - see above

    service = ServiceModel(Loader().load_service_model("sagemaker", "service-2"), "sagemaker")
    shape = service.operation_model("CreateHyperParameterTuningJob").input_shape
    if shape is None:
        raise LookupError("botocore's model has no input for CreateHyperParameterTuningJob")
    return shape


def _model_problems(request: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _walk(_input_shape(), request, "")


def _walk(shape: Any, value: Any, path: str) -> Iterator[Problem]:  # noqa: ANN401, C901 - any member, one branch for each kind
    kind = shape.type_name
    if kind == "structure":
        for name in shape.required_members:
            if name not in value:
                yield Problem(_join(path, name), None, "it is required")
        for name, one in value.items():
            yield from _walk(shape.members[name], one, _join(path, name))
    elif kind == "list":
        yield from _bounds(shape, value, len(value), path, "members")
        for place, one in enumerate(value):
            yield from _walk(shape.member, one, f"{path}[{place}]")
    elif kind == "map":
        yield from _bounds(shape, value, len(value), path, "entries")
        for name, one in value.items():
            yield from _walk(shape.key, name, f"{path} (key)")
            yield from _walk(shape.value, one, f"{path}.{name}")
    elif kind == "string":
        yield from _string(shape, value, path)
    elif kind in {"integer", "long", "float", "double"}:
        yield from _number(shape, value, path, whole=kind in {"integer", "long"})


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _string(shape: Any, value: object, path: str) -> Iterator[Problem]:  # noqa: ANN401 - botocore's shape
    if not isinstance(value, str):
        yield Problem(path, value, "it must be a string")
        return
    yield from _bounds(shape, value, len(value), path, "characters")
    pattern = shape.metadata.get("pattern")
    if pattern is not None and not _compiled(pattern).fullmatch(value):
        yield Problem(path, value, f"it must match {pattern}")
    if shape.enum and value not in shape.enum:
        known = ", ".join(shape.enum[:12]) + (", …" if len(shape.enum) > 12 else "")  # noqa: PLR2004 - a line
        yield Problem(path, value, f"it must be one of {known}")


def _number(shape: Any, value: object, path: str, *, whole: bool) -> Iterator[Problem]:  # noqa: ANN401 - botocore's shape
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or not math.isfinite(value):
        yield Problem(path, value, "it must be a whole number" if whole else "it must be a number")
        return
    yield from _bounds(shape, value, value, path, "")


def _bounds(shape: Any, value: object, size: float, path: str, noun: str) -> Iterator[Problem]:  # noqa: ANN401 - botocore's shape
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    has = f"have {{}} {noun}" if noun else "be {}"
    if low is not None and size < low:
        yield Problem(path, value, f"it must {has.format(f'at least {low}')}")
    if high is not None and size > high:
        yield Problem(path, value, f"it must {has.format(f'at most {high}')}")


@functools.cache
def _compiled(pattern: str) -> "re.Pattern[str]":
    # Python's re knows no Unicode properties: letters, separators and numbers are near enough to \w and \s.
    translated = (
        pattern.replace(r"\p{L}", r"\w").replace(r"\p{Z}", r"\s").replace(r"\p{N}", r"\d").replace(r"\p{Alnum}", "a-zA-Z0-9")
    )
    return re.compile(translated)


# --- rules between members ------------------------------------------------------------------------------------------------


def _config_problems(job: "TuningJob", request: Mapping[str, Any]) -> Iterator[Problem]:
    limits = "HyperParameterTuningJobConfig.ResourceLimits"
    strategy = type(job.strategy).__name__
    if job.max_jobs is None and not isinstance(job.strategy, Grid):
        yield Problem(f"{limits}.MaxNumberOfTrainingJobs", None, f"it is required for the strategy {strategy} (max_jobs)")
    if job.max_jobs is not None and job.max_jobs > _MOST_JOBS[strategy]:
        rule = f"it must be at most {_MOST_JOBS[strategy]} for the strategy {strategy}"
        yield Problem(f"{limits}.MaxNumberOfTrainingJobs", job.max_jobs, rule)
    if job.max_parallel > _MOST_PARALLEL:
        yield Problem(f"{limits}.MaxParallelTrainingJobs", job.max_parallel, f"it must be at most {_MOST_PARALLEL}")
    if isinstance(job.strategy, Hyperband):
        where = "HyperParameterTuningJobConfig.StrategyConfig.HyperbandStrategyConfig.MaxResource"
        static = request["TrainingJobDefinition"]["StaticHyperParameters"]
        if job.strategy.max_resource is None and not any(static.get(name, "").isdigit() for name in _RESOURCES):
            yield Problem(where, None, f"it is required, unless a static hyperparameter is one of {', '.join(_RESOURCES)}")
        elif (job.strategy.max_resource or 0) > _MOST_RESOURCE:
            yield Problem(where, job.strategy.max_resource, f"it must be at most {_MOST_RESOURCE}")
    metrics = [job.objective.metric, *job.metrics]
    for one in metrics:
        if one.name == "ObjectiveMetric":
            yield Problem("MetricDefinitions", one.name, "the name is reserved")
        if any(other.name == one.name and other.regex != one.regex for other in metrics):
            yield Problem("MetricDefinitions", one.name, "it is defined twice, with different expressions")


def _range_problems(job: "TuningJob", request: Mapping[str, Any]) -> Iterator[Problem]:
    where = "HyperParameterTuningJobConfig.ParameterRanges"
    names = [one.name for one in job.ranges]
    static = request["TrainingJobDefinition"]["StaticHyperParameters"]
    if not names:
        yield Problem(where, [], "at least one range is required")
        return
    if len(names) > _MOST_RANGES:
        yield Problem(where, len(names), f"there may be at most {_MOST_RANGES} ranges")
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Problem(where, name, "each hyperparameter may have one range")
    for name in sorted(set(names) & set(static)):
        yield Problem(where, name, "a hyperparameter is either static or tunable")
    for name in sorted({*names, *job.hyperparameters} & {_RESERVED}):
        yield Problem("StaticHyperParameters", name, "the name is reserved")
    if len(names) + len(static) + 1 > _MOST_HYPERPARAMETERS:
        yield Problem(
            "StaticHyperParameters", len(static), f"with the ranges and one more there may be at most {_MOST_HYPERPARAMETERS}"
        )
    yield from _combinations(job, where)


def size(job: "TuningJob") -> int | None:
    """Number of distinct points of a tuning job's ranges; None for infinitely many."""
    finite = [one for one in job.ranges if not isinstance(one, Continuous)]
    if len(finite) < len(job.ranges):
        return None
    sizes = (one.high - one.low + 1 if isinstance(one, Integer) else len(one.values) for one in finite)
    return math.prod(sizes)


def _combinations(job: "TuningJob", where: str) -> Iterator[Problem]:
    if isinstance(job.strategy, Grid):
        wrong = [one.name for one in job.ranges if not isinstance(one, Categorical)]
        if wrong:
            yield Problem(where, wrong, "the strategy Grid takes categorical ranges only; give the values with Categorical")
            return
    total = size(job)
    if total is None:
        return
    limit = "HyperParameterTuningJobConfig.ResourceLimits.MaxNumberOfTrainingJobs"
    if job.max_jobs is not None and job.max_jobs > total:
        yield Problem(limit, job.max_jobs, f"the ranges have only {total} combinations")
    elif isinstance(job.strategy, Grid) and job.max_jobs not in {None, total}:
        yield Problem(limit, job.max_jobs, f"for the strategy Grid it must be the number of combinations, {total}, or None")
    elif isinstance(job.strategy, Grid) and total > _MOST_JOBS["Grid"]:
        yield Problem(where, total, f"for the strategy Grid there may be at most {_MOST_JOBS['Grid']} combinations")


def _training_problems(job: "TuningJob") -> Iterator[Problem]:
    definition = "TrainingJobDefinition"
    resources = job.resources
    if not job.output.startswith("s3://"):
        yield Problem(f"{definition}.OutputDataConfig.S3OutputPath", job.output, "it must begin with s3://")
    if resources.max_runtime > _MOST_RUNTIME:
        where = f"{definition}.StoppingCondition.MaxRuntimeInSeconds"
        yield Problem(where, resources.max_runtime, f"it must be at most {_MOST_RUNTIME} (28 days)")
    if resources.spot and resources.max_wait is not None and resources.max_wait < resources.max_runtime:
        where = f"{definition}.StoppingCondition.MaxWaitTimeInSeconds"
        yield Problem(where, resources.max_wait, f"it must not be less than MaxRuntimeInSeconds, {resources.max_runtime}")
    if bool(job.network.subnets) != bool(job.network.security_groups):
        yield Problem(f"{definition}.VpcConfig", job.network, "subnets and security groups are given together or not at all")
    yield from _channel_problems(job)
    if job.script is not None:
        yield from _script_problems(job.script)


def _channel_problems(job: "TuningJob") -> Iterator[Problem]:
    where = "TrainingJobDefinition.InputDataConfig"
    names = [one.name for one in job.channels]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Problem(where, name, "each channel may be there once")
    for one in job.channels:
        if one.local and not Path(one.source).exists():
            yield Problem(f"{where}.{one.name}", one.source, "it is neither an s3:// URI nor a file or folder here")


def _script_problems(script: Script) -> Iterator[Problem]:
    root = Path(script.source) if script.source is not None else Path()
    if script.source is not None and not root.is_dir():
        yield Problem("script.source", script.source, "there is no such folder")
    elif not (root / script.entry).is_file():
        yield Problem("script.entry", script.entry, f"there is no such file{f' in {root}' if script.source else ''}")


# --- warnings -------------------------------------------------------------------------------------------------------------


def _warnings(job: "TuningJob") -> Iterator[str]:
    for metric in (job.objective.metric, *job.metrics):
        if _NO_SIGN_OR_EXPONENT.search(metric.regex):
            yield f"the regex of {metric.name} finds neither a minus sign nor an exponent: -0.5 and 1e-05 are missed or cut"
    if job.max_jobs is not None and job.max_parallel > job.max_jobs:
        yield f"max_parallel is {job.max_parallel}, more than there are training jobs ({job.max_jobs})"
    for one in job.ranges:
        linear = isinstance(one, Continuous) and one.scaling is Scaling.LINEAR
        decades = math.log10(one.high / one.low) if isinstance(one, Continuous) and linear and one.low > 0 else 0.0
        if decades >= _DECADES_FOR_LOG:
            yield f"{one.name} spans {decades:.0f} powers of ten on a linear scale: nine of ten points lie in the last"
    yield from _script_warnings(job)


def _script_warnings(job: "TuningJob") -> Iterator[str]:
    """Hyperparameters that an argparse script does not seem to take."""
    if job.script is None or not job.script.entry.endswith(".py"):
        return
    path = Path(job.script.source or ".") / job.script.entry
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return
    if "argparse" not in text or "add_argument" not in text:
        return
    for name in [one.name for one in job.ranges] + list(job.hyperparameters):
        if not any(spelling in text for spelling in (name, name.replace("_", "-"))):
            yield f"the script {job.script.entry} does not mention the hyperparameter {name!r}"
