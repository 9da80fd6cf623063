"""Commands that look at tuning jobs and stop them."""

import contextlib
import re
import sys
from pathlib import Path

from sm_tuning.boto import Session
from sm_tuning.cli.display import console, safe, safe_lines, short, status_lines, table_of, trainings_table
from sm_tuning.cli.documents import status_document, training_document
from sm_tuning.cli.failures import INTERRUPTED
from sm_tuning.cli.output import echo, echo_json
from sm_tuning.cli.session import run_of
from sm_tuning.cli.target import Target
from sm_tuning.client.run import TuningRun
from sm_tuning.client.summaries import training_job, tuning_jobs
from sm_tuning.errors import NotFound

_SHORT = re.compile(r"\d{3,}-[0-9a-f]+")


def status(*, job: str, target: Target, as_json: bool) -> None:
    """Say how far a tuning job is."""
    run = run_of(target.session(), job)
    now = run.status()
    if as_json:
        echo_json(status_document(now))
        return
    for group in run.failures() if now.failed else ():
        console().print(safe_lines(str(group)))
    console().print(status_lines(now))
    if now.failure_reason:
        console().print("failed:", safe(now.failure_reason))


def trainings(*, job: str, target: Target, as_json: bool) -> None:
    """List the training jobs of a tuning job."""
    run = run_of(target.session(), job)
    rows = run.trainings()
    if as_json:
        echo_json([training_document(row) for row in rows])
        return
    best = run.best()
    console().print(trainings_table(rows, best=best.name if best else None))


def best(*, job: str, download: Path | None, target: Target, as_json: bool) -> None:
    """Show the best training job of a tuning job."""
    run = run_of(target.session(), job)
    training = run.best()
    if training is None:
        raise NotFound(f"{run.name} has no training job with an objective yet")
    file = None if download is None else run.download_model(training.name, download)
    if as_json:
        document = {**(training_document(training) or {}), "S3ModelArtifacts": run.model_uri(training.name)}
        echo_json(document if file is None else {**document, "File": str(file)})
        return
    console().print(trainings_table([training], best=training.name))
    console().print("model:", safe(run.model_uri(training.name)), soft_wrap=True)
    if file is not None:
        console().print("file: ", safe(str(file)), soft_wrap=True)


def logs(*, name: str, follow: bool, target: Target, as_json: bool) -> None:
    """Print the log of a training job, or of the best training job of a tuning job."""
    run, training = _training_of(target.session(), name)
    lines = run.logs(training, follow=follow)
    if as_json:
        echo_json({"TrainingJobName": training, "lines": list(lines)})
        return
    try:
        for line in lines:
            echo(line)
    except KeyboardInterrupt:  # the way to end what follows: nothing has gone wrong
        sys.exit(INTERRUPTED)


def _training_of(session: Session, name: str) -> tuple[TuningRun, str]:
    """The training job of a name, of the short name that tables show, or the best of a tuning job; raises NotFound."""
    client = session.client("sagemaker")
    with contextlib.suppress(NotFound):
        training_job(client, name)
        return TuningRun(name, session=session, client=client), name
    if _SHORT.fullmatch(name):
        latest = run_of(session, "latest")
        for training in latest.trainings():
            if short(training.name) == name:
                echo(f"log of {training.name}", error=True)
                return latest, training.name
    run = run_of(session, name)
    rows = run.trainings()
    chosen = run.best() or (rows[-1] if rows else None)
    if chosen is None:
        raise NotFound(f"{run.name} has no training job yet")
    echo(f"log of {chosen.name}", error=True)
    return run, chosen.name


def stop(*, job: str, target: Target, as_json: bool) -> None:
    """Stop a tuning job and its running training jobs."""
    run = run_of(target.session(), job)
    run.stop()
    if as_json:
        echo_json(status_document(run.status()))
    else:
        echo(f"{run.name}: {run.status().status}")


def list_tuning_jobs(*, target: Target, as_json: bool) -> None:
    """List tuning jobs, the newest first."""
    jobs = tuning_jobs(target.session().client("sagemaker"))
    if as_json:
        echo_json([job.answer for job in jobs])
        return
    rows = [
        {
            "tuning job": job.name,
            "status": job.status,
            "strategy": job.strategy,
            "training jobs": job.training_jobs,
            "created": f"{job.created:%Y-%m-%d %H:%M:%S}",
        }
        for job in jobs
    ]
    console().print(table_of(rows) if rows else "no tuning jobs")
