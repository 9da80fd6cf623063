"""Commands that simulate a tuning job with other settings, and replay it."""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sm_tuning.analysis.results import Results
from sm_tuning.cli.display import counted
from sm_tuning.cli.output import echo, echo_json
from sm_tuning.cli.session import run_of
from sm_tuning.cli.target import Target
from sm_tuning.errors import Invalid
from sm_tuning.report.plots import require_suffix
from sm_tuning.results import read_results
from sm_tuning.simulation.settings import Setting
from sm_tuning.spec.metrics import number
from sm_tuning.what_if import Simulation
from sm_tuning.what_if import replay as replayed
from sm_tuning.what_if import simulate as simulated

_EARLY_STOPPING = {"both": None, "on": True, "off": False}


def simulate(
    *,
    jobs: tuple[str, ...],
    strategies: str | None,
    counts: str,
    parallel: str,
    early_stopping: str,
    budget: str | None,
    price_per_hour: float | None,
    seeds: int,
    chart: Path | None,
    target: Target,
    as_json: bool,
) -> None:
    """Say what other settings of a tuning job would come to."""
    numbers = {"jobs": _numbers("--jobs", counts), "parallel": _numbers("--parallel", parallel)}
    limit = None if budget is None else _budget(budget)
    if chart is not None:
        require_suffix(chart)
    results = _results(target, jobs)
    price = _price(results, target, price_per_hour)
    hours = None if limit is None else _hours(*limit, price)
    with counted("simulated worlds") as progress:
        simulation = simulated(
            results,
            strategies=None if strategies is None else _words(strategies),
            **numbers,
            early_stopping=_EARLY_STOPPING[early_stopping],
            budget_hours=hours,
            price=price,
            seeds=seeds,
            workers=os.cpu_count() or 1,
            progress=progress,
        )
    if chart is not None:
        simulation.plot.save(chart)
    if as_json:
        echo_json(_document(simulation))
        return
    echo(repr(simulation))
    setting = simulation.recommendation.setting
    if setting is not None and setting != simulation.today:
        echo(f"\nWrite it: {target.command('next', results.tuning_jobs[0].name, *options(setting))}")


def by_default(results: Results, target: Target) -> Simulation:
    """What the settings come to that are simulated by default, for a report."""
    with counted("simulated worlds") as progress:
        return simulated(results, price=_price(results, target, None), workers=os.cpu_count() or 1, progress=progress)


def replay(*, jobs: tuple[str, ...], strategies: str | None, seeds: int, target: Target, as_json: bool) -> None:
    """Replay a tuning job with other strategies on its real training jobs."""
    results, chosen = _results(target, jobs), None if strategies is None else _words(strategies)
    with counted("replays") as progress:
        replays = replayed(results, strategies=chosen, seeds=seeds, progress=progress)
    if as_json:
        echo_json(_document(replays))
    else:
        echo(repr(replays))


def options(setting: Setting) -> Sequence[str]:
    """The options of `sm-tuning next` that take over a setting."""
    words = ["--strategy", setting.strategy, "--jobs", str(setting.jobs), "--parallel", str(setting.parallel)]
    if setting.strategy == "Hyperband":
        return [*words, "--min-resource", str(setting.min_resource), "--max-resource", str(setting.max_resource)]
    return [*words, "--early-stopping" if setting.early_stopping else "--no-early-stopping"]


def _results(target: Target, jobs: tuple[str, ...]) -> Results:
    return read_results(*(run_of(target.session(), job) for job in jobs or ("latest",)))


def _document(simulation: Simulation) -> dict[str, Any]:
    chosen = simulation.recommendation
    return {
        "today": str(simulation.today),
        "recommendation": {
            "setting": None if chosen.setting is None else str(chosen.setting),
            "sentences": list(chosen.sentences),
            "moreTrainingJobsHardlyHelp": chosen.hopeless,
        },
        "settings": simulation.table(),
        "remarks": list(simulation.remarks),
    }


def _price(results: Results, target: Target, given: float | None) -> float | None:
    """Dollars of an hour of an instance: the one that was given, or AWS's where all are of one type."""
    if given is not None:
        return given
    kind = results.tuning_jobs[0].instance_type
    return target.prices([kind]).get(kind) if target.aws and kind else None


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _numbers(option: str, text: str) -> list[int]:
    try:
        return [int(word) for word in _words(text)]
    except ValueError as error:
        raise Invalid(f"{option} is {text!r}; it must be whole numbers with commas between, as 10,20,50") from error


def _budget(text: str) -> tuple[str, float]:
    """Money or hours: `30` and `$30` are dollars, `20h` instance-hours."""
    amount = number(text.strip().removeprefix("$").removesuffix("h"))
    both = text.strip().startswith("$") and text.strip().endswith("h")
    if amount is None or both or not 0 < amount < math.inf:
        raise Invalid(f"--budget is {text!r}; it must be dollars as in 30, or instance-hours as in 20h")
    return ("hours" if text.strip().endswith("h") else "money"), amount


def _hours(kind: str, amount: float, price: float | None) -> float:
    """A budget in instance-hours."""
    if kind == "hours":
        return amount
    if price is None:
        raise Invalid(
            f"--budget is {amount:g}, but no price of an instance-hour is known: give --price-per-hour, or hours as in 20h"
        )
    if price == 0.0:
        raise Invalid(f"--budget is {amount:g}, but an instance-hour costs nothing: leave it out, or give hours as in 20h")
    return amount / price
