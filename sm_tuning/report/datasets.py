"""What the charts draw, as tables: rows that go into a page as JSON, each data set once for all charts."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from sm_tuning.report.axes import category, hyperparameter_axes
from sm_tuning.report.labels import label
from sm_tuning.report.view_model import TrialView, ViewModel
from sm_tuning.rules.metric_names import parse

if TYPE_CHECKING:
    from sm_tuning.simulation.simulation import Simulation

Row = dict[str, Any]

BEST, DONE, STOPPED, WRONG, RUNNING = "best", "completed", "stopped", "failed, diverged or rate too high", "running"
OUTCOMES = (BEST, DONE, STOPPED, WRONG, RUNNING)
MOST_CURVES = 60  # beside the best: more cannot be told apart
_MOST_POINTS = 200  # of a curve: more cannot be seen
_DIGITS = 5


def datasets(view: ViewModel, *, most_curves: int | None = None) -> dict[str, list[Row]]:
    """The data sets of a view model's charts, by their names.

    Args:
        view: The view model.
        most_curves: Learning curves of so many of the best training jobs and of those that run; None for all.
    """
    return {
        "trials": trials(view),
        "curves": curves(view, most_curves),
        "best_so_far": best_so_far(view),
        "effects": effects(view),
        "comparison": comparison(view),
        "scaling": scaling(view),
        "simulation": [] if view.simulation is None else simulation_rows(view.simulation),
    }


def simulation_rows(simulation: "Simulation") -> list[Row]:
    """A row for each setting that is drawn and each step of instance-hours, with the interval that holds 80 %."""
    return [
        {
            "setting": label(": ".join(filter(None, [", ".join(simulation.marks(outcome)), str(outcome.setting)]))),
            "hours": hours,
            "best": best.median,
            "low": best.low,
            "high": best.high,
        }
        for outcome in simulation.drawn()
        for hours, best in simulation.over_hours(outcome)
    ]


def trials(view: ViewModel) -> list[Row]:
    """A row for each training job in the order of launch: `i` counts them from 0, `h0` … are its hyperparameters."""
    axes = hyperparameter_axes(view)
    lane_of = lanes(view)
    ranks = {trial.name: rank for rank, trial in enumerate(view.ranking)}
    rows = []
    for index, trial in enumerate(view.trials):
        settings = {
            axis.field: _setting(trial.settings[name], text=bool(axis.categories))
            for name, axis in axes.items()
            if name in trial.settings
        }
        row = {
            "i": index,
            "job": label(trial.name),
            "tuning_job": label(trial.tuning_job),
            "number": index + 1,
            "status": label(trial.status),
            "outcome": outcome(trial),
            "verdict": trial.fit.verdict.value,
            "objective": _finite(trial.objective),
            "compared": trial.compared if view.diagnosis.comparison.epochs is not None else None,
            "stopped_at": trial.stopped_at or None,
            "rank": ranks.get(trial.name),
            "begin": trial.begin,
            "end": trial.end,
            "seconds": trial.seconds,
            "lane": lane_of.get(trial.name),
            **settings,
        }
        rows.append({key: value for key, value in row.items() if value is not None})
    return rows


def outcome(trial: TrialView) -> str:
    """What became of a training job, as charts tell them apart."""
    if trial.is_best:
        return BEST
    if trial.running:
        return RUNNING
    if trial.status == "Failed" or trial.died:
        return WRONG
    return STOPPED if trial.status == "Stopped" else DONE


def _setting(value: float | str, *, text: bool) -> float | int | str:
    if isinstance(value, str) or text:
        return category(value)
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def lanes(view: ViewModel) -> Mapping[str, int]:
    """The lane of each training job that has ended: as many lanes as there were at a time."""
    free_from: list[float] = []
    lane_of = {}
    for trial in view.timeline:
        begin, end = trial.begin or 0.0, trial.end or 0.0
        lane = next((index for index, free in enumerate(free_from) if free <= begin), len(free_from))
        free_from[lane : lane + 1] = [end]
        lane_of[trial.name] = lane
    return lane_of


# --- learning curves --------------------------------------------------------------------------------------------------------


def curves(view: ViewModel, most: int | None = None) -> list[Row]:
    """A row for each metric of a training job: `family` is what it measures, `epochs` and `values` are its points."""
    shown = view.trials
    if most is not None:
        names = {trial.name for trial in chain(view.ranking[: most + 1], view.running[:most])}
        shown = [trial for trial in view.trials if trial.name in names]
    index_of = {trial.name: index for index, trial in enumerate(view.trials)}
    ranks = {trial.name: rank for rank, trial in enumerate(view.ranking)}
    return [
        {
            "i": index_of[trial.name],
            "job": label(trial.name),
            "rank": ranks.get(trial.name, len(view.trials)),
            "running": trial.running,
            "metric": label(metric),
            "family": family(metric),
            "part": part_of(metric),
            **_points(values),
        }
        for trial in shown
        for metric, values in trial.curves.items()
    ]


def family(metric: str) -> str:
    """What a metric measures, without the data that it is of: `loss` for `train:loss` and `validation:loss`."""
    return label(parse(metric).kind or metric)


def part_of(metric: str) -> str:
    """Which data a metric is of: `training`, or `validation` where its name does not say so."""
    return "training" if parse(metric).held_out is False else "validation"


def families(view: ViewModel) -> list[str]:
    """What the metrics of training jobs measure: the objective first, then the judged pair, then the others."""
    fit = view.fit
    names = [view.objective.name, *filter(None, (fit.validation, fit.train))]
    recorded = dict.fromkeys(family(metric) for trial in view.trials for metric in trial.curves)
    return [kind for kind in dict.fromkeys([*map(family, names), *recorded]) if kind in recorded]


def _points(values: Sequence[float]) -> Row:
    """Points of a curve, at most some; what is not a number is null."""
    count = len(values)
    chosen: Sequence[int] = range(count)
    if count > _MOST_POINTS:
        chosen = sorted({round(step * (count - 1) / (_MOST_POINTS - 1)) for step in range(_MOST_POINTS)})
    return {"epochs": [index + 1 for index in chosen], "values": [_rounded(values[index]) for index in chosen]}


def _rounded(value: float) -> float | None:
    return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None


# --- the others -------------------------------------------------------------------------------------------------------------


def best_so_far(view: ViewModel) -> list[Row]:
    """The best objective at each end of a training job, over time and over the number of launched ones."""
    rows = [{"seconds": seconds, "best": value} for seconds, value in view.best_so_far]
    best: float | None = None
    by_number = []
    for number, trial in enumerate(view.trials, start=1):
        value = trial.objective
        if value is not None and (best is None or view.objective.is_better(value, best)):
            best = value
        if best is not None:
            by_number.append({"number": number, "best": best})
    return [*rows, *by_number]


def effects(view: ViewModel) -> list[Row]:
    """For each hyperparameter its importance, and the mean objective with its standard error over parts of its range."""
    axes = hyperparameter_axes(view)
    rows: list[Row] = []
    for effect in view.effects:
        axis = axes[effect.name]
        head = {"name": label(effect.name), "field": axis.field}
        rows.append({**head, "importance": effect.importance, "confidence": effect.confidence.value})
        for middle, mean, error, count in effect.curve:
            x = _setting(middle, text=bool(axis.categories))
            rows.append({**head, "x": x, "mean": mean, "low": mean - error, "high": mean + error, "count": count})
    return rows


def comparison(view: ViewModel) -> list[Row]:
    """The best so far of each tuning job that is compared, over time and over training jobs, continued to the longest one's end."""
    return list(chain(_steps(view, "seconds"), _steps(view, "count")))


