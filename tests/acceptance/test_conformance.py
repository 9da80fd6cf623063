"""`conformance.toml`, row by row. `make conformance` says how many hold."""

import copy
import io
import json
import re
import secrets
import tarfile
import time
import tomllib
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import boto3
import pytest

from local_emulator.api.operations import Api
from local_emulator.assembly import Emulator
from local_emulator.domain import transitions
from local_emulator.domain.jobs import ACTIVE, Secondary, Status
from local_emulator.domain.names import AwsScope
from local_emulator.domain.training import TrainingJob
from local_emulator.engine import events
from local_emulator.engine.faults import FaultLog
from local_emulator.engine.tuner import Tuner
from local_emulator.settings import Settings
from local_emulator.store.base import Query
from local_emulator.store.sqlite import SqliteStore
from local_emulator.testing import emulated_sagemaker
from tests.acceptance.fidelity import KINDS, PAGE, evidence, page

ROWS = tomllib.loads(Path(__file__).with_name("conformance.toml").read_text(encoding="utf-8"))
SHORT = {"C": "HyperParameterTuningJobConfig", "D": "TrainingJobDefinition"}
INPUTS = {
    "marked/only/": b"",
    "marked/data/": b"",
    "marked/data/deep/": b"",
    "marked/data/deep/a.txt": b"7",
    "inputs/good.json": b'[{"prefix": "s3://box/train/"}, "a.txt"]',
    "inputs/text.json": b"a.txt",
    "inputs/bare.json": b'["a.txt"]',
    "inputs/short.json": b'[{"prefix": "s3://box/train/"}]',
    "inputs/lost.json": b'[{"prefix": "s3://box/train/"}, "none"]',
    "inputs/away.json": b'[{"prefix": "s3://nowhere/"}, "a.txt"]',
}
SCRIPT = """
import json, os, sys, time
play = json.loads({plays!r})[int(sys.argv[sys.argv.index('--play') + 1])]
for value in play.get('values', ()):
    print(f'score={{value}}', flush=True)
for name, stream in (('text', sys.stdout), ('error', sys.stderr)):
    if name in play:
        print(play[name], file=stream, flush=True)
print(play.get('raw', ''), end='', flush=True)
if 'file' in play:
    print('score=' + open(play['file']).read())
time.sleep(play.get('sleep', 0))
if 'failure' in play:
    open(os.environ['SM_OUTPUT_DIR'] + '/failure', 'w').write(play['failure'])
if 'kill' in play:
    os.kill(os.getpid(), play['kill'])
sys.exit(play.get('exit', 0))
"""


