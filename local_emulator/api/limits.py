"""The emulator's own limits, as rules: what AWS takes and nobody can do here."""

from collections.abc import Iterator

from local_emulator.domain.jobs import Document
from local_emulator.runs.addresses import MOST_HOSTS
from sm_tuning.rules.registry import Section
from sm_tuning.rules.request import TrainingRequest, TuningRequest
from sm_tuning.rules.violation import Violation

TRAINING: Section[TrainingRequest] = Section(
    "The emulator's own limits",
    "AWS takes these; the emulator answers at once that it cannot do them. The dry run has none of them.",
)
TUNING: Section[TuningRequest] = Section("The emulator's own limits")
CHOSEN: Section[TuningRequest] = Section("The emulator's own limits")


def training_violations(body: Document) -> Iterator[Violation]:
    """What of a request of CreateTrainingJob cannot be done."""
    yield from TRAINING.violations(TrainingRequest(body))


def tuning_violations(body: Document) -> Iterator[Violation]:
    """What of a request of CreateHyperParameterTuningJob cannot be done."""
    request = TuningRequest(body)
    yield from TUNING.violations(request)
    for definition in request.definitions:
        yield from TRAINING.violations(definition)


def chosen_violations(body: Document) -> Iterator[Violation]:
    """What cannot be done of a request in which Autotune's choices are filled in."""
    yield from CHOSEN.violations(TuningRequest(body))


@TRAINING.rule("instance-count", f"1 to {MOST_HOSTS} instances: so many addresses of this machine's own has a training job")
def _instance_count(request: TrainingRequest) -> Iterator[Violation]:
    for member in ("ResourceConfig", "HyperParameterTuningResourceConfig"):
        config = request.body.get(member, {})
        groups = [group.get("InstanceCount", 1) for group in config.get("InstanceGroups", ())]
        several = (*config.get("InstancePreferences", ()), *config.get("InstanceConfigs", ()))
        counts = [sum(groups)] if groups else [entry.get("InstanceCount", 1) for entry in (config, *several)]
        path = request.at(f"{member}.InstanceCount")
        if max(counts) > MOST_HOSTS:
            yield Violation(path, max(counts), f"training on more than {MOST_HOSTS} instances is not emulated")
        if min(counts) < 1:
            yield Violation(path, min(counts), "training on no instance is not emulated")


@TRAINING.rule("channel-groups", "channels for instance groups that there are: no host would get another")
def _channel_groups(request: TrainingRequest) -> Iterator[Violation]:
    groups = [group["InstanceGroupName"] for group in request.body.get("ResourceConfig", {}).get("InstanceGroups", ())]
    for channel in request.body.get("InputDataConfig", ()):
        named = channel["DataSource"].get("S3DataSource", {}).get("InstanceGroupNames", ())
        if missing := [name for name in named if name not in groups]:
            sentence = (
                f"The channel {channel['ChannelName']!r} is for the instance groups {', '.join(missing)}, which are not in "
                "InstanceGroups: no instance would get it."
            )
            yield Violation(request.at("InputDataConfig"), missing, "its instance groups must be there", sentence)


@TRAINING.rule("channel-hub", "no datasets of a hub")
def _channel_hub(request: TrainingRequest) -> Iterator[Violation]:
    for channel in request.body.get("InputDataConfig", ()):
        if "DatasetSource" in channel["DataSource"]:
            name = channel["ChannelName"]
            sentence = f"The channel {name!r} has a DatasetSource, which is not emulated: no hub is here. Copy the data to S3."
            yield Violation(request.at("InputDataConfig"), "DatasetSource", "a dataset of a hub is not emulated", sentence)


@TRAINING.rule("debugger-rules", "no rules of Debugger and Profiler: nothing here would evaluate them")
def _debugger_rules(request: TrainingRequest) -> Iterator[Violation]:
    for member in ("DebugRuleConfigurations", "ProfilerRuleConfigurations"):
        if names := [rule.get("RuleConfigurationName", "") for rule in request.body.get(member) or ()]:
            sentence = (
                f"The rules {', '.join(names)} of {member} are not emulated: nothing here would evaluate them. Leave them out."
            )
            yield Violation(request.at(member), names, "its rules are not emulated: leave them out", sentence)


@TUNING.rule("algorithm-metrics", "metric definitions for an algorithm resource, whose own the emulator does not know")
def _algorithm_metrics(request: TuningRequest) -> Iterator[Violation]:
    for part in request.definitions:
        metric = (part.objective or {}).get("MetricName")
        if metric is not None and not part.image and metric not in [entry["Name"] for entry in part.metrics]:
            sentence = (
                f"The metrics of the algorithm {part.algorithm.get('AlgorithmName')} are not known to the emulator. Provide a metric "
                "in the metric definitions."
            )
            yield Violation(f"{part.objective_path}.MetricName", metric, "it must be in the metric definitions", sentence)


@CHOSEN.rule("autotune-choice", "a range is left when the emulator has chosen: hints that are numbers or truth values")
def _autotune_choice(request: TuningRequest) -> Iterator[Violation]:
    for part in request.definitions:
        if not part.names:
            sentence = "The emulator chooses ranges for hints that are numbers or truth values only; nothing is left to be tuned."
            yield Violation(part.ranges_path, [], "no range is left", sentence)
