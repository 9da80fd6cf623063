"""`conformance.toml`, row by row. `make conformance` says how many hold."""

import json
import re
import zlib
from typing import Any

import boto3
import pytest

from tests.acceptance.conformance import ROWS, World, changed, judge, made, refused, rows
from tests.acceptance.fidelity import KINDS, PAGE, evidence, page

pytestmark = pytest.mark.slow(23)


def test_there_are_enough_and_no_two_are_the_same() -> None:
    ids = [row["id"] for some in ROWS.values() for row in some]
    assert len(ids) == len(set(ids)) >= 300


def test_every_row_says_where_it_is_from() -> None:
    for row in (row for some in ROWS.values() for row in some):
        kind, _, source = evidence(row).partition(": ")
        assert kind in KINDS, row
        assert source or kind == "inferred", f"{row['id']}: {kind} where?"


def test_the_page_on_fidelity_is_what_the_rows_say() -> None:
    """`make pages` writes it."""
    assert PAGE.read_text(encoding="utf-8") == page(ROWS)


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