def _steps(view: ViewModel, field: str) -> Iterator[Row]:
    lines = [(job.name, job.best_over_time if field == "seconds" else job.best_over_trials) for job in view.comparison]
    end = max((x for _, steps in lines for x, _ in steps), default=0.0)
    for name, steps in lines:
        for x, best in steps:
            yield {"tuning_job": label(name), field: x, "best": best}
        if steps and steps[-1][0] < end:
            yield {"tuning_job": label(name), field: end, "best": steps[-1][1]}


def scaling(view: ViewModel) -> list[Row]:
    """The objective on growing shares of the training set, and what the law says of up to twice as much."""
    curve = view.data_scaling
    if curve is None:
        return []
    rows: list[Row] = []
    for share, train, value in curve.points:
        rows.append({"share": share, "value": value, "line": "validation"})
        if train is not None:
            rows.append({"share": share, "value": train, "line": "training"})
    if curve.unused:
        return rows
    last, _, now = curve.points[-1]
    rows += [{"share": last * 2 ** (step / 12), "law": curve.at(last * 2 ** (step / 12))} for step in range(13)]
    rows += [
        {"share": last, "low": now, "high": now},
        {"share": 2 * last, "low": curve.between[0], "high": curve.between[1]},
        {"share": 2 * last, "twice": curve.twice},
    ]
    return rows
