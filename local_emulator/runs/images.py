"""Which program stands in for an image."""

import fnmatch
import sys
from collections.abc import Mapping
from importlib.util import find_spec

from local_emulator.domain.spec import AlgorithmSpec, TrainingSpec
from local_emulator.runs.script_mode import PROGRAM, SUBMIT_DIRECTORY, decoded, incomplete
from local_emulator.settings import Docker, Python, Settings, StandIn
from sm_tuning.rules import catalogue
from sm_tuning.rules.catalogue import Algorithm

_ON_SEVERAL_HOSTS = {"xgboost"}  # programs of AWS's algorithms


def stand_in(image: str, settings: Settings) -> StandIn | None:
    """The program that the settings name for an image; None if they name none."""
    return next((program for pattern, program in settings.images.items() if fnmatch.fnmatchcase(image, pattern)), None)


def interpreter(image: str, settings: Settings) -> str:
    """The Python that runs an image's scripts."""
    named = stand_in(image, settings)
    return named.interpreter if isinstance(named, Python) else settings.python or sys.executable


def stand_in_algorithm(image: str, hyperparameters: Mapping[str, str]) -> tuple[str, ...] | None:
    """Module and arguments of the program that stands in for AWS's algorithm of an image; None if there is none, or a script runs."""
    algorithm = None if PROGRAM in hyperparameters else catalogue.find(image)
    return (f"local_emulator.algorithms.{algorithm.program}", image) if algorithm and algorithm.program else None


def in_script_mode(algorithm: AlgorithmSpec, hyperparameters: Mapping[str, str], settings: Settings) -> bool:
    """Whether an image's script is started here, and not by a program that stands in for the image, which starts it as it likes."""
    named = stand_in(algorithm.image, settings)
    return PROGRAM in hyperparameters and not algorithm.command and (named is None or isinstance(named, Python))


def runnable(algorithm: AlgorithmSpec, hyperparameters: Mapping[str, str], settings: Settings, *, private: bool) -> str | None:
    """Why an image cannot be run here; None if it can. `private` says whether a run can have `/opt/ml` to itself."""
    image = algorithm.image
    named = stand_in(image, settings)
    if isinstance(named, Docker):
        return None if find_spec("docker") else "Containers need the Docker SDK: pip install 'sm-tuning[docker]'."
    if isinstance(named, tuple) or callable(named):
        return None
    if algorithm.command:
        return None if private else "ContainerEntrypoint needs a private /opt/ml, which this machine does not allow."
    if PROGRAM in hyperparameters:
        scripted = catalogue.of_source(str(decoded(hyperparameters.get(SUBMIT_DIRECTORY, ""))))
        return incomplete(hyperparameters) if scripted is None else _not_emulated(scripted, image)
    stock = catalogue.find(image)
    if stock is not None:
        return _missing(stock) if stock.program else _not_emulated(stock, image)
    return (
        f"The image {image} cannot be run here. Send your script with the hyperparameters {PROGRAM} and {SUBMIT_DIRECTORY} "
        f"(script mode, as the SageMaker SDK does), run its container (serve --image '{image}=docker:'), or name a command that "
        f"stands in for the image: serve --image '{image}=COMMAND'."
    )


def on_several_hosts(spec: TrainingSpec, hyperparameters: Mapping[str, str], settings: Settings, *, private: bool) -> str | None:
    """Why a job that needs several instances cannot be run here; None if it can."""
    sentence = f"Training on {len(spec.resources.hosts)} instances is not emulated "
    named = stand_in(spec.algorithm.image, settings)
    algorithm = catalogue.find(spec.algorithm.image)
    if settings.scheduler:
        return f"{sentence}on a Dask cluster (serve --scheduler): its workers cannot reach one another by the hosts' names."
    if callable(named):
        return f"{sentence}for a function in place of a script: it runs once."
    if isinstance(named, Docker):
        isolated = f"{sentence}for containers with EnableNetworkIsolation: they could not reach one another."
        return isolated if spec.network_isolation else None
    if not private:
        return f"{sentence}on this machine, which gives no program a private /opt/ml: hosts would have no names and no folders."
    stand_in_runs = named is None and not spec.algorithm.command and PROGRAM not in hyperparameters
    if stand_in_runs and algorithm is not None and algorithm.program not in _ON_SEVERAL_HOSTS:
        return f"{sentence}for the stand-in of AWS's {algorithm.title}. Train on one, or run its container (serve --image)."
    return None


def _not_emulated(algorithm: Algorithm, image: str) -> str:
    """What to do instead; an algorithm that is a script of AWS's can give way to a script of the user's."""
    script = (
        f"Send a script of yours in place of AWS's ({PROGRAM} and {SUBMIT_DIRECTORY}), or map" if algorithm.sources else "Map"
    )
    return (
        f"AWS's algorithm {algorithm.title} is not emulated. {script} its image to a program of yours that prints the algorithm's "
        f"metrics (serve --image '{image}=COMMAND'), or run its container (serve --image '{image}=docker:')."
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
