"""A simulation of other settings of a tuning job: from its results to outcomes and a recommendation."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Any

from local_emulator.domain.history import Goal
from sm_tuning.analysis.results import Results
from sm_tuning.client.status import duration
from sm_tuning.errors import Invalid
from sm_tuning.simulation.evidence import Evidence, evidence_of
from sm_tuning.simulation.model import Model
from sm_tuning.simulation.outcome import Interval, Outcome, mean_ranks
from sm_tuning.simulation.recommendation import Budget, Recommendation, recommend, with_more
from sm_tuning.simulation.replay import Replays
from sm_tuning.simulation.runner import Progress, run
from sm_tuning.simulation.settings import Setting, is_grid, settings_of, today
from sm_tuning.summary import Cell, Items, Summary, Table

JOBS = (10, 20, 50)
PARALLEL = (1, 2, 5, 10)
SEEDS = 50
_MOST_SEEDS = 100_000
_SHOWN = 12
_SIGNS = {"today": "*", "recommended": "<"}
_TRIED = 40  # training jobs whose noise is measured


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """What other settings would come to: `sm_tuning.Simulation`, which says what the attributes are, without its chart."""

    name: str
    metric: str
    goal: str
    today: Setting
    outcomes: Sequence[Outcome]
    recommendation: Recommendation
    remarks: Sequence[str]
    seeds: int
    price: float | None = None
    is_replay: bool = False

    @cached_property
    def ranking(self) -> Sequence[Outcome]:
        """The outcomes, the best first, by their ranks in the mean of the simulated worlds, in which all of them were tried."""
        ranks = mean_ranks(self.outcomes, -1.0 if self.goal == Goal.MAXIMIZE else 1.0)
        return [outcome for _, outcome in sorted(zip(ranks, self.outcomes, strict=True), key=lambda pair: pair[0])]

    @property
    def margin(self) -> str:
        """How much wider intervals of the best objective are than what was simulated, in words; empty if they are not."""
        margin = self.outcomes[0].margin
        better, worse = (margin.upper, margin.lower) if self.goal == Goal.MAXIMIZE else (margin.lower, margin.upper)
        if better <= 1.0:
            return ""
        return (
            f", {better:g} times as far to the better side and {worse:g} to the worse, for the model is surer than it should be"
        )

    def drawn(self) -> Sequence[Outcome]:
        """The outcomes of a chart, which are today's setting, the recommended one, and the best of each strategy."""
        best: dict[str, Outcome] = {}
        for outcome in self.ranking:
            best.setdefault(outcome.setting.strategy, outcome)
        chosen = [outcome for outcome in self.outcomes if outcome.setting == self.recommendation.setting]
        return list({outcome.setting: outcome for outcome in [self.outcomes[0], *chosen, *best.values()]}.values())

    def over_hours(self, outcome: Outcome) -> Sequence[tuple[float, Interval]]:
        """The best objective of a setting by instance-hours spent."""
        return outcome.over_hours(Goal(self.goal))

    def marks(self, outcome: Outcome) -> Sequence[str]:
        """Whether a setting is `today`'s, and whether it is `recommended`."""
        marked = {"today": self.today, "recommended": self.recommendation.setting}
        return [mark for mark, setting in marked.items() if setting == outcome.setting]

    def table(self) -> list[dict[str, Any]]:
        """A row for each setting, the best first: medians, and the ends of the intervals that hold 80 %, as wide as `margin` says."""
        return [
            {**_row(outcome, self.price), **{mark.title(): mark in self.marks(outcome) for mark in _SIGNS}}
            for outcome in self.ranking
        ]

    def _summary(self) -> Summary:
        dollars = ["dollars"] if self.price is not None else []
        columns = ("strategy", "jobs", "at once", "stops", "best", "hours", *dollars, "time", "80 %")
        shown = [outcome for rank, outcome in enumerate(self.ranking) if rank < _SHOWN or self.marks(outcome)]
        best = f"the best {_SHOWN} of {len(self.outcomes)}" if len(self.outcomes) > _SHOWN else "the best first"
        signs = [f"{sign} {mark}" for mark, sign in _SIGNS.items() if any(mark in self.marks(outcome) for outcome in shown)]
        caption = f"{best}, by the mean of their ranks in the simulations; {', '.join(signs)}"
        title, verb, advice = ("Replay", "replayed", "check") if self.is_replay else ("Simulation", "simulated", "recommendation")
        return Summary(
            title=f"{title} of {self.name}",
            facts={
                "today": str(self.today),
                "best": f"the best {self.metric} of a tuning job",
                "stops": "early stopping",
                verb: f"{self.seeds} tuning jobs of each setting",
                "80 %": f"what holds 80 % of them{self.margin}",
            },
            sections=[
                Items(caption=advice, lines=list(self.recommendation.sentences)),
                Table(caption=caption, columns=columns, rows=[self._cells(outcome) for outcome in shown]),
                Items(caption="what it cannot know", lines=list(self.remarks)),
            ],
        )

    def _cells(self, outcome: Outcome) -> tuple[Cell, ...]:
        best, hours = outcome.best, outcome.hours.median
        money = [round(hours * self.price, 2)] if self.price is not None else []
        value, interval = (best.median, f"{best.low:.4g} to {best.high:.4g}") if outcome.successes else ("", "nothing found")
        setting = outcome.setting
        stops = "yes" if setting.early_stopping else ""
        name = " ".join([setting.name, *(_SIGNS[mark] for mark in self.marks(outcome))])
        chosen = (name, setting.jobs, setting.parallel, stops)
        return (*chosen, value, float(f"{hours:.3g}"), *money, duration(outcome.seconds.median), interval)

    def __repr__(self) -> str:
        return str(self._summary())

    def _repr_html_(self) -> str:
        return self._summary().html()


