"""The rows of `conformance.toml`, and a small language for their requests and answers."""

import copy
import json
import re
import time
import tomllib
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest

from local_emulator.assembly import Emulator
from tests.conftest import source_archive

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
        key = f"code/{zlib.crc32(script.encode())}.tar.gz"
        self.s3.put_object(Bucket="box", Key=key, Body=source_archive({"train.py": script}))
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
