"""What goes wrong in an account is told in one sentence with its remedy. No emulator gets into these states: clients are planted."""

from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, NoCredentialsError, ProfileNotFound

from tests.infra.conftest import main, of


def error(code: str, message: str = "x", operation: str = "DescribeStacks") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class Planted:
    """A CloudFormation client: a stack's statuses one after the other, a change set, events."""

    def __init__(
        self, statuses: Sequence[str | Exception], *, change_set: Mapping[str, Any] | None = None, why: str = ""
    ) -> None:
        self._statuses: Iterator[str | Exception] = iter([statuses[0], *statuses])  # its parameters are looked at first
        self._last: str | Exception = statuses[0]
        self._change_set = {"Status": "CREATE_COMPLETE", "Changes": [], **(change_set or {})}
        self._why = why
        self.deleted: list[str] = []
        self.executed = False
        self.meta = SimpleNamespace(endpoint_url="http://127.0.0.1:1", region_name="eu-west-1")

    def describe_stacks(self, StackName: str) -> Mapping[str, Any]:  # noqa: N803 - boto3's
        if StackName.endswith("-automation"):
            raise NONE
        self._last = next(self._statuses, self._last)
        if isinstance(self._last, Exception):
            raise self._last
        return {"Stacks": [{"StackName": StackName, "StackId": "arn:stack", "StackStatus": self._last, "Outputs": []}]}

    def get_template_summary(self, **_: str) -> Mapping[str, Any]:
        return {"Parameters": [{"ParameterKey": name} for name in ("Project", "Environment", "MakeProvider", "ManageLogGroup")]}

    def create_change_set(self, **_: Any) -> Mapping[str, str]:
        return {"Id": "arn:changes", "StackId": "arn:stack"}

    def describe_change_set(self, **_: str) -> Mapping[str, Any]:
        return {"ChangeSetId": "arn:changes", "StackId": "arn:stack", "StackName": "own-production-bootstrap", **self._change_set}

    def delete_change_set(self, **_: str) -> None:
        self.deleted.append("changes")

    def execute_change_set(self, **_: str) -> None:
        self.executed = True

    def describe_stack_events(self, **_: str) -> Mapping[str, Any]:
        cancelled = {
            "LogicalResourceId": "Topic",
            "ResourceStatus": "CREATE_FAILED",
            "ResourceStatusReason": "Resource creation cancelled",
        }
        failed = {"LogicalResourceId": "Bucket", "ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": self._why}
        return {"StackEvents": [cancelled, failed]}

    def delete_stack(self, StackName: str) -> None:  # noqa: N803 - boto3's
        self.deleted.append(StackName)


NONE = error("ValidationError", "Stack with id x does not exist")


TEARDOWN = "sm-tuning infra teardown --project own --environment production --bootstrap --yes --aws"


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """What `bootstrap` says with a planted client, and its exit code."""

    def run(client: Planted | Exception, *words: str) -> tuple[int, str]:
        session = SimpleNamespace(client=lambda *_, **__: client)
        monkeypatch.setattr(boto3, "Session", lambda **_: session if isinstance(client, Planted) else _raise(client))
        code = main(["bootstrap", "--aws", *of("own"), "MakeProvider=false", "ManageLogGroup=false", *words])
        said = capsys.readouterr().err
        assert "Traceback" not in said
        return code, said

    return run


def _raise(fault: Exception) -> None:
    raise fault


@pytest.mark.parametrize(
    ("fault", "remedy"),
    [
        (error("ExpiredToken"), "the credentials have expired; take new ones: aws sso login"),
        (error("RequestExpired"), "this machine's clock is wrong"),
        (error("InvalidClientTokenId"), "AWS does not know these credentials"),
        (error("UnrecognizedClientException"), "or enable the region"),
        (error("SignatureDoesNotMatch"), "the secret access key does not belong to the access key"),
        (NoCredentialsError(), "there are no credentials; aws sso login or aws configure makes some"),
        (ProfileNotFound(profile="work"), "AWS_PROFILE and ~/.aws/config disagree"),
    ],
    ids=lambda fault: type(fault).__name__ if isinstance(fault, Exception) else None,
)
def test_no_way_to_the_account(refused: Any, fault: Exception, remedy: str) -> None:
    code, said = refused(Planted([fault]) if isinstance(fault, ClientError) else fault)
    assert code == 2
    assert said.startswith("sm-tuning: ")
    assert remedy in said


