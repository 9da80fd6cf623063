"""What finished training jobs say, as a simulation needs it: points of one space, curves that are to be minimised, seconds."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from local_emulator.documents import parse
from local_emulator.domain.history import Goal
from local_emulator.domain.space import Categorical, Parameter, Point, Space
from local_emulator.domain.tuning import Definition, Plan
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.client.status import UNFINISHED
from sm_tuning.errors import Invalid
from sm_tuning.rules import metric_names

_PERCENT = 100.0
LEAST = 10  # training jobs with an objective: of fewer nothing can be learnt that a cross-validation would confirm

Curve = tuple[float, ...]
"""Values of the objective in the order of the log."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """A finished training job.

    Attributes:
        name: Its name.
        point: Its hyperparameters, in the space.
        curve: The objective after each epoch; the reported objective alone where no curve is known.
        final: The reported objective.
        complete: Whether it ran to its end, or to what Hyperband gives any.
        seconds: From start to end; None where the service does not tell.
        pending: From creation to start.
    """

    name: str
    point: Point
    curve: Curve
    final: float
    complete: bool
    seconds: float | None
    pending: float | None


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known of a tuning job.

    Attributes:
        name: Names of the tuning jobs.
        plan: The request of the first of them.
        examples: Training jobs with an objective whose points lie in its space.
        failed: Training jobs that failed.
        outside: Training jobs with an objective whose points do not lie in its space.
        without_objective: Training jobs that have ended, have not failed, and have no objective.
        unfinished: Training jobs that have not ended.
        without_curve: Training jobs that are left out because they have no learning curve, where the examples have.
        has_curves: Whether the examples have learning curves.
        instances: Instances of a training job.
    """

    name: str
    plan: Plan
    examples: Sequence[Example]
    failed: int
    outside: int
    without_objective: int
    unfinished: int
    without_curve: int
    has_curves: bool
    instances: int

    @property
    def definition(self) -> Definition:
        """The only definition."""
        return self.plan.definitions[0]

    @property
    def space(self) -> Space:
        """The tuned hyperparameters."""
        return self.definition.space

    @property
    def goal(self) -> Goal:
        """Which end of the objective is good."""
        return self.definition.objective.goal

    @property
    def sign(self) -> float:
        """What makes an objective something to minimise."""
        return -1.0 if self.goal is Goal.MAXIMIZE else 1.0

    @property
    def limit(self) -> float | None:
        """The best that the objective can be, as its name says: 1 (or 100) of a share, 0 of a loss; None where nobody knows."""
        kind = metric_names.parse(self.definition.objective.metric).kind
        values = [value for example in self.examples for value in example.curve if math.isfinite(value)]
        low, high = min(values, default=0.0), max(values, default=0.0)
        if self.goal is Goal.MAXIMIZE:
            bounds = [bound for bound in (1.0, _PERCENT) if high <= bound]
            return bounds[0] if metric_names.is_share(kind) and bounds else None
        return 0.0 if metric_names.is_loss(kind) and low >= 0.0 else None

    @property
    def epochs(self) -> int:
        """Epochs of the longest training job."""
        return max(len(example.curve) for example in self.examples)

    @property
    def left_out(self) -> Sequence[str]:
        """Sentences on training jobs that have not failed, and are no examples."""
        sentences = {
            f"{self.unfinished} training jobs have not ended and were left out": self.unfinished,
            f"{self.without_objective} training jobs ended without an objective and were left out": self.without_objective,
            f"{self.outside} training jobs lie outside the ranges of the first tuning job and were left out": self.outside,
            f"{self.without_curve} training jobs have no learning curve, as others do, and were left out": self.without_curve,
        }
        return [sentence for sentence, count in sentences.items() if count]


