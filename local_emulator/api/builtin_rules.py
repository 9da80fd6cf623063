"""The rules for AWS's own algorithms: a sentence for each violation. What they know is in `sm_tuning.rules.catalogue`."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain

from local_emulator.api.violation import Broken
from local_emulator.domain.jobs import Document
from sm_tuning.rules import catalogue
from sm_tuning.rules.catalogue import Hyperparameter

_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")


def metric_problems(algorithm: Document) -> Iterator[Broken]:
    """What is wrong with the metric definitions of an AlgorithmSpecification."""
    if algorithm.get("MetricDefinitions") and catalogue.find(algorithm.get("TrainingImage", "")):
        yield Broken(
            "builtin-metrics",
            "You can't override the metric definitions for Amazon SageMaker algorithms. Please retry the request without specifying "
            "metric definitions.",
        )


def objective_problems(image: str, metric: str) -> Iterator[Broken]:
    """What is wrong with the objective metric of a tuning job."""
    algorithm = catalogue.find(image)
    if algorithm is not None and metric not in algorithm.metrics:
        yield Broken(
            "builtin-objective",
            f"The objective metric for the hyperparameter tuning job, [{metric}], isn't valid for the [{image}] algorithm. Choose a "
            "valid objective metric.",
        )


def range_problems(image: str, ranges: Iterable[Document]) -> Iterator[Broken]:
    """What is wrong with the ranges of a tuning job. Required hyperparameters may be missing: the training jobs fail then."""
    algorithm = catalogue.find(image)
    if algorithm is None:
        return
    named = {one["Name"]: one for one in ranges}
    fixed = sorted(set(named) - algorithm.tunable)
    if fixed:
        yield Broken(
            "builtin-untunable",
            f"The hyperparameter tuning job you requested has the following untunable hyperparameters: [{', '.join(fixed)}]. For the "
            f"algorithm, {image}, you can tune only [{', '.join(sorted(algorithm.tunable))}]. Delete untunable hyperparameters.",
        )
    known = ((algorithm.hyperparameter(name), one) for name, one in named.items() if name not in fixed)
    yield from chain.from_iterable(_outside(image, hyperparameter, one) for hyperparameter, one in known if hyperparameter)


def _outside(image: str, hyperparameter: Hyperparameter, one: Document) -> Iterator[Broken]:
    """A range, or values, beyond what the algorithm allows. An end that is itself not allowed may end a range."""
    texts = one.get("Values", [one.get("MinValue"), one.get("MaxValue")])
    wrong = [text for text in texts if isinstance(text, str) and not _allowed(hyperparameter, text)]
    if wrong:
        allowed = f"[{', '.join(hyperparameter.values)}]" if hyperparameter.values else hyperparameter.interval
        yield Broken(
            "builtin-range",
            f"The range of the hyperparameter {one['Name']!r} has {', '.join(wrong)}; the algorithm, {image}, allows {allowed}.",
        )


def _allowed(hyperparameter: Hyperparameter, text: str) -> bool:
    if hyperparameter.type == "FreeText" or text in hyperparameter.words:
        return True
    if hyperparameter.values:
        return text.lower() in {value.lower() for value in hyperparameter.values}
    if not _NUMBER.fullmatch(text):
        return False
    value, low, high = float(text), hyperparameter.low, hyperparameter.high
    return (low is None or value >= low) and (high is None or value <= high)
