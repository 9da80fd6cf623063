"""An emulator for all tests here, and the command that deploys to it."""

import json
import sys
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.__main__ import main
from tests.conftest import ROOT, Server

BOOTSTRAP, TUNING = str(ROOT / "infra/bootstrap.yaml"), str(ROOT / "infra/tuning.yaml")
SUBJECT = "repo:us/digits:environment:production"


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
    images = ("--image", f"*.dkr.ecr.*/own-*={program}", "--image", f"*.dkr.ecr.*/sm-tuning:*={program}")
    server = Server(state=tmp_path_factory.mktemp("emulator") / "state", arguments=("--stop-grace", "2", *images))
    try:
        yield server.start()
    finally:
        server.remove()


@pytest.fixture
def infra(served: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`python -m infra` with these words."""
    for name, value in served.environment.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)

    def run(*words: str, at: Server = served) -> Said:
        capsys.readouterr()
        code = main([*words, "--endpoint-url", at.url])
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return run


def bootstrap(served: Server, project: str) -> list[str]:
    """The words that deploy a project's bootstrap stack; an account has one provider for all of them."""
    there = served.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    parameters = {"Project": project, "Subjects": SUBJECT, "MakeProvider": "false" if there else "true"}
    given = [f"--parameter={name}={value}" for name, value in parameters.items()]
    return ["deploy", BOOTSTRAP, "--stack", f"{project}-bootstrap", *given]


@pytest.fixture
def deploy(infra: Command) -> Command:
    """Deploys a project's tuning stack with parameters; it must go well."""

    def run(project: str, **parameters: str) -> Said:
        words = [f"--parameter={name}={value}" for name, value in {"Project": project, **parameters}.items()]
        outputs = f"--outputs-of={project}-bootstrap"
        said = infra("deploy", TUNING, "--stack", project, outputs, "--tag", f"Project={project}", *words)
        assert said.code == 0, said.err
        return said

    return run


def policies(iam: Any, role: str) -> list[dict[str, Any]]:
    """The statements of all of a role's policies."""
    statements: list[dict[str, Any]] = []
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        statements += _document(iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])["Statement"]
    for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        statements += managed(iam, policy["PolicyArn"])
    return statements


def managed(iam: Any, arn: str) -> list[dict[str, Any]]:
    """The statements of a managed policy."""
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    statements: list[dict[str, Any]] = _document(
        iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    )["Statement"]
    return statements


def _document(document: str | Mapping[str, Any]) -> Mapping[str, Any]:
    parsed: Mapping[str, Any] = json.loads(urllib.parse.unquote(document)) if isinstance(document, str) else document
    return parsed


def actions(statement: Mapping[str, Any]) -> list[str]:
    """A statement's actions, one or several."""
    action = statement["Action"]
    return [action] if isinstance(action, str) else list(action)


def script(folder: Path) -> Path:
    """A training script that ends at once."""
    path = folder / "train.py"
    path.write_text("import sys\nprint('score=' + sys.argv[sys.argv.index('--rate') + 1])\n")
    return path
