"""What the product says about hyperparameters, and what it advises, on response surfaces whose truth was planted.

    python benchmarks/diagnosis/surfaces.py [--half development|held-out] [--seed N] [--surfaces 100] [--minutes 60]
        [--jobs 12,30]

`--surfaces` of each family. The held-out half has other seeds and three families more. Its usual seeds have been looked at, and rules
were mended by what was seen there: who changes rules once more measures them with a `--seed` that was never used, once. "Ceiling" is
what an observer could name who knows the form of every effect and has to learn its size only: least squares on the same training
jobs. "Clear" surfaces are those whose strongest hyperparameters have at least twice the total effect of the next, with a noise of at
most a quarter of the differences between training jobs.
"""

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))  # the benchmarks are no package that is installed

from benchmarks.diagnosis.against import Judge
from benchmarks.diagnosis.ceiling import ceiling
from benchmarks.diagnosis.families import DEVELOPMENT, HELD_OUT, surface
from benchmarks.diagnosis.planted import Death, Surface
from benchmarks.diagnosis.played import Training, play, results
from benchmarks.soak.figures import Figures
from sm_tuning.analysis import Diagnosis, diagnose
from sm_tuning.analysis.confidence import Confidence
from sm_tuning.analysis.effects import Effect

_FIRST_HELD_OUT = 1_000_000
_STRONG = 0.3
_LITTLE = 0.1  # of the objective's variance
_NOTHING = 0.05
_FACTOR = 3.0  # a cliff is found within it
_CLEAR, _QUIET = 2.0, 0.25
_MOST = {12: 1.0, 30: 0.25, 100: 0.04}  # share of surfaces that are searched Bayesian: it takes its time


class Tally:
    """Shares: how many of how many, by what was looked at."""

    def __init__(self) -> None:
        self._hits: defaultdict[tuple[str, ...], float] = defaultdict(float)
        self._all: Counter[tuple[str, ...]] = Counter()
        self.examples: defaultdict[str, list[str]] = defaultdict(list)

    def add(self, *what: str, hit: float) -> None:
        """Count one case."""
        self._hits[what] += float(hit)
        self._all[what] += 1

    def share(self, *what: str) -> float:
        """The share of hits; not a number without a case."""
        return self._hits[what] / self._all[what] if self._all[what] else float("nan")

    def count(self, *what: str) -> int:
        """How many cases."""
        return self._all[what]

    def hits(self, *what: str) -> int:
        """How many hits."""
        return round(self._hits[what])

    def groups(self, first: str) -> list[tuple[str, ...]]:
        """What was counted under a heading."""
        return [what for what in self._all if what[0] == first]


# --- effects --------------------------------------------------------------------------------------------------------------------


def said(effect: Effect) -> bool:
    """Whether an effect is told as more than chance."""
    return effect.confidence is not Confidence.LOW


def _strongest(
    tally: Tally, planted: Surface, trainings: Sequence[Training], diagnosis: Diagnosis, jobs: str, search: str
) -> None:
    first = diagnosis.effects[0].name if diagnosis.effects else ""
    right = first in planted.strongest
    clear, quiet = planted.dominance >= _CLEAR, planted.level <= _QUIET
    if clear:
        tally.add("noise level", jobs, f"{planted.level:g}", hit=right)
    if not clear or not quiet:
        return
    tally.add("strongest", jobs, search, hit=right)
    tally.add("strongest", jobs, "all", hit=right)
    tally.add("strongest family", jobs, planted.family, hit=right)
    possible = ceiling(planted, trainings) in planted.strongest
    tally.add("ceiling", jobs, "all", hit=possible)
    tally.add("ceiling", jobs, search, hit=possible)
    tally.add("ceiling family", jobs, planted.family, hit=possible)
    if diagnosis.effects:
        tally.add("sure of the strongest", jobs, hit=right and said(diagnosis.effects[0]))


