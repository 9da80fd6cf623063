"""R9: regular expressions that take exponential time, and lines made for them, while four training jobs run.

    python benchmarks/soak/expressions.py [--lines 20]

Each training job has 39 such metric definitions and a good one, whose values must all be there at the end. Meanwhile somebody asks the
API.
"""

import argparse
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # the benchmarks are no package that is installed

from benchmarks.api import Client
from benchmarks.soak.figures import Figures, folder, percentile, served
from tests.conftest import IMAGE, ROLE, Server

JOBS, DEFINITIONS = 4, 39
LETTERS = "abcdefghijklmnop"
TEMPLATES = (
    *(
        "(@+)+$",
        "(@|@)*$",
        "(@*)*!!",
        "(@|@@)+$",
        "^((@)+)+$",
        r"(@+\s?)*$",
        "([@-z]+)*$",
        "(.*@){12}$",
        "(@?){28}@{28}",
        "((@+)(@+))+$",
    ),
)
SCRIPT = """
import sys
for n in range(int(sys.argv[sys.argv.index("--lines") + 1])):
    print(f"score={n}", flush=True)
    for letter in sys.argv[sys.argv.index("--letters") + 1]:
        print(letter * 30 + "!", flush=True)
"""


def patterns() -> list[str]:
    """Expressions for all training jobs, each with its own letter."""
    return [template.replace("@", letter) for letter in LETTERS for template in TEMPLATES][: JOBS * DEFINITIONS]


def begin(server: Server, source: str, name: str, expressions: Sequence[str], lines: int) -> None:
    """Create one training job."""
    definitions = [{"Name": f"bad-{number}", "Regex": expression} for number, expression in enumerate(expressions)]
    server.client("sagemaker").create_training_job(
        TrainingJobName=name,
        HyperParameters={
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": source,
            "lines": str(lines),
            "letters": LETTERS,
        },
        AlgorithmSpecification={
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "MetricDefinitions": [*definitions, {"Name": "score", "Regex": "score=([0-9]+)"}],
        },
        RoleArn=ROLE,
        OutputDataConfig={"S3OutputPath": "s3://expressions/out"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )


class Prober(threading.Thread):
    """Asks the API all the time, on a connection that stays open."""

    def __init__(self, port: int, training: str) -> None:
        super().__init__(daemon=True)
        self._client, self._training = Client(port), training
        self._over = threading.Event()
        self.seconds: list[float] = []

    def run(self) -> None:
        """Ask."""
        asked = (("ListTrainingJobs", {"MaxResults": 100}), ("DescribeTrainingJob", {"TrainingJobName": self._training}))
        while not self._over.wait(0.01):
            for operation, body in asked:
                began = time.perf_counter()
                self._client.ask(operation, body)
                self.seconds.append(time.perf_counter() - began)

    def end(self) -> list[float]:
        """Ask no more; how long each answer took, in seconds."""
        self._over.set()
        self.join()
        return self.seconds


def until_ended(server: Server, names: Sequence[str], within: float) -> list[str]:
    """The training jobs that are not completed after so many seconds."""
    client, deadline = server.client("sagemaker"), time.monotonic() + within
    while True:
        states = {name: client.describe_training_job(TrainingJobName=name)["TrainingJobStatus"] for name in names}
        if "InProgress" not in states.values() or time.monotonic() > deadline:
            return [f"{name}: {status}" for name, status in states.items() if status != "Completed"]
        time.sleep(0.5)


def values(server: Server, training: str) -> int:
    """How many values of the good metric there are."""
    now = datetime.now(UTC)
    points = server.client("cloudwatch").get_metric_statistics(
        Namespace="/aws/sagemaker/TrainingJobs",
        MetricName="score",
        Dimensions=[{"Name": "TrainingJobName", "Value": training}],
        StartTime=now - timedelta(hours=2),
        EndTime=now + timedelta(minutes=5),
        Period=60,
        Statistics=["SampleCount"],
    )["Datapoints"]
    return int(sum(point["SampleCount"] for point in points))


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=20, help="of each kind that each script prints (default: %(default)s)")
    options = parser.parse_args(argv)
    figures, every = Figures(), patterns()
    names = [f"job-{number}" for number in range(JOBS)]
    with folder() as path, served(path / "state", "--stop-grace", "2", "--parallel", str(JOBS)) as server:
        source = server.upload_source("expressions", SCRIPT)
        begin(server, source, "quiet", (), options.lines)
        faults = until_ended(server, ["quiet"], within=120)
        before = Prober(server.port, "quiet")
        before.start()
        time.sleep(5)
        quiet = before.end()
        attacked = Prober(server.port, "quiet")
        attacked.start()
        for number, name in enumerate(names):
            begin(server, source, name, every[number * DEFINITIONS : (number + 1) * DEFINITIONS], options.lines)
        faults += until_ended(server, names, within=600)
        attack = attacked.end()
        lost = [f"{name}: {count}" for name in names if (count := values(server, name)) != options.lines]
    figures.at_least("expressions that take exponential time", len(every), 150)
    figures.none("training jobs that did not complete", faults)
    figures.none("training jobs of whose good metric values are missing", lost)
    figures.note("answers while they ran", len(attack))
    figures.note("milliseconds an answer before, 99 %", 1000 * percentile(quiet, 0.99))
    figures.at_most("milliseconds an answer while they ran, 99 %", 1000 * percentile(attack, 0.99), 100)
    return figures.print()


if __name__ == "__main__":
    sys.exit(main())
