"""The rules of hyperparameter ranges and of static hyperparameters beside them."""

from collections.abc import Iterator

from sm_tuning.rules import catalogue
from sm_tuning.rules.limits import MAX_HYPERPARAMETERS, MAX_JOBS, MAX_RANGES
from sm_tuning.rules.registry import Section
from sm_tuning.rules.request import AUTO, CATEGORICAL, CONFIG, CONTINUOUS, INTEGER, LIMITS, NumberRange, TuningRequest, repeated
from sm_tuning.rules.violation import Violation

RANGES: Section[TuningRequest] = Section("Ranges and static hyperparameters")
_JOBS = f"{LIMITS}.MaxNumberOfTrainingJobs"


@RANGES.rule("ranges-place", "ParameterRanges with one definition, HyperParameterRanges with TrainingJobDefinitions")
def _place(request: TuningRequest) -> Iterator[Violation]:
    if request.several and "ParameterRanges" in request.config:
        sentence = "With TrainingJobDefinitions the ranges are given as HyperParameterRanges of each, not as ParameterRanges."
        requirement = "with several definitions each has its own ranges, and the tuning job none"
        yield Violation(f"{CONFIG}.ParameterRanges", request.config["ParameterRanges"], requirement, sentence)
    for part in request.definitions:
        if not request.several and "HyperParameterRanges" in part.body:
            sentence = "With TrainingJobDefinition the ranges are given as ParameterRanges, not as HyperParameterRanges."
            requirement = "they are the tuning job's, not the definition's"
            yield Violation(part.at("HyperParameterRanges"), part.body["HyperParameterRanges"], requirement, sentence)


@RANGES.rule("autotune-mode", "AutoParameters with Autotune only")
def _autotune(request: TuningRequest) -> Iterator[Violation]:
    for part in request.definitions:
        if (chosen := part.of_kind(AUTO)) and not request.autotune:
            names = [entry["Name"] for entry in chosen]
            sentence = "AutoParameters were given, but Autotune is not enabled."
            yield Violation(f"{part.ranges_path}.{AUTO}", names, "AWS chooses ranges only with autotune", sentence)


@RANGES.rule("ranges-required", "at least one range in each definition, unless Autotune chooses those of an algorithm of AWS's")
def _required(request: TuningRequest) -> Iterator[Violation]:
    chooses = request.autotune and request.strategy != "Grid"
    for part in request.definitions:
        if not part.names and not (chooses and catalogue.find(part.image)):
            yield Violation(
                part.ranges_path, [], "at least one range is required", "At least one hyperparameter range is required."
            )


@RANGES.rule("ranges-most", "at most 30 ranges")
def _most(request: TuningRequest) -> Iterator[Violation]:
    for part in request.definitions:
        if (count := len(part.names)) > MAX_RANGES:
            sentence = f"There are {count} hyperparameter ranges; there may be at most {MAX_RANGES}."
            yield Violation(part.ranges_path, count, f"there may be at most {MAX_RANGES} ranges", sentence)


@RANGES.rule("range-unique", "one range for each hyperparameter")
def _unique(request: TuningRequest) -> Iterator[Violation]:
    for part in request.definitions:
        for name in repeated(part.names):
            sentence = f"The hyperparameter {name!r} has more than one range."
            yield Violation(part.ranges_path, name, "each hyperparameter may have one range", sentence)


@RANGES.rule("static-or-tunable", "a hyperparameter is static or tunable, not both")
def _static(request: TuningRequest) -> Iterator[Violation]:
    for part in request.definitions:
        for name in sorted(set(part.names) & set(part.static)):
            sentence = f"The hyperparameter {name!r} is both static and tunable."
            yield Violation(part.ranges_path, name, "a hyperparameter is either static or tunable", sentence)


@RANGES.rule("hyperparameters-most", "at most 100 hyperparameters in all; AWS adds one, `_tuning_objective_metric`")
def _hyperparameters(request: TuningRequest) -> Iterator[Violation]:
    for part in request.definitions:
        if part.names and (count := len(part.names) + len(part.static) + 1) > MAX_HYPERPARAMETERS:
            sentence = (
                f"There are {count} hyperparameters (one is added for the objective); there may be at most {MAX_HYPERPARAMETERS}."
            )
            requirement = f"with the ranges and one more there may be at most {MAX_HYPERPARAMETERS}"
            yield Violation(part.at("StaticHyperParameters"), len(part.static), requirement, sentence)


@RANGES.rule("categorical-unique", "each value of a categorical range once")
def _values(request: TuningRequest) -> Iterator[Violation]:
    for part in request.definitions:
        for index, entry in enumerate(part.of_kind(CATEGORICAL)):
            for value in repeated(entry["Values"]):
                sentence = f"The value {value!r} of the hyperparameter {entry['Name']!r} is there more than once."
                yield Violation(
                    f"{part.ranges_path}.{CATEGORICAL}[{index}].Values", value, "each value may be there once", sentence
                )


# --- numbers ----------------------------------------------------------------------------------------------------------------


def _numeric(request: TuningRequest) -> Iterator[NumberRange]:
    for part in request.definitions:
        yield from part.numeric()


