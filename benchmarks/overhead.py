"""What a training job costs here, beside a loop of one's own, the physical limits, and other tuners: all in one run.

    python benchmarks/overhead.py [--jobs 6] [--rounds 3] [--only bare,forked,…]

A table for each script: wall seconds per training job, the median over rounds and the spread, one at a time and two in parallel,
and the median of the rounds' ratios to the bare loop. Every round measures every contender once, each in a process of its own,
beginning with another one each time, so that noise hits all alike; a round before them is not counted. All run the same script,
unmodified, with this interpreter; libraries are imported, servers started and Ray is up before the clock starts. Ours is the
emulator as a server, asked through the API: from the creation of a tuning job to its end.

Then the gap between two training jobs with one slot: from the last moment of one run's script to the first moment of the next
one's, as the script itself tells. It includes the end of one interpreter, all bookkeeping and archives, and the start of the next.

Peers live in virtual environments of their own, which `make bench` makes; one that is missing or fails is a row that says why.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import boto3

import sm_tuning
from sm_tuning.client.source_archive import pack

HERE = Path(__file__).parent
ROOT = HERE.parent
BUCKET = "overhead"
BARE, OURS = "bare loop of subprocesses", "sm-tuning's emulator"


@dataclass(frozen=True, kw_only=True)
class Script:
    """A training script, its fixed hyperparameters, and what it imports."""

    path: Path
    about: str
    words: Mapping[str, str]
    imports: tuple[str, ...] = ()


METRIC = Script(path=HERE / "scripts" / "metric.py", about="no imports, prints one metric", words={})
MLP = Script(
    path=ROOT / "training_scripts" / "mlp.py",
    about="scikit-learn's MLP on digits, 3 epochs",
    words={"epochs": "3"},
    imports=("numpy", "sklearn.neural_network", "sklearn.datasets"),
)
STAMPS = HERE / "scripts" / "stamps.py"


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A program in `peers/` and the virtual environment that it runs in (None: this one)."""

    name: str
    program: str
    environment: str | None = None


CONTENDERS = (
    Contender(name=BARE, program="bare_loop"),
    Contender(name="in-process limit", program="in_process"),
    Contender(name="forked limit", program="forked"),
    Contender(name="Optuna, SQLite, subprocess", program="with_optuna", environment="optuna"),
    Contender(name="Syne Tune, local backend", program="with_syne_tune", environment="syne-tune"),
    Contender(name="Ray Tune, subprocess", program="with_ray_tune", environment="ray"),
)


class Unmeasured(Exception):  # noqa: N818 - reads as a fact
    """A contender cannot be measured here; the text says why."""


# The emulator -----------------------------------------------------------------------------------------------------------------


def client(service: Any, url: str) -> Any:  # noqa: ANN401 - boto3 makes clients by name
    """A client of the emulator."""
    return boto3.client(
        service, endpoint_url=url, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )


@contextmanager
def emulator(parallel: int, script: Path, state: str, *options: str) -> Iterator[str]:
    """A server in a process of its own with a new state, that holds the script; gives its URL."""
    command = [sys.executable, "-m", "local_emulator", "serve", "--port", "0", "--state", state, "--parallel", str(parallel)]
    with subprocess.Popen([*command, *options], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None:
            raise RuntimeError("no output to read the address from")
        url = "http://" + next(line for line in process.stdout if "http://" in line).split("http://")[1].split(",")[0]
        try:
            upload(client("s3", url), script)
            yield url
        finally:
            process.terminate()


def upload(s3: Any, script: Path) -> None:  # noqa: ANN401 - boto3 makes clients at run time
    """The script as a source archive."""
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key=f"{script.name}.tar.gz", Body=pack(sm_tuning.Script(str(script))))