def rows(kind: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", [pytest.param(row, id=f"{row['section']} {row['id']}") for row in ROWS[kind]])


def test_there_are_enough_and_no_two_are_the_same() -> None:
    ids = [row["id"] for some in ROWS.values() for row in some]
    assert len(ids) == len(set(ids)) >= 300


def test_every_row_says_where_it_is_from() -> None:
    for row in (row for some in ROWS.values() for row in some):
        kind, _, source = evidence(row).partition(": ")
        assert kind in KINDS, row
        assert source or kind == "inferred", f"{row['id']}: {kind} where?"


def test_the_page_on_fidelity_is_what_the_rows_say() -> None:
    """`make docs` writes it."""
    assert PAGE.read_text(encoding="utf-8") == page(ROWS)


# --- a small language for requests and answers ------------------------------------------------------------------------------


def made(value: Any) -> Any:  # noqa: PLR0911 - one return for each word
    """Values that are too long to be written out."""
    if not isinstance(value, dict):
        return [made(item) for item in value] if isinstance(value, list) else value
    if set(value) == {"repeat", "times"}:
        return value["repeat"] * value["times"]
    if set(value) == {"entries"}:
        return {f"k{number}": "v" for number in range(value["entries"])}
    if set(value) == {"ranges"}:
        return [{"Name": f"n{number}", "MinValue": "0", "MaxValue": "1"} for number in range(value["ranges"])]
    if set(value) == {"grid"}:
        return [{"Name": f"c{index}", "Values": [str(n) for n in range(size)]} for index, size in enumerate(value["grid"])]
    if set(value) == {"channels"}:
        source = {"S3DataType": "S3Prefix", "S3DataDistributionType": "FullyReplicated"}
        return [
            {"ChannelName": name, "DataSource": {"S3DataSource": {**source, "S3Uri": f"s3://box/{name}"}}}
            for name in value["channels"]
        ]
    return {name: made(item) for name, item in value.items()}


def steps(path: str) -> list[str | int]:
    parts = path.split(".")
    parts[0] = SHORT.get(parts[0], parts[0])
    return [int(part) if re.fullmatch(r"-?\d+", part) else part for part in parts]


def changed(request: dict[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    request = copy.deepcopy(request)
    for path in row.get("remove", ()):
        *above, last = steps(path)
        node: Any = request
        for step in above:
            node = node[step]
        del node[last]
    for path, value in row.get("set", {}).items():
        *above, last = steps(path)
        node = request
        for step in above:
            node = node[step]
        node[last] = made(value)
    return request


MISSING = object()


def member_at(answer: Any, path: str) -> Any:
    for step in steps(path):
        if step == "length":
            return len(answer)
        try:
            answer = answer[step]
        except (KeyError, IndexError, TypeError):
            return MISSING
    return answer


class World:
    """An emulator with one tuning job that has ended and one that runs."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.s3 = boto3.client("s3", region_name="us-east-1")
        self.s3.create_bucket(Bucket="box")
        self.s3.put_object(Bucket="box", Key="train/a.txt", Body=b"42")
        for name, content in INPUTS.items():
            self.s3.put_object(Bucket="box", Key=name, Body=content)
        self.ask("CreateHyperParameterTuningJob", self.grid("done", [{"values": [1]}, {"values": [2]}, {"values": [3]}]))
        self.ended("done")
        self.ask("CreateHyperParameterTuningJob", self.grid("live", [{"sleep": 3600}]))
        self.first = self.children("done")[0]["TrainingJobName"]

    def ask(self, operation: str, request: Mapping[str, Any], region: str = "us-east-1") -> tuple[int, Any]:
        code, _, body = self.emulator.api.answer(operation, json.dumps(request).encode(), region)
        return code, json.loads(body) if body else {}

    def filled(self, value: Any) -> Any:
        names = {"{first}": self.first, "{first-arn}": f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{self.first}"}
        text = json.dumps(value)
        for name, real in names.items():
            text = text.replace(name, real)
        return json.loads(text)

    def ended(self, name: str, within: float = 60.0) -> Any:
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            _, job = self.ask("DescribeHyperParameterTuningJob", {"HyperParameterTuningJobName": name})
            if job["HyperParameterTuningJobStatus"] in {"Completed", "Failed", "Stopped"}:
                return job
            time.sleep(0.02)
        raise AssertionError(job)

    def children(self, name: str) -> list[Any]:
        request = {"HyperParameterTuningJobName": name, "SortBy": "Name", "MaxResults": 100}
        return list(self.ask("ListTrainingJobsForHyperParameterTuningJob", request)[1]["TrainingJobSummaries"])

    def source(self, script: str) -> str:
        raw = io.BytesIO()
        with tarfile.open(fileobj=raw, mode="w:gz") as tar:
            member = tarfile.TarInfo("train.py")
            member.size = len(script.encode())
            tar.addfile(member, io.BytesIO(script.encode()))
        key = f"code/{zlib.crc32(script.encode())}.tar.gz"
        self.s3.put_object(Bucket="box", Key=key, Body=raw.getvalue())
        return f"s3://box/{key}"

    @staticmethod
    def training(name: str, hyperparameters: str, source: str) -> dict[str, Any]:
        return {
            hyperparameters: {"sagemaker_program": "train.py", "sagemaker_submit_directory": source},
            "AlgorithmSpecification": {
                "TrainingImage": "1.dkr.ecr.us-east-1.amazonaws.com/image:1",
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "score", "Regex": "score=([-+0-9.a-zA-Z]+)"}],
            },
            "RoleArn": "arn:aws:iam::123456789012:role/SageMakerRole",
            "OutputDataConfig": {"S3OutputPath": "s3://box/output"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        } | ({"TrainingJobName": name} if name else {})

    @classmethod
    def random(cls, name: str) -> dict[str, Any]:
        """The request that refusals spoil."""
        return {
            "HyperParameterTuningJobName": name,
            "HyperParameterTuningJobConfig": {
                "Strategy": "Random",
                "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
                "ResourceLimits": {"MaxParallelTrainingJobs": 1, "MaxNumberOfTrainingJobs": 1},
                "ParameterRanges": {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0.0", "MaxValue": "1.0"}]},
            },
            "TrainingJobDefinition": cls.training("", "StaticHyperParameters", "s3://box/code/none.tar.gz"),
        }

    def grid(self, name: str, plays: list[Any]) -> dict[str, Any]:
        request = self.random(name)
        config = request["HyperParameterTuningJobConfig"]
        config["Strategy"] = "Grid"
        del config["ResourceLimits"]["MaxNumberOfTrainingJobs"]
        values = [str(number) for number in range(len(plays))]
        config["ParameterRanges"] = {"CategoricalParameterRanges": [{"Name": "play", "Values": values}]}
        source = self.source(SCRIPT.format(plays=json.dumps(plays)))
        request["TrainingJobDefinition"]["StaticHyperParameters"]["sagemaker_submit_directory"] = source
        request["Tags"] = [{"Key": "team", "Value": "ml"}]
        return request


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with emulated_sagemaker(Settings(state=Path(), stop_grace=1.0, parallel=8)) as emulator:
        yield World(emulator)


def judge(row: Mapping[str, Any], answer: Any, world: World, name: str = "") -> None:
    for path, expected in world.filled(row.get("answer", {})).items():
        assert member_at(answer, path) == expected, path
    for path in row.get("absent", ()):
        assert member_at(answer, path) is MISSING, path
    for path in row.get("present", ()):
        assert member_at(answer, path) is not MISSING, path
    for path, pattern in row.get("matches", {}).items():
        assert re.fullmatch(pattern.replace("{name}", name), member_at(answer, path)), member_at(answer, path)


def refused(row: Mapping[str, Any], code: int, answer: Any) -> None:
    assert code == 400, answer
    assert answer["__type"] == row["code"], answer
    assert row["text"] in answer["message"], answer["message"]


@rows("refusal")
def test_refusal(row: dict[str, Any], world: World) -> None:
    request = changed(world.random("refused"), row)
    if "several" in row:
        definition = request.pop("TrainingJobDefinition")
        config = request["HyperParameterTuningJobConfig"]
        own = {
            "TuningObjective": config.pop("HyperParameterTuningJobObjective"),
            "HyperParameterRanges": config.pop("ParameterRanges"),
        }
        request["TrainingJobDefinitions"] = [{**definition, **own, **changes} for changes in row["several"]]
    code, answer = world.ask("CreateHyperParameterTuningJob", request)
    refused(row, code, answer)


@rows("training")
def test_training(row: dict[str, Any], world: World) -> None:
    request = world.training("refused", "HyperParameters", "s3://box/code/none.tar.gz")
    code, answer = world.ask("CreateTrainingJob", changed(request, world.filled(row)), row.get("region", "us-east-1"))
    refused(row, code, answer)


@rows("call")
def test_call(row: dict[str, Any], world: World) -> None:
    for before in row.get("before", ()):
        code, answer = world.ask(before["operation"], made(world.filled(before["request"])))
        assert code == 200, answer
    code, answer = world.ask(row["operation"], made(world.filled(row["request"])))
    if "code" in row:
        refused(row, code, answer)
    else:
        assert code == 200, answer
        judge(row, answer, world)


@rows("log")
def test_log(row: dict[str, Any], world: World) -> None:
    logs = boto3.client("logs", region_name="us-east-1")
    group = "/aws/sagemaker/TrainingJobs"
    (stream,) = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=world.filled(row["training"]) + "/")[
        "logStreams"
    ]
    events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)["events"]
    assert re.fullmatch(row["first"], events[0]["message"]), events
    assert re.fullmatch(row["last"], events[-1]["message"]), events


# --- records without an engine: what the API says of a job in a state that would be over at once ------------------------------


class Records:
    """The API, the tuner and a clock of their own; training jobs move as a row says."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.store = SqliteStore(None)
        self.api = Api(
            store=self.store,
            settings=Settings(state=Path()),
            now=lambda: self.now,
            token=lambda: secrets.token_hex(16),
            chance=lambda: 1.0,
            notify=lambda: None,
            check=lambda _definition, _region: None,
        )
        token: Callable[[], str] = partial(secrets.token_hex, 16)
        self.tuner = Tuner(store=self.store, now=lambda: self.now, token=token, notify=lambda: None, log=FaultLog())

    def ask(self, operation: str, request: Mapping[str, Any], region: str) -> Any:
        code, _, body = self.api.answer(operation, json.dumps(request).encode(), region)
        assert code == 200, body
        return json.loads(body) if body else {}

    def step(self, step: str, region: str) -> None:
        word, _, number = step.partition(" ")
        if word == "wait":
            self.now += timedelta(seconds=float(number))
        elif word == "tuner":
            self.tuner.step()
        elif word.startswith(("Stop", "Update")):
            self.ask(word, {"TrainingJobName": "job", **json.loads(number or "{}")}, region)
        else:
            job = self.store.trainings.find(Query(statuses=ACTIVE)).items[0]
            self.store.trainings.put(MOVES[word](job, self.now))


def over(job: TrainingJob, now: datetime, status: Status) -> TrainingJob:
    message = transitions.completed(job) if status is Status.COMPLETED else "Training job failed"
    return replace(job.moved(Secondary(status.value), now, message), status=status, ended=now)


MOVES: Mapping[str, Callable[[TrainingJob, datetime], TrainingJob]] = {
    "downloading": lambda job, now: transitions.downloading(replace(job, started=now), now),
    "training": transitions.training,
    "stopping": transitions.stopping,
    "uploading": lambda job, now: job.moved(Secondary.UPLOADING, now, "Uploading generated training model"),
    "completed": partial(over, status=Status.COMPLETED),
    "failed": partial(over, status=Status.FAILED),
    "stopped": partial(over, status=Status.STOPPED),
}


@rows("state")
def test_state(row: dict[str, Any]) -> None:
    records, region = Records(), row.get("region", "us-east-1")
    if row["of"] == "training":
        request = changed(World.training("job", "HyperParameters", "s3://box/code/none.tar.gz"), row)
        operation, described = "CreateTrainingJob", ("DescribeTrainingJob", {"TrainingJobName": "job"})
    else:
        request = changed(World.random("job"), row)
        operation = "CreateHyperParameterTuningJob"
        described = ("DescribeHyperParameterTuningJob", {"HyperParameterTuningJobName": "job"})
    records.ask(operation, request, region)
    for step in row["steps"]:
        records.step(step, region)
    answer = records.ask(*described, region)
    if row.get("event"):
        job = records.store.trainings.get(AwsScope(region=region, account="123456789012").training_arn("job"))
        answer = events.detail(job, records.store, records.now)
    for path, expected in row.get("answer", {}).items():
        assert member_at(answer, path) == expected, (path, answer)
    judge({**row, "answer": {}}, answer, cast("World", Plain()), "job")
    if "keys" in row:
        assert list(member_at(answer, row["keys"]["of"])) == row["keys"]["are"]


class Plain:
    """What `judge` asks of a world."""

    def filled(self, value: Any) -> Any:
        return value


@rows("scenario")
def test_scenario(row: dict[str, Any], world: World) -> None:
    if "/opt/ml" in json.dumps(row["plays"]) and world.emulator.why_not_private:
        pytest.skip(f"no private /opt/ml here: {world.emulator.why_not_private}")
    name = f"s{zlib.crc32(row['id'].encode()):08x}"
    code, answer = world.ask("CreateHyperParameterTuningJob", changed(world.grid(name, row["plays"]), row))
    assert code == 200, answer
    job = world.ended(name)
    assert sum(job["TrainingJobStatusCounters"].values()) == sum(job["ObjectiveStatusCounters"].values())
    judge(row, job, world, name)
    assert row.get("text", "") in job.get("FailureReason", "")
    if "child" in row or "child_matches" in row:
        _, child = world.ask("DescribeTrainingJob", {"TrainingJobName": world.children(name)[0]["TrainingJobName"]})
        judge({"answer": row.get("child", {}), "matches": row.get("child_matches", {})}, child, world, name)
