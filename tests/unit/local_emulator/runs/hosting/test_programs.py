"""Which program serves an image's model."""

from collections.abc import Mapping
from typing import Any

import pytest

from local_emulator.documents.hosting import ContainerSpec
from local_emulator.runs.hosting.programs import serving_program, toolkit, unservable
from local_emulator.runs.run import Command, Container
from local_emulator.settings import Docker, Python, Settings

REGISTRY = "683313688378.dkr.ecr.us-east-1.amazonaws.com"
SKLEARN = f"{REGISTRY}/sagemaker-scikit-learn:1.2-1-cpu-py3"
XGBOOST = f"{REGISTRY}/sagemaker-xgboost:1.7-1"
PYTORCH = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.3-cpu-py311"
SCRIPT = {"SAGEMAKER_PROGRAM": "inference.py"}


def program(image: str, environment: Mapping[str, str] | None = None, mapped: Any = None) -> Command | Container:
    container = ContainerSpec(image=image, environment=environment or {}, data=None)
    settings = Settings(images={} if mapped is None else {"*": mapped}, python="/py/bin/python")
    assert unservable(container, settings) is None
    return serving_program(container, settings, "/opt/ml").program


@pytest.mark.parametrize(
    ("image", "holds"),
    [
        (SKLEARN, "scikit-learn"),
        (XGBOOST, "xgboost"),
        (PYTORCH, "pytorch"),
        ("pytorch-training@sha256:0", "pytorch"),
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/my/sagemaker-scikit-learn", "scikit-learn"),
        ("763104351884.dkr.ecr.us-east-1.amazonaws.com/autogluon:1.6.3-cpu-amzn2023", "pytorch"),
        ("763104351884.dkr.ecr.us-east-1.amazonaws.com/autogluon-inference:1.4.0-cpu-py311-ubuntu22.04", "pytorch"),
        ("my-pytorch-inference:1", None),
        ("tensorflow-inference:2", None),
    ],
)
def test_the_toolkit_of_an_image(image: str, holds: str | None) -> None:
    assert toolkit(image) == holds


def test_scripts_are_served_by_the_toolkit_in_the_mapped_interpreter() -> None:
    command = program(SKLEARN, SCRIPT)
    assert isinstance(command, Command)
    assert (command.argv[0], command.argv[2]) == ("/py/bin/python", "scikit-learn")
    assert command.argv[1].endswith("local_emulator/inference/start.py")
    assert program(XGBOOST, SCRIPT).argv[2] == "xgboost"
    assert program("whatever:1", SCRIPT, mapped=Python("/other/bin/python")).argv[0] == "/other/bin/python"


def test_algorithms_are_served_by_their_stand_ins_unless_a_script_is_sent() -> None:
    assert program(XGBOOST).argv[1:] == ("-m", "local_emulator.inference.stand_ins", XGBOOST)
    for name, account in (("kmeans", "382416733822"), ("linear-learner", "382416733822"), ("blazingtext", "811284229777")):
        image = f"{account}.dkr.ecr.us-east-1.amazonaws.com/{name}:1"
        assert unservable(ContainerSpec(image=image, environment={}, data=None), Settings()) is None, name


def test_commands_and_containers() -> None:
    assert program("mine:1", mapped=("serve-me", "--fast")).argv == ("serve-me", "--fast", "serve")
    container = program("mine:1", mapped=Docker())
    assert container == Container(image="mine:1", argv=("serve",))
    assert program("mine:1", mapped=Docker("other:2")) == Container(image="other:2", argv=("serve",))


@pytest.mark.parametrize(
    ("image", "images", "sentence"),
    [
        ("mine:1", {}, "The image mine:1 cannot be served here"),
        ("mine:1", {"*": lambda _: None}, "is mapped to a function"),
        (
            "811284229777.dkr.ecr.us-east-1.amazonaws.com/seq2seq:1",
            {},
            "Models of AWS's algorithm Sequence-to-Sequence are not served here",
        ),
    ],
)
def test_images_that_nothing_serves(image: str, images: Any, sentence: str) -> None:
    problem = unservable(ContainerSpec(image=image, environment={}, data=None), Settings(images=images))
    assert problem is not None
    assert sentence in problem