def emulated(url: str, script: Path, words: Mapping[str, str], jobs: int, parallel: int) -> float:
    """Seconds per training job of a tuning job."""
    sagemaker = client("sagemaker", url)
    name = f"overhead-{uuid.uuid4().hex[:12]}"
    static = {
        **words,
        "sagemaker_program": script.name,
        "sagemaker_submit_directory": f"s3://{BUCKET}/{script.name}.tar.gz",
    }
    sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name,
        HyperParameterTuningJobConfig={
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:accuracy"},
            "ResourceLimits": {"MaxParallelTrainingJobs": parallel, "MaxNumberOfTrainingJobs": jobs},
            "ParameterRanges": {
                "ContinuousParameterRanges": [{"Name": "learning_rate", "MinValue": "0.001", "MaxValue": "0.01"}]
            },
        },
        TrainingJobDefinition={
            "StaticHyperParameters": static,
            "AlgorithmSpecification": {
                "TrainingImage": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3",
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "validation:accuracy", "Regex": "validation:accuracy=([0-9.eE+-]+)"}],
            },
            "RoleArn": "arn:aws:iam::123456789012:role/SageMakerRole",
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/output"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        },
    )
    while True:
        job = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        if job["HyperParameterTuningJobStatus"] != "InProgress":
            break
        time.sleep(0.2)
    if job["TrainingJobStatusCounters"]["Completed"] != jobs:
        raise Unmeasured(f"{name} did not complete: {job['TrainingJobStatusCounters']} {job.get('FailureReason', '')}")
    seconds: float = (job["HyperParameterTuningEndTime"] - job["CreationTime"]).total_seconds()
    return seconds / jobs


# Everybody --------------------------------------------------------------------------------------------------------------------


