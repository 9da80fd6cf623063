"""From the record of a training to the curves that it printed and the truth about them, once as losses and once as accuracies."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from benchmarks.diagnosis.truths import FAILED, IMPROVING, Numbers, Truth, truth

Record = Mapping[str, Any]
Case = dict[str, Any]
_WORST = -1e6


def cases(record: Record) -> Iterator[Case]:
    """Both forms of a training.

    What a script prints of training may be averaged over an epoch's batches, under dropout: the rules read it, beside fresh rows, as
    they read the model's own score, and either reading is accepted. So is *still improving* where the printed validation score rises.
    Where all that was printed, read in place of fresh rows, has no verdict in common with the truth, the validation rows mislead, and
    where the other form says the contrary, opinions differ: then both are accepted, and the case is not clear.
    """
    forms = ("loss", "accuracy" if record["classes"] else "r2")
    numbers = {form: _numbers(record, form) for form in forms}
    truths = {form: _either(truth(numbers[form]), truth(_training_as_printed(record, numbers[form]))) for form in forms}
    for form, other in (forms, forms[::-1]):
        read = truth(_all_as_printed(record, numbers[form]))
        judged = truths[form]
        misled = not judged.accepted & read.accepted
        disputed = not judged.accepted & truths[other].accepted
        if IMPROVING in read.accepted and not judged.accepted & FAILED:
            judged = _either(judged, replace(judged, accepted=judged.accepted | {IMPROVING}))
        for applies, reading in ((misled, read), (disputed, truths[other])):
            if applies:
                judged = Truth(accepted=judged.accepted | reading.accepted, clear=False, sound=False)
        yield {
            "name": f"{record['name']}-{form}",
            "family": record["family"],
            "form": form,
            **_printed(record, form),
            "accepted": sorted(judged.accepted),
            "clear": judged.clear,
            "sound": judged.sound,
            "misled": misled,
            "disputed": disputed,
            "truth": _plain(numbers[form]) | _circumstances(record),
        }


def _either(*readings: Truth) -> Truth:
    """What all of them accept; clear if that is one verdict, or a failure's two."""
    accepted = frozenset().union(*(reading.accepted for reading in readings))
    return Truth(
        accepted=accepted,
        clear=len(accepted) == 1 or accepted <= FAILED,
        sound=all(reading.sound for reading in readings),
    )


def _plain(numbers: Numbers) -> dict[str, Any]:
    return {
        name: round(value, 5) if isinstance(value, float) and math.isfinite(value) else value
        for name, value in asdict(numbers).items()
    }


def _circumstances(record: Record) -> dict[str, Any]:
    return {name: record[name] for name in ("learner", "settings", "rows", "constant")}


def _scores(record: Record, part: str, form: str) -> list[float]:
    """A set's scores, of all epochs; what is no number, or worse than that, is the worst that can be said."""
    losses, metrics = record["curves"][part] if part != "printed" else record["printed"]
    if form == "loss":
        return [max(_WORST, 1 - loss / record["constant_loss"]) if math.isfinite(loss) else _WORST for loss in losses]
    return [max(_WORST, value) if math.isfinite(value) else _WORST for value in metrics]


