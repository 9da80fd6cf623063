"""The Docker engine that builds and pushes images, asked by its command."""

import shutil

from sm_tuning.errors import NotDeployed
from sm_tuning.infra.programs import run

# Attestations of BuildKit's make an image index of an image, which SageMaker is known to refuse.
_PLAIN = {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}


def docker(*words: str, text: str | None = None) -> str:
    """Run Docker with `text` as its input; what it printed. Raises NotDeployed with what it said last."""
    return run(f"docker {words[0]}", ["docker", *words], text=text, environment=_PLAIN)


def check_docker() -> None:
    """Raise NotDeployed if no Docker answers."""
    if shutil.which("docker") is None:
        said = "there is no docker on this machine"
    else:
        try:
            docker("version")
        except NotDeployed as error:
            said = str(error)
        else:
            return
    raise NotDeployed(
        f"{said}; an image is built where Docker is, such as in a pipeline. On the emulator a program runs in its place without one: "
        "sm-tuning emulator start --image '*.dkr.ecr.*=PYTHON train.py'"
    )
