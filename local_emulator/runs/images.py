"""Which program stands in for an image, and how script mode starts a script.

Script mode follows the sagemaker-training toolkit, which AWS's framework images hold: hyperparameters sorted by name become
`--name value`, those of the toolkit itself are hidden.
"""

import fnmatch
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from local_emulator import catalogue
from local_emulator.catalogue import Algorithm
from local_emulator.domain.errors import RunError
from local_emulator.domain.names import OBJECTIVE_STATIC
from local_emulator.settings import Docker, Python, Settings, StandIn

PROGRAM = "sagemaker_program"
SUBMIT_DIRECTORY = "sagemaker_submit_directory"
# Those that the toolkit takes for itself; others of its prefix are for the framework.
_TOOLKITS = {
    PROGRAM,
    SUBMIT_DIRECTORY,
    "sagemaker_enable_cloudwatch_metrics",
    "sagemaker_container_log_level",
    "sagemaker_job_name",
    "sagemaker_region",
    "sagemaker_s3_output",
}
_HIDDEN = {"default_user_module_name", OBJECTIVE_STATIC}
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
# Not a shell's work: it would drop variables such as SM_HP_BATCH-SIZE, whose names it cannot say.
_PACKAGE = """
import os, subprocess, sys
python, packages = sys.executable, sys.argv[1]
subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", packages, "."], check=True)
os.execv(python, [python, "-m", *sys.argv[2:]])
"""
_MISSING = """
import sys
from importlib.metadata import PackageNotFoundError, version
for name in sys.argv[1:]:
    try:
        version(name)
    except PackageNotFoundError:
        print(name)
"""


def image_of(algorithm: Mapping[str, Any]) -> str:
    """The image of an AlgorithmSpecification, or the name of an algorithm of the user's."""
    return str(algorithm.get("TrainingImage", algorithm.get("AlgorithmName", "")))


def stand_in(image: str, settings: Settings) -> StandIn | None:
    """What the settings name for an image; None if they name nothing."""
    return next((one for pattern, one in settings.images.items() if fnmatch.fnmatchcase(image, pattern)), None)


def interpreter(image: str, settings: Settings) -> str:
    """The Python that runs an image's scripts."""
    named = stand_in(image, settings)
    return named.interpreter if isinstance(named, Python) else settings.python or sys.executable


def stand_in_algorithm(image: str, hyperparameters: Mapping[str, str]) -> tuple[str, ...] | None:
    """Module and arguments of the program that stands in for AWS's algorithm of an image; None if there is none, or a script runs."""
    algorithm = None if PROGRAM in hyperparameters else catalogue.find(image)
    return (f"local_emulator.algorithms.{algorithm.program}", image) if algorithm and algorithm.program else None


def entrypoint(algorithm: Mapping[str, Any]) -> tuple[str, ...]:
    """The command that the request itself names for its container; empty if it names none."""
    if "ContainerEntrypoint" not in algorithm:
        return ()
    return (*algorithm["ContainerEntrypoint"], *algorithm.get("ContainerArguments", ()))


def runnable(
    algorithm: Mapping[str, Any], hyperparameters: Mapping[str, str], settings: Settings, *, private: bool
) -> str | None:
    """Why nobody can run an image here; None if somebody can. `private` says whether a run can have `/opt/ml` to itself."""
    image = image_of(algorithm)
    named = stand_in(image, settings)
    if isinstance(named, Docker):
        return None if find_spec("docker") else "Containers need the Docker SDK: pip install 'sm-tuning[docker]'."
    if isinstance(named, tuple):
        return None
    if entrypoint(algorithm):
        return None if private else "ContainerEntrypoint needs a private /opt/ml, which this machine does not allow."
    if PROGRAM in hyperparameters:
        scripted = catalogue.of_source(str(decoded(hyperparameters.get(SUBMIT_DIRECTORY, ""))))
        return None if scripted is None else _not_emulated(scripted, image)
    stock = catalogue.find(image)
    if stock is not None:
        return _missing(stock) if stock.program else _not_emulated(stock, image)
    return (
        f"The image {image} cannot be run here. Send your script with the hyperparameters {PROGRAM} and {SUBMIT_DIRECTORY} "
        f"(script mode, as the SageMaker SDK does), run its container (serve --image '{image}=docker:'), or name a command that "
        f"stands in for the image: serve --image '{image}=COMMAND'."
    )