def _told(tally: Tally, planted: Surface, diagnosis: Diagnosis, jobs: str, search: str) -> None:
    """Numbers of what hyperparameters decide that a user sees: all of them were shown before, now those that may not be chance."""
    totals = planted.total_effects
    first = max(totals, key=lambda name: totals[name])
    for when, shown in (("before", diagnosis.effects), ("now", [effect for effect in diagnosis.effects if said(effect)])):
        numbers = {effect.name: effect.importance for effect in shown}
        little = [numbers[name] for name, total in totals.items() if name in numbers and total < _LITTLE]
        strong = [numbers[name] for name, total in totals.items() if name in numbers and total >= _STRONG]
        tally.add("told of little", jobs, search, when, hit=max(little, default=0.0) >= _STRONG)
        tally.add("nothing told of much", jobs, search, when, hit=min(strong, default=1.0) < _NOTHING)
        tally.add("told of the strongest", jobs, search, when, hit=numbers.get(first, 0.0) >= _STRONG)
    for effect in diagnosis.effects:
        if effect.rivals:
            either = [totals[name] for name in (effect.name, *effect.rivals)]
            tally.add("one of rivals matters", jobs, search, hit=max(either) >= _LITTLE)


def _noise(tally: Tally, planted: Surface, diagnosis: Diagnosis, jobs: str) -> None:
    if planted.family == "noise":
        tally.add("noise strong", jobs, hit=any(effect.importance > _STRONG and said(effect) for effect in diagnosis.effects))
        tally.add("noise said", jobs, hit=any(said(effect) for effect in diagnosis.effects))
    for effect in diagnosis.effects:
        if planted.total_effects[effect.name] < 0.005:
            tally.add("idle called sure", jobs, hit=said(effect))


def _edges(tally: Tally, planted: Surface, diagnosis: Diagnosis, jobs: str) -> None:
    false = 0
    for effect in diagnosis.effects:
        if effect.name not in planted.edges:
            continue
        true, total = planted.edges[effect.name], planted.total_effects[effect.name]
        for kind, named in (("edge", effect.edge), ("better", effect.better)):
            if named is not None:
                at = planted.best_at(effect.name)
                wrong = total > 0.05 and (at < 0.35 if named.value == "high" else at > 0.65)
                tally.add("wrong way", jobs, kind, hit=wrong)
                if wrong:
                    tally.examples[f"wrong way at {jobs}"].append(
                        f"{_title(planted)}: {effect.name} {kind} {named.value}, best at {at:.2f}"
                    )
        false += effect.edge is not None and effect.edge.value != true
        if true is not None and total > 0.3:
            tally.add("edges found", jobs, hit=effect.edge is not None and effect.edge.value == true)
            tally.add("better found", jobs, hit=effect.better is not None and effect.better.value == true)
    tally.add("false edges", jobs, hit=false)


def _cliffs(tally: Tally, planted: Surface, trainings: Sequence[Training], diagnosis: Diagnosis, jobs: str) -> None:
    named = {effect.name: effect.dies_above for effect in diagnosis.effects if effect.dies_above is not None}
    true = planted.cliff_value
    rate = planted.axes[planted.rate].name if planted.rate is not None else ""
    dead = sum(training.dead for training in trainings)
    tally.add("false cliffs", jobs, hit=any(name != rate or true is None for name in named))
    if true is None or dead < 3 or len(trainings) - dead < 3:
        return
    value = named.get(rate)
    axis = planted.axes[planted.rate or 0]
    close = value is not None and (
        1 / _FACTOR < value / true < _FACTOR if axis.logarithmic else abs(axis.unit(value) - axis.unit(true)) < 0.2
    )
    tally.add("cliffs found", jobs, planted.death.value, hit=close)
    tally.add("cliffs found", jobs, "all", hit=close)
    tally.add("cliffs far off", jobs, hit=value is not None and not close)


def _categories(tally: Tally, planted: Surface, trainings: Sequence[Training], diagnosis: Diagnosis, jobs: str) -> None:
    for effect in diagnosis.effects:
        bad = planted.bad_categories.get(effect.name, frozenset())
        named = set(effect.bad_categories)
        axis = next(axis for axis in planted.axes if axis.name == effect.name)
        if axis.values and not axis.numeric:
            clear = planted.total_effects[effect.name] < 0.005 or bad
            if clear:
                tally.add("good category called bad", jobs, hit=bool(named - bad))
        seen = Counter(training.point[effect.name] for training in trainings)
        for category in bad:
            if seen[category] >= 2 and planted.level <= _QUIET:
                tally.add("bad categories named", jobs, hit=category in named)


