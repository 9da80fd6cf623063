"""The rules of what training jobs are made of: of CreateTrainingJob, and of the definitions of a tuning job."""

from collections.abc import Iterator

from sm_tuning.rules import catalogue
from sm_tuning.rules.limits import MAX_RUNTIME
from sm_tuning.rules.registry import Section
from sm_tuning.rules.request import Document, ExpressionErrors, TrainingRequest, repeated, untried
from sm_tuning.rules.s3_uri import split_s3
from sm_tuning.rules.violation import Violation

_DEFAULT_RUNTIME = 86_400  # seconds

ALONE: Section[TrainingRequest] = Section("CreateTrainingJob")
METRICS: Section[TrainingRequest] = Section("Metrics")
RESOURCES: Section[TrainingRequest] = Section("Algorithm, instances and time")
DATA: Section[TrainingRequest] = Section("Data")
SECTIONS = (METRICS, RESOURCES, DATA)


def violations(body: Document, expression_errors: ExpressionErrors = untried) -> Iterator[Violation]:
    """Every violation of a request of CreateTrainingJob whose types are right."""
    request = TrainingRequest(body, expression_errors=expression_errors)
    yield from ALONE.violations(request)
    for section in SECTIONS if "AlgorithmSpecification" in body else ():
        yield from section.violations(request)


@ALONE.rule("training-required", "AlgorithmSpecification, ResourceConfig and StoppingCondition are there")
def _required(request: TrainingRequest) -> Iterator[Violation]:
    for member in ("AlgorithmSpecification", "ResourceConfig", "StoppingCondition"):
        if member not in request.body:
            yield Violation(member, None, "it is required", f"{member} is required.")


# --- metrics ----------------------------------------------------------------------------------------------------------------


@METRICS.rule("builtin-metrics", "AWS's own algorithms have their own metric definitions; none are sent")
def _builtin_metrics(request: TrainingRequest) -> Iterator[Violation]:
    if request.metrics and catalogue.find(request.image):
        sentence = (
            "You can't override the metric definitions for Amazon SageMaker algorithms. Please retry the request without specifying "
            "metric definitions."
        )
        names = [entry["Name"] for entry in request.metrics]
        requirement = "AWS defines the metrics of its built-in algorithms; leave the regular expressions out"
        yield Violation(request.at("AlgorithmSpecification.MetricDefinitions"), names, requirement, sentence)


@METRICS.rule("metric-unique", "each metric is defined once")
def _metric_unique(request: TrainingRequest) -> Iterator[Violation]:
    for name in repeated([entry["Name"] for entry in request.metrics]):
        sentence = f"The metric {name!r} is defined more than once in MetricDefinitions."
        yield Violation(request.at("AlgorithmSpecification.MetricDefinitions"), name, "it is defined more than once", sentence)


@METRICS.rule("metric-reserved", "no metric is called `ObjectiveMetric`")
def _metric_reserved(request: TrainingRequest) -> Iterator[Violation]:
    if "ObjectiveMetric" in [entry["Name"] for entry in request.metrics]:
        path, sentence = request.at("AlgorithmSpecification.MetricDefinitions"), "The metric name 'ObjectiveMetric' is reserved."
        yield Violation(path, "ObjectiveMetric", "the name is reserved", sentence)


@METRICS.rule("metric-regex", "Regex is a regular expression")
def _metric_regex(request: TrainingRequest) -> Iterator[Violation]:
    errors = request.expression_errors([entry["Regex"] for entry in request.metrics])
    for index, (metric, error) in enumerate(zip(request.metrics, errors, strict=True)):
        if error is not None:
            path = request.at(f"AlgorithmSpecification.MetricDefinitions[{index}].Regex")
            sentence = f"The Regex {metric['Regex']!r} of the metric {metric['Name']!r} is no regular expression: {error}."
            yield Violation(path, metric["Regex"], f"it must be a regular expression: {error}", sentence)


# --- algorithm, instances and time --------------------------------------------------------------------------------------------


@RESOURCES.rule("resources-one", "a definition has one of ResourceConfig and HyperParameterTuningResourceConfig")
def _resources_one(request: TrainingRequest) -> Iterator[Violation]:
    both = ("ResourceConfig", "HyperParameterTuningResourceConfig")
    given = [member for member in both if member in request.body]
    if request.path and len(given) != 1:
        sentence = f"Exactly one of {' and '.join(both)} must be given."
        yield Violation(request.at("ResourceConfig"), given, "it is given once, for one machine or for several to try", sentence)


def _configs(request: TrainingRequest) -> Iterator[tuple[str, Document]]:
    members = ("ResourceConfig", "HyperParameterTuningResourceConfig") if request.path else ("ResourceConfig",)
    for member in members:
        if member in request.body:
            yield member, request.body[member]


@RESOURCES.rule("resources-form", "one machine, or a list of them")
def _resources_form(request: TrainingRequest) -> Iterator[Violation]:
    for member, config in _configs(request):
        several = config.get("InstanceConfigs") or config.get("InstanceGroups")
        if several and "InstancePreferences" not in config and {"InstanceType", "InstanceCount"} & set(config):
            sentence = f"{member} takes either InstanceType and InstanceCount or a list of them, not both."
            yield Violation(request.at(member), config, "it has one machine or a list of them, not both", sentence)