def test_access_is_denied(refused: Any) -> None:
    code, said = refused(Planted([error("AccessDenied", "User: x is not authorized to perform: cloudformation:DescribeStacks.")]))
    assert (code, said) == (
        1,
        (
            "sm-tuning: User: x is not authorized to perform: cloudformation:DescribeStacks. "
            "Use an administrator's credentials, or the bootstrap stack's role for it: deploy, launch, or teardown.\n"
        ),
    )


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        ("UPDATE_IN_PROGRESS", "somebody else is at it; wait for them"),
        ("UPDATE_ROLLBACK_FAILED", "aws cloudformation continue-update-rollback --stack-name own-production-bootstrap"),
        ("ROLLBACK_FAILED", TEARDOWN),
        ("DELETE_FAILED", TEARDOWN),
    ],
)
def test_a_stack_that_takes_no_change(refused: Any, status: str, remedy: str) -> None:
    client = Planted([status])
    code, said = refused(client)
    assert code == 1
    assert f"the stack own-production-bootstrap is {status}" in said
    assert remedy in said
    assert not client.executed


def test_what_was_never_created_is_deleted_first(refused: Any) -> None:
    client = Planted(["ROLLBACK_COMPLETE", "ROLLBACK_COMPLETE", "DELETE_COMPLETE", "CREATE_COMPLETE", "CREATE_COMPLETE"])
    code, said = refused(client)
    assert code == 0
    assert "own-production-bootstrap: ROLLBACK_COMPLETE, it was never created and holds nothing; deleting it first" in said
    assert client.deleted == ["own-production-bootstrap"]
    assert client.executed


@pytest.mark.parametrize(
    ("why", "remedy"),
    [
        (
            "BucketAlreadyExists: the requested name is not available",
            "the bucket's name belongs to another account; give another",
        ),
        ("own-x already exists in stack arn:other", "another stack has it"),
        ("User is not authorized to perform: iam:CreateRole", "Use an administrator's credentials"),
    ],
)
def test_a_creation_that_failed(refused: Any, why: str, remedy: str) -> None:
    client = Planted([NONE, "CREATE_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_COMPLETE", "DELETE_COMPLETE"], why=why)
    code, said = refused(client)
    assert code == 1
    assert f"own-production-bootstrap was not deployed: Bucket: {why}: {remedy}" in said
    assert said.endswith("Nothing is left of it.\n")
    assert client.deleted == ["own-production-bootstrap"]


def test_an_update_that_failed(refused: Any) -> None:
    client = Planted(["CREATE_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"], why="no")
    code, said = refused(client)
    assert code == 1
    assert said.endswith("sm-tuning: own-production-bootstrap was not deployed: Bucket: no. It is again what it was before.\n")
    assert client.deleted == []


def test_a_change_set_that_failed_leaves_nothing(refused: Any) -> None:
    client = Planted(
        [NONE, "REVIEW_IN_PROGRESS", "DELETE_COMPLETE"], change_set={"Status": "FAILED", "StatusReason": "Bad template"}
    )
    code, said = refused(client)
    assert code == 1
    assert "the change set of own-production-bootstrap failed: Bad template; nothing was changed" in said
    assert client.deleted == ["changes", "own-production-bootstrap"]


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (("Projekt=x",), "bootstrap.yaml has no parameter Projekt; did you mean Project?"),
        (("Project=x",), "Project name the stack; give --project and --environment"),
        (("x",), "'x' must be NAME=VALUE"),
        (("--templates", "/nowhere"), "there is no template /nowhere/bootstrap.yaml"),
    ],
)
def test_wrong_usage(refused: Any, words: tuple[str, ...], remedy: str) -> None:
    client = Planted(["CREATE_COMPLETE"])
    code, said = refused(client, *words)
    assert (code, client.executed) == (2, False)
    assert remedy in said


def test_another_account(refused: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Planted(["CREATE_COMPLETE"])
    identity = {"Account": "111111111111", "Arn": "arn:aws:iam::111111111111:user/x"}
    monkeypatch.setattr(client, "get_caller_identity", lambda: identity, raising=False)
    code, said = refused(client, "--account", "222222222222")
    assert (code, client.executed) == (2, False)
    assert "the credentials are those of arn:aws:iam::111111111111:user/x, not of account 222222222222" in said


def test_nobody_answers(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert main(["deploy", "--aws", *of("own"), "--region", "us-east-1"]) == 3
    assert "http://127.0.0.1:1" in capsys.readouterr().err
