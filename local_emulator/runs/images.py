"""Which program stands in for an image."""

import fnmatch
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec

from local_emulator.domain.spec import AlgorithmSpec, S3DataSource, TrainingSpec
from local_emulator.runs.script_mode import PROGRAM, SUBMIT_DIRECTORY, decoded, incomplete
from local_emulator.settings import Docker, Python, Settings, StandIn
from sm_tuning.rules import catalogue
from sm_tuning.rules.catalogue import Algorithm


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


def without_docker() -> str | None:
    """Why no container can be run; None if the Docker SDK is there."""
    return None if find_spec("docker") else "Containers need the Docker SDK: pip install 'sm-tuning[docker]'."


def _nothing_held(_uri: str) -> bool:
    return False


def runnable(
    algorithm: AlgorithmSpec,
    hyperparameters: Mapping[str, str],
    settings: Settings,
    *,
    private: bool,
    held: Callable[[str], bool] = _nothing_held,
) -> str | None:
    """Why an image cannot be run here; None if it can.

    `private` says whether a run can have `/opt/ml` to itself, `held` whether there is an object of an `s3://` URI.
    """
    image = algorithm.image
    named = stand_in(image, settings)
    if isinstance(named, Docker):
        return without_docker()
    if isinstance(named, tuple) or callable(named):
        return None
    if algorithm.command:
        return None if private else "ContainerEntrypoint needs a private /opt/ml, which this machine does not allow."
    if PROGRAM in hyperparameters:
        return _unrunnable_script(hyperparameters, image, settings, held)
    stock = catalogue.find(image)
    if stock is not None:
        return missing(stock) if stock.program else _not_emulated(stock, image)
    return (
        f"The image {image} cannot be run here. Send your script with the hyperparameters {PROGRAM} and {SUBMIT_DIRECTORY} "
        f"(script mode, as the SageMaker SDK does), run its container (serve --image '{image}=docker:'), or name a command that "
        f"stands in for the image: serve --image '{image}=COMMAND'."
    )


def _unrunnable_script(
    hyperparameters: Mapping[str, str], image: str, settings: Settings, held: Callable[[str], bool]
) -> str | None:
    scripted = _of_script(hyperparameters)
    if scripted is None:
        return incomplete(hyperparameters)
    if not scripted.emulated:
        source = str(decoded(hyperparameters[SUBMIT_DIRECTORY]))
        return incomplete(hyperparameters) if held(source) else _script_not_emulated(scripted, image, source)
    # Of another interpreter it is asked when the script's requirements.txt is there.
    return missing(scripted) if interpreter(image, settings) == sys.executable else None


def _of_script(hyperparameters: Mapping[str, str]) -> Algorithm | None:
    """AWS's algorithm whose script hyperparameters name; None if they name none of AWS's."""
    return catalogue.of_source(str(decoded(hyperparameters.get(SUBMIT_DIRECTORY, "")))) if PROGRAM in hyperparameters else None


def on_several_hosts(spec: TrainingSpec, hyperparameters: Mapping[str, str], settings: Settings, *, private: bool) -> str | None:
    """Why a job that needs several instances cannot be run here; None if it can."""
    sentence = f"Training on {len(spec.resources.hosts)} instances is not emulated "
    named = stand_in(spec.algorithm.image, settings)
    if settings.scheduler:
        return f"{sentence}on a Dask cluster (serve --scheduler): its workers cannot reach one another by the hosts' names."
    if callable(named):
        return f"{sentence}for a function in place of a script: it runs once."
    if isinstance(named, Docker):
        isolated = f"{sentence}for containers with EnableNetworkIsolation: they could not reach one another."
        return isolated if spec.network_isolation else None
    if not private:
        return f"{sentence}on this machine, which gives no program a private /opt/ml: hosts would have no names and no folders."
    why = None if spec.algorithm.command else _limit(spec, hyperparameters, named)
    return None if why is None else f"{sentence}{why}"


def _limit(spec: TrainingSpec, hyperparameters: Mapping[str, str], named: StandIn | None) -> str | None:
    """Why what stands in for an algorithm of AWS's cannot train on several hosts; None if it can, or if nothing does."""
    algorithm = _of_script(hyperparameters)
    if algorithm is None and named is None and PROGRAM not in hyperparameters:
        algorithm = catalogue.find(spec.algorithm.image)
    if algorithm is None or isinstance(named, tuple):
        return None
    if algorithm.hosts == "one":
        return f"for AWS's {algorithm.title}, which trains on one."
    sources = [channel.source for channel in spec.channels]
    if algorithm.script and any(isinstance(source, S3DataSource) and source.sharded for source in sources):
        return f"for AWS's {algorithm.title} with ShardedByS3Key: the first host trains, and needs the whole of the data."
    return None


def _not_emulated(algorithm: Algorithm, image: str) -> str:
    """What to do instead. The algorithm's container is no way: AWS refuses `docker pull` of it."""
    return (
        f"AWS's algorithm {algorithm.title} is not emulated. Map its image to a program of yours that prints the algorithm's metrics: "
        f"serve --image '{image}=COMMAND', or in an image of yours serve --image '{image}=docker:YOURS'."
    )


def _script_not_emulated(algorithm: Algorithm, image: str, source: str) -> str:
    return (
        f"AWS's algorithm {algorithm.title} is not emulated: it is a script, and {source} is not in the S3 here. Copy it there from "
        f"AWS, or send a script of yours in its place ({PROGRAM} and {SUBMIT_DIRECTORY}), or map its image to a program of yours that "
        f"prints the algorithm's metrics (serve --image '{image}=COMMAND')."
    )


def missing(algorithm: Algorithm) -> str | None:
    """Which packages an algorithm's stand-in lacks; None if none."""
    packages = [package for package in algorithm.packages if not _installed(package)]
    if not packages:
        return None
    return (
        f"The stand-in for AWS's {algorithm.title} needs the package {', '.join(packages)}, which {sys.executable} lacks: "
        f"pip install 'sm-tuning[{'boosting' if algorithm.script else 'algorithms'}]'."
    )


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # nor is the package around it
        return False
