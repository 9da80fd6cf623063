"""What `sm-tuning infra` prints: lines, one value, or one JSON document."""

import json

from tests.infra.conftest import Command, bootstrap, of


def test_outputs(infra: Command) -> None:
    assert infra(*bootstrap("own-o")).code == 0
    answer = infra("outputs", "--bootstrap", *of("own-o"))
    assert answer.outputs["LaunchRoleArn"].endswith("role/own-o-production-us-east-1-launch")
    assert json.loads(infra("outputs", "--bootstrap", *of("own-o"), "--json").out) == answer.outputs
    assert infra("outputs", "--bootstrap", "Project", *of("own-o")).out == "own-o\n"
    assert json.loads(infra("outputs", "--bootstrap", "Project", *of("own-o"), "--json").out) == "own-o"
    wrong = infra("outputs", "--bootstrap", "Roles", *of("own-o"))
    assert (wrong.code, wrong.out) == (2, "")
    assert "the stack own-o-production-bootstrap has no output Roles; it has Project, Environment, " in wrong.err
    gone = infra("teardown", "--bootstrap", *of("own-o"), "--yes", "--json")
    assert json.loads(gone.out) == {"deleted": "own-o-production-bootstrap"}
    lost = infra("outputs", *of("own-o"))
    assert lost.code == 1
    assert "there is no stack own-o-production in us-east-1; this makes it: " in lost.err
    assert "sm-tuning infra deploy --project own-o --environment production --aws" in lost.err
