"""The charts of tuning jobs, each as SVG text."""

import math
from collections.abc import Mapping, Sequence

from sm_tuning.analysis.effects import Effect, is_logarithmic
from sm_tuning.report.svg import WIDTH, Chart, Scale, drawing, escape, spread, text
from sm_tuning.report.view_model import ComparedJob, Steps, TrialView, ViewModel
from sm_tuning.spec.parameters import Categorical, Continuous, Integer

_COLOURS = ("--one", "--two", "--good", "--three", "--four", "--five")
_DASHES = ("none", "7 4", "2 3", "10 3 2 3")
RULES = (
    ".grid{stroke:var(--line);stroke-width:1}.soft{fill:var(--soft)}.axis{stroke:var(--ink);stroke-width:1}"
    ".one{fill:none;stroke:var(--one);stroke-width:2}.two{fill:none;stroke:var(--two);stroke-width:2;stroke-dasharray:6 4}"
    ".faint{fill:none;stroke:var(--soft);stroke-width:1;opacity:.28}.strong{fill:none;stroke:var(--two);stroke-width:2.5}"
    ".gap{fill:var(--two);opacity:.13}.band{fill:var(--one);opacity:.15}"
    ".mark{stroke:var(--good);stroke-width:1.5;stroke-dasharray:3 3}.dot{fill:var(--one);opacity:.65}"
    ".best{fill:var(--two);stroke:var(--ink);stroke-width:1.5}.bad{fill:none;stroke:var(--bad);stroke-width:2}"
    + "".join(
        f".k{index}{{fill:none;stroke:var({colour});stroke-width:2.2;stroke-dasharray:{dash}}}"
        for index, (colour, dash) in enumerate(zip(_COLOURS * 2, _DASHES * 3, strict=True))
    )
    + ".end{fill:var(--ink)}.bar{fill:var(--one);opacity:.8}.stopped{fill:var(--soft);opacity:.6}.failed{fill:var(--bad);opacity:.8}"
)
_MOST_LINES = 60  # beside the best: more cannot be told apart
_MOST_ROWS = 120
_MOST_AXIS_LINES = 300
_LINE_KINDS = 12  # kinds of line that can be told apart, also without colour
_NEAR_THE_EDGE = 0.85
_MINUTE = 60.0
_LONGEST = 18
_LONGEST_NAME = 22


def charts(view: ViewModel) -> dict[str, str]:
    """Every chart of a report that there are data for, by its name, as SVG text."""
    drawn = {
        **comparison(view),
        "learning-curves": learning_curves(view),
        "more-data": more_data(view),
        "best-so-far": best_so_far(view),
        "importances": importances(view),
        "parallel-coordinates": parallel_coordinates(view),
        "timeline": timeline(view),
        **{f"effect-{effect.name}": effect_chart(view, effect) for effect in view.effects},
    }
    return {name: svg for name, svg in drawn.items() if svg is not None}


def spark(trial: TrialView) -> str | None:
    """A training job's learning curves, as small as a word; None before it has printed two values."""
    train, held_out = trial.curves.get(trial.fit.train or "", ()), trial.curves.get(trial.fit.validation or "", ())
    longest = max(len(train), len(held_out))
    if longest < 2:  # noqa: PLR2004 - no line
        return None
    across, up = Scale(1, longest, 2, 158), Scale(*spread([*train, *held_out]), 42, 2)
    chart = Chart("learning curves", across, up, width=160, height=44)
    for curve, kind in ((train, "one"), (held_out, "two")):
        chart.line(list(enumerate(curve, start=1)), kind)
    return drawing(f"learning curves of {trial.name}", 160, 44, chart.marks).replace("<svg", '<svg class="spark"', 1)


