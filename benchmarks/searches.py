"""One search of a problem by a sampler, ours or a peer's, and its result kept: what `quality.py` tabulates.

Results lie in benchmarks/.tables/searches, one file each. Those of the emulator's strategies are found again only for the same source;
`Bayesian@COMMIT` is the Bayesian search of that commit.
"""

import json
import os
import subprocess
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Protocol

sys.path.insert(0, str(Path(__file__).parents[1]))  # the benchmarks are no package that is installed

from benchmarks import versions
from benchmarks.problem import Problem
from benchmarks.problems import PROBLEMS, TABLES
from local_emulator.domain.history import Goal, History, Trial
from local_emulator.domain.jobs import Status
from local_emulator.domain.space import Categorical, Integer, Parameter, Point, Scaling, Space
from local_emulator.strategies import bayesian, belief, gaussian_process, mixture
from local_emulator.strategies.base import Strategy
from local_emulator.strategies.bayesian import Bayesian
from local_emulator.strategies.random import Random
from sm_tuning.rules import roles

ROOT = Path(__file__).parents[1]
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
EVALUATIONS = 50
PEERS = {
    "Optuna TPE": "optuna",
    "Optuna GP": "optuna",
    "Ax": "ax",
    "SMAC": "smac",
    "HEBO": "hebo",
}
"""The environment of each peer: `.venv-bench-NAME`, and `peers/search_with_NAME.py` which it runs."""


class Sampler(Protocol):
    """Ask and tell."""

    def ask(self) -> tuple[int, Point]:
        """The next point and its number."""

    def tell(self, number: int, value: float) -> None:
        """Say what a point brought."""


def ended(trial: Trial, status: Status, *values: float) -> Trial:
    """A trial that ended with these values, or with those that it had."""
    losses = values or trial.values
    ended_at = MOMENT + timedelta(seconds=trial.index)
    return replace(trial, status=status, values=losses, final=losses[-1] if losses else None, ended=ended_at)


def begun(trials: Sequence[Trial], point: Point) -> Trial:
    """The next trial."""
    return Trial(name=str(len(trials)), index=len(trials), point=point, status=Status.IN_PROGRESS)


class Ours:
    """A strategy of the emulator as ask and tell."""

    def __init__(self, strategy: Strategy, parents: Sequence[Trial] = (), *, transfer: bool = False) -> None:
        self._strategy = strategy
        self._history = History(goal=Goal.MINIMIZE, parents=parents, transfer=transfer)
        self.trials: list[Trial] = []

    def ask(self) -> tuple[int, Point]:
        """The next point and its number."""
        point = self._strategy.ask(replace(self._history, trials=tuple(self.trials)), 1)[0]
        self.trials.append(begun(self.trials, point))
        return len(self.trials) - 1, point

    def tell(self, number: int, value: float) -> None:
        """Say what the point brought."""
        self.trials[number] = ended(self.trials[number], Status.COMPLETED, value)


class Theirs(AbstractContextManager["Theirs"]):
    """A peer in an environment of its own, which reads and writes lines of JSON."""

    def __init__(self, name: str, space: Space, seed: int) -> None:
        environment = PEERS[name]
        python = Path(os.environ.get("BENCH_ENVIRONMENTS", ROOT)) / f".venv-bench-{environment}/bin/python"
        job = {"sampler": name, "seed": seed, "parameters": [described(parameter) for parameter in space.parameters]}
        script = Path(__file__).parent / "peers" / f"search_with_{environment}.py"
        command = [str(python), "-W", "ignore", str(script), json.dumps(job)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def __exit__(self, *_: object) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait()

    def _say(self, message: object) -> None:
        if self._process.stdin is None:
            raise RuntimeError("the peer has no standard input")
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def ask(self) -> tuple[int, Point]:
        """The next point and its number."""
        self._say({"ask": True})
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise RuntimeError("the peer has ended; run its script by hand to see why")
        number, point = json.loads(line)
        return number, {name: str(value) for name, value in point.items()}

    def tell(self, number: int, value: float) -> None:
        """Say what the point brought."""
        self._say({"tell": [number, value]})


def described(parameter: Parameter) -> Mapping[str, object]:
    """A parameter for a peer."""
    if isinstance(parameter, Categorical):
        return {"name": parameter.name, "kind": "category", "values": parameter.values}
    kind = "integer" if isinstance(parameter, Integer) else "real"
    log = parameter.scaling is Scaling.LOGARITHMIC
    return {"name": parameter.name, "kind": kind, "low": parameter.low, "high": parameter.high, "log": log}


OURS: dict[str, Callable[[Space, int], Strategy]] = {
    "Bayesian": lambda space, seed: Bayesian(space, seed=seed),
    "Random": lambda space, seed: Random(space, seed=seed),
}


def is_ours(sampler: str) -> bool:
    """Whether a sampler is a strategy of the emulator, of today or of a commit."""
    return sampler in OURS or "@" in sampler


def strategy_of(sampler: str, space: Space, seed: int) -> Strategy:
    """A strategy of the emulator."""
    _, _, commit = sampler.partition("@")
    return versions.bayesian(commit, space, seed) if commit else OURS[sampler](space, seed)


@dataclass(frozen=True)
class Search:
    """What identifies a search: `pending` evaluations are always under way."""

    problem: str
    sampler: str
    seed: int
    pending: int

    @property
    def path(self) -> Path:
        """Where its result is kept."""
        name = f"{self.sampler}-{_source()}" if self.sampler in OURS else self.sampler
        return TABLES / "searches" / name / f"{self.problem}-{self.seed}-{self.pending}.json"


@cache
def _source() -> str:
    """A word that stands for the source of the strategies."""
    sources = (Path(str(module.__file__)).read_bytes() for module in (bayesian, belief, gaussian_process, mixture, roles))
    return f"{zlib.crc32(b''.join(sources)):08x}"


@cache
def problem_of(name: str) -> Problem:
    """A problem, read once."""
    return PROBLEMS[name]()


def result(search: Search, evaluations: int = EVALUATIONS) -> Sequence[float]:
    """After each evaluation the true value of the point with the best value observed, read or searched now."""
    if search.path.exists():
        kept: list[float] = json.loads(search.path.read_text())
        if len(kept) >= evaluations:
            return kept[:evaluations]
    problem = problem_of(search.problem)
    sampler: Ours | Theirs
    if is_ours(search.sampler):
        sampler = Ours(strategy_of(search.sampler, problem.space, search.seed))
    else:
        sampler = Theirs(search.sampler, problem.space, search.seed)
    with sampler if isinstance(sampler, Theirs) else nullcontext():
        best = incumbents(problem, sampler, search.seed, search.pending, evaluations)
    search.path.parent.mkdir(parents=True, exist_ok=True)
    search.path.write_text(json.dumps(best))
    return best


def incumbents(problem: Problem, sampler: Sampler, seed: int, pending: int, evaluations: int) -> Sequence[float]:
    """After each evaluation the true value of the point with the best value observed."""
    under_way: list[tuple[int, Point]] = []
    best: list[float] = []
    lowest, launched = float("inf"), 0
    while len(best) < evaluations:
        while len(under_way) < pending and launched < evaluations:
            under_way.append(sampler.ask())
            launched += 1
        number, point = under_way.pop(0)
        observed = problem.observed(point, seed)
        sampler.tell(number, observed)
        if observed < lowest:
            lowest, incumbent = observed, problem.value(point)
        best.append(incumbent)
    return best