def _end(values: Sequence[float]) -> float:
    """The mean of the last tenth, of one to five values."""
    last = values[-max(1, min(5, len(values) // 10)) :]
    return sum(last) / len(last)


def _course(values: Sequence[float]) -> list[float]:
    """Each value as an end."""
    return [_end(values[: i + 1]) for i in range(len(values))]


def _numbers(record: Record, form: str) -> Numbers:
    epochs = record["epochs"]
    train, fresh, validation = (_scores(record, part, form) for part in ("train", "fresh", "validation"))
    now = fresh[:epochs]
    course, learning = _course(now), _course(train[:epochs])
    peak = max(range(epochs), key=course.__getitem__)
    end = course[-1]
    chance = record["chance"] if form == "accuracy" else 0.0
    rows = record["rows"]
    index = 0 if form == "loss" else 1
    return Numbers(
        form=form,
        finite=all(math.isfinite(loss) for part in ("train", "fresh") for loss in record["curves"][part][0][:epochs]),
        chance=chance,
        attainable=max(_attainable(record, index), *_course(fresh)),
        train=learning[-1],
        top=max(learning),
        then=learning[peak],
        end=end,
        best=course[peak],
        **_rise(course),
        later=max(_course(fresh)[epochs:]),
        slower=_slower(record, form),
        error=_error(form, end, rows["fresh"]),
        visible=_visible(record, form, chance),
        scatter=_scatter(validation[:epochs]),
        doubt=_error(form, _end(validation[:epochs]), rows["validation"]),
    )


def _rise(course: Sequence[float]) -> dict[str, Any]:
    """Gains in the last quarter and since the first epoch."""
    last = len(course) - 1
    quarter = max(1, len(course) // 4)
    recent, gained = course[last] - course[last - quarter], course[last] - course[0]
    return {"recent": recent, "gained": gained, "pace": recent / gained * last / quarter if gained > 0 else 0.0}


def _attainable(record: Record, index: int) -> float:
    reference = record["reference"][index]
    return float(1 - reference / record["constant_loss"] if index == 0 else reference)


def _slower(record: Record, form: str) -> float | None:
    if record["slower"] is None:
        return None
    value = record["slower"][0 if form == "loss" else 1]
    return None if not math.isfinite(value) else 1 - value / record["constant_loss"] if form == "loss" else value


def _error(form: str, score: float, rows: int) -> float:
    """A standard error; a loss varies from row to row about as much as it is large."""
    if form == "accuracy":
        return math.sqrt(max(score * (1 - score), 0.0) / rows)
    return (1 - score) / math.sqrt(rows)


def _visible(record: Record, form: str, chance: float) -> bool:
    """The printed training curve shows that something broke."""
    epochs = record["epochs"]
    if form != "accuracy" and not all(math.isfinite(loss) for loss in record["printed"][0][:epochs]):
        return True
    printed = _scores(record, "printed", form)[:epochs]
    rose = form != "accuracy" and min(printed) <= -0.5 and min(printed[1:]) <= printed[0] - 0.2
    return rose or max(printed) - max(printed[-1], chance) >= 0.1


def _scatter(values: Sequence[float]) -> float:
    """The standard deviation in the last half, of four values at least, about a straight line or, if that is less, a smooth curve."""
    last = values[-max(4, len(values) // 2) :]
    count = len(last)
    middle, mean = (count - 1) / 2, sum(last) / count
    slope = sum((i - middle) * (value - mean) for i, value in enumerate(last)) / sum((i - middle) ** 2 for i in range(count))
    about_line = sum((value - mean - slope * (i - middle)) ** 2 for i, value in enumerate(last)) / max(1, count - 2)
    bends = [a - 2 * b + c for a, b, c in zip(last, last[1:], last[2:], strict=False)]
    about_curve = sum(bend * bend for bend in bends) / len(bends) / 6  # of independent errors, 1 + 4 + 1 times their variance
    return math.sqrt(min(about_line, about_curve))


def _training_as_printed(record: Record, numbers: Numbers) -> Numbers:
    """With the printed training score in place of the model's own."""
    train = _course(_scores(record, "printed", numbers.form)[: record["epochs"]])
    fresh = _course(_scores(record, "fresh", numbers.form)[: record["epochs"]])
    return replace(numbers, train=train[-1], top=max(train), then=train[fresh.index(max(fresh))])


def _all_as_printed(record: Record, numbers: Numbers) -> Numbers:
    """What the rules read if nobody has fresh rows."""
    train = _course(_scores(record, "printed", numbers.form)[: record["epochs"]])
    validation = _course(_scores(record, "validation", numbers.form)[: record["epochs"]])
    best = max(validation)
    return replace(
        numbers,
        train=train[-1],
        top=max(train),
        then=train[validation.index(best)],
        end=validation[-1],
        best=best,
        **_rise(validation),
        later=None,
        error=0.0,
    )


def _printed(record: Record, form: str) -> dict[str, Any]:
    """The curves, rounded as the script printed them, and the objective."""
    epochs, (train_name, name), digits = record["epochs"], record["names"][form], record["digits"]
    index = 0 if form == "loss" else 1
    error = "error" in name
    curves = (record["printed"][index][:epochs], record["curves"]["validation"][index][:epochs])
    shown = [[round(1 - value if error else value, digits) for value in curve] for curve in curves]
    return {
        "curves": dict(zip((train_name, name), shown, strict=True)),
        "objective": name,
        "goal": "Minimize" if form == "loss" or error else "Maximize",
    }
