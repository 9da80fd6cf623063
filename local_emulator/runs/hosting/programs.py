"""Which program serves a model in place of its image's container."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local_emulator.documents.hosting import ContainerSpec
from local_emulator.runs import images
from local_emulator.runs.docker_network import may_relay
from local_emulator.runs.run import Command, Container
from local_emulator.settings import Docker, Python, Settings
from sm_tuning.rules import catalogue

PROGRAM, SUBMIT_DIRECTORY = "SAGEMAKER_PROGRAM", "SAGEMAKER_SUBMIT_DIRECTORY"
_INFERENCE = Path(__file__).parents[2] / "inference"
_TOOLKITS = ("scikit-learn", "xgboost", "pytorch")
# AWS makes its images for AutoGluon from those for PyTorch; since AutoGluon 1.6 one trains and serves.
_REPOSITORIES = {
    **{form.format(name): name for name in _TOOLKITS for form in ("sagemaker-{}", "{}-inference", "{}-training")},
    **dict.fromkeys(("autogluon", "autogluon-inference", "autogluon-training"), "pytorch"),
}
"""Toolkits by the repositories of AWS's images."""


@dataclass(frozen=True, kw_only=True)
class ServingProgram:
    """A program, the Python whose folder is first in its PATH, and what its kind of program needs in its environment.

    `script` is whether it runs a script in that Python.
    """

    program: Command | Container
    python: str = sys.executable
    env: Mapping[str, str] = field(default_factory=dict)
    script: bool = False


def toolkit(image: str) -> str | None:
    """AWS's inference toolkit that an image holds; None if it holds none that is emulated."""
    repository = image.rpartition("/")[2].partition(":")[0].partition("@")[0]
    return _REPOSITORIES.get(repository)


def serving_program(container: ContainerSpec, settings: Settings, cwd: str) -> ServingProgram:
    """The program that serves a container's model, started in a folder; `unservable` must have been asked before."""
    image, named = container.image, images.stand_in(container.image, settings)
    if isinstance(named, Docker):
        return ServingProgram(program=_container(container, named.image or image))
    if isinstance(named, tuple):
        return ServingProgram(program=Command(argv=(*named, "serve"), cwd=cwd))
    if not isinstance(named, Python) and _is_algorithm(container):
        source = {"PYTHONPATH": str(Path(__file__).parents[3])}
        argv = (sys.executable, "-m", "local_emulator.inference.stand_ins", image)
        return ServingProgram(program=Command(argv=argv, cwd=cwd), env=source)
    python = images.interpreter(image, settings)
    serve = (python, str(_INFERENCE / "start.py"), toolkit(image) or "scikit-learn")
    return ServingProgram(program=Command(argv=serve, cwd=cwd), python=python, script=True)


def _container(container: ContainerSpec, image: str) -> Container:
    return Container(image=image, argv=("serve",), network=not container.network_isolation)


def _is_algorithm(container: ContainerSpec) -> bool:
    """Whether the image is one of AWS's algorithms and no script is sent along."""
    algorithm = catalogue.find(container.image)
    return algorithm is not None and PROGRAM not in container.environment


def _unserved_algorithm(image: str) -> str | None:
    """Why no program here serves the models of one of AWS's algorithms; None if one does."""
    algorithm = catalogue.find(image)
    if algorithm is None or algorithm.program is not None:  # what stands in for its training serves its models, too
        return None if algorithm is None else images.missing(algorithm)
    return (
        f"Models of AWS's algorithm {algorithm.title} are not served here. Map its image to a program of yours that serves them when "
        f"its last argument is `serve`: serve --image '{image}=COMMAND', or in an image of yours serve --image '{image}=docker:YOURS'."
    )


def _uncontainable(container: ContainerSpec) -> str | None:
    if container.network_isolation and not may_relay():
        return "EnableNetworkIsolation of containers that serve needs root: without a network nobody else can ask them."
    return images.without_docker()


def unservable(container: ContainerSpec, settings: Settings) -> str | None:
    """Why no program here serves an image, as a sentence; None if one does."""
    image, named = container.image, images.stand_in(container.image, settings)
    if isinstance(named, Docker):
        return _uncontainable(container)
    if callable(named):
        return f"The image {image} is mapped to a function, which trains; map it to a command that serves if its argument is `serve`."
    if _is_algorithm(container) and named is None:
        return _unserved_algorithm(image)
    if named is not None or toolkit(image) is not None:
        return None
    return (
        f"The image {image} cannot be served here: of AWS's images those for scikit-learn, XGBoost, PyTorch, AutoGluon and AWS's "
        f"algorithms can. Serve a script in a Python (serve --image '{image}=python:PATH'), run its container (serve --image "
        f"'{image}=docker:'), or name a command that stands in for it and serves when its last argument is `serve`: serve --image "
        f"'{image}=COMMAND'."
    )
