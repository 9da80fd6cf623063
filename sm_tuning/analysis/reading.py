"""Reads what the analysis needs from the service."""

from collections.abc import Sequence

from sm_tuning.analysis.results import CurveCache, Results
from sm_tuning.client.logs import DENIED
from sm_tuning.client.run import TuningRun
from sm_tuning.errors import Invalid, NotFound
from sm_tuning.spec.data_scaling import scaling_job_name


def read_scaling(results: Results, runs: Sequence[TuningRun], known: CurveCache | None = None) -> Results | None:
    """What the training jobs on growing shares came to, for the tuning job that has the best training job; None without such.

    Args:
        results: What the tuning jobs have come to.
        runs: The tuning jobs.
        known: As of `Results.read`.
    """
    from botocore.exceptions import ClientError  # noqa: PLC0415 - see TuningRun.__init__

    best = results.best
    run = next((run for run in runs if best is not None and run.name == best.tuning), None)
    if best is None or run is None:
        return None
    try:
        found = Results.read(run.other(scaling_job_name(run.name)), known=known)
    except (NotFound, Invalid):
        return None
    except ClientError as error:
        if error.response["Error"]["Code"] not in DENIED:  # a role may be allowed to see its own tuning jobs only
            raise
        return None
    static = found.requests[0].get("TrainingJobDefinition", {}).get("StaticHyperParameters", {})
    same = all(static.get(name, value) == value for name, value in best.training.hyperparameters.items())
    return found if same and len(found.ranges) == 1 and found.objective == results.objective else None