# --- advice ---------------------------------------------------------------------------------------------------------------------


def _advice(tally: Tally, planted: Surface, trainings: Sequence[Training], diagnosis: Diagnosis, jobs: str) -> None:
    judge = Judge(planted, trainings)
    against = list(judge.of(diagnosis.advice))
    tally.add("advice against", jobs, "all", hit=bool(against))
    tally.add("advice against by noise", jobs, f"{planted.level:g}", hit=bool(against))
    for text in against:
        kind = text.split(":")[0]
        tally.add("advice against kind", jobs, kind, hit=True)
        tally.examples[f"{kind} at {jobs}"].append(f"{_title(planted)}: {text}")
    directed = [pair for advice in diagnosis.advice for pair in judge.ways(advice) if pair[1] != "leave"]
    tally.add("plans with a direction", jobs, hit=bool(directed))
    tally.add("plans with ranges", jobs, hit=any(advice.ranges for advice in diagnosis.advice))
    names = [axis.name for axis in planted.axes]
    for name, way in directed:
        tally.add("directions that are right", jobs, hit=judge.clearly(names.index(name), way) == "right")


def _title(planted: Surface) -> str:
    return f"{planted.family} {planted.seed} (noise {planted.level:g})"


# --- the tables -----------------------------------------------------------------------------------------------------------------


def measured(families: Sequence[str], seeds: Sequence[int], counts: Sequence[int], minutes: float) -> Tally:
    """Everything counted over surfaces of some families, one of each after the other until the time is over."""
    tally = Tally()
    end = time.monotonic() + 60 * minutes
    for family, seed in ((family, seed) for seed in seeds for family in families):
        if time.monotonic() > end:
            break
        planted = surface(family, seed)
        for jobs, search in _searches(planted, counts):
            trainings = play(planted, search, jobs)
            began = time.perf_counter()
            diagnosis = diagnose(results(planted, trainings))
            count = str(jobs)
            tally.add("milliseconds of a diagnosis", count, hit=1000 * (time.perf_counter() - began))
            _noise(tally, planted, diagnosis, count)
            _edges(tally, planted, diagnosis, count)
            _advice(tally, planted, trainings, diagnosis, count)
            _cliffs(tally, planted, trainings, diagnosis, count)
            _categories(tally, planted, trainings, diagnosis, count)
            if family != "noise":
                _strongest(tally, planted, trainings, diagnosis, count, search)
                _told(tally, planted, diagnosis, count, search)
    return tally


def _searches(planted: Surface, counts: Sequence[int]) -> Iterator[tuple[int, str]]:
    chance = np.random.default_rng([planted.seed, 12]).random()
    for jobs in counts:
        yield jobs, "Random"
        if chance < _MOST.get(jobs, 1.0):
            yield jobs, "Bayesian"