@RESOURCES.rule("resources-required", "InstanceType and InstanceCount, unless there is a list")
def _resources_required(request: TrainingRequest) -> Iterator[Violation]:
    for member, config in _configs(request):
        if any(config.get(several) for several in ("InstanceConfigs", "InstanceGroups")) or "InstancePreferences" in config:
            continue
        for scalar in ("InstanceType", "InstanceCount"):
            if scalar not in config:
                yield Violation(request.at(f"{member}.{scalar}"), None, "it is required", f"{scalar} is required in {member}.")


@RESOURCES.rule(
    "instance-preferences",
    "InstancePreferences: each type once, counts in all or in ResourceConfig, no spot, nothing else that names instances",
)
def _instance_preferences(request: TrainingRequest) -> Iterator[Violation]:
    for member, config in _configs(request):
        if "InstancePreferences" not in config:
            continue
        path = request.at(f"{member}.InstancePreferences")
        types = [preference["InstanceType"] for preference in config["InstancePreferences"]]
        if request.body.get("EnableManagedSpotTraining"):
            sentence = "InstancePreferences must not be given when EnableManagedSpotTraining is true."
            yield Violation(path, types, "it must not be given for spot training", sentence)
        for other, sentence in _beside_preferences(config):
            yield Violation(path, types, f"{other} must not be given beside it", sentence)
        for repeat in repeated(types):
            sentence = f"The InstanceType {repeat} is there more than once in InstancePreferences."
            yield Violation(path, repeat, "each type may be there once", sentence)
        counts = sum("InstanceCount" in preference for preference in config["InstancePreferences"])
        if counts != (0 if "InstanceCount" in config else len(types)):
            sentence = "InstanceCount must be given either in ResourceConfig or in each of the InstancePreferences."
            yield Violation(path, counts, "the number of instances is given once for all of them, or for each", sentence)


def _beside_preferences(config: Document) -> Iterator[tuple[str, str]]:
    """Members that must not stand beside InstancePreferences, and AWS's sentence for each."""
    for other in ("InstanceType", "InstanceGroups", "InstancePlacementConfig", "SelectedInstanceType", "SelectedInstanceCount"):
        if other in config:
            yield other, f"{other} must not be given in ResourceConfig beside InstancePreferences."
    if "TrainingPlanArn" in config and any("TrainingPlanArns" in preference for preference in config["InstancePreferences"]):
        yield "TrainingPlanArn", "TrainingPlanArn must not be given in ResourceConfig beside TrainingPlanArns."


@RESOURCES.rule("image-one", "one of TrainingImage and AlgorithmName")
def _image_one(request: TrainingRequest) -> Iterator[Violation]:
    if ("TrainingImage" in request.algorithm) == ("AlgorithmName" in request.algorithm):
        sentence = "Exactly one of TrainingImage and AlgorithmName must be given in AlgorithmSpecification."
        requirement = "AWS takes either an image or an algorithm"
        yield Violation(request.at("AlgorithmSpecification.TrainingImage"), request.image or None, requirement, sentence)


def _times(request: TrainingRequest) -> tuple[int, int | None, bool]:
    """MaxRuntimeInSeconds, MaxWaitTimeInSeconds and whether it is spot training."""
    condition = request.body.get("StoppingCondition", {})
    spot = bool(request.body.get("EnableManagedSpotTraining", False))
    return condition.get("MaxRuntimeInSeconds", _DEFAULT_RUNTIME), condition.get("MaxWaitTimeInSeconds"), spot


@RESOURCES.rule("max-runtime", "MaxRuntimeInSeconds is at most 2,419,200 (28 days)")
def _max_runtime(request: TrainingRequest) -> Iterator[Violation]:
    runtime, _, _ = _times(request)
    if runtime > MAX_RUNTIME:
        path = request.at("StoppingCondition.MaxRuntimeInSeconds")
        yield Violation(path, runtime, f"it must be at most {MAX_RUNTIME} (28 days)")


@RESOURCES.rule("max-wait", "MaxWaitTimeInSeconds is not less than MaxRuntimeInSeconds")
def _max_wait(request: TrainingRequest) -> Iterator[Violation]:
    runtime, wait, _ = _times(request)
    if wait is not None and wait < runtime:
        path = request.at("StoppingCondition.MaxWaitTimeInSeconds")
        yield Violation(path, wait, f"it must not be less than MaxRuntimeInSeconds, {runtime}")


@RESOURCES.rule("spot-max-wait", "MaxWaitTimeInSeconds is given for spot training")
def _spot_max_wait(request: TrainingRequest) -> Iterator[Violation]:
    _, wait, spot = _times(request)
    if spot and wait is None:
        sentence = "MaxWaitTimeInSeconds is required in StoppingCondition when EnableManagedSpotTraining is true."
        path = request.at("StoppingCondition.MaxWaitTimeInSeconds")
        yield Violation(path, None, "it is required for spot training", sentence)


