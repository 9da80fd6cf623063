"""What stopping training jobs has saved, by what stops them."""

from collections.abc import Mapping

from sm_tuning.analysis.results import Results, TrialResult


def saved(results: Results) -> Mapping[str, float]:
    """Seconds that were saved by `early stopping` and by `Hyperband`, whose rungs AWS does not call so.

    A stopped training job would have made as many values as one that is not stopped, at its own pace. What ran when its tuning job was
    stopped itself is not counted.
    """
    seconds: dict[str, float] = {}
    for job in results.tuning_jobs:
        by = "Hyperband" if job.strategy == "Hyperband" else "early stopping" if job.stops_early else ""
        stopped = [trial for trial in results.trials if trial.tuning_job == job.name and trial.status == "Stopped"]
        if job.status in {"Stopping", "Stopped"}:
            stopped = [trial for trial in stopped if _another_followed(results, trial)]
        if by and stopped:
            seconds[by] = seconds.get(by, 0.0) + sum(_seconds_saved(results, trial) for trial in stopped)
    return seconds


def _another_followed(results: Results, trial: TrialResult) -> bool:
    """Whether its tuning job launched a training job after its end: then that did not stop it by being stopped."""
    others = (other.created for other in results.trials if other.tuning_job == trial.tuning_job and other.created)
    return trial.ended is not None and any(created >= trial.ended for created in others)


def _seconds_saved(results: Results, trial: TrialResult) -> float:
    made, most = results.values_made(trial), results.most_values(trial)
    return trial.seconds / made * max(most - made, 0) if made and most and trial.seconds else 0.0
