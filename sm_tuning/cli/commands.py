"""Every command with its options; those of `sm-tuning infra` are in `infra_group`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from sm_tuning.cli.failures import Commands
from sm_tuning.cli.infra_group import infra
from sm_tuning.cli.options import job_file_options, json_option, perform, price_option, target_options
from sm_tuning.cli.skeletons import FRAMEWORKS
from sm_tuning.client.emulator_process import state_folder

_PARTS: Mapping[str, Sequence[str]] = {
    "Describe and launch": ("init", "plan", "doctor", "run"),
    "Follow": ("attach", "status", "trainings", "best", "serve", "promote", "logs", "stop", "list"),
    "Results": ("diagnose", "report", "dashboard", "simulate", "replay", "next", "export"),
    "Emulator": ("emulator",),
    "Account": ("infra",),
}


@click.group(
    cls=Commands,
    parts=_PARTS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 failed, 2 usage, 3 no emulator, 4 timeout, 5 not better, 130 interrupted.",
)
@click.version_option(package_name="sm-tuning")
def sm_tuning() -> None:
    """Plan, run and follow SageMaker tuning jobs, on this machine or in AWS."""


# --- describing and launching ---------------------------------------------------------------------------------------------


@sm_tuning.command()
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option(
    "--framework",
    type=click.Choice(list(FRAMEWORKS)),
    default="plain",
    show_default=True,
    help="What the script trains with; plain needs nothing but Python.",
)
@json_option
def init(**arguments: object) -> None:
    """Write a job file and a training script to begin with, each line explained; nothing is overwritten."""
    perform("init.init", **arguments)


@sm_tuning.command()
@job_file_options
@click.option("--request", "show_request", is_flag=True, help="Show the exact request.")
@click.option("--try-one", is_flag=True, help="Run one training job on the emulator: its time, and what strategies would cost.")
@target_options
def plan(**arguments: object) -> None:
    """Check a tuning job without sending it, and say what it would do and cost; with --aws or --stack the account is asked."""
    perform("plan.plan", **arguments)


@sm_tuning.command()
@job_file_options
@click.option("--max-cost", type=click.FloatRange(min=0), help="Dollars that the worst case may cost; nothing is launched above.")
@click.option("--name", help="Name of the tuning job (default: the file's, made unique).")
@click.option("--parallel", type=click.IntRange(1), help="Training jobs at a time.")
@click.option("--wait/--no-wait", default=True, help="Follow it to its end (the default).")
@click.option("--timeout", type=float, help="Seconds to follow it for.")
@click.option("--data-scaling", is_flag=True, help="Then train the best on growing shares of the training set.")
@click.option("--learning-curve", is_flag=True, hidden=True)  # its name in version 0.1
@click.option("--dashboard", is_flag=True, help="Show it in a browser while it runs.")
@click.option("--yes", is_flag=True, help="Do not ask before launching in AWS.")
@target_options
def run(**arguments: object) -> None:
    """Launch a tuning job and follow it: on the emulator, or with --aws for real."""
    perform("launch.run", **arguments)


@sm_tuning.command()
@job_file_options
@click.option("--name", help="Name of the tuning job, to see whether it is free (default: the file's, made unique).")
@click.option("--account", help="Number of the account that is meant.")
@target_options
def doctor(**arguments: object) -> None:
    """Say what an account lacks for a tuning job, and the command that mends it; nothing is changed."""
    perform("doctor.doctor", **arguments)


# --- following ------------------------------------------------------------------------------------------------------------


@sm_tuning.command()
@click.argument("job", default="latest")
@click.option("--timeout", type=float, help="Seconds to follow it for.")
@target_options
def attach(**arguments: object) -> None:
    """Follow a tuning job to its end."""
    perform("launch.attach", **arguments)


@sm_tuning.command()
@click.argument("job", default="latest")
@target_options
def status(**arguments: object) -> None:
    """Say how far a tuning job is."""
    perform("follow.status", **arguments)


@sm_tuning.command()
@click.argument("job", default="latest")
@target_options
def trainings(**arguments: object) -> None:
    """List the training jobs of a tuning job."""
    perform("follow.trainings", **arguments)


@sm_tuning.command()
@click.argument("job", default="latest")
@click.option(
    "--download", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Download its model to a folder."
)
@target_options
def best(**arguments: object) -> None:
    """Show the best training job of a tuning job."""
    perform("follow.best", **arguments)


@sm_tuning.command()
@click.argument("job", default="latest")
@click.option("--name", help="Name of the endpoint (default: the training job's).")
@click.option(
    "--script",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A script whose model_fn loads the model (default: the one that trained it).",
)
@click.option("--instance-type", default="ml.m5.large", show_default=True, help="Of the endpoint in AWS.")
@click.option("--delete", is_flag=True, help="Delete the endpoint instead, its configuration and its model.")
@click.option("--yes", is_flag=True, help="With --aws: an endpoint costs money until it is deleted.")
@target_options
def serve(**arguments: object) -> None:
    """Put the best model of a tuning job behind an endpoint, and say how to ask it."""
    perform("serve.serve", **arguments)


@sm_tuning.command()
@click.argument("job", default="latest")
@click.option("--stack", help="CloudFormation stack that tells where promoted models go.")
@click.option("--group", help="Model package group (default: the stack's); it is made if it is not there.")
@click.option("--to", "folder", metavar="S3URI", help="Folder that the model is copied to (default: the stack's).")
@click.option("--approve", is_flag=True, help="Approve it at once; else it waits for somebody (PendingManualApproval).")
@click.option(
    "--min-gain", type=click.FloatRange(min=0), help="How much better it must be (default: more than the noise of both)."
)
@click.option("--force", is_flag=True, help="Promote it though it is not better.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@target_options
def promote(**arguments: object) -> None:
    """Copy the best model to where nobody else writes and register it, if it beats the current one by more than noise."""
    perform("promote.promote", **arguments)


@sm_tuning.command()
@click.argument("name", metavar="[JOB|NAME]", default="latest")
@click.option("-f", "--follow", is_flag=True, help="Go on until the job has ended, or the endpoint is deleted.")
@click.option("--endpoint", is_flag=True, help="NAME is an endpoint's, though a training job may have it too.")
@target_options
def logs(**arguments: object) -> None:
    """Print the log of a training job (its name, or as tables show it), or of the best training job of a tuning job.

    NAME may also be that of an endpoint, a processing job or a transform job.
    """
    perform("follow.logs", **arguments)


@sm_tuning.command()
@click.argument("job")
@target_options
def stop(**arguments: object) -> None:
    """Stop a tuning job and its running training jobs."""
    perform("follow.stop", **arguments)


@sm_tuning.command(name="list")
@target_options
def list_(**arguments: object) -> None:
    """List tuning jobs, the newest first."""
    perform("follow.list_tuning_jobs", **arguments)


# --- results --------------------------------------------------------------------------------------------------------------


@sm_tuning.command()
@click.argument("jobs", nargs=-1)
@target_options
def diagnose(**arguments: object) -> None:
    """Say whether the best model over- or underfits, what each hyperparameter did, and what to do next."""
    perform("analysis.diagnose", **arguments)


@sm_tuning.command(name="next")
@click.argument("job", default="latest")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A .toml file; standard output, if not given.")
@click.option("--name", help="Name of the new tuning job (default: the old one's with the next number).")
@click.option("--strategy", help="Another strategy, as `simulate` recommends it: Random, Bayesian, Hyperband or Grid.")
@click.option("--jobs", "max_jobs", type=click.IntRange(1), help="Another number of training jobs.")
@click.option("--parallel", "max_parallel", type=click.IntRange(1), help="Another number of training jobs at a time.")
@click.option("--early-stopping/--no-early-stopping", default=None, help="Whether the poor are stopped early.")
@click.option("--min-resource", type=click.IntRange(1), help="Hyperband's MinResource.")
@click.option("--max-resource", type=click.IntRange(1), help="Hyperband's MaxResource.")
@target_options
def next_(**arguments: object) -> None:
    """Write the tuning job that follows one, as its diagnosis advises, as TOML for `plan` and `run`."""
    perform("next_round.next_", **arguments)


@sm_tuning.command()
@click.argument("jobs", nargs=-1)
@click.option("--strategies", help="Strategies with commas between (default: all that can be simulated).")
@click.option("--jobs", "counts", default="10,20,50", show_default=True, help="Numbers of training jobs.")
@click.option("--parallel", default="1,2,5,10", show_default=True, help="Numbers of training jobs at a time.")
@click.option(
    "--early-stopping", type=click.Choice(["both", "on", "off"]), default="both", show_default=True, help="With it or not."
)
@click.option("--budget", metavar="MONEY|HOURS", help="What may be spent: dollars (30), or instance-hours (20h).")
@price_option
@click.option("--seeds", type=click.IntRange(1), default=50, show_default=True, help="Simulated tuning jobs of each setting.")
@click.option("--chart", type=click.Path(path_type=Path), help="A file for the chart: .svg, .png or .json.")
@target_options
def simulate(**arguments: object) -> None:
    """Say what other settings would have come to: strategy, training jobs, how many at a time, early stopping; nothing is run."""
    perform("simulate.simulate", **arguments)


@sm_tuning.command()
@click.argument("jobs", nargs=-1)
@click.option("--strategy", "strategies", help="Strategies with commas between (default: all that can be replayed).")
@click.option("--seeds", type=click.IntRange(1), default=50, show_default=True, help="Replayed tuning jobs of each strategy.")
@target_options
def replay(**arguments: object) -> None:
    """Replay a tuning job with other strategies on its real training jobs alone: a check of `simulate`."""
    perform("simulate.replay", **arguments)


@sm_tuning.command()
@click.argument("job", required=False)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Where to answer on this machine; 0 takes a free one.  [default: 4578, or a free one]",
)
@target_options
def dashboard(**arguments: object) -> None:
    """Show tuning jobs in a browser, live while they run, until Ctrl-C; with JOB say where that one is."""
    perform("analysis.dashboard", **arguments)


@sm_tuning.command()
@click.argument("jobs", nargs=-1)
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("report.html"), show_default=True, help="The page.")
@click.option(
    "--figures", type=click.Path(path_type=Path, file_okay=False), help="A folder for the charts, too: SVG and PNG files."
)
@click.option("--simulate", is_flag=True, help="With what other settings would have come to; it takes a minute.")
@target_options
def report(**arguments: object) -> None:
    """Write what tuning jobs found as one HTML page: diagnosis, advice, charts, all training jobs."""
    perform("analysis.report", **arguments)


@sm_tuning.command()
@click.argument("jobs", nargs=-1)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="A .csv, .json or .parquet file.")
@target_options
def export(**arguments: object) -> None:
    """Write the training jobs of tuning jobs to a file: a row each; with .json their learning curves too."""
    perform("analysis.export", **arguments)


# --- the emulator ---------------------------------------------------------------------------------------------------------


@sm_tuning.group(cls=Commands)
def emulator() -> None:
    """Start, stop, look at and reset the emulator."""


_STATE = click.option("--state", type=click.Path(path_type=Path), default=state_folder, help="State folder.")


@emulator.command(name="start", context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Where to answer; 0 is the last one of the state folder, or a free one.",
)
@click.option("--parallel", type=click.IntRange(1), help="Training jobs at a time (default: number of cores).")
@_STATE
def emulator_start(**arguments: object) -> None:
    """Start it in the background and print the exports for other programs.

    It takes every option of `python -m local_emulator serve`, such as --image, --fault and --quota:
    `sm-tuning emulator start -- --help` lists them.
    """
    perform("emulator_commands.start", **arguments)


@emulator.command(name="stop")
@click.option("--all", "everything", is_flag=True, help="End the programs of jobs and endpoints, too.")
@_STATE
def emulator_stop(**arguments: object) -> None:
    """End it; jobs and endpoints go on and are picked up at the next start."""
    perform("emulator_commands.stop", **arguments)


@emulator.command(name="status")
@json_option
@_STATE
def emulator_status(**arguments: object) -> None:
    """Say whether it runs, and where."""
    perform("emulator_commands.status", **arguments)


@emulator.command(name="reset")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_STATE
def emulator_reset(**arguments: object) -> None:
    """Kill all runs and forget all state; DeleteHyperParameterTuningJob and DeleteTrainingJob forget a single job."""
    perform("emulator_commands.reset", **arguments)


@emulator.command(name="env")
@click.option("--proxy", is_flag=True, help="Also for programs that insist on AWS's own addresses, as the SageMaker SDK does.")
@_STATE
def emulator_env(**arguments: object) -> None:
    """Print the exports for other programs: eval "$(sm-tuning emulator env)"."""
    perform("emulator_commands.env", **arguments)


sm_tuning.add_command(infra)