@RESOURCES.rule("max-wait-spot", "MaxWaitTimeInSeconds for spot training only")
def _max_wait_spot(request: TrainingRequest) -> Iterator[Violation]:
    _, wait, spot = _times(request)
    if wait is not None and not spot:
        sentence = "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true"
        path = request.at("StoppingCondition.MaxWaitTimeInSeconds")
        yield Violation(path, wait, "it may be given for spot training only", sentence)


# --- data -------------------------------------------------------------------------------------------------------------------


def _channels(request: TrainingRequest) -> Iterator[tuple[str, str, Document]]:
    """The path to the data source of each channel, the channel's name, and the data source."""
    for index, channel in enumerate(request.body.get("InputDataConfig", ())):
        yield request.at(f"InputDataConfig[{index}].DataSource"), channel["ChannelName"], channel["DataSource"]


def _modes(request: TrainingRequest) -> Iterator[tuple[str, Document, str]]:
    """The path to each channel, the channel, and its input mode."""
    for index, channel in enumerate(request.body.get("InputDataConfig", ())):
        mode = channel.get("InputMode", request.algorithm.get("TrainingInputMode", "File"))
        yield request.at(f"InputDataConfig[{index}]"), channel, mode


@DATA.rule("channel-unique", "each channel once")
def _channel_unique(request: TrainingRequest) -> Iterator[Violation]:
    for name in repeated([name for _, name, _ in _channels(request)]):
        sentence = f"The channel {name!r} is there more than once in InputDataConfig."
        yield Violation(request.at("InputDataConfig"), name, "each channel may be there once", sentence)


@DATA.rule("channel-source", "one data source for each channel")
def _channel_source(request: TrainingRequest) -> Iterator[Violation]:
    for path, name, source in _channels(request):
        if len(source) != 1:
            sentence = f"The channel {name!r} must have exactly one data source."
            yield Violation(path, sorted(source), "a channel has one data source", sentence)


@DATA.rule("channel-s3", "S3Uri begins with `s3://`, or is an https address of S3")
def _channel_s3(request: TrainingRequest) -> Iterator[Violation]:
    for path, name, source in _channels(request):
        uri = source.get("S3DataSource", {}).get("S3Uri")
        if uri is not None and split_s3(uri) is None:
            sentence = f"S3Uri {uri!r} of the channel {name!r} must begin with s3://."
            yield Violation(f"{path}.S3DataSource.S3Uri", uri, "it must begin with s3://", sentence)


@DATA.rule("channel-pipe-only", "CompressionType `Gzip` and RecordWrapperType `RecordIO` in Pipe mode only")
def _channel_pipe_only(request: TrainingRequest) -> Iterator[Violation]:
    for path, channel, mode in _modes(request):
        for member, what in (("CompressionType", "compression type"), ("RecordWrapperType", "record wrapper type")):
            value = channel.get(member, "None")
            if mode != "Pipe" and value != "None":
                sentence = (
                    f"Invalid {what} for channel {channel['ChannelName']}: {mode} mode only supports NONE, got {value} instead"
                )
                yield Violation(f"{path}.{member}", value, "it may be given for the input mode Pipe only", sentence)


@DATA.rule("channel-augmented", "an augmented manifest in Pipe mode only, with AttributeNames")
def _channel_augmented(request: TrainingRequest) -> Iterator[Violation]:
    for path, channel, mode in _modes(request):
        source, name = channel["DataSource"].get("S3DataSource", {}), channel["ChannelName"]
        if source.get("S3DataType") != "AugmentedManifestFile":
            continue
        if mode != "Pipe":
            sentence = f"AugmentedManifestFile of the channel {name!r} can only be used if its input mode is Pipe, not {mode}."
            at = f"{path}.DataSource.S3DataSource.S3DataType"
            yield Violation(at, "AugmentedManifestFile", "it may be given for the input mode Pipe only", sentence)
        if not source.get("AttributeNames"):
            sentence = f"The channel {name!r} must have AttributeNames: those of its augmented manifest that the algorithm reads."
            at = f"{path}.DataSource.S3DataSource.AttributeNames"
            yield Violation(at, None, "it is required for an augmented manifest", sentence)


@DATA.rule("channel-file-system", "a file system in File mode only")
def _channel_file_system(request: TrainingRequest) -> Iterator[Violation]:
    for path, channel, mode in _modes(request):
        if mode != "File" and "FileSystemDataSource" in channel["DataSource"]:
            sentence = (
                f"The channel {channel['ChannelName']!r} reads a file system, which has the input mode File only, not {mode}."
            )
            yield Violation(f"{path}.InputMode", mode, "it must be File for a file system", sentence)


@DATA.rule("output-s3", "S3OutputPath begins with `s3://`, or is an https address of S3")
def _output_s3(request: TrainingRequest) -> Iterator[Violation]:
    output = request.body["OutputDataConfig"]["S3OutputPath"]
    if split_s3(output) is None:
        sentence = f"S3OutputPath {output!r} must begin with s3://."
        yield Violation(request.at("OutputDataConfig.S3OutputPath"), output, "it must begin with s3://", sentence)