def run(contender: Contender, script: Script, jobs: int, parallel: int, script_python: str = sys.executable) -> float:
    """Seconds per training job of a contender's program, whose script gets an interpreter of its own."""
    python = ROOT / f".venv-bench-{contender.environment}" / "bin" / "python" if contender.environment else Path(sys.executable)
    if not python.exists():
        raise Unmeasured(f"not installed here: make {python.parents[1].name}/.ready")
    words = [part for name, value in script.words.items() for part in (f"--{name}", value)]
    facts = {"script": str(script.path), "words": words, "imports": script.imports, "jobs": jobs, "parallel": parallel}
    threads = str(max(1, (os.cpu_count() or 1) // parallel))  # as the emulator deals them out
    environment = {**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
    command = [str(python), str(HERE / "peers" / f"{contender.program}.py"), json.dumps({"python": script_python, **facts})]
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60 + 20 * jobs
            )
        except subprocess.TimeoutExpired as error:
            raise Unmeasured(f"did not end within {error.timeout:.0f} seconds") from error
    if done.returncode:
        raise Unmeasured((done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1][:200])
    return float(json.loads(done.stdout.splitlines()[-1]))


Figures = dict[str, list[float]]
Missing = dict[str, str]


def measure(script: Script, parallel: int, options: argparse.Namespace) -> tuple[Figures, Missing]:
    """For each contender its seconds per job, a figure for each round (the first not counted), or why there are none."""
    figures: Figures = {}
    missing: Missing = {}
    names = [
        contender
        for contender in (*CONTENDERS, None)
        if not options.only or (contender.program if contender else "ours") in options.only
    ]
    with tempfile.TemporaryDirectory() as state, emulator(parallel, script.path, state) as url:
        for number in range(options.rounds + 1):
            turn = number % len(names)
            for contender in (*names[turn:], *names[:turn]):
                name = contender.name if contender else OURS
                if name in missing:
                    continue
                try:
                    seconds = (
                        run(contender, script, options.jobs, parallel)
                        if contender
                        else emulated(url, script.path, script.words, options.jobs, parallel)
                    )
                except Unmeasured as why:
                    missing[name] = str(why)
                    continue
                figures.setdefault(name, []).append(seconds)
                print(f"{script.path.name} {parallel} {number} {name}: {seconds * 1000:.1f}", file=sys.stderr, flush=True)
    return {name: figures[name] for name in figures if name not in missing}, missing


def cells(name: str, figures: Figures, missing: Missing) -> str:
    """Median and spread of one contender, and the median of its rounds' ratios to the bare loop."""
    if name not in figures:
        return f"{missing.get(name, 'not asked for')} | | "
    counted = figures[name][1:]
    ratios = (
        [figure / bare for figure, bare in zip(counted, figures[BARE][1:], strict=True)] if BARE in figures else [float("nan")]
    )
    spread = f"{min(counted) * 1000:.1f} - {max(counted) * 1000:.1f}"
    return f"{statistics.median(counted) * 1000:.1f} | {spread} | {statistics.median(ratios):.2f}"


def table(script: Script, options: argparse.Namespace) -> None:
    """Measure and print the table of one script."""
    columns = [(parallel, *measure(script, parallel, options)) for parallel in (1, 2)]
    print(f"\n`{script.path.name}` ({script.about}): milliseconds per training job\n")
    print("| | " + " | ".join(f"{parallel} at a time | spread | of bare" for parallel, _, _ in columns) + " |")
    print("|---" * 7 + "|")
    for name in (*(contender.name for contender in CONTENDERS[:3]), OURS, *(contender.name for contender in CONTENDERS[3:])):
        print(f"| {name} | " + " | ".join(cells(name, figures, missing) for _, figures, missing in columns) + " |")
    first = " and ".join(f"{figures[OURS][0] * 1000:.1f} ({parallel})" for parallel, figures, _ in columns if OURS in figures)
    print(f"\nThe first tuning job after the emulator's start, not counted above: {first}.", flush=True)


def gaps(options: argparse.Namespace) -> None:
    """Measure and print the table of gaps, one slot."""
    gaps: Figures = {}
    missing: Missing = {}
    with tempfile.TemporaryDirectory() as folder:
        script = Script(path=STAMPS, about="", words={"stamps": f"{folder}/stamps"})
        stamps = Path(folder) / "stamps"
        names = [contender for contender in (*CONTENDERS, None) if contender is None or contender.program != "in_process"]
        with emulator(1, STAMPS, f"{folder}/state") as url:
            for number in range(options.rounds + 1):
                for contender in names:
                    name = contender.name if contender else OURS
                    stamps.unlink(missing_ok=True)
                    try:
                        if contender:
                            run(contender, script, options.jobs, 1)
                        else:
                            emulated(url, STAMPS, script.words, options.jobs, 1)
                    except Unmeasured as why:
                        missing[name] = str(why)
                        continue
                    if number:
                        gaps.setdefault(name, []).extend(between(stamps.read_text()))
    print("\nGap between two training jobs, one slot: milliseconds from the last moment of one script to the first of the next\n")
    print("| | median | 10 % - 90 % | over bare |\n|---|---|---|---|")
    for name in (BARE, "forked limit", OURS, *(contender.name for contender in CONTENDERS[3:])):
        if name in missing or name not in gaps:
            print(f"| {name} | {missing.get(name, '')} | | |")
            continue
        median, tenths = statistics.median(gaps[name]), statistics.quantiles(gaps[name], n=10, method="inclusive")
        over = median - statistics.median(gaps[BARE])
        print(
            f"| {name} | {median * 1000:.1f} | {tenths[0] * 1000:.1f} - {tenths[-1] * 1000:.1f} | {over * 1000:+.1f} |",
            flush=True,
        )


def between(stamps: str) -> Sequence[float]:
    """Seconds from each end to the next begin."""
    runs = sorted(tuple(map(float, line.split())) for line in stamps.splitlines())
    return [after[0] - before[1] for before, after in pairwise(runs)]


def main(argv: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=6, help="training jobs a round (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds that count (default: %(default)s)")
    parser.add_argument("--only", type=lambda text: set(text.split(",")), help="programs of peers/, and `ours`")
    options = parser.parse_args(argv)
    print(f"## Overhead\n\n{options.jobs} training jobs a round, medians of {options.rounds} rounds, {os.cpu_count()} cores.")
    for script in (METRIC, MLP):
        table(script, options)
    gaps(options)


if __name__ == "__main__":
    main()
