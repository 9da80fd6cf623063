"""What commands ask with a session of boto3."""

import contextlib
from collections.abc import Iterable, Mapping

from botocore.exceptions import BotoCoreError, ClientError

from sm_tuning.boto import Session
from sm_tuning.cli.output import echo
from sm_tuning.client.run import TuningRun
from sm_tuning.client.status import SHORT_NAME
from sm_tuning.client.summaries import training_job, training_names, tuning_jobs
from sm_tuning.errors import NotFound
from sm_tuning.preflight.prices import price_list
from sm_tuning.spec.data_scaling import without_scaling_jobs

_MOST_SHOWN = 5


def training_of(session: Session, name: str) -> tuple[TuningRun, str] | None:
    """The training job of a name, or of the short name that tables show, with its tuning job; None if there is none.

    Of a training job that no tuning job has launched, the tuning job has its own name.
    """
    client = session.client("sagemaker")
    names = [name]
    if SHORT_NAME.fullmatch(name):
        names += [known for known in training_names(client, name) if known.endswith(f"-{name}")]
    for known in names:
        with contextlib.suppress(NotFound):
            job = training_job(client, known)
            return TuningRun(job.tuning_job or known, session=session, client=client), known
    return None


def job_of(session: Session, name: str) -> tuple[TuningRun, str | None]:
    """The tuning job that a word means, and the training job if it means one of those.

    A word is a tuning job's name or the beginning of one (if only one begins so), `latest`, or a training job's name or short name.

    Raises:
        NotFound: It means none, or several.
    """
    client = session.client("sagemaker")
    try:
        return TuningRun.attach(name, session, client=client), None
    except NotFound:
        names = without_scaling_jobs([job.name for job in tuning_jobs(client)])
        matches = names[:1] if name == "latest" else [known for known in names if known.startswith(name)]
        if len(matches) == 1:
            return TuningRun(matches[0], session=session, client=client), None
        if not matches and name != "latest" and (training := training_of(session, name)) is not None:
            return training
        known = matches or names
        more = f" and {len(known) - _MOST_SHOWN} more" if len(known) > _MOST_SHOWN else ""
        there = ", ".join(known[:_MOST_SHOWN]) + more or "none"
        raise NotFound(f"{len(matches) or 'no'} tuning jobs begin with {name!r}; there are {there}") from None


def run_of(session: Session, name: str) -> TuningRun:
    """The tuning job that a word means (`job_of`); of a training job the one that has launched it."""
    run, training = launched_of(session, name)
    if training is not None:
        echo(f"{training} is a training job of {run.name}", error=True)
    return run


def launched_of(session: Session, name: str) -> tuple[TuningRun, str | None]:
    """`job_of`; raises NotFound of a training job that no tuning job has launched too."""
    run, training = job_of(session, name)
    if training == run.name:
        raise NotFound(f"no tuning job has launched the training job {training}")
    return run, training


def prices_of(session: Session, instance_types: Iterable[str]) -> Mapping[str, float]:
    """Dollars for an hour of each instance type by AWS's price list; none if it cannot be asked."""
    try:
        return price_list(session, instance_types)
    except (BotoCoreError, ClientError):
        return {}
