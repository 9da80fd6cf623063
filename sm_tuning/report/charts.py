"""The charts of a report, each as SVG text."""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime

from sm_tuning.analysis import Diagnosis, Effect, Fit, Verdict
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.report.svg import WIDTH, Chart, Scale, drawing, spread, text

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
        f".k{place}{{fill:none;stroke:var({colour});stroke-width:2.2;stroke-dasharray:{dash}}}"
        for place, (colour, dash) in enumerate(zip(_COLOURS * 2, _DASHES * 3, strict=True))
    )
    + ".end{fill:var(--ink)}.bar{fill:var(--one);opacity:.8}.stopped{fill:var(--soft);opacity:.6}.failed{fill:var(--bad);opacity:.8}"
)
_MOST_LINES = 60  # beside the best: more cannot be told apart
_MOST_ROWS = 120
_NEAR_THE_EDGE = 0.85
_MINUTE = 60.0
_LONGEST = 18


def spark(row: TrialResult, fit: Fit) -> str | None:
    """A training job's learning curves, as small as a word; None before it has printed two values."""
    train, held = row.curves.get(fit.train or "", ()), row.curves.get(fit.validation or "", ())
    longest = max(len(train), len(held))
    if longest < 2:  # noqa: PLR2004 - no line
        return None
    across, up = Scale(1, longest, 2, 158), Scale(*spread([*train, *held]), 42, 2)
    chart = Chart("learning curves", across, up, width=160, height=44)
    for curve, kind in ((train, "one"), (held, "two")):
        chart.line(list(enumerate(curve, start=1)), kind)
    return drawing(f"learning curves of {row.training.name}", 160, 44, chart.marks).replace("<svg", '<svg class="spark"', 1)


def best_so_far(results: Results) -> str | None:
    """The objective of each training job as it ended, and the best by then."""
    so_far = results.best_so_far()
    if not so_far:
        return None
    unit, divisor = unit_of((so_far[-1][0] - _start(results)).total_seconds())
    ended = [
        (_since(results, row.training.ended) / divisor, row)
        for row in results.rows
        if row.training.ended and row.value is not None
    ]
    line = [(_since(results, time) / divisor, value) for time, value in so_far]
    across = (0.0, max(x for x, _ in line) * 1.02 or 1.0)
    chart = Chart.made("best so far", across, spread(row.value or 0.0 for _, row in ended), (unit, results.objective))
    for x, row in ended:
        chart.dot(x, row.value or 0.0, "dot", f"{row.training.name}: {text(row.value or 0.0)}")
    chart.line(line, "strong", "best so far", step=True)
    return chart.svg()


def learning_curves(results: Results, found: Diagnosis) -> str | None:
    """Training and validation of the best training job, the gap between them, and the others behind."""
    best, fit = results.best, found.fit
    if best is None:
        return None
    held, train = best.curves.get(fit.validation or "", ()), best.curves.get(fit.train or "", ())
    main = held or train
    if len(main) < 2:  # noqa: PLR2004 - no line
        return None
    name = fit.validation or fit.train or ""
    others = [row.curves.get(name, ()) for row in results.ranked[1:] if len(row.curves.get(name, ())) > 1][:_MOST_LINES]
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
    if train and held:
        pairs = zip(train, held, strict=False)
        chart.area([(epoch, one, other) for epoch, (one, other) in enumerate(pairs, start=1)], "gap", "generalization gap")
    for curve, kind, label, below in ((train, "one", fit.train, 16), (held, "two", fit.validation, -7)):
        if curve:
            chart.line(list(enumerate(curve, start=1)), kind, label or "")
            inside = len(curve) > _NEAR_THE_EDGE * longest
            at = chart.across(len(curve)) + (-4 if inside else 5)
            chart.words(at, chart.up(curve[-1]) + below, (label or "").split(":")[0], "soft", "end" if inside else "start")
    if fit.best_epoch is not None and held:
        chart.upright(fit.best_epoch, "mark", f"best: epoch {fit.best_epoch}")
    return chart.svg()


def more_data(results: Results, found: Diagnosis) -> str | None:
    """The objective on growing shares of the training set, and what more data would bring."""
    data = found.data
    if data is None:
        return None
    (first, _, _), (last, _, now) = data.points[0], data.points[-1]
    ahead = [last * 2 ** (place / 12) for place in range(13)]
    train = [(share, value) for share, value, _ in data.points if value is not None]
    seen = [*(value for _, value in train), *(value for _, _, value in data.points), data.twice, *data.between]
    labels = (f"share of the training data ({data.hyperparameter})", results.objective)
    chart = Chart.made("more training data", (first, 2 * last), spread(seen), labels, logarithmic=True)
    chart.area([(last, now, now), (2 * last, *data.between)], "band", "twice the data: each of the points left out in turn")
    chart.line([(share, data.at(share)) for share in ahead], "faint", "the power law, continued")
    chart.line(train, "one", "training")
    chart.line([(share, value) for share, _, value in data.points], "two", results.objective)
    for share, _, value in data.points:
        chart.dot(share, value, "dot", f"{share:g}: {text(value)}")
    chart.dot(2 * last, data.twice, "best", f"about {text(data.twice)} with twice the data", 5)
    return chart.svg()


