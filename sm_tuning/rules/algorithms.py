"""The rules for AWS's own algorithms. What they know of them is data: `sm_tuning.rules.catalogue`."""

from collections.abc import Iterator
from difflib import get_close_matches

from sm_tuning.rules import catalogue
from sm_tuning.rules.catalogue import Algorithm, Hyperparameter
from sm_tuning.rules.registry import Section
from sm_tuning.rules.request import AUTO, KINDS, Definition, Document, TuningRequest, number
from sm_tuning.rules.violation import Violation

TUNING: Section[TuningRequest] = Section("AWS's own algorithms")


def _of_aws(request: TuningRequest) -> Iterator[tuple[Definition, Algorithm]]:
    """The definitions that train an algorithm of AWS's."""
    for definition in request.definitions:
        if (algorithm := catalogue.find(definition.image)) is not None:
            yield definition, algorithm


@TUNING.rule("builtin-objective", "the objective is one of the algorithm's metrics")
def _objective(request: TuningRequest) -> Iterator[Violation]:
    for definition, algorithm in _of_aws(request):
        metric = (definition.objective or {}).get("MetricName")
        if metric is not None and metric not in algorithm.metrics:
            sentence = (
                f"The objective metric for the hyperparameter tuning job, [{metric}], isn't valid for the [{definition.image}] "
                "algorithm. Choose a valid objective metric."
            )
            similar = get_close_matches(metric, algorithm.metrics, n=5, cutoff=0.3) or list(algorithm.metrics)[:5]
            requirement = (
                f"it must be one of the {len(algorithm.metrics)} metrics of {algorithm.title}, such as {', '.join(similar)}"
            )
            yield Violation(f"{definition.objective_path}.MetricName", metric, requirement, sentence)


@TUNING.rule("builtin-untunable", "only hyperparameters that can be tuned have ranges")
def _untunable(request: TuningRequest) -> Iterator[Violation]:
    for definition, algorithm in _of_aws(request):
        ranged = {str(entry["Name"]) for kind in KINDS for entry in definition.of_kind(kind)}
        if fixed := sorted(ranged - algorithm.tunable):
            tunable = ", ".join(sorted(algorithm.tunable))
            sentence = (
                f"The hyperparameter tuning job you requested has the following untunable hyperparameters: [{', '.join(fixed)}]. For "
                f"the algorithm, {definition.image}, you can tune only [{tunable}]. Delete untunable hyperparameters."
            )
            yield Violation(definition.ranges_path, fixed, f"of {algorithm.title} only {tunable} can be tuned", sentence)


@TUNING.rule("builtin-range", "a range lies within what the algorithm allows; an end that is itself not allowed may end it")
def _range(request: TuningRequest) -> Iterator[Violation]:
    for definition, algorithm in _of_aws(request):
        for path, entry in _ranges(definition):
            hyperparameter = algorithm.hyperparameter(entry["Name"])
            if hyperparameter is None or entry["Name"] not in algorithm.tunable:
                continue
            texts = [*entry.get("Values", ()), *(entry[member] for member in ("MinValue", "MaxValue") if member in entry)]
            hint = entry.get("ValueHint", "")
            if hyperparameter.values or number(hint, integer=False) is not None:  # other hints say nothing of a number
                texts += [hint] if hint else []
            if wrong := [text for text in texts if not _allowed(hyperparameter, text)]:
                allowed = f"[{', '.join(hyperparameter.values)}]" if hyperparameter.values else hyperparameter.interval
                sentence = (
                    f"The range of the hyperparameter {entry['Name']!r} has {', '.join(wrong)}; the algorithm, {definition.image}, "
                    f"allows {allowed}."
                )
                yield Violation(path, wrong, f"{algorithm.title} allows {allowed}", sentence)


def _ranges(definition: Definition) -> Iterator[tuple[str, Document]]:
    """Ranges by their paths. With ranges of the user's own AWS chooses none: then hints are static hyperparameters."""
    kinds = KINDS if any(map(definition.of_kind, KINDS)) else (AUTO,)
    for kind in kinds:
        for index, entry in enumerate(definition.of_kind(kind)):
            yield f"{definition.ranges_path}.{kind}[{index}]", entry


def _allowed(hyperparameter: Hyperparameter, text: str) -> bool:
    if hyperparameter.type == "FreeText" or text in hyperparameter.words:
        return True
    if hyperparameter.values:
        return text.lower() in {value.lower() for value in hyperparameter.values}
    value, low, high = number(text, integer=False), hyperparameter.low, hyperparameter.high
    return value is not None and (low is None or value >= low) and (high is None or value <= high)