@RANGES.rule("range-number", "MinValue and MaxValue are numbers; integers for an integer range")
def _number(request: TuningRequest) -> Iterator[Violation]:
    for span in _numeric(request):
        for member, value in (("MinValue", span.low), ("MaxValue", span.high)):
            if value is None:
                text, noun = span.body[member], "an integer" if span.integer else "a number"
                sentence = f"{member} {text!r} of the hyperparameter {span.name!r} must be {noun}."
                yield Violation(f"{span.path}.{member}", text, f"it must be {noun}", sentence)


@RANGES.rule("range-ends", "MinValue is less than MaxValue, both finite")
def _ends(request: TuningRequest) -> Iterator[Violation]:
    for span in _numeric(request):
        low, high = span.low, span.high
        if low is not None and high is not None and not -float("inf") < low < high < float("inf"):
            texts = span.body["MinValue"], span.body["MaxValue"]
            sentence = f"MinValue {texts[0]} of the hyperparameter {span.name!r} must be less than MaxValue {texts[1]}."
            yield Violation(f"{span.path}.MinValue", texts[0], f"it must be less than MaxValue, {texts[1]}", sentence)


@RANGES.rule("range-logarithmic", "MinValue is above 0 for Logarithmic")
def _logarithmic(request: TuningRequest) -> Iterator[Violation]:
    for span in _numeric(request):
        if span.scaling == "Logarithmic" and span.low is not None and span.low <= 0:
            text = span.body["MinValue"]
            sentence = (
                f"MinValue {text} of the hyperparameter {span.name!r} must be greater than 0 for the ScalingType Logarithmic."
            )
            yield Violation(f"{span.path}.MinValue", text, "it must be greater than 0 for the scaling Logarithmic", sentence)


@RANGES.rule("range-reverse-continuous", "ReverseLogarithmic for continuous ranges only")
def _reverse_continuous(request: TuningRequest) -> Iterator[Violation]:
    for span in _numeric(request):
        if span.scaling == "ReverseLogarithmic" and span.integer:
            sentence = f"The ScalingType ReverseLogarithmic of the hyperparameter {span.name!r} is for continuous ranges only."
            yield Violation(f"{span.path}.ScalingType", span.scaling, "it is for continuous ranges only", sentence)


@RANGES.rule("range-reverse-ends", "within 0 <= x < 1 for ReverseLogarithmic")
def _reverse_ends(request: TuningRequest) -> Iterator[Violation]:
    for span in _numeric(request):
        if span.scaling != "ReverseLogarithmic" or span.integer or span.low is None or span.high is None:
            continue
        if not (span.low >= 0 and span.high < 1):
            range_ = f"The range of the hyperparameter {span.name!r}"
            sentence = f"{range_} must lie within 0 <= x < 1.0 for the ScalingType ReverseLogarithmic."
            requirement = "for the scaling ReverseLogarithmic a range lies within 0 <= x < 1"
            yield Violation(span.path, [span.body["MinValue"], span.body["MaxValue"]], requirement, sentence)


# --- combinations -----------------------------------------------------------------------------------------------------------


@RANGES.rule("grid-categorical", "categorical ranges only for Grid")
def _grid_categorical(request: TuningRequest) -> Iterator[Violation]:
    for part in request.definitions:
        names = [entry["Name"] for kind in (INTEGER, CONTINUOUS, AUTO) for entry in part.of_kind(kind)]
        if request.strategy == "Grid" and names:
            sentence = "The strategy Grid takes CategoricalParameterRanges only."
            requirement = "the strategy Grid takes categorical ranges only; give the values with Categorical"
            yield Violation(part.ranges_path, names, requirement, sentence)


@RANGES.rule("combinations", "finite ranges have as many combinations as there are training jobs, unless Autotune chooses")
def _combinations(request: TuningRequest) -> Iterator[Violation]:
    points, jobs = request.points, request.jobs
    free = request.autotune and request.strategy != "Grid"  # AWS sees to it that there are enough
    if points is not None and jobs is not None and jobs > points and not free:
        sentence = (
            "You don't have enough combinations of hyperparameter ranges. The total number of hyperparameter combinations for the "
            f"provided ranges [{float(points)}] must be equal or greater than the value of MaxNumberOfJobs, [{jobs}]. "
            "Provide additional ranges."
        )
        yield Violation(_JOBS, jobs, f"the ranges have only {points} combinations", sentence)


@RANGES.rule("grid-size", "for Grid MaxNumberOfTrainingJobs is the number of combinations, or left out")
def _grid_size(request: TuningRequest) -> Iterator[Violation]:
    points, jobs = request.points, request.jobs
    if request.strategy == "Grid" and points is not None and jobs is not None and jobs < points:
        requirement = f"for the strategy Grid it must be the number of combinations, {points}, or left out"
        yield Violation(_JOBS, jobs, requirement)


@RANGES.rule("grid-most", "at most 750 combinations for Grid")
def _grid_most(request: TuningRequest) -> Iterator[Violation]:
    points, limit = request.points, MAX_JOBS["Grid"]
    if request.strategy == "Grid" and points is not None and points > limit:
        sentence = f"The ranges have {points} combinations; for the strategy Grid there may be at most {limit}."
        requirement = f"for the strategy Grid there may be at most {limit} combinations"
        yield Violation(f"{CONFIG}.ParameterRanges", points, requirement, sentence)