def effects(results: Results, found: Diagnosis) -> Iterator[tuple[str, str]]:
    """For each hyperparameter its name and what the objective was over its range."""
    for effect in found.effects:
        yield effect.name, _effect(results, found, effect)


def _effect(results: Results, found: Diagnosis, effect: Effect) -> str:
    one = results.ranges.get(effect.name, {})
    valued = [(row.setting(effect.name), row) for row in results.rows]
    sound = [row for _, row in valued if found.fits[row.training.name].verdict is not Verdict.DIVERGED]
    low, high = spread(row.value for row in sound or results.rows if row.value is not None)
    means = [mean for _, mean, _, _ in effect.curve]
    up = (min(low, *means), max(high, *means))
    categories = [str(middle) for middle, _, _, _ in effect.curve] if "MinValue" not in one else []
    if categories:
        across, logarithmic = (-0.5, len(categories) - 0.5), False
    else:
        across, logarithmic = (float(one["MinValue"]), float(one["MaxValue"])), one.get("ScalingType") == "Logarithmic"
    scale = "logarithmic" if logarithmic else "linear"
    label = f"{effect.name}" if categories else f"{effect.name} ({scale})"
    chart = Chart.made(f"effect of {effect.name}", across, up, (label, results.objective), logarithmic=logarithmic, height=240)

    def place(setting: float | str) -> float | None:
        if not categories:
            return setting if isinstance(setting, float) else None
        return float(categories.index(str(setting))) if str(setting) in categories else None

    middles = [(x, mean, error) for middle, mean, error, _ in effect.curve if (x := place(middle)) is not None]
    chart.area([(x, mean - error, mean + error) for x, mean, error in middles], "band", "mean and its standard error")
    chart.line([(x, mean) for x, mean, _ in middles], "one", "mean objective")
    best = results.best
    for setting, row in valued:
        x = place(setting) if setting is not None else None
        if x is None:
            continue
        hint = f"{row.training.name}: {effect.name} {text(setting) if isinstance(setting, float) else setting}"
        if row.value is None or found.fits[row.training.name].verdict is Verdict.DIVERGED:
            chart.dot(
                x, row.value if row.value is not None else up[0] + 0.04 * (up[1] - up[0]), "bad", f"{hint}: diverged or failed", 4
            )
        elif row is best:
            chart.dot(x, row.value, "best", f"{hint}: the best, {text(row.value)}", 5.5)
        else:
            chart.dot(x, row.value, "dot", f"{hint}: {text(row.value)}")
    if effect.diverges_above is not None and not categories:
        chart.upright(effect.diverges_above, "mark", "diverges above")
    names = {place: _category(word) for place, word in enumerate(categories)}
    return chart.svg(
        lambda value: names.get(round(value), "") if names and value == round(value) else "" if names else text(value)
    )