def _goals(figures: Figures, tally: Tally, counts: Sequence[str]) -> None:
    goals = {"12": 0.92, "30": 0.99, "100": 0.99}
    for jobs in counts:
        reached, possible = tally.share("strongest", jobs, "all"), tally.share("ceiling", jobs, "all")
        text = (
            f"{jobs} jobs: strongest named first, {tally.count('strongest', jobs, 'all')} clear surfaces (ceiling {possible:.3f})"
        )
        figures.at_least(text, reached, goals.get(jobs, 0.92))
        figures.note(f"{jobs} jobs: and called sure", tally.share("sure of the strongest", jobs))
        figures.at_most(f"{jobs} jobs: pure noise told as strong and sure", tally.share("noise strong", jobs), 0.05)
        figures.note(f"{jobs} jobs: pure noise with anything called sure", tally.share("noise said", jobs))
        figures.note(f"{jobs} jobs: hyperparameters that do nothing called sure", tally.share("idle called sure", jobs))
        for kind in ("edge", "better"):
            figures.exactly(f"{jobs} jobs: {kind} the wrong way", tally.hits("wrong way", jobs, kind), 0)
        figures.at_most(f"{jobs} jobs: false edges a report", tally.share("false edges", jobs), 0.1)
        figures.note(
            f"{jobs} jobs: edges found / a better end found",
            f"{tally.share('edges found', jobs):.2f} / {tally.share('better found', jobs):.2f}",
        )
        figures.note(
            f"{jobs} jobs: cliffs found within a factor of 3, where 3 are dead", tally.share("cliffs found", jobs, "all")
        )
        deaths = {death.value: tally.share("cliffs found", jobs, death.value) for death in Death}
        figures.note(f"{jobs} jobs: by death", ", ".join(f"{death} {share:.2f}" for death, share in deaths.items()))
        figures.note(
            f"{jobs} jobs: cliffs far off / false cliffs",
            f"{tally.share('cliffs far off', jobs):.3f} / {tally.share('false cliffs', jobs):.3f}",
        )
        figures.note(f"{jobs} jobs: bad categories named", tally.share("bad categories named", jobs))
        figures.note(f"{jobs} jobs: a good category called bad", tally.share("good category called bad", jobs))
        total = tally.count("advice against", jobs, "all")
        figures.exactly(f"{jobs} jobs: plans against the truth, of {total}", tally.hits("advice against", jobs, "all"), 0)
        figures.note(f"{jobs} jobs: per 1,000 tuning jobs", 1000 * tally.share("advice against", jobs, "all"))
        directed, ranged = tally.share("plans with a direction", jobs), tally.share("plans with ranges", jobs)
        figures.note(f"{jobs} jobs: plans with a direction / with ranges", f"{directed:.2f} / {ranged:.2f}")
        figures.note(f"{jobs} jobs: directions that are clearly right", tally.share("directions that are right", jobs))
        for search in ("Random", "Bayesian"):
            for text, kind in (
                ("30 % or more told of one that decides less than 10", "told of little"),
                ("less than 5 % told of one that decides 30 or more", "nothing told of much"),
                ("30 % or more told of the strongest", "told of the strongest"),
            ):
                shares = [tally.share(kind, jobs, search, when) for when in ("before", "now")]
                figures.note(f"{jobs} jobs, {search}: {text}, before / now", "{:.3f} / {:.3f}".format(*shares))
        figures.note(f"{jobs} jobs: milliseconds of a diagnosis", tally.share("milliseconds of a diagnosis", jobs))


def _details(tally: Tally, counts: Sequence[str]) -> None:
    for title, other in (
        ("strongest family", "ceiling family"),
        ("strongest", "ceiling"),
        ("noise level", ""),
        ("one of rivals matters", ""),
        ("advice against kind", ""),
    ):
        print(f"\n{title}" + (f" ({other})" if other else ""))
        for name in dict.fromkeys(what[2] for what in tally.groups(title)):
            cells = []
            for jobs in counts:
                share = tally.share(title, jobs, name)
                if title == "advice against kind":
                    cells.append(f"{jobs}: {tally.count(title, jobs, name)}")
                else:
                    cells.append(
                        f"{jobs}: {share:.3f} of {tally.count(title, jobs, name)}"
                        + (f" ({tally.share(other, jobs, name):.3f})" if other else "")
                    )
            print(f"  {name:32}" + "   ".join(cells))
    for kind, texts in sorted(tally.examples.items()):
        print(f"\n{kind}: {len(texts)}, such as")
        for text in texts[:4]:
            print(f"  {text}")


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=["development", "held-out"], default="development", help="default: %(default)s")
    parser.add_argument("--seed", type=int, help="of the first surface of each family (default: 0, held-out 1000000)")
    parser.add_argument("--surfaces", type=int, default=100, help="of each family (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=60, help="begin no surface after so long (default: %(default)s)")
    parser.add_argument("--jobs", default="12,30", help="sizes of tuning jobs (default: %(default)s)")
    parser.add_argument("--families", default="", help="only these")
    options = parser.parse_args(argv)
    families = [name for name in options.families.split(",") if name] or (HELD_OUT if options.half == "held-out" else DEVELOPMENT)
    usual = _FIRST_HELD_OUT if options.half == "held-out" else 0
    first = usual if options.seed is None else options.seed
    counts = options.jobs.split(",")
    figures = Figures()
    tally = measured(families, range(first, first + options.surfaces), [int(count) for count in counts], options.minutes)
    _goals(figures, tally, counts)
    code = figures.print()
    _details(tally, counts)
    return code


if __name__ == "__main__":
    sys.exit(main())
