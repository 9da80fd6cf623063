"""The command's options: names, defaults and help."""

import argparse
from typing import NoReturn

from local_emulator import option_values as values
from local_emulator.settings import DEFAULT_PORT, default_state

USAGE = 2  # exit code


class _Parser(argparse.ArgumentParser):
    """Reports an error in one sentence, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"local_emulator: {message} ({self.prog} --help shows what there is)\n")


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    parser = _Parser(prog="python -m local_emulator", description="SageMaker's tuning and training API on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve AWS's API on this machine until Ctrl-C")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    serve.add_argument(
        "--port",
        type=values.port,
        default=DEFAULT_PORT,
        help="0 picks a free one, the last one if it is free (default: %(default)s)",
    )
    serve.add_argument(
        "--parallel", type=values.count, help="most training jobs at a time (default: number of cores; a cluster's threads)"
    )
    serve.add_argument(
        "--threads", type=values.count, help="threads of BLAS and OpenMP in each training job (default: cores / parallel)"
    )
    serve.add_argument(
        "--gpus",
        type=values.gpus,
        help="GPUs to deal out to training jobs, such as 0,1, or none (default: $CUDA_VISIBLE_DEVICES, or all)",
    )
    serve.add_argument(
        "--region", type=values.region, default="us-east-1", help="region of unsigned requests (default: %(default)s)"
    )
    serve.add_argument(
        "--stop-grace", type=values.seconds, default=120.0, help="seconds from SIGTERM to SIGKILL (default: %(default)s)"
    )
    serve.add_argument("--python", type=values.python, help="interpreter that runs training scripts (default: this one)")
    serve.add_argument(
        "--image",
        type=values.image,
        action="append",
        default=[],
        metavar="PATTERN=WHAT",
        help="how to run the images that match PATTERN: COMMAND; python:PATH, scripts in this interpreter or virtual environment; "
        "docker:[IMAGE], the container itself or another (may be repeated; the first match counts)",
    )
    serve.add_argument(
        "--lambda",
        dest="functions",
        type=values.function,
        action="append",
        default=[],
        metavar="NAME=MODULE:FUNCTION",
        help="what stands in for the function NAME of AWS Lambda in pipelines, called in a process of its own (may be repeated)",
    )
    serve.add_argument(
        "--file-system",
        type=values.file_system,
        action="append",
        default=[],
        metavar="ID=DIR",
        help="folder that stands for a file system of EFS or FSx for Lustre (may be repeated)",
    )
    serve.add_argument(
        "--s3-endpoint", type=values.url, help="S3 of somebody else where data, sources and models lie (default: our own)"
    )
    serve.add_argument(
        "--executor",
        choices=["process", "dask"],
        default="process",
        help="what runs training jobs: this machine, or a Dask cluster",
    )
    serve.add_argument("--scheduler", help="address of the cluster's scheduler, e.g. tcp://127.0.0.1:8786")
    serve.add_argument("--advertise", help="URL of this emulator as the cluster's workers see it (default: our own)")
    serve.add_argument(
        "--pretend",
        action="store_true",
        help="let moto invent answers to operations that nothing here carries out: CreateNotebookInstance, … (default: refuse them)",
    )
    serve.add_argument("--check-roles", action="store_true", help="refuse a RoleArn that IAM here does not know")
    serve.add_argument("--allow-host", action="append", default=[], help="another Host header to answer (may be repeated)")
    serve.add_argument(
        "--allow-user",
        action="append",
        default=[],
        metavar="NAME",
        help="another user of this machine to answer, beside you and root, who may then run code as you (may be repeated)",
    )
    serve.add_argument(
        "--quota",
        type=values.number,
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help="a quota of the account, AWS's default otherwise: tuning-jobs, parallel-training-jobs, training-jobs, "
        "random-training-jobs, or an instance type (may be repeated)",
    )
    serve.add_argument(
        "--fault",
        type=values.number,
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help="what goes wrong on purpose, with which probability: throttle, capacity, internal, interrupt; delay=SECONDS "
        "(may be repeated)",
    )
    serve.add_argument(
        "--no-fork-server",
        action="store_true",
        help="start a new interpreter for every Python script: fork none from a process that has imported its modules",
    )
    serve.add_argument("--idle-exit", type=values.seconds, help="end after this many seconds without a request or a training job")
    status = commands.add_parser("status", help="say whether an emulator holds the state folder, and where it answers")
    status.add_argument("--json", action="store_true", help="as one JSON document")
    status.add_argument("--healthy", action="store_true", help="fail (exit code 1) if it holds the folder and does not answer")
    status.add_argument("--keep", action="store_true", help="from now on it does not end by itself when idle (--idle-exit)")
    commands.add_parser("recover", help="keep what is damaged in the state folder aside, and go on with what can be read")
    stop = commands.add_parser("stop", help="end the emulator; jobs and endpoints go on and are picked up at the next start")
    stop.add_argument("--all", action="store_true", help="end the programs of jobs and endpoints, too")
    interrupt = commands.add_parser("interrupt", help="take the instance of a managed spot training job away")
    interrupt.add_argument("job", help="name of the training job")
    reset = commands.add_parser(
        "reset",
        help="kill all runs and forget all state; DeleteHyperParameterTuningJob and DeleteTrainingJob forget a single job",
    )
    reset.add_argument("--yes", action="store_true", help="do not ask")
    for command in commands.choices.values():
        command.add_argument("--state", type=values.folder, default=default_state(), help="state folder (default: %(default)s)")
    return parser