def evidence_of(results: Results) -> Evidence:
    """What the results say; raises Invalid where they say too little to simulate anything."""
    name = ", ".join(job.name for job in results.tuning_jobs)
    plan = _plan(results)
    space = plan.definitions[0].space
    ended = [trial for trial in results.trials if trial.ended is not None]
    scored = [trial for trial in ended if trial.objective is not None]
    failed = sum(trial.status == "Failed" for trial in results.trials)
    points = [point_of(trial, space, results) for trial in scored]
    inside = [(trial, point) for trial, point in zip(scored, points, strict=True) if point is not None]
    outside = len(scored) - len(inside)
    without = sum(trial.objective is None and trial.status != "Failed" for trial in ended)
    if len(inside) < LEAST:
        raise Invalid(_too_few(name, len(inside), outside, without, failed))
    metric = results.objective.name
    curved = [(trial, point) for trial, point in inside if _has_curve(trial, metric)]
    has_curves = len(curved) >= LEAST
    chosen = curved if has_curves else inside
    numbers = sum(math.isfinite(trial.curves[metric][-1]) for trial, _ in chosen) if has_curves else len(chosen)
    if numbers < LEAST:
        raise Invalid(
            f"{name} has {numbers} training jobs whose objective is a number at their end, and {len(chosen) - numbers} where it "
            f"is none (NaN or infinite); a simulation needs {LEAST} that end with a number"
        )
    return Evidence(
        name=name,
        plan=plan,
        examples=[_example(results, trial, point, metric if has_curves else None) for trial, point in chosen],
        failed=failed,
        outside=outside,
        without_objective=without,
        unfinished=sum(trial.status in UNFINISHED for trial in results.trials),
        without_curve=len(inside) - len(chosen),
        has_curves=has_curves,
        instances=results.tuning_jobs[0].instances(None),
    )


def _plan(results: Results) -> Plan:
    job = results.tuning_jobs[0]
    if job.several:
        raise Invalid(f"{job.name} has several definitions; a simulation needs a tuning job with one")
    try:
        plan = parse.tuning(job.request)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise Invalid(f"{job.name} has a request that cannot be simulated: {type(error).__name__}: {error}") from error
    if not plan.definitions[0].space.parameters:
        raise Invalid(f"{job.name} has no ranges; a simulation needs the ranges that are searched")
    return plan


def _too_few(name: str, scored: int, outside: int, without: int, failed: int) -> str:
    lacking = ", ".join(f"{count} {words}" for count, words in ((without, "ended without one"), (failed, "failed")) if count)
    if not scored and not outside:
        return f"no training job of {name} has an objective ({lacking or 'none has ended'}); a simulation needs {LEAST} that have one"
    elsewhere = f" and {outside} with other hyperparameters or outside its ranges" if outside else ""
    return (
        f"{name} has {scored} finished training jobs with an objective{elsewhere}{lacking and f' ({lacking})'}; a simulation needs "
        f"{LEAST} inside the ranges of the first tuning job"
    )


def _has_curve(trial: TrialResult, metric: str) -> bool:
    """Whether its curve is known; a single value is one where the training job was stopped after it."""
    return not trial.coarse and len(trial.curves.get(metric, ())) > (0 if trial.status == "Stopped" else 1)


def _example(results: Results, trial: TrialResult, point: Point, metric: str | None) -> Example:
    reported = trial.objective or 0.0  # those that have one were chosen
    return Example(
        name=trial.name,
        point=point,
        curve=(reported,) if metric is None else tuple(trial.curves[metric]),
        final=reported,
        complete=results.ran_to_its_end(trial),
        seconds=trial.seconds,
        pending=(trial.started - trial.created).total_seconds() if trial.started and trial.created else None,
    )


def point_of(trial: TrialResult, space: Space, results: Results) -> Point | None:
    """The point of a training job in the space, where it lies there; of another tuning job its static hyperparameters count too."""
    static: Mapping[str, str] = next(
        (job.static_hyperparameters for job in results.tuning_jobs if job.name == trial.tuning_job), {}
    )
    known = {**static, **trial.hyperparameters}
    values = list(_values(known, space))
    return None if None in values else dict(values)  # type: ignore[arg-type] # none is None


def _values(known: Mapping[str, str], space: Space) -> Iterator[tuple[str, str] | None]:
    for parameter in space.parameters:
        text = known.get(parameter.name)
        yield None if text is None else _value(parameter, text)


def _value(parameter: Parameter, text: str) -> tuple[str, str] | None:
    """A hyperparameter as the space writes it; None where it lies outside. AWS puts quotes around texts."""
    text = text.strip('"')
    if isinstance(parameter, Categorical):
        same = next((value for value in parameter.values if value.strip('"') == text), None)
        return None if same is None else (parameter.name, same)
    try:
        number = float(text)
    except ValueError:
        return None
    inside = math.isfinite(number) and parameter.low <= number <= parameter.high
    return (parameter.name, text) if inside else None
