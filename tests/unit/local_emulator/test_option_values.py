"""Values of options: what cannot be right is refused with the rule; what can be comes through."""

import sys
from argparse import ArgumentTypeError
from collections.abc import Callable
from pathlib import Path

import pytest

from local_emulator import option_values as values
from local_emulator.settings import Docker, Python


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (values.port, "0", 0),
        (values.port, "65535", 65535),
        (values.count, "1", 1),
        (values.seconds, "0.5", 0.5),
        (values.number, "delay=3", ("delay", 3.0)),
        (values.region, "eu-central-1", "eu-central-1"),
        (values.region, "us-gov-west-1", "us-gov-west-1"),
        (values.url, "http://127.0.0.1:9000", "http://127.0.0.1:9000"),
        (values.folder, "/some/where", Path("/some/where")),
        (values.python, sys.executable, sys.executable),
        (values.gpus, "none", ()),
        (values.gpus, "0, GPU-1a/2", ("0", "GPU-1a/2")),
        (values.image, "*=docker:", ("*", Docker(None))),
        (values.image, "mine:*=docker:python:3.11", ("mine:*", Docker("python:3.11"))),
        (values.image, f"*=python:{sys.executable}", ("*", Python(sys.executable))),
        (values.image, f"*={sys.executable} -c 'a b'", ("*", (sys.executable, "-c", "a b"))),
    ],
)
def test_values(parse: Callable[[str], object], text: str, value: object) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text", "rule"),
    [
        (values.port, "65536", "whole number from 0 to 65535"),
        (values.port, "٣", "whole number"),
        (values.count, "0", "at least 1"),
        (values.seconds, "nan", "0 or more, and finite"),
        (values.seconds, "inf", "0 or more, and finite"),
        (values.number, "delay=-1", "0 or more"),
        (values.region, "mars", "name of a region"),
        (values.url, "127.0.0.1:9000", "must be a URL"),
        (values.url, "http://[", "must be a URL"),
        (values.folder, "", "path of a folder"),
        (values.python, "/no/such/python", "is no interpreter"),
        (values.gpus, "a", "GPU's number or its id"),
        (values.gpus, "", "names no GPU"),
        (values.gpus, "0,0", "names a GPU twice"),
        (values.image, "*", "PATTERN=COMMAND"),
        (values.image, "*=docker:-x", "is no name of an image"),
        (values.image, "*=python:/no/such", "is no interpreter"),
        (values.image, "*=no-such-program-here", "there is no program 'no-such-program-here'"),
        (values.image, "*='open", "No closing quotation"),
    ],
)
def test_rules(parse: Callable[[str], object], text: str, rule: str) -> None:
    with pytest.raises(ArgumentTypeError, match=rule):
        parse(text)


@pytest.mark.parametrize("below", ["", "state"])
def test_a_folder_that_leads_in_a_circle(below: str, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ArgumentTypeError, match="leads in a circle"):
        values.folder(str(tmp_path / "loop" / below))


def test_quotas_and_faults_by_their_names() -> None:
    quotas = values.quotas([("training-jobs", 5.0), ("ml.m5.large", 2.0)])
    assert (quotas.training_jobs, quotas.instances) == (5, {"ml.m5.large": 2})
    with pytest.raises(ArgumentTypeError, match="must be a whole number"):
        values.quotas([("training-jobs", 0.5)])
    with pytest.raises(ArgumentTypeError, match=r"an instance type \(ml.…\) or one of tuning-jobs, "):
        values.quotas([("machines", 1.0)])
    assert values.faults([("throttle", 0.5), ("delay", 9.0)]).delay == 9.0
    with pytest.raises(ArgumentTypeError, match="within 0 and 1"):
        values.faults([("throttle", 1.5)])
    with pytest.raises(ArgumentTypeError, match="must be one of capacity, "):
        values.faults([("fire", 1.0)])
