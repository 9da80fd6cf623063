"""Commands that look at tuning jobs and stop them."""

import sys
from collections.abc import Iterator
from pathlib import Path

from sm_tuning.analysis.reading import read_stops
from sm_tuning.boto import Session
from sm_tuning.cli.display import console, safe_lines, status_lines, trainings_table, without_model
from sm_tuning.cli.documents import status_document, training_document
from sm_tuning.cli.failures import INTERRUPTED
from sm_tuning.cli.output import echo, echo_json
from sm_tuning.cli.session import job_of, launched_of, run_of, training_of
from sm_tuning.cli.tables import safe, table_of
from sm_tuning.cli.target import Target
from sm_tuning.client.local_session import LocalSession
from sm_tuning.client.other_logs import other_log
from sm_tuning.client.run import TuningRun
from sm_tuning.client.status import ENDED, better_still
from sm_tuning.client.summaries import training_job, tuning_jobs
from sm_tuning.errors import NotFound


def status(*, job: str, target: Target, as_json: bool) -> None:
    """Say how far a tuning job is, or one of its training jobs."""
    run, training = launched_of(target.session(), job)
    if training is not None:
        _show_training(run, training, as_json=as_json)
        return
    now = run.status()
    if as_json:
        echo_json(status_document(now))
        return
    for group in [*(run.failures() if now.failed else ()), *(run.silent_metrics() if now.launched else ())]:
        console().print(safe_lines(str(group)))
    console().print(status_lines(now))
    if now.failure_reason:
        console().print("failed:", safe(now.failure_reason))


def _show_training(run: TuningRun, name: str, *, as_json: bool) -> None:
    training = next((training for training in run.trainings() if training.name == name), None)
    if training is None:
        raise NotFound(f"{run.name} does not list the training job {name} (yet)")
    stops = read_stops(run, [training])
    if as_json:
        echo_json(training_document(training, stops))
        return
    console().print(trainings_table([training], run.status().objective, stops=stops))
    for group in run.failures([training]):
        console().print(safe_lines(str(group)))


def trainings(*, job: str, target: Target, as_json: bool) -> None:
    """List the training jobs of a tuning job."""
    run = run_of(target.session(), job)
    rows = run.trainings()
    stops = read_stops(run, rows)
    if as_json:
        echo_json([training_document(row, stops) for row in rows])
        return
    now = run.status()
    console().print(trainings_table(rows, now.objective, best=now.best.name if now.best else None, stops=stops))


def best(*, job: str, download: Path | None, target: Target, as_json: bool) -> None:
    """Show the best training job of a tuning job."""
    run = run_of(target.session(), job)
    now = run.status()
    training = now.best
    if training is None:
        raise NotFound(f"{run.name} has no training job with an objective yet")
    file = None if download is None else run.download_model(training.name, download)
    uri, has_model = run.model_uri(training.name), run.has_model(training.name)
    stops = read_stops(run, [training])
    if as_json:
        document = {**(training_document(training, stops) or {}), "S3ModelArtifacts": uri if has_model else None}
        echo_json(document if file is None else {**document, "File": str(file)})
        return
    console().print(trainings_table([training], now.objective, best=training.name, stops=stops))
    if not has_model:
        console().print("model:", without_model(safe(uri)), soft_wrap=True)
    else:
        console().print("model:", safe(uri), soft_wrap=True)
        if file is not None:
            console().print("file: ", safe(str(file)), soft_wrap=True)
        console().print("serve it:", safe(target.command("serve", run.name)), soft_wrap=True)
    if now.best_of_parents is not None:
        console().print(safe(better_still(now.objective, now.best_of_parents)), soft_wrap=True)


def logs(*, name: str, endpoint: bool, follow: bool, target: Target, as_json: bool) -> None:
    """Print the log of a training job or of one of a tuning job's, or of an endpoint, a processing or a transform job."""
    member, owner, lines = _log(target.session(), name, endpoint=endpoint, follow=follow)
    if owner != name:
        echo(f"log of {owner}", error=True)
    if as_json:
        echo_json({member: owner, "lines": list(lines)})
        return
    try:
        for line in lines:
            echo(line)
    except KeyboardInterrupt:  # the way to end what follows: nothing has gone wrong
        sys.exit(INTERRUPTED)


def _log(session: Session, name: str, *, endpoint: bool, follow: bool) -> tuple[str, str, Iterator[str]]:
    """What AWS calls the name of what has the log that is meant, that name, and the lines; raises NotFound."""
    if not endpoint and (known := training_of(session, name)) is not None:
        return _of_training(*known, follow=follow)
    run = missing = None
    try:
        run = None if endpoint else run_of(session, name)
    except NotFound as error:
        missing = f"{error}; no endpoint, processing job or transform job has that name either"
    if run is not None and name in {run.name, "latest"}:  # and not the beginning of its name alone
        return _of_training(*_logged(run, running=follow), follow=follow)
    if (log := other_log(session, name, endpoint=endpoint)) is not None:
        return f"{log.kind}Name", name, log.lines(follow=follow)
    if run is None:
        kept = (
            "; of deleted ones the emulator keeps those of the last hundred programs" if isinstance(session, LocalSession) else ""
        )
        raise NotFound(missing or f"there is no endpoint {name!r}, and no log of it{kept}")
    return _of_training(*_logged(run, running=follow), follow=follow)


def _of_training(run: TuningRun, training: str, *, follow: bool) -> tuple[str, str, Iterator[str]]:
    return "TrainingJobName", training, run.logs(training, follow=follow)


def _logged(run: TuningRun, *, running: bool) -> tuple[TuningRun, str]:
    """The training job whose log is meant by a tuning job: one that runs, if that is wanted, or the best; raises NotFound."""
    rows = run.trainings()
    active = [row for row in rows if row.status not in ENDED] if running else []
    chosen = (active and active[0]) or run.best() or (rows[-1] if rows else None)
    if chosen is None:
        raise NotFound(f"{run.name} has no training job yet")
    return run, chosen.name


def stop(*, job: str, target: Target, as_json: bool) -> None:
    """Stop a tuning job and its running training jobs, or one training job."""
    session = target.session()
    run, training = job_of(session, job)
    if training is not None:
        run.stop_training(training)
        state = training_job(session.client("sagemaker"), training).status
        if as_json:
            echo_json({"TrainingJobName": training, "TrainingJobStatus": state})
        else:
            echo(f"{training}: {state}")
        return
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
