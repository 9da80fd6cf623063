"""The command that writes the tuning job which follows one."""

from dataclasses import replace
from pathlib import Path

from sm_tuning.analysis.diagnosis import diagnose
from sm_tuning.analysis.next_round import Choice, NextRound, next_name, next_round, refuse
from sm_tuning.analysis.reading import read_data_scaling, read_results
from sm_tuning.cli.job_file import emulators_own
from sm_tuning.cli.output import echo, echo_json
from sm_tuning.cli.session import run_of
from sm_tuning.cli.target import Target
from sm_tuning.client.run import TuningRun
from sm_tuning.client.summaries import tuning_jobs
from sm_tuning.errors import Invalid
from sm_tuning.spec.from_request import job_of
from sm_tuning.spec.written import as_toml
from sm_tuning.tuning_job import TuningJob


def next_(
    *,
    job: str,
    output: Path | None,
    name: str | None,
    strategy: str | None,
    max_jobs: int | None,
    max_parallel: int | None,
    early_stopping: bool | None,
    min_resource: int | None,
    max_resource: int | None,
    target: Target,
    as_json: bool,
) -> None:
    """Write the tuning job that follows one, as its diagnosis advises, as TOML."""
    run = run_of(target.session(), job)
    resources = {"min_resource": min_resource, "max_resource": max_resource}
    choice = Choice(
        strategy=strategy, max_jobs=max_jobs, max_parallel=max_parallel, early_stopping=early_stopping, resources=resources
    )
    following = _following(run, name, choice, target)
    text = as_toml(following.job, following.comments)
    if output is not None:
        output.write_text(text, encoding="utf-8")
    if as_json:
        echo_json({"name": following.job.name, "file": None if output is None else str(output.resolve()), "toml": text})
    elif output is None:
        echo(text.rstrip("\n"))
    else:
        check, launch = (target.command(verb, str(output)) for verb in ("plan", "run"))
        echo(f"{output}: the round after {run.name}. Check it: {check}  Launch it: {launch}")


def _following(run: TuningRun, name: str | None, choice: Choice, target: Target) -> NextRound[TuningJob]:
    """The next round of a tuning job; raises Invalid for one that runs still, and for one that cannot be written."""
    status = run.status()
    if not status.over:
        attach = target.command("attach", run.name)
        raise Invalid(f"{run.name} is {status.status}; a next round learns from a tuning job that has ended: {attach}")
    results = read_results(run)
    job = replace(job_of(TuningJob, results.tuning_jobs[0].request), tags=run.tags())
    stem = next_name(job.name).rpartition("-")[0]
    taken = [] if name else [other.name for other in tuning_jobs(target.session().client("sagemaker"), part=stem)]
    following = next_round(diagnose(results, read_data_scaling(results, [run])), job, name, choice, taken)
    require_sound(following.job, job)
    own = {member: ["the emulator's; AWS needs one of your account"] for member in emulators_own(following.job)}
    return NextRound(following.job, {**following.comments, **own})


def require_sound(following: TuningJob, job: TuningJob) -> None:
    """Raise Invalid for a next round that breaks a rule which the tuning job does not: `plan` would refuse its file."""
    refuse(job.name, following.dry_run().problems, job.dry_run().problems)
