"""A tuning job as the service describes it, in the package's own types."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sm_tuning.client.status import Training, best_of_parents
from sm_tuning.errors import Invalid
from sm_tuning.rules import catalogue
from sm_tuning.rules.limits import RESOURCES
from sm_tuning.rules.metric_names import AWS_OWN_METRIC
from sm_tuning.spec.from_request import warm_start
from sm_tuning.spec.job import WarmStart
from sm_tuning.spec.metrics import Objective, objective_from_request
from sm_tuning.spec.parameters import Auto, Range, ranges_from_request

_REQUEST = (
    "HyperParameterTuningJobName",
    "HyperParameterTuningJobConfig",
    "TrainingJobDefinition",
    "TrainingJobDefinitions",
    "WarmStartConfig",
    "Autotune",
)


@dataclass(frozen=True, kw_only=True)
class TuningJobDescription:
    """A tuning job as DescribeHyperParameterTuningJob answers. Of several definitions the first counts.

    Attributes:
        name: Its name.
        objective: The metric that is tuned, without its regular expression.
        ranges: Of all definitions, the first's where several have one of a name; without those that AWS chooses itself,
            and those that this version does not know.
        strategy: AWS's name of it.
        seed: The seed that the request named; None if it named none.
        warm_start: The tuning jobs that it learns from; None for none.
        max_parallel: Training jobs at a time.
        status: AWS's HyperParameterTuningJobStatus; empty where it is not known.
        instance_count: Instances of a training job.
        instance_counts: The same for each of several definitions, by its name.
        instance_type: Their type; of several ones all, with commas between.
        created: When the service took the request.
        ended: When it ended; None before.
        failure_reason: AWS's FailureReason; None unless it failed.
        static_hyperparameters: As texts, with those of the training toolkit (`sagemaker_program`).
        metrics: The regular expression of each metric, of all definitions.
        optional_metrics: Those of AWS's algorithms that they print only where their settings ask for them: all but the objective.
        content_types: The content type of each channel that has one.
        image: URI of the training image; None for an algorithm resource.
        best_training_job: The one that the service calls so.
        best_of_parents: The training job of a parent that is better, as in `RunStatus`; None if none is.
        request: What would create the tuning job again, in AWS's form.
    """

    name: str
    objective: Objective
    ranges: Sequence[Range] = ()
    strategy: str = ""
    seed: int | None = None
    warm_start: WarmStart | None = None
    max_parallel: int = 1
    instance_count: int = 1
    instance_counts: Mapping[str, int] = field(default_factory=dict)
    instance_type: str = ""
    status: str = ""
    created: datetime | None = None
    ended: datetime | None = None
    failure_reason: str | None = None
    static_hyperparameters: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, str] = field(default_factory=dict)
    optional_metrics: frozenset[str] = frozenset()
    content_types: Mapping[str, str] = field(default_factory=dict)
    image: str | None = None
    best_training_job: str | None = None
    best_of_parents: Training | None = None
    request: Mapping[str, Any] = field(default_factory=dict)

    def instances(self, definition: str | None) -> int:
        """Instances of a training job of a definition; None for the single one."""
        return self.instance_counts.get(definition or "", self.instance_count)

    @property
    def max_resource(self) -> int | None:
        """Of Hyperband, the values of the objective after which a training job is stopped in any case; None of other strategies."""
        if self.strategy != "Hyperband":
            return None
        given = self.request.get("HyperParameterTuningJobConfig", {}).get("StrategyConfig", {}).get("HyperbandStrategyConfig", {})
        inferred = (int(text) for name in RESOURCES if (text := self.static_hyperparameters.get(name, "").strip('"')).isdigit())
        return given.get("MaxResource") or next(inferred, None)

    @property
    def stops_early(self) -> bool:
        """Whether early stopping is on: the median rule, which Hyperband does without."""
        config: Mapping[str, Any] = self.request.get("HyperParameterTuningJobConfig", {})
        return config.get("TrainingJobEarlyStoppingType") == "Auto"

    @property
    def several(self) -> bool:
        """Whether it has several definitions."""
        return len(self.request.get("TrainingJobDefinitions", ())) > 1


def description(answer: Mapping[str, Any]) -> TuningJobDescription:
    """The description in an answer of DescribeHyperParameterTuningJob; raises Invalid for an objective that cannot be."""
    config = answer["HyperParameterTuningJobConfig"]
    definitions = answer.get("TrainingJobDefinitions") or [answer["TrainingJobDefinition"]]
    first = definitions[0]
    objective = objective_from_request(config.get("HyperParameterTuningJobObjective") or first["TuningObjective"])
    return TuningJobDescription(
        name=answer["HyperParameterTuningJobName"],
        objective=objective,
        ranges=_ranges([config.get("ParameterRanges", {}), *(form.get("HyperParameterRanges", {}) for form in definitions)]),
        strategy=config["Strategy"],
        seed=config.get("RandomSeed"),
        warm_start=warm_start(answer.get("WarmStartConfig")),
        max_parallel=config["ResourceLimits"]["MaxParallelTrainingJobs"],
        instance_count=_instance_count(first),
        instance_counts={name: _instance_count(form) for form in definitions if (name := form.get("DefinitionName"))},
        instance_type=", ".join(dict.fromkeys(kind for form in definitions for kind in _instance_types(form))),
        status=answer.get("HyperParameterTuningJobStatus", ""),
        created=answer.get("CreationTime"),
        ended=answer.get("HyperParameterTuningEndTime"),
        failure_reason=answer.get("FailureReason"),
        static_hyperparameters=first.get("StaticHyperParameters", {}),
        metrics=_metrics(definitions),
        optional_metrics=optional_metrics(
            definitions, {objective.name, *(form.get("TuningObjective", {}).get("MetricName") for form in definitions)}
        ),
        content_types={
            channel["ChannelName"]: channel["ContentType"]
            for channel in first.get("InputDataConfig", ())
            if channel.get("ContentType")
        },
        image=first["AlgorithmSpecification"].get("TrainingImage"),
        best_training_job=answer.get("BestTrainingJob", {}).get("TrainingJobName"),
        best_of_parents=best_of_parents(answer),
        request={member: answer[member] for member in _REQUEST if member in answer},
    )


def _ranges(configs: Sequence[Mapping[str, Any]]) -> list[Range]:
    ranges: dict[str, Range] = {}
    for member, form in ((member, form) for config in configs for member, forms in config.items() for form in forms):
        try:
            parameters = ranges_from_request({member: [form]})
        except Invalid:  # a kind or a scale that AWS has added: results are read without the range
            continue
        for parameter in parameters:
            ranges.setdefault(parameter.name, parameter)
    return [parameter for parameter in ranges.values() if not isinstance(parameter, Auto)]


def _groups(definition: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The instances of a definition: of one type, or those of a heterogeneous cluster; of alternatives the first."""
    alternatives = definition.get("HyperParameterTuningResourceConfig", {})
    config = definition.get("ResourceConfig") or next(iter(alternatives.get("InstanceConfigs", ())), alternatives)
    return config.get("InstanceGroups") or [config]


def _instance_count(definition: Mapping[str, Any]) -> int:
    return sum(group.get("InstanceCount", 1) for group in _groups(definition))


def _instance_types(definition: Mapping[str, Any]) -> list[str]:
    return [group["InstanceType"] for group in _groups(definition) if "InstanceType" in group]


def _metrics(definitions: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    return {
        metric["Name"]: metric["Regex"]
        for definition in definitions
        for metric in definition["AlgorithmSpecification"].get("MetricDefinitions", ())
        if metric["Name"] != AWS_OWN_METRIC
    }


def optional_metrics(definitions: Sequence[Mapping[str, Any]], objectives: Collection[str | None]) -> frozenset[str]:
    """The metrics of AWS's algorithms, which have dozens and print those that their settings ask for, without the objectives."""
    specifications = [definition["AlgorithmSpecification"] for definition in definitions]
    return frozenset(
        metric["Name"]
        for specification in specifications
        if catalogue.find(specification.get("TrainingImage") or "")
        for metric in specification.get("MetricDefinitions", ())
        if metric["Name"] not in objectives
    )
