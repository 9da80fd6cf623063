"""The verdicts on learning curves beside the truth of several hundred real trainings.

    python benchmarks/diagnosis/verdicts.py [--held-out] [--seed 2000] [--problems 64] [--cases FILE]

Prints, for curves printed as losses and as accuracies (R² for regressions): the share of verdicts that a practitioner who has seen
thousands of fresh rows accepts, of the clearly sound trainings those called overfit, of the clear overfits those found; and what was
said of which truth. The trainings are those of `trainings.py`, made first if they are missing (some minutes). `--held-out` judges the
half that is not developed on, `--seed` another one of the same kind; it prints counts alone. `--cases` judges the curves of a file
instead: {name: {curves, objective, goal, truth}}, truth being the accepted verdicts.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # the benchmarks are no package that is installed

from benchmarks.diagnosis import trainings
from benchmarks.diagnosis.cases import Case, cases
from benchmarks.diagnosis.truths import OVERFIT
from sm_tuning import Objective
from sm_tuning.analysis.fit import classify

GOALS = {"right": 0.95, "false": 0.0, "detected": 0.95}


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Counts over cases of one form."""

    cases: int
    right: int
    clear: int
    clearly_right: int
    sound: int
    false: int
    overfit: int
    detected: int

    def rows(self) -> list[str]:
        """The table's rows: what, how many of how many, the share, the goal."""
        return [
            _row("verdicts accepted", self.right, self.cases, f"at least {GOALS['right']:.0%}"),
            _row("the same, where one verdict alone is", self.clearly_right, self.clear, ""),
            _row("clearly sound, called overfit", self.false, self.sound, "none"),
            _row("clear overfits found", self.detected, self.overfit, f"at least {GOALS['detected']:.0%}"),
        ]


def _row(what: str, count: int, of: int, goal: str) -> str:
    return f"| {what} | {count} of {of} | {count / of if of else 0:.1%} | {goal} |"


def verdict(case: Case) -> str:
    """What the product says of a case's curves alone."""
    objective = (Objective.maximize if case["goal"] == "Maximize" else Objective.minimize)(case["objective"])
    return str(classify(case["curves"], objective).verdict)


def figures(judged: Sequence[tuple[Case, str]]) -> Figures:
    """Count."""
    sound = [said for case, said in judged if case["sound"]]
    overfit = [said for case, said in judged if case["clear"] and case["accepted"] == [OVERFIT]]
    return Figures(
        cases=len(judged),
        right=sum(said in case["accepted"] for case, said in judged),
        clear=sum(case["clear"] for case, _ in judged),
        clearly_right=sum(case["clear"] and said in case["accepted"] for case, said in judged),
        sound=len(sound),
        false=sound.count(OVERFIT),
        overfit=len(overfit),
        detected=overfit.count(OVERFIT),
    )


def confusion(judged: Sequence[tuple[Case, str]]) -> list[str]:
    """A row for each set of accepted verdicts, the most frequent first, a column for each verdict that was said."""
    counts = Counter((" / ".join(case["accepted"]), said) for case, said in judged)
    truths = Counter(" / ".join(case["accepted"]) for case, _ in judged)
    said = sorted({word for _, word in counts})
    rows = [f"| accepted | of | {' | '.join(said)} |", "|---" * (len(said) + 2) + "|"]
    for accepted, of in truths.most_common():
        cells = (f"{n}{'' if word in accepted.split(' / ') else ' ✗'}" if (n := counts[accepted, word]) else "" for word in said)
        rows.append(f"| {accepted} | {of} | {' | '.join(cells)} |")
    return rows


def both_forms(half: str, problems: int, seed: int | None = None) -> list[Case]:
    """The cases of a half."""
    return [case for record in trainings.trained(half, problems, seed) for case in cases(record)]


def shown(title: str, chosen: Sequence[Case], *, full: bool) -> None:
    """Print the tables of some cases."""
    judged = [(case, verdict(case)) for case in chosen]
    print(f"\n### {title}\n\n| | | share | goal |\n|---|---|---|---|")
    print("\n".join(figures(judged).rows()))
    if full:
        print("\n" + "\n".join(confusion(judged)))


def from_file(path: Path) -> None:
    """Judge the curves of a file, and name those that are judged wrongly."""
    contents: Mapping[str, Case] = json.loads(path.read_text())
    judged = [(case, verdict(case)) for case in contents.values()]
    wrong = [
        f"- {name}: {said}, accepted are {', '.join(case['truth'])}"
        for name, (case, said) in zip(contents, judged, strict=True)
        if said not in case["truth"]
    ]
    print(f"\n{len(judged) - len(wrong)} of {len(judged)} verdicts accepted\n" + "\n".join(wrong))


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--held-out", action="store_true", help="judge the half that is not developed on")
    parser.add_argument("--seed", type=int, help="of the half's first problem (default: 0, or 1000 held out)")
    parser.add_argument("--problems", type=int, default=trainings.PROBLEMS, help="of five trainings each (default: %(default)s)")
    parser.add_argument("--cases", type=Path, help="judge the curves of this file")
    options = parser.parse_args(argv)
    if options.cases:
        from_file(options.cases)
        return
    half = "held-out" if options.held_out else "development"
    everything = both_forms(half, options.problems, options.seed)
    clear, misled, disputed = (sum(case[name] for case in everything) for name in ("clear", "misled", "disputed"))
    print(f"{len(everything) // 2} trainings of the {half} half, {len(everything)} curves, {clear} clear;")
    print(f"of {misled} the validation rows mislead, of {disputed} the other form says the contrary")
    for title, forms in (("Losses", {"loss"}), ("Accuracies and R²", {"accuracy", "r2"})):
        shown(title, [case for case in everything if case["form"] in forms], full=True)


if __name__ == "__main__":
    main()
