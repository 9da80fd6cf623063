"""The rules of CreateHyperParameterTuningJob: strategy and limits, definitions, objectives."""

from collections.abc import Iterator

from sm_tuning.rules import algorithms, catalogue, ranges, training_job, warm_start
from sm_tuning.rules.limits import MAX_JOBS, MAX_PARALLEL, MAX_RESOURCE, RESOURCES
from sm_tuning.rules.registry import Section
from sm_tuning.rules.request import CONFIG, LIMITS, Document, ExpressionErrors, TuningRequest, repeated, untried
from sm_tuning.rules.violation import Violation

_HYPERBAND = f"{CONFIG}.StrategyConfig.HyperbandStrategyConfig"

FORM: Section[TuningRequest] = Section("Definitions and objectives")
STRATEGY: Section[TuningRequest] = Section("Strategy and limits")
DEFINITIONS: Section[TuningRequest] = Section("Definitions and objectives")
SECTIONS = (FORM, STRATEGY, DEFINITIONS)


def violations(body: Document, expression_errors: ExpressionErrors = untried) -> Iterator[Violation]:
    """Every violation of a request whose types are right. `expression_errors` tries metrics' regular expressions."""
    request = TuningRequest(body, expression_errors)
    broken = list(FORM.violations(request))
    yield from broken
    if broken:
        return
    yield from STRATEGY.violations(request)
    yield from DEFINITIONS.violations(request)
    yield from algorithms.TUNING.violations(request)
    for definition in request.definitions:
        for section in training_job.SECTIONS:
            yield from section.violations(definition)
    yield from ranges.RANGES.violations(request)
    yield from warm_start.WARM_START.violations(request)


@FORM.rule("definition-or-definitions", "one of TrainingJobDefinition and TrainingJobDefinitions")
def _definition_or_definitions(request: TuningRequest) -> Iterator[Violation]:
    if request.several == ("TrainingJobDefinition" in request.body):
        sentence = "Exactly one of TrainingJobDefinition and TrainingJobDefinitions must be given."
        value = request.body.get("TrainingJobDefinitions")
        yield Violation("TrainingJobDefinitions", value, "there must be one definition, or a list of them", sentence)


# --- strategy and limits ----------------------------------------------------------------------------------------------------


@STRATEGY.rule("max-jobs-required", "MaxNumberOfTrainingJobs is given, unless the strategy is Grid or Autotune chooses")
def _max_jobs_required(request: TuningRequest) -> Iterator[Violation]:
    if request.jobs is None and request.strategy != "Grid" and not request.autotune:
        sentence = f"MaxNumberOfTrainingJobs is required in ResourceLimits for the strategy {request.strategy}."
        requirement = f"it is required for the strategy {request.strategy}"
        yield Violation(f"{LIMITS}.MaxNumberOfTrainingJobs", None, requirement, sentence)


@STRATEGY.rule("max-jobs", "at most 750 training jobs; 10,000 for Random")
def _max_jobs(request: TuningRequest) -> Iterator[Violation]:
    limit = MAX_JOBS[request.strategy]
    if request.jobs is not None and request.jobs > limit:
        requirement = f"for the strategy {request.strategy} it must be at most {limit}"
        yield Violation(f"{LIMITS}.MaxNumberOfTrainingJobs", request.jobs, requirement)


@STRATEGY.rule("max-parallel", "at most 100 training jobs at a time")
def _max_parallel(request: TuningRequest) -> Iterator[Violation]:
    parallel = request.config["ResourceLimits"]["MaxParallelTrainingJobs"]
    if parallel > MAX_PARALLEL:
        yield Violation(f"{LIMITS}.MaxParallelTrainingJobs", parallel, f"it must be at most {MAX_PARALLEL}")


@STRATEGY.rule("hyperband-config", "HyperbandStrategyConfig for Hyperband only")
def _hyperband_config(request: TuningRequest) -> Iterator[Violation]:
    if request.hyperband is not None and request.strategy != "Hyperband":
        sentence = f"HyperbandStrategyConfig was given, but the strategy is {request.strategy}."
        yield Violation(_HYPERBAND, request.hyperband, "it may be given for the strategy Hyperband only", sentence)


@STRATEGY.rule("hyperband-early-stopping", "TrainingJobEarlyStoppingType is Off for Hyperband, which stops training jobs itself")
def _hyperband_early_stopping(request: TuningRequest) -> Iterator[Violation]:
    stopping = request.config.get("TrainingJobEarlyStoppingType", "Off")
    if request.strategy == "Hyperband" and stopping != "Off":
        sentence = (
            "TrainingJobEarlyStoppingType must be Off for the strategy Hyperband, which stops training jobs by its own rule."
        )
        requirement = "it must be Off for the strategy Hyperband"
        yield Violation(f"{CONFIG}.TrainingJobEarlyStoppingType", stopping, requirement, sentence)