def _row(outcome: Outcome, price: float | None) -> dict[str, Any]:
    setting = outcome.setting
    intervals: Mapping[str, Interval] = {"Best": outcome.best, "InstanceHours": outcome.hours, "Seconds": outcome.seconds}
    return {
        "Strategy": setting.strategy,
        "TrainingJobs": setting.jobs,
        "Parallel": setting.parallel,
        "EarlyStopping": setting.early_stopping,
        "MinResource": setting.min_resource,
        "MaxResource": setting.max_resource,
        **{
            f"{name}{suffix}": None if math.isnan(value) else value
            for name, interval in intervals.items()
            for suffix, value in (("", interval.median), ("Low", interval.low), ("High", interval.high))
        },
        "Dollars": None if price is None else outcome.hours.median * price,
    }


def simulated(
    results: Results,
    *,
    strategies: Sequence[str] | None = None,
    jobs: Sequence[int] = JOBS,
    parallel: Sequence[int] = PARALLEL,
    early_stopping: bool | None = None,
    budget_hours: float | None = None,
    price: float | None = None,
    seeds: int = SEEDS,
    workers: int = 1,
    progress: Progress | None = None,
) -> Simulation:
    """Simulate settings of a tuning job: `sm_tuning.simulate`, which says what the arguments are, without charts."""
    _check_seeds(seeds)
    evidence = evidence_of(results)
    model = Model(evidence)
    known = today(evidence.plan, len(results.trials), model.lengths.usual)
    settings = _settings(evidence, known, strategies, jobs, parallel, early_stopping, model.lengths.longest)
    more = with_more(known)
    outcomes = run(
        evidence.plan,
        list(dict.fromkeys([known, more, *settings])),
        model,
        seeds=range(seeds),
        instances=evidence.instances,
        workers=workers,
        margin=model.margin,
        progress=progress,
    )
    choice = [outcome for outcome in outcomes if outcome.setting == known or outcome.setting in settings]
    recommendation = recommend(
        choice, outcomes[0], outcomes[1], sign=evidence.sign, noise=noise_of(model, seeds), budget=Budget(hours=budget_hours)
    )
    return Simulation(
        name=evidence.name,
        metric=results.objective.name,
        goal=evidence.goal.value,
        today=known,
        outcomes=choice,
        recommendation=recommendation,
        remarks=[*model.remarks, *_without_objective(choice)],
        seeds=seeds,
        price=price,
    )


