"""Commands that look at tuning jobs and stop them."""

import click

from sm_tuning.cli.app import Target, echo, echo_json, options, sm_tuning, status_document, training_document
from sm_tuning.client.run import TuningRun
from sm_tuning.errors import NotFound


@sm_tuning.command()
@click.argument("job", default="latest")
@options
def status(*, job: str, target: Target, as_json: bool) -> None:
    """Say how far a tuning job is."""
    from sm_tuning.cli.display import console, safe, status_lines  # noqa: PLC0415 - see command.py

    found = target.run(job).status()
    if as_json:
        echo_json(status_document(found))
        return
    console().print(status_lines(found))
    if found.failure_reason:
        console().print("failed:", safe(found.failure_reason))


@sm_tuning.command()
@click.argument("job", default="latest")
@options
def trainings(*, job: str, target: Target, as_json: bool) -> None:
    """List the training jobs of a tuning job."""
    from sm_tuning.cli.display import console, trainings_table  # noqa: PLC0415 - see command.py

    found = target.run(job)
    rows = found.trainings()
    if as_json:
        echo_json([training_document(one) for one in rows])
        return
    best = found.best()
    console().print(trainings_table(rows, best=best.name if best else None))


@sm_tuning.command()
@click.argument("job", default="latest")
@options
def best(*, job: str, target: Target, as_json: bool) -> None:
    """Show the best training job of a tuning job."""
    from sm_tuning.cli.display import console, trainings_table  # noqa: PLC0415 - see command.py

    found = target.run(job)
    one = found.best()
    if one is None:
        raise NotFound(f"{found.name} has no training job with an objective yet")
    if as_json:
        echo_json({**(training_document(one) or {}), "S3ModelArtifacts": found.model_uri(one.name)})
        return
    console().print(trainings_table([one], best=one.name))
    console().print("model:", found.model_uri(one.name))


@sm_tuning.command()
@click.argument("name")
@click.option("-f", "--follow", is_flag=True, help="Go on until the training job has ended.")
@options
def logs(*, name: str, follow: bool, target: Target, as_json: bool) -> None:
    """Print the log of a training job, or of the best training job of a tuning job."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - see command.py

    session = target.session()
    try:
        session.client("sagemaker").describe_training_job(TrainingJobName=name)
        run_, training = TuningRun(name, session=session), name
    except ClientError:
        run_ = target.run(name)
        children = run_.trainings()
        chosen = run_.best() or (children[-1] if children else None)
        if chosen is None:
            raise NotFound(f"{run_.name} has no training job yet") from None
        training = chosen.name
        echo(f"log of {training}", error=True)
    lines = run_.logs(training, follow=follow)
    if as_json:
        echo_json({"TrainingJobName": training, "lines": list(lines)})
        return
    for line in lines:
        echo(line)


@sm_tuning.command()
@click.argument("job")
@options
def stop(*, job: str, target: Target, as_json: bool) -> None:
    """Stop a tuning job and its running training jobs."""
    found = target.run(job)
    found.stop()
    if as_json:
        echo_json(status_document(found.status()))
    else:
        echo(f"{found.name}: {found.status().status}")


@sm_tuning.command(name="list")
@options
def list_(*, target: Target, as_json: bool) -> None:
    """List tuning jobs, the newest first."""
    from sm_tuning.cli.display import console, table_of  # noqa: PLC0415 - see command.py

    client = target.session().client("sagemaker")
    pages = client.get_paginator("list_hyper_parameter_tuning_jobs").paginate(SortBy="CreationTime", SortOrder="Descending")
    found = [one for page in pages for one in page["HyperParameterTuningJobSummaries"]]
    if as_json:
        echo_json(found)
        return
    rows = [
        {
            "tuning job": one["HyperParameterTuningJobName"],
            "status": one["HyperParameterTuningJobStatus"],
            "strategy": one["Strategy"],
            "training jobs": sum(one["TrainingJobStatusCounters"].values()),
            "created": f"{one['CreationTime']:%Y-%m-%d %H:%M:%S}",
        }
        for one in found
    ]
    console().print(table_of(rows) if rows else "no tuning jobs")
