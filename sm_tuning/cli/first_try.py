"""One training job of a tuning job without a history, for real on the emulator: what it takes, and what strategies would cost."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from sm_tuning.analysis.reading import read_results
from sm_tuning.cli.display import console, safe_lines
from sm_tuning.cli.output import echo
from sm_tuning.cli.tables import table_of
from sm_tuning.cli.target import Target
from sm_tuning.client.status import SilentMetric, duration
from sm_tuning.errors import Invalid, SmTuningError
from sm_tuning.preflight import cost, instances
from sm_tuning.simulation.first_plan import planned_costs
from sm_tuning.spec.job import Completion, unique_name
from sm_tuning.spec.strategies import Random
from sm_tuning.tuning_job import TuningJob
from sm_tuning.validation.matches import several_in_a_line


def try_one(job: TuningJob, target: Target, prices: Mapping[str, float]) -> dict[str, Any]:
    """Run one training job on the emulator, and say what the strategies would cost.

    Raises:
        Invalid: The tuning job has several definitions.
        SmTuningError: The training job failed.
    """
    if job.several:
        raise Invalid(f"{job.name} has several definitions; --try-one takes one")
    single = job.changed(
        name=unique_name(f"try-{job.name[:20].rstrip('-')}"),  # no beginning of the tuning job's own name
        strategy=Random(seed=0),
        max_jobs=1,
        max_parallel=1,
        completion=Completion(),
        warm_start=None,
    )
    run = single.launch(target.session(1))
    echo(f"running one training job as {run.name} …", error=True)
    run.wait()
    results = read_results(run)
    trial = next(iter(results.trials), None)
    if trial is None or trial.status == "Failed" or trial.seconds is None:
        raise SmTuningError(
            f"the training job failed, so its time says nothing: {trial.failure_reason if trial else 'none was begun'}"
        )
    values = len(trial.curves.get(results.objective.name, ()))
    count = cost.number_of_jobs(job) or 1
    planned = planned_costs(job.request(), epochs=max(values, 1), seconds=trial.seconds, trials=count)
    machines = cost.clusters(job.definition.resources)[0]
    count_of_instances = sum(machines.values())
    training = run.trainings()[0]
    share = run.memory_utilization(training, count_of_instances)
    price = sum(number * prices[kind] for kind, number in machines.items()) if machines.keys() <= prices.keys() else None
    matched = [line for line, is_matched in trial.log if is_matched]
    return {
        "trainingJob": trial.name,
        "warnings": [
            *(str(SilentMetric(check=check, trainings=[trial.name])) for check in trial.silent),
            *several_in_a_line(job.definition.all_metrics, matched),
        ],
        "seconds": trial.seconds,
        "epochs": values,
        "memory": None if share is None else _memory(share, list(machines)),
        "strategies": [
            {
                "setting": str(entry.setting),
                "instanceHours": entry.hours * count_of_instances,
                "seconds": entry.seconds,
                "cost": None if price is None else entry.hours * price,
            }
            for entry in planned
        ],
    }


def _memory(percent: float, kinds: Sequence[str]) -> dict[str, Any]:
    """What was used of this machine's memory, in bytes, and what instances have."""
    used = round(percent / 100.0 * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    has = {kind: instances.memory(kind) for kind in kinds}
    return {"bytes": used, "instances": has, "smallest": instances.smallest(used)}


def show(tried: Mapping[str, Any]) -> None:
    """Print what one training job took, and what the strategies would cost."""
    seconds, values = tried["seconds"], tried["epochs"]
    out = console()
    each = f": {seconds / values:.3g} s for each, starting included" if values > 1 else ""
    outcome = f"{values or 'no'} value{'' if values == 1 else 's'} of the objective{each}"
    out.print(f"one training job took {duration(seconds)} on this machine, for {outcome}", soft_wrap=True)
    out.print(
        "what strategies would cost if all training jobs took as long, and curves never crossed (an instance may be faster or slower):"
    )
    rows = [
        {
            "setting": entry["setting"],
            "instance-hours": f"{entry['instanceHours']:.3g}",
            "time": duration(entry["seconds"]),
            **({"cost": f"${entry['cost']:,.2f}"} if entry["cost"] is not None else {}),
        }
        for entry in tried["strategies"]
    ]
    out.print(table_of(rows))
    out.print(_about_memory(tried["memory"]), soft_wrap=True)
    for warning in tried["warnings"]:
        out.print(safe_lines(f"warning: {warning}"), soft_wrap=True)


def _about_memory(memory: Mapping[str, Any] | None) -> str:
    if memory is None:
        return "how much memory it takes is not known: nothing is measured of a container"
    used = memory["bytes"]
    parts = [f"it took {_size(used)} of memory at most"]
    for kind, has in memory["instances"].items():
        if has is None:
            parts.append(f"how much {kind} has is not known here")
        else:
            enough = "is enough" if has > used else "is not enough"
            parts.append(f"{kind} has {_size(has)}, which {enough}")
    if memory["smallest"] not in memory["instances"]:
        smallest = memory["smallest"]
        parts.append(f"{smallest} is the smallest ml.m5 that is" if smallest else "no ml.m5 has as much")
    return "; ".join(parts)


def _size(count: int) -> str:
    return f"{count / 2**30:.3g} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"
