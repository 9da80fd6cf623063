"""Does it pay to follow the advice? Real tuning jobs of 12 training jobs, and then 12 more: as advised, at random, or Bayesian.

    python benchmarks/diagnosis/following.py [--half development|held-out] [--repetitions 6] [--problems wine,moons] [--verbose]

A first round of 12 is Bayesian, by the emulator's strategy. What follows it is (a) the advised round, warm-started as the product does
it, (b) 12 random ones in the old ranges, (c) 12 more Bayesian ones there, (d) "expert": as (a), with the ranges of somebody who knows
the problem, which is about what advice could bring. A score is that on test data of the best training job by validation over all 24,
less being better. Better and worse are differences of more than a standard error, of the paired difference in the rows of the test
data. Learning curves are kept in benchmarks/.tables, so that only new points cost time, and the best ones, trained again for scores.
"""

import argparse
import math
import statistics
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # the benchmarks are no package that is installed

from benchmarks.diagnosis.problems import PROBLEMS, Problem
from benchmarks.diagnosis.rounds import Repetition, Trainings
from benchmarks.soak.figures import Figures

_FIRST_HELD_OUT = 100
_WAYS = ("random", "Bayesian", "first")


def compared(first: Sequence[float], second: Sequence[float]) -> int:
    """-1 if the first is better (less) by more than a standard error of the paired difference, 1 if it is worse, or 0."""
    differences = [ours - theirs for ours, theirs in zip(first, second, strict=True)]
    mean = statistics.fmean(differences)
    error = statistics.stdev(differences) / math.sqrt(len(differences))
    return 0 if abs(mean) <= error else int(math.copysign(1, mean))


class Comparison:
    """The advised rounds beside the others."""

    def __init__(self) -> None:
        self.outcomes: dict[str, list[int]] = {way: [] for way in _WAYS}
        self.relative: dict[str, list[float]] = {way: [] for way in _WAYS}
        self.experts: list[int] = []
        self.unchanged = 0

    def of(self, problem: Problem, seeds: Sequence[int], trainings: Trainings, *, verbose: bool) -> str:
        """The row of a problem."""
        means: dict[str, list[float]] = {}
        counts: dict[str, Counter[int]] = {way: Counter() for way in _WAYS}
        for seed in seeds:
            repetition = Repetition(problem, seed, trainings)
            rows = repetition.scores()
            self.unchanged += not repetition.changed
            self.experts.append(compared(rows["expert"], rows["random"]))
            for way, losses in rows.items():
                means.setdefault(way, []).append(statistics.fmean(losses))
            for way in _WAYS:
                outcome = compared(rows["advised"], rows[way])
                self.outcomes[way].append(outcome)
                self.relative[way].append(means["advised"][-1] / means[way][-1] - 1)
                counts[way][outcome] += 1
            if verbose:
                _show(repetition, {way: means[way][-1] for way in means})
        scores = " | ".join(
            f"{statistics.median(means[way]):.3f}" for way in ("first", "advised", "expert", "random", "Bayesian")
        )
        tallies = " | ".join(f"{counts[way][-1]}, {counts[way][0]}, {counts[way][1]}" for way in ("random", "Bayesian"))
        return f"| {problem.name} | {problem.misplaced} | {scores} | {tallies} |"

    def into(self, figures: Figures) -> None:
        """Enter the figures."""
        random, bayesian = self.outcomes["random"], self.outcomes["Bayesian"]
        total = len(random)
        figures.at_least(f"better than random, share of {total}", random.count(-1) / total, 0.65)
        figures.at_most("worse than random", random.count(1) / total, 0.1)
        figures.note("better / worse than Bayesian", f"{bayesian.count(-1) / total:.2f} / {bayesian.count(1) / total:.2f}")
        figures.at_most("median difference to Bayesian, of its loss", statistics.median(self.relative["Bayesian"]), 0.0)
        experts = self.experts
        text = "an expert's ranges in place of the advised: better / worse than random"
        figures.note(text, f"{experts.count(-1) / total:.2f} / {experts.count(1) / total:.2f}")
        for way in _WAYS:
            median, mean = statistics.median(self.relative[way]), statistics.fmean(self.relative[way])
            figures.note(f"difference to {way}, of its loss: median / mean", f"{median:+.3f} / {mean:+.3f}")
        figures.note("rounds with the old ranges", self.unchanged / total)


def _show(repetition: Repetition, scores: Mapping[str, float]) -> None:
    print("   ", ", ".join(f"{way} {score:.3f}" for way, score in scores.items()), "|", repetition.diagnosis.fit.verdict.value)
    for advice in repetition.diagnosis.advice:
        print(f"        {advice.remedy}: {advice.reason}")
    for text in repetition.changed:
        print(f"        now {text}")


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=["development", "held-out"], default="development", help="default: %(default)s")
    parser.add_argument("--repetitions", type=int, default=6, help="of each problem (default: %(default)s)")
    parser.add_argument("--problems", default="", help="only those with one of these texts in their name")
    parser.add_argument("--verbose", action="store_true", help="show each round's advice")
    options = parser.parse_args(argv)
    held_out, texts = options.half == "held-out", options.problems.split(",")
    first = _FIRST_HELD_OUT if held_out else 0
    figures, trainings, comparison = Figures(), Trainings(), Comparison()
    print("| problem | misplaced | first round | advised | expert | random | Bayesian | better, tie, worse: random | Bayesian |")
    print("|---|---|---|---|---|---|---|---|---|")
    for problem in PROBLEMS:
        if problem.held_out == held_out and any(text in problem.name for text in texts):
            seeds = range(first, first + options.repetitions)
            print(comparison.of(problem, seeds, trainings, verbose=options.verbose), flush=True)
    print()
    comparison.into(figures)
    figures.note("trainings that were run, not looked up", trainings.run)
    return figures.print()


if __name__ == "__main__":
    sys.exit(main())