def best_so_far(view: ViewModel) -> str | None:
    """The objective of each training job at its end, and the best by then."""
    if not view.best_so_far:
        return None
    unit, divisor = unit_of(view.best_so_far[-1][0])
    ended = [
        (trial.end / divisor, trial.objective, trial.name)
        for trial in view.trials
        if trial.end is not None and trial.objective is not None
    ]
    line = [(seconds / divisor, value) for seconds, value in view.best_so_far]
    across = (0.0, max(x for x, _ in line) * 1.02 or 1.0)
    chart = Chart.made("best so far", across, spread(value for _, value, _ in ended), (unit, view.objective.name))
    for x, value, name in ended:
        chart.dot(x, value, "dot", f"{name}: {text(value)}")
    chart.line(line, "strong", "best so far", step=True)
    return chart.svg()


def learning_curves(view: ViewModel) -> str | None:
    """Training and validation of the best training job, the gap between them, and the others behind."""
    best, fit = view.best, view.fit
    if best is None:
        return None
    held_out, train = best.curves.get(fit.validation or "", ()), best.curves.get(fit.train or "", ())
    main = held_out or train
    if len(main) < 2:  # noqa: PLR2004 - no line
        return None
    name = fit.validation or fit.train or ""
    others = [trial.curves.get(name, ()) for trial in view.ranking[1:] if len(trial.curves.get(name, ())) > 1][:_MOST_LINES]
    longest = max(len(curve) for curve in [main, train, *others])
    seen = [*main, *train]
    low, high = spread(seen)
    reach = [
        value
        for curve in others
        for value in curve
        if math.isfinite(value) and low - 2 * (high - low) < value < high + 2 * (high - low)
    ]
    chart = Chart.made("learning curves", (1, max(longest, 2)), spread([*seen, *reach]), ("epoch", name.split(":")[-1]))
    for curve in others:
        chart.line(list(enumerate(curve, start=1)), "faint")
    if train and held_out:
        pairs = zip(train, held_out, strict=False)
        chart.area([(epoch, low, high) for epoch, (low, high) in enumerate(pairs, start=1)], "gap", "generalization gap")
    for curve, kind, label, below in ((train, "one", fit.train, 16), (held_out, "two", fit.validation, -7)):
        if curve:
            chart.line(list(enumerate(curve, start=1)), kind, label or "")
            inside = len(curve) > _NEAR_THE_EDGE * longest
            at = chart.across(len(curve)) + (-4 if inside else 5)
            chart.words(at, chart.up(curve[-1]) + below, (label or "").split(":")[0], "soft", "end" if inside else "start")
    if fit.best_epoch is not None and held_out:
        chart.upright(fit.best_epoch, "mark", f"best: epoch {fit.best_epoch}")
    return chart.svg()


def more_data(view: ViewModel) -> str | None:
    """The objective on growing shares of the training set, and what more data would bring."""
    scaling = view.data_scaling
    if scaling is None:
        return None
    (first, _, _), (last, _, now) = scaling.points[0], scaling.points[-1]
    ahead = [last * 2 ** (step / 12) for step in range(13)]
    train = [(share, value) for share, value, _ in scaling.points if value is not None]
    seen = [*(value for _, value in train), *(value for _, _, value in scaling.points), scaling.twice, *scaling.between]
    labels = (f"share of the training data ({scaling.hyperparameter})", view.objective.name)
    chart = Chart.made("more training data", (first, 2 * last), spread(seen), labels, logarithmic=True)
    chart.area([(last, now, now), (2 * last, *scaling.between)], "band", "twice the data: each of the points left out in turn")
    chart.line([(share, scaling.at(share)) for share in ahead], "faint", "the power law, continued")
    chart.line(train, "one", "training")
    chart.line([(share, value) for share, _, value in scaling.points], "two", view.objective.name)
    for share, _, value in scaling.points:
        chart.dot(share, value, "dot", f"{share:g}: {text(value)}")
    chart.dot(2 * last, scaling.twice, "best", f"about {text(scaling.twice)} with twice the data", 5)
    return chart.svg()