def _not_emulated(algorithm: Algorithm, image: str) -> str:
    return (
        f"AWS's algorithm {algorithm.title} is not emulated. Map its image to a program of yours that prints the algorithm's metrics "
        f"(serve --image '{image}=COMMAND'), or run its container (serve --image '{image}=docker:')."
    )


def _missing(algorithm: Algorithm) -> str | None:
    """Which packages an algorithm's stand-in lacks; None if none."""
    missing = [package for package in algorithm.packages if not _installed(package)]
    if not missing:
        return None
    return (
        f"The stand-in for AWS's {algorithm.title} needs the package {', '.join(missing)}, which {sys.executable} lacks: "
        "pip install 'sm-tuning[algorithms]'."
    )


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # nor is the package around it
        return False


def decoded(value: str) -> Any:  # noqa: ANN401 - any JSON
    """A hyperparameter as the toolkit reads it: JSON if it is, else the text itself."""
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def visible(hyperparameters: Mapping[str, str]) -> Mapping[str, Any]:
    """The hyperparameters that a script gets, decoded, sorted by name."""
    return {
        name: decoded(value)
        for name, value in sorted(hyperparameters.items())
        if not name.startswith("sagemaker_") and name not in _HIDDEN
    }


def framework_parameters(hyperparameters: Mapping[str, str]) -> Mapping[str, Any]:
    """The hyperparameters that are meant for a framework, decoded."""
    return {
        name: decoded(value) for name, value in hyperparameters.items() if name.startswith("sagemaker_") and name not in _TOOLKITS
    }


def arguments(hyperparameters: Mapping[str, Any]) -> Sequence[str]:
    """Hyperparameters as a command line."""
    words: list[str] = []
    for name, value in sorted(hyperparameters.items()):
        words += [f"-{name}" if len(name) == 1 else f"--{name}", _word(value)]
    return words


def _word(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return ",".join(f"{name}={one}" for name, one in value.items())
    return str(value)


def script_command(entry: str, code: Path, words: Sequence[str], python: str, packages: str) -> tuple[str, ...]:
    """The command that starts an entry point from the code folder; raises RunError.

    A source with a setup.py is a package to the toolkit, which installs it: here into the run's own folder `packages`.
    """
    path = code / entry
    if not path.resolve().is_relative_to(code.resolve()) or not path.is_file():
        held = ", ".join(sorted(str(one.relative_to(code)) for one in code.rglob("*") if one.is_file())[:10]) or "nothing"
        raise RunError(f"ClientError: {PROGRAM} names {entry!r}, which is not in the source archive. It holds: {held}")
    if (code / "setup.py").is_file() and not entry.endswith(".sh"):
        return (python, "-c", _PACKAGE, packages, entry.removesuffix(".py").replace("/", "."), *words)
    if entry.endswith(".py"):
        _check_requirements(code, python)
        return (python, entry, *words)
    path.chmod(0o755)
    return ("/bin/sh", "-c", shlex.join([f"./{entry}", *words]))


def _check_requirements(code: Path, python: str) -> None:
    """Refuse a script whose requirements.txt names packages that the interpreter lacks, instead of changing the interpreter."""
    path = code / "requirements.txt"
    if not path.is_file():
        return
    lines = path.read_text(errors="replace").splitlines()
    names = [found[1] for line in lines if not line.lstrip().startswith(("#", "-")) and (found := _REQUIREMENT.match(line))]
    if names:
        _check_installed(tuple(names), python)


@lru_cache(maxsize=64)
def _check_installed(names: tuple[str, ...], python: str) -> None:
    """Raise RunError if packages are missing, which is looked at anew each time; that all are there is kept."""
    asked = subprocess.run([python, "-c", _MISSING, *names], capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - an argument list
    missing = asked.stdout.split()
    if missing:
        raise RunError(
            f"ClientError: requirements.txt names {', '.join(missing)}, not installed in {python}. "
            f"Install it: {python} -m pip install {shlex.join(missing)}"
        )