def parallel_coordinates(results: Results) -> str | None:
    """A line for each training job across all hyperparameters and the objective."""
    rows = results.ranked
    if len(rows) < 2 or not results.names:  # noqa: PLR2004 - nothing to compare
        return None
    axes = [*results.names, results.objective]
    height, top, floor = 346, 60, 312
    places = [50 + place * (WIDTH - 100) / max(len(axes) - 1, 1) for place in range(len(axes))]
    scales = [_axis(results, name, floor, top) for name in results.names]
    low, high = spread((row.value or 0.0 for row in rows), 0)
    scales.append((Scale(low, high, floor, top), {}))
    shown = [rows[place * (len(rows) - 1) // min(len(rows) - 1, 300)] for place in range(min(len(rows) - 1, 300) + 1)]
    marks = []
    for place, row in reversed(list(enumerate(shown))):
        settings: list[float | str | None] = [*(row.setting(name) for name in results.names), row.value]
        points = []
        for x, (scale, categories), setting in zip(places, scales, settings, strict=True):
            y = categories.get(str(setting)) if categories else (scale(setting) if isinstance(setting, float) else None)
            if y is not None:
                points.append(f"{x:.1f},{y:.1f}")
        share = 1 - place / max(len(shown) - 1, 1)
        style = 'class="strong"' if place == 0 else f'class="one" style="stroke-width:1;opacity:{0.06 + 0.5 * share**2:.2f}"'
        marks.append(f'<polyline {style} points="{" ".join(points)}"><title>{_safe(row.training.name)}</title></polyline>')
    for place, (x, name, (scale, categories)) in enumerate(zip(places, axes, scales, strict=True)):
        marks.append(f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{floor}"/>')
        anchor = "start" if x == places[0] else "end" if x == places[-1] else "middle"
        marks.append(f'<text x="{x:.1f}" y="{14 + 19 * (place % 2)}" text-anchor="{anchor}">{_safe(name[:22])}</text>')
        ends = [(scale.high, top - 5), (scale.low, floor + 16)] if not categories else []
        marks += [f'<text class="soft" x="{x:.1f}" y="{y}" text-anchor="{anchor}">{text(value)}</text>' for value, y in ends]
        words = [(_safe(_category(word)), y + 4) for word, y in categories.items()]
        marks += [f'<text class="soft" x="{x + 5:.1f}" y="{y:.1f}">{word}</text>' for word, y in words]
    return drawing("parallel coordinates", WIDTH, height, marks)


def _axis(results: Results, name: str, floor: int, top: int) -> tuple[Scale, dict[str, float]]:
    one = results.ranges.get(name, {})
    if "MinValue" in one:
        return Scale(float(one["MinValue"]), float(one["MaxValue"]), floor, top, one.get("ScalingType") == "Logarithmic"), {}
    seen = sorted({row.setting(name) for row in results.rows} - {None}, key=lambda value: (isinstance(value, str), value))
    step = (floor - top) / max(len(seen) - 1, 1)
    return Scale(0, 1, floor, top), {str(value): floor - place * step for place, value in enumerate(seen)}


def importances(shares: Sequence[tuple[str, float]]) -> str | None:
    """Bars, the longest first; None if there is nothing in them."""
    if not any(share for _, share in shares):
        return None
    ordered = sorted(shares, key=lambda one: -one[1])
    height = 44 + 26 * len(ordered)
    scale = Scale(0, max(share for _, share in ordered) or 1.0, 170, WIDTH - 60)
    marks = []
    for place, (name, share) in enumerate(ordered):
        y = 20 + 26 * place
        marks.append(f'<text x="162" y="{y + 4}" text-anchor="end">{_safe(name[:22])}</text>')
        marks.append(f'<rect class="bar" rx="2" x="170" y="{y - 8}" width="{max(scale(share) - 170, 1):.1f}" height="16"/>')
        marks.append(f'<text class="soft" x="{scale(share) + 6:.1f}" y="{y + 4}">{share:.0%}</text>')
    return drawing("importances", WIDTH, height - 20, marks)


def timeline(results: Results) -> str | None:
    """When each training job ran, in as many lanes as there were at a time."""
    rows = [row for row in results.rows if row.training.started and row.training.ended]
    if not rows:
        return None
    rows.sort(key=lambda row: row.training.started or _start(results))
    lanes: list[datetime] = []
    placed: list[tuple[int, TrialResult]] = []
    for row in rows:
        started, ended = row.training.started, row.training.ended
        if started is None or ended is None:
            continue
        lane = next((place for place, free in enumerate(lanes) if free <= started), len(lanes))
        lanes[lane : lane + 1] = [ended]
        placed.append((lane, row))
    unit, divisor = unit_of(results.wall_seconds)
    count = min(len(lanes), _MOST_ROWS)
    height = 60 + 22 * count
    across = (0, results.wall_seconds / divisor or 1.0)
    chart = Chart.made("timeline", across, (0, 1), (unit, ""), width=2 * WIDTH, height=height, left=10)
    best = results.best
    for lane, row in placed:
        if lane < count:
            start, end = (_since(results, time) / divisor for time in (row.training.started, row.training.ended))
            kind = {"Failed": "failed", "Stopped": "stopped"}.get(row.training.status, "bar")
            told = "" if row.value is None else f", {text(row.value)}"
            chart.bar(start, end, 26 + 22 * lane, 16, kind, f"{row.training.name}: {row.training.status}{told}")
            if row is best:
                chart.words(chart.across(start) + 4, 30 + 22 * lane, "★")
    return chart.svg(bare_left=True)


def _category(word: str) -> str:
    """A category's name, short; a number without the zeros that it has not asked for."""
    try:
        return text(float(word))
    except ValueError:
        return word[:_LONGEST]


def _safe(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def _start(results: Results) -> datetime:
    return min(row.training.created for row in results.rows if row.training.created)


def _since(results: Results, time: datetime | None) -> float:
    return (time - _start(results)).total_seconds() if time else 0.0


def unit_of(seconds: float) -> tuple[str, float]:
    """What to count a time in, and how many seconds that is."""
    if seconds < 5 * _MINUTE:
        return "seconds", 1.0
    return ("minutes", _MINUTE) if seconds < 5 * _MINUTE**2 else ("hours", _MINUTE**2)