# --- hyperparameters --------------------------------------------------------------------------------------------------------


def effect_chart(view: ViewModel, effect: Effect) -> str:
    """The objective over the range of one hyperparameter: every training job, and the mean over parts of the range."""
    parameter = view.ranges.get(effect.name)
    low, high = _objectives(view)
    means = [mean for _, mean, _, _ in effect.curve]
    up = (min(low, *means), max(high, *means))
    if isinstance(parameter, Continuous | Integer):
        categories: list[str] = []
        across, logarithmic = (float(parameter.low), float(parameter.high)), is_logarithmic(parameter)
        label = f"{effect.name} ({'logarithmic' if logarithmic else 'linear'})"
    elif not isinstance(parameter, Categorical) and (ends := _ends(view, effect.name)):
        categories, across, logarithmic, label = [], ends, False, f"{effect.name} (range not known)"
    else:
        categories = [str(middle) for middle, _, _, _ in effect.curve]
        across, logarithmic, label = (-0.5, len(categories) - 0.5), False, effect.name
    chart = Chart.made(f"effect of {effect.name}", across, up, (label, view.objective.name), logarithmic=logarithmic, height=240)
    middles = [(x, mean, error) for middle, mean, error, _ in effect.curve if (x := _x(middle, categories)) is not None]
    chart.area([(x, mean - error, mean + error) for x, mean, error in middles], "band", "mean and its standard error")
    chart.line([(x, mean) for x, mean, _ in middles], "one", "mean objective")
    for trial in view.trials:
        setting = trial.settings.get(effect.name)
        x = _x(setting, categories) if setting is not None else None
        if x is not None and setting is not None:
            value = text(setting) if isinstance(setting, float) else setting
            _effect_dot(chart, trial, x, f"{trial.name}: {effect.name} {value}", up)
    if effect.diverges_above is not None and not categories:
        chart.upright(effect.diverges_above, "mark", "diverges above")
    if not categories:
        return chart.svg()
    names = {index: _category(word) for index, word in enumerate(categories)}
    return chart.svg(lambda value: names.get(round(value), "") if value == round(value) else "")


def _objectives(view: ViewModel) -> tuple[float, float]:
    """The ends of the objectives of training jobs that did not diverge or, if all did, of all."""
    sound = [trial for trial in view.trials if not trial.diverged]
    return spread(trial.objective for trial in sound or view.trials if trial.objective is not None)


def _ends(view: ViewModel, name: str) -> tuple[float, float] | None:
    """The smallest and the largest value of a hyperparameter whose range is not known; None unless all are numbers, and differ."""
    settings = [trial.settings[name] for trial in view.trials if name in trial.settings]
    numbers = [setting for setting in settings if isinstance(setting, float)]
    return (min(numbers), max(numbers)) if len(numbers) == len(settings) and len(set(numbers)) > 1 else None


def _x(setting: float | str, categories: Sequence[str]) -> float | None:
    """Where a value lies across: of categories their index."""
    if not categories:
        return setting if isinstance(setting, float) else None
    return float(categories.index(str(setting))) if str(setting) in categories else None


def _effect_dot(chart: Chart, trial: TrialView, x: float, hint: str, up: tuple[float, float]) -> None:
    if trial.objective is None and not trial.diverged and trial.status != "Failed":
        return  # it runs still, or has reported nothing
    if trial.objective is None or trial.diverged:
        y = trial.objective if trial.objective is not None else up[0] + 0.04 * (up[1] - up[0])
        chart.dot(x, y, "bad", f"{hint}: diverged or failed", 4)
    elif trial.is_best:
        chart.dot(x, trial.objective, "best", f"{hint}: the best, {text(trial.objective)}", 5.5)
    else:
        chart.dot(x, trial.objective, "dot", f"{hint}: {text(trial.objective)}")