def _without_objective(outcomes: Sequence[Outcome]) -> Iterator[str]:
    count = sum(outcome.successes < len(outcome.replicas) for outcome in outcomes)
    if count:
        yield (
            f"with {count} of the settings there are simulations in which no training job has an objective: what is said of their "
            "best objective is said of the others"
        )


def replayed(
    results: Results, *, strategies: Sequence[str] | None = None, seeds: int = SEEDS, progress: Progress | None = None
) -> Simulation:
    """Replay a tuning job on its real training jobs: `sm_tuning.replay`, which says what the arguments are, without charts."""
    _check_seeds(seeds)
    evidence = evidence_of(results)
    worlds = Replays(evidence)
    known = today(evidence.plan, len(results.trials), evidence.epochs)
    choice = _settings(evidence, known, strategies, (known.jobs,), (known.parallel,), None, evidence.epochs)
    settings = [setting for setting in choice if setting != known]
    outcomes = run(evidence.plan, [known, *settings], worlds, seeds=range(seeds), instances=evidence.instances, progress=progress)
    best = results.best
    return Simulation(
        name=evidence.name,
        metric=results.objective.name,
        goal=evidence.goal.value,
        today=known,
        outcomes=outcomes,
        recommendation=Recommendation(
            setting=None, sentences=[_really(best.objective, outcomes[0])] if best else [], hopeless=False
        ),
        remarks=worlds.remarks,
        seeds=seeds,
        is_replay=True,
    )


def _really(best: float | None, today: Outcome) -> str:
    again = today.best
    between = f"{again.low:.6g} to {again.high:.6g}"
    return f"really the best was {best:.6g}; replayed with the same setting it is {again.median:.6g} ({between})"


def _check_seeds(seeds: int) -> None:
    if not 1 <= seeds <= _MOST_SEEDS:
        raise Invalid(f"seeds is {seeds}; it must be from 1 to {_MOST_SEEDS}")


def _strategies(evidence: Evidence, strategies: Sequence[str] | None) -> Sequence[str]:
    """The strategies that are asked for, or all that can be simulated."""
    if strategies is not None:
        if not evidence.has_curves and "Hyperband" in strategies:
            raise Invalid(_no_curves(evidence))
        return strategies
    return [
        "Random",
        "Bayesian",
        *(["Hyperband"] if evidence.has_curves else []),
        *(["Grid"] if is_grid(evidence.plan) else []),
    ]


def _no_curves(evidence: Evidence) -> str:
    return f"the training jobs of {evidence.name} have no learning curves, which Hyperband and early stopping need"


def _settings(
    evidence: Evidence,
    known: Setting,
    strategies: Sequence[str] | None,
    jobs: Sequence[int],
    parallel: Sequence[int],
    early_stopping: bool | None,  # noqa: FBT001 - three values
    epochs: int,
) -> list[Setting]:
    stops = (False, True) if early_stopping is None else (early_stopping,)
    if not evidence.has_curves:
        if early_stopping or known.watches:
            raise Invalid(_no_curves(evidence))
        stops = (False,)
    return settings_of(
        evidence.plan,
        strategies=_strategies(evidence, strategies),
        jobs=jobs,
        parallel=parallel,
        early_stopping=stops,
        epochs=known.max_resource or epochs,
    )


def noise_of(model: Model, seeds: int) -> float:
    """How far two training jobs with the same good hyperparameters lie apart, as a standard deviation."""
    evidence = model.evidence
    ranked = sorted(evidence.examples, key=lambda example: evidence.sign * example.final)
    good = [example.point for example in ranked[: max(3, len(ranked) // 4)]]
    deviations = []
    for seed in range(min(seeds, _TRIED)):
        training = model.world(seed).train(good[seed % len(good)], 1)
        deviations.append(abs(training.curve[-1] - (training.expected or 0.0)))
    return 1.4826 * median(deviations) if deviations else 0.0
