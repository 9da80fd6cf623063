"""R3: training jobs that are killed, hang, run out of memory or print garbage: twenty behaviours, twenty-five times each.

    python benchmarks/soak/scripts.py [--rounds 25]

Each round is a Grid tuning job whose hyperparameter says how the script behaves (`tests/resilience/test_hostile_scripts.py`), and one
for the scripts that end only when their time is over. All training jobs must end as the table says, and the counters must say so.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))  # the benchmarks are no package that is installed

from benchmarks.soak.figures import Figures, folder, served, until_none
from tests.conftest import Server, tuning_request
from tests.resilience.test_hostile_scripts import MARK, TABLE, Behaviour, sources

NAMES = (
    # completed first: a tuning job fails when five training jobs have failed before one has succeeded
    *(
        "odd-metrics",
        "binary-output",
        "a-line-without-end",
        "exit-garbage",
        "home-removed",
        "leaves-daemons",
        "leaves-a-stranger",
    ),
    *("exits-without-cleaning", "kills-itself", "kills-its-group", "aborts", "crashes", "recurses", "raises-odd-things"),
    *("many-files-open", "exits-with-text", "kills-its-supervisor", "evidence-removed"),
)
HANGING = ("deaf", "stops-itself")
COUNTERS = ("Completed", "RetryableError", "NonRetryableError", "Stopped", "InProgress")
BEHAVIOURS: Mapping[str, Behaviour] = {behaviour.name: behaviour for behaviour in TABLE}


def request(name: str, names: Sequence[str], seconds: int) -> dict[str, Any]:
    """A tuning job that tries each behaviour once; its training jobs may take so many seconds."""
    ranges = {"CategoricalParameterRanges": [{"Name": "behaviour", "Values": list(names)}]}
    body = tuning_request(
        name,
        "s3://hostile/hostile.tar.gz",
        bucket="hostile",
        jobs=None,
        config={"Strategy": "Grid", "ParameterRanges": ranges},
    )
    body["TrainingJobDefinition"]["StoppingCondition"] = {"MaxRuntimeInSeconds": seconds}
    return body


def kind(child: Mapping[str, Any]) -> str:
    """The counter that a training job must be counted in."""
    if child["TrainingJobStatus"] != "Failed":
        return str(child["TrainingJobStatus"])
    return "RetryableError" if child["FailureReason"].startswith("InternalServerError") else "NonRetryableError"


class Judge:
    """Compares what became of tuning jobs with the table."""

    def __init__(self, server: Server) -> None:
        self._client = server.client("sagemaker")
        self.ends: Counter[str] = Counter()
        self.wrong_counters: list[str] = []
        self.wrong_ends: list[str] = []

    def follow(self, name: str, names: Sequence[str]) -> None:
        """Wait for a tuning job, and look at its training jobs."""
        deadline = time.monotonic() + 300
        while (job := self._client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name))[
            "HyperParameterTuningJobStatus"
        ] in {"InProgress", "Stopping"}:
            if time.monotonic() > deadline:
                self.wrong_ends.append(f"{name} does not end: {job['TrainingJobStatusCounters']}")
                return
            time.sleep(0.2)
        page = self._client.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=name, MaxResults=100)
        children = page["TrainingJobSummaries"]
        for child in children:
            self._look_at(child)
        counted = Counter({counter: job["TrainingJobStatusCounters"][counter] for counter in COUNTERS})
        if +counted != Counter(map(kind, children)) or len(children) != len(names):
            self.wrong_counters.append(f"{name}: {dict(+counted)} of {len(children)} training jobs")

    def _look_at(self, child: Mapping[str, Any]) -> None:
        behaviour = BEHAVIOURS[child["TunedHyperParameters"]["behaviour"].strip('"')]
        status, reason = child["TrainingJobStatus"], child.get("FailureReason", "")
        self.ends[kind(child)] += 1
        if status != behaviour.status or behaviour.words not in reason:
            self.wrong_ends.append(f"{behaviour.name}: {status} {reason!r}, not {behaviour.status} {behaviour.words!r}")


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=25, help="default: %(default)s")
    options = parser.parse_args(argv)
    figures = Figures()
    with folder() as path:
        (path / "victim").mkdir()
        (path / "victim" / "kept").touch()
        with served(path / "state", "--stop-grace", "1", "--parallel", "4") as server:
            server.client("s3").create_bucket(Bucket="hostile")
            server.client("s3").put_object(Bucket="hostile", Key="hostile.tar.gz", Body=sources())
            judge = Judge(server)
            for number in range(options.rounds):
                asked = {f"round-{number}": (NAMES, 60), f"hanging-{number}": (HANGING, 2)}
                for name, (names, seconds) in asked.items():
                    server.client("sagemaker").create_hyper_parameter_tuning_job(**request(name, names, seconds))
                for name, (names, _) in asked.items():
                    judge.follow(name, names)
        left = until_none(str(path), within=10) + until_none(MARK, within=10)
        harmed = [file.name for file in (path / "victim").iterdir() if file.name != "kept"]
    figures.exactly("training jobs ended", judge.ends.total(), 500)
    figures.note("of these", ", ".join(f"{end} {count}" for end, count in judge.ends.most_common()))
    figures.none("ends that are not the table's", judge.wrong_ends)
    figures.none("tuning jobs with wrong counters", judge.wrong_counters)
    figures.none("processes left behind", left)
    figures.none("files written elsewhere", harmed)
    return figures.print()


if __name__ == "__main__":
    sys.exit(main())