def parallel_coordinates(view: ViewModel) -> str | None:
    """A line for each training job across all hyperparameters and the objective."""
    trials, names = view.ranking, view.hyperparameters
    if len(trials) < 2 or not names:  # noqa: PLR2004 - nothing to compare
        return None
    height, top, floor = 346, 60, 312
    titles = [*names, view.objective.name]
    across = [50 + index * (WIDTH - 100) / max(len(titles) - 1, 1) for index in range(len(titles))]
    axes = [_axis(view, name, floor, top) for name in names]
    low, high = spread((trial.objective or 0.0 for trial in trials), 0)
    axes.append((Scale(low, high, floor, top), {}))
    count = min(len(trials) - 1, _MOST_AXIS_LINES)
    shown = [trials[index * (len(trials) - 1) // count] for index in range(count + 1)]
    marks = []
    for index, trial in reversed(list(enumerate(shown))):
        settings: list[float | str | None] = [*(trial.settings.get(name) for name in names), trial.objective]
        heights = [_height(axis, setting) for axis, setting in zip(axes, settings, strict=True)]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, heights, strict=True) if y is not None)
        share = 1 - index / max(len(shown) - 1, 1)
        style = 'class="strong"' if index == 0 else f'class="one" style="stroke-width:1;opacity:{0.06 + 0.5 * share**2:.2f}"'
        marks.append(f'<polyline {style} points="{points}"><title>{escape(trial.name)}</title></polyline>')
    for index, (x, title, (scale, categories)) in enumerate(zip(across, titles, axes, strict=True)):
        marks.append(f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{floor}"/>')
        anchor = "start" if x == across[0] else "end" if x == across[-1] else "middle"
        name = escape(title[:_LONGEST_NAME])
        marks.append(f'<text x="{x:.1f}" y="{14 + 19 * (index % 2)}" text-anchor="{anchor}">{name}</text>')
        ends = [(scale.high, top - 5), (scale.low, floor + 16)] if not categories else []
        marks += [f'<text class="soft" x="{x:.1f}" y="{y}" text-anchor="{anchor}">{text(value)}</text>' for value, y in ends]
        words = [(escape(_category(word)), y + 4) for word, y in categories.items()]
        marks += [f'<text class="soft" x="{x + 5:.1f}" y="{y:.1f}">{word}</text>' for word, y in words]
    return drawing("parallel coordinates", WIDTH, height, marks)


_Axis = tuple[Scale, Mapping[str, float]]  # of numbers the scale, of categories the height of each


def _axis(view: ViewModel, name: str, floor: int, top: int) -> _Axis:
    parameter = view.ranges.get(name)
    if isinstance(parameter, Continuous | Integer):
        return Scale(float(parameter.low), float(parameter.high), floor, top, is_logarithmic(parameter)), {}
    if not isinstance(parameter, Categorical) and (ends := _ends(view, name)):
        return Scale(*ends, floor, top), {}
    settings = {trial.settings[name] for trial in view.trials if name in trial.settings}
    values = sorted(settings, key=lambda value: (isinstance(value, str), value))
    step = (floor - top) / max(len(values) - 1, 1)
    return Scale(0, 1, floor, top), {str(value): floor - index * step for index, value in enumerate(values)}


def _height(axis: _Axis, setting: float | str | None) -> float | None:
    scale, categories = axis
    if categories:
        return categories.get(str(setting))
    return scale(setting) if isinstance(setting, float) else None


def importances(view: ViewModel) -> str | None:
    """Bars, the longest first; None if there is nothing in them."""
    if not any(effect.importance for effect in view.effects):
        return None
    height = 44 + 26 * len(view.effects)
    scale = Scale(0, max(effect.importance for effect in view.effects), 170, WIDTH - 60)
    marks = []
    for index, effect in enumerate(view.effects):
        name, share = effect.name, effect.importance
        y = 20 + 26 * index
        marks.append(f'<text x="162" y="{y + 4}" text-anchor="end">{escape(name[:_LONGEST_NAME])}</text>')
        marks.append(f'<rect class="bar" rx="2" x="170" y="{y - 8}" width="{max(scale(share) - 170, 1):.1f}" height="16"/>')
        marks.append(f'<text class="soft" x="{scale(share) + 6:.1f}" y="{y + 4}">{share:.0%}</text>')
    return drawing("importances", WIDTH, height - 20, marks)


# --- time -------------------------------------------------------------------------------------------------------------------


def timeline(view: ViewModel) -> str | None:
    """When each training job ran, in as many lanes as there were at a time."""
    if not view.timeline:
        return None
    lane_ends: list[float] = []
    lanes: list[tuple[int, float, float, TrialView]] = []
    for trial in view.timeline:
        begin, end = trial.begin or 0.0, trial.end or 0.0
        lane = next((index for index, free in enumerate(lane_ends) if free <= begin), len(lane_ends))
        lane_ends[lane : lane + 1] = [end]
        lanes.append((lane, begin, end, trial))
    unit, divisor = unit_of(view.wall_seconds)
    count = min(len(lane_ends), _MOST_ROWS)
    across = (0, view.wall_seconds / divisor or 1.0)
    chart = Chart.made("timeline", across, (0, 1), (unit, ""), width=2 * WIDTH, height=60 + 22 * count, left=10)
    for lane, begin, end, trial in lanes:
        if lane < count:
            kind = {"Failed": "failed", "Stopped": "stopped"}.get(trial.status, "bar")
            value = "" if trial.objective is None else f", {text(trial.objective)}"
            chart.bar(begin / divisor, end / divisor, 26 + 22 * lane, 16, kind, f"{trial.name}: {trial.status}{value}")
            if trial.is_best:
                chart.words(chart.across(begin / divisor) + 4, 30 + 22 * lane, "★")
    return chart.svg(bare_left=True)


def comparison(view: ViewModel) -> dict[str, str]:
    """The best so far of each tuning job over time and over training jobs, by the chart's name; empty for a single one."""
    jobs = view.comparison
    if not jobs or view.best is None:
        return {}
    unit, divisor = unit_of(max((seconds for job in jobs for seconds, _ in job.best_over_time), default=0.0))
    by_time = [[(seconds / divisor, value) for seconds, value in job.best_over_time] for job in jobs]
    by_trials = [job.best_over_trials for job in jobs]
    return {
        "compared-over-time": _lines("best so far over time", (f"{unit} since it began", view.objective.name), jobs, by_time),
        "compared-over-jobs": _lines(
            "best so far over training jobs", ("training jobs that have ended", view.objective.name), jobs, by_trials
        ),
    }


def _lines(title: str, labels: tuple[str, str], jobs: Sequence[ComparedJob], lines: Sequence[Steps]) -> str:
    end = max((x for line in lines for x, _ in line), default=1.0)
    chart = Chart.made(title, (0.0, end * 1.02), spread(y for line in lines for _, y in line), labels)
    for index, (job, line) in enumerate(zip(jobs, lines, strict=True)):
        kind = f"k{index % _LINE_KINDS}"
        chart.legend.append((kind, job.name))
        if line:
            chart.line([*line, (end, line[-1][1])], kind, f"{job.name}: {text(line[-1][1])}", step=True)
            chart.dot(*line[-1], "end", f"{job.name}: {text(line[-1][1])}", 3)
    return chart.svg()


def _category(word: str) -> str:
    """A category's name, short; a number without the zeros that it has not asked for."""
    try:
        return text(float(word))
    except ValueError:
        return word[:_LONGEST]


def unit_of(seconds: float) -> tuple[str, float]:
    """The unit in which to show a time, and its seconds."""
    if seconds < 5 * _MINUTE:
        return "seconds", 1.0
    return ("minutes", _MINUTE) if seconds < 5 * _MINUTE**2 else ("hours", _MINUTE**2)
