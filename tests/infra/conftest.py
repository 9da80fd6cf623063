"""An emulator for all tests here, and the command that deploys to it."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from sm_tuning.cli.commands import sm_tuning
from tests.conftest import ROOT, Server

TEMPLATES = ROOT / "infra"
BOOTSTRAP, TUNING, AUTOMATION = (TEMPLATES / f"{name}.yaml" for name in ("bootstrap", "tuning", "automation"))
SUBJECT = "repo:us/digits:environment:production"
JOB = """
name = "small"
strategy = { name = "Random", seed = 7 }
max_jobs = 2
max_parallel = 2
[objective]
metric = "validation:accuracy"
goal = "Maximize"
regex = 'validation:accuracy=([-+]?[0-9.]+)'
[ranges]
learning_rate = { low = 1e-3, high = 1e-2 }
[hyperparameters]
epochs = 2
[resources]
instance_type = "ml.m5.large"
max_runtime = 300
"""


@dataclass(frozen=True)
class Said:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def outputs(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.out.splitlines())


Command = Callable[..., Said]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    program = f"{sys.executable} {ROOT / 'training_scripts/mlp.py'}"
    images = ("--image", f"*.dkr.ecr.*/own-*={program}", "--image", f"*.dkr.ecr.*/sm-tuning-production:*={program}")
    server = Server(state=tmp_path_factory.mktemp("emulator") / "state", arguments=("--stop-grace", "2", *images))
    try:
        yield server.start()
    finally:
        server.remove()


def main(words: Sequence[str]) -> int:
    """Run `sm-tuning infra` with these words; its exit code."""
    with pytest.raises(SystemExit) as ended:
        sm_tuning(["infra", *words])
    return int(ended.value.code or 0)


@pytest.fixture
def infra(served: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`sm-tuning infra … --aws` with these words, with an emulator in AWS's place."""
    for name, value in served.environment.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)

    def run(*words: str, at: Server = served) -> Said:
        monkeypatch.setenv("AWS_ENDPOINT_URL", at.url)
        capsys.readouterr()
        code = main([*words, "--aws"])
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return run


REGION = "us-east-1"


def of(project: str, environment: str = "production") -> list[str]:
    """The words that say which project."""
    return ["--project", project, "--environment", environment]


def bootstrap(project: str, environment: str = "production", **parameters: str) -> list[str]:
    """The words that deploy a project's bootstrap stack."""
    subjects = {"DeploySubjects": SUBJECT, "LaunchSubjects": f"{SUBJECT}-launch", "TeardownSubjects": f"{SUBJECT}-teardown"}
    chosen = [f"{name}={value}" for name, value in {**subjects, **parameters}.items()]
    return ["bootstrap", *of(project, environment), *chosen]


def tuning(project: str, environment: str = "production", **parameters: str) -> list[str]:
    """The words that deploy a project's tuning stack."""
    return ["deploy", *of(project, environment), *(f"{name}={value}" for name, value in parameters.items())]


@pytest.fixture
def deploy(infra: Command) -> Command:
    """Deploys a project's tuning stack with parameters; it must go well."""

    def run(project: str, **parameters: str) -> Said:
        said = infra(*tuning(project, **parameters))
        assert said.code == 0, said.err
        return said

    return run


@pytest.fixture
def project(infra: Command) -> Callable[..., str]:
    """Deploys a project's bootstrap stack; its name."""

    def run(name: str, **parameters: str) -> str:
        said = infra(*bootstrap(name, **parameters))
        assert said.code == 0, said.err
        return name

    return run


def script(folder: Path) -> Path:
    """A training script that ends at once."""
    path = folder / "train.py"
    path.write_text("import sys\nprint('score=' + sys.argv[sys.argv.index('--rate') + 1])\n")
    return path