@STRATEGY.rule("hyperband-max-resource", "MaxResource is at most 20,000")
def _hyperband_max_resource(request: TuningRequest) -> Iterator[Violation]:
    high = (request.hyperband or {}).get("MaxResource", 0)
    if request.strategy == "Hyperband" and high > MAX_RESOURCE:
        yield Violation(f"{_HYPERBAND}.MaxResource", high, f"it must be at most {MAX_RESOURCE}")


@STRATEGY.rule("hyperband-min-resource", "MinResource is not more than MaxResource")
def _hyperband_min_resource(request: TuningRequest) -> Iterator[Violation]:
    settings = request.hyperband or {}
    low, high = settings.get("MinResource", 1), settings.get("MaxResource")
    if request.strategy == "Hyperband" and high is not None and low > high:
        yield Violation(f"{_HYPERBAND}.MinResource", low, f"it must not be more than MaxResource, {high}")


@STRATEGY.rule(
    "hyperband-resource",
    f"MaxResource is given, or a static hyperparameter, one of `{'`, `'.join(RESOURCES)}`, is a whole number",
)
def _hyperband_resource(request: TuningRequest) -> Iterator[Violation]:
    if request.strategy != "Hyperband" or "MaxResource" in (request.hyperband or {}):
        return
    if not all(any(part.static.get(name, "").isdigit() for name in RESOURCES) for part in request.definitions):
        sentence = (
            "MaxResource parameter is not provided and could not be inferred from provided static hyperparameters of "
            "TrainingJobDefinition."
        )
        requirement = f"it is required, unless a static hyperparameter is one of {', '.join(RESOURCES)}"
        yield Violation(f"{_HYPERBAND}.MaxResource", None, requirement, sentence)


# --- definitions and objectives ---------------------------------------------------------------------------------------------


@DEFINITIONS.rule("definition-name", "each of several definitions has a DefinitionName")
def _definition_name(request: TuningRequest) -> Iterator[Violation]:
    for part in request.definitions:
        if request.several and "DefinitionName" not in part.body:
            sentence = "DefinitionName is required for each of the TrainingJobDefinitions."
            yield Violation(part.at("DefinitionName"), None, "it is required for each of several definitions", sentence)


@DEFINITIONS.rule("definition-name-unique", "each of several definitions has a name of its own")
def _definition_name_unique(request: TuningRequest) -> Iterator[Violation]:
    names = [part.body["DefinitionName"] for part in request.definitions if "DefinitionName" in part.body]
    for name in repeated(names) if request.several else ():
        sentence = f"DefinitionName {name!r} is there more than once in TrainingJobDefinitions; each must be unique."
        yield Violation("TrainingJobDefinitions.DefinitionName", name, "each definition has its own name", sentence)


@DEFINITIONS.rule("objective-required", "each definition has an objective")
def _objective_required(request: TuningRequest) -> Iterator[Violation]:
    for part in request.definitions:
        if part.objective is None:
            yield Violation(part.objective_path, None, "it is required", f"{_objective_member(request)} is required.")


@DEFINITIONS.rule(
    "objective-place", "HyperParameterTuningJobObjective with one definition, TuningObjective with TrainingJobDefinitions"
)
def _objective_place(request: TuningRequest) -> Iterator[Violation]:
    sentence = f"The objective must be given as {_objective_member(request)} and nowhere else."
    if request.several and "HyperParameterTuningJobObjective" in request.config:
        path, value = f"{CONFIG}.HyperParameterTuningJobObjective", request.config["HyperParameterTuningJobObjective"]
        yield Violation(path, value, "with several definitions each has its own objective, and the tuning job none", sentence)
    for part in request.definitions:
        if not request.several and "TuningObjective" in part.body:
            yield Violation(
                part.at("TuningObjective"), part.body["TuningObjective"], "it is the tuning job's, not the definition's", sentence
            )


def _objective_member(request: TuningRequest) -> str:
    return "TuningObjective of each of the TrainingJobDefinitions" if request.several else "HyperParameterTuningJobObjective"


@DEFINITIONS.rule("objective-metric", "the objective is one of the metric definitions, unless the algorithm has its own")
def _objective_metric(request: TuningRequest) -> Iterator[Violation]:
    for part in request.definitions:
        if part.objective is None or not part.image or catalogue.find(part.image):
            continue
        metric = part.objective["MetricName"]
        if metric not in [entry["Name"] for entry in part.metrics]:
            sentence = (
                "A metric is required for this hyperparameter tuning job objective. Provide a metric in the metric definitions."
            )
            requirement = (
                "a regular expression is needed to find the objective in the log (only AWS's built-in algorithms have their own)"
            )
            yield Violation(f"{part.objective_path}.MetricName", metric, requirement, sentence)
