"""Least privilege, both ways: the launch role's policy allows every call that sm-tuning makes, and no action that none of them needs.

The calls are recorded while real tuning jobs are launched, followed, read and stopped with the stack's role and bucket.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.__main__ import main
from sm_tuning import Channel, Continuous, Objective, Random, Resources, Script, TuningJob, read_results
from sm_tuning.cli.session import run_of
from sm_tuning.client.stack import Stack
from sm_tuning.preflight.doctor import doctor
from sm_tuning.preflight.prices import price_list
from tests.conftest import Server
from tests.infra.conftest import SUBJECT, TUNING, actions, bootstrap, managed, policies, script
from tests.infra.iam import Call, Statement, allowed

PROJECT = "own-p"
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/{PROJECT}"
BUCKET = f"arn:aws:s3:::{PROJECT}-{ACCOUNT}-us-east-1"
SAGEMAKER = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}"
STACKS = f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack"

# What doctor and `run --stack` ask for besides, and a model's download.
ASKED_FOR_BESIDES = [
    Call("cloudformation:DescribeStacks", f"{STACKS}/{PROJECT}/1"),  # run --stack, doctor --stack
    Call("iam:GetRole", f"{ROLE}-execution"),  # doctor: it exists and trusts SageMaker
    Call("iam:GetRole", f"{ROLE}-launch"),  # doctor: the caller's role, with its path
    Call("iam:SimulatePrincipalPolicy", f"{ROLE}-execution"),  # doctor: what it may do
    Call("iam:SimulatePrincipalPolicy", f"{ROLE}-launch"),  # doctor: what the caller may do
    Call("s3:ListBucket", BUCKET),  # doctor: HeadBucket, ListObjectsV2
    Call("s3:GetObject", f"{BUCKET}/tuning/digits/model.tar.gz"),  # doctor: HeadObject; `aws s3 cp` of the best model
    Call("ecr:DescribeImages", f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/{PROJECT}"),  # doctor: the tag exists
    Call("ecr:ListImages", f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/{PROJECT}"),  # doctor: which tags do, if it does not
    Call("servicequotas:ListServiceQuotas", "*"),  # doctor: instances
    Call("servicequotas:ListAWSDefaultServiceQuotas", "*"),  # doctor: those that the account has never changed
    Call("cloudwatch:GetMetricData", "*"),  # results: learning curves where logs are gone
    Call("pricing:GetProducts", "*"),  # doctor: the worst case in money
]


class Recorder:
    """A session whose clients note every call with its parameters."""

    def __init__(self, server: Server) -> None:
        taken = server.client("sts").assume_role(RoleArn=f"{ROLE}-launch", RoleSessionName="test")["Credentials"]
        names = {
            "AccessKeyId": "aws_access_key_id",
            "SecretAccessKey": "aws_secret_access_key",
            "SessionToken": "aws_session_token",
        }
        self._url = server.url
        self._session = boto3.Session(region_name="us-east-1", **{name: taken[key] for key, name in names.items()})
        self._session.events.register("provide-client-params.*.*", self._note)
        self.calls: list[Call] = []

    def _note(self, params: Mapping[str, Any], model: Any, **_others: Any) -> None:
        self.calls += as_iam_sees(model.service_model.signing_name, model.name, params)

    def client(self, service: Any, region_name: str | None = None, config: Any = None) -> Any:
        return self._session.client(service, endpoint_url=self._url, region_name=region_name, config=config)


def as_iam_sees(service: str, operation: str, params: Mapping[str, Any]) -> Iterator[Call]:
    """The rights that a call needs, by AWS's service authorization reference."""
    action = f"{service}:{operation}"
    if service == "sagemaker":
        yield from _of_sagemaker(operation, params)
    elif service == "s3":
        bucket = f"arn:aws:s3:::{params['Bucket']}"
        on_objects = {"PutObject": "s3:PutObject", "GetObject": "s3:GetObject", "HeadObject": "s3:GetObject"}
        key = f"{bucket}/{params.get('Key', '')}"
        yield Call(on_objects[operation], key) if "Key" in params else Call("s3:ListBucket", bucket)
    elif service == "logs":
        group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{params['logGroupName']}"
        yield Call(action, f"{group}:log-stream:{params.get('logStreamName', '')}")
    elif service == "iam":
        yield Call(action, params.get("PolicySourceArn") or f"arn:aws:iam::{ACCOUNT}:role/{params['RoleName']}")
    elif service == "ecr":
        yield Call(action, f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/{params['repositoryName']}")
    elif service == "cloudformation":
        yield Call(action, f"{STACKS}/{params['StackName']}/1")
    elif operation != "GetCallerIdentity":  # which needs no right
        yield Call(action, "*")


def _of_sagemaker(operation: str, params: Mapping[str, Any]) -> Iterator[Call]:
    if operation == "CreateHyperParameterTuningJob":
        yield from _creation(params)
    elif operation == "ListHyperParameterTuningJobs":
        yield Call(f"sagemaker:{operation}", "*")
    elif operation == "DescribeTrainingJob":
        yield Call(f"sagemaker:{operation}", f"{SAGEMAKER}:training-job/{params['TrainingJobName']}")
    else:
        name = params["HyperParameterTuningJobName"]
        yield Call(f"sagemaker:{operation}", f"{SAGEMAKER}:hyper-parameter-tuning-job/{name}")


def _creation(params: Mapping[str, Any]) -> Iterator[Call]:
    definition = params["TrainingJobDefinition"]
    job = f"{SAGEMAKER}:hyper-parameter-tuning-job/{params['HyperParameterTuningJobName']}"
    limits = {
        "sagemaker:InstanceTypes": (definition["ResourceConfig"]["InstanceType"],),
        "sagemaker:MaxRuntimeInSeconds": (str(definition["StoppingCondition"]["MaxRuntimeInSeconds"]),),
    }
    yield Call("sagemaker:CreateHyperParameterTuningJob", job, limits)
    yield Call("iam:PassRole", definition["RoleArn"], {"iam:PassedToService": ("sagemaker.amazonaws.com",)})
    if params.get("Tags"):
        yield Call("sagemaker:AddTags", job)


@pytest.fixture(scope="module")
def deployed(served: Server) -> Server:
    """An emulator with both stacks."""
    where = ("--endpoint-url", served.url, "--region", "us-east-1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        project = ("--parameter", f"Project={PROJECT}")
        assert main([*bootstrap(served, PROJECT), *where]) == 0
        assert main(["deploy", TUNING, "--stack", PROJECT, "--outputs-of", f"{PROJECT}-bootstrap", *project, *where]) == 0
    return served


@pytest.fixture(scope="module")
def statements(deployed: Server) -> Callable[[str], Sequence[Statement]]:
    """The statements of a role of the project."""
    iam = deployed.client("iam")
    return lambda role: policies(iam, f"{PROJECT}-{role}")


@pytest.fixture(scope="module")
def calls(deployed: Server, tmp_path_factory: pytest.TempPathFactory) -> list[Call]:
    """All that sm-tuning asks for from launch to results, and for a stop, as IAM sees it."""
    folder = tmp_path_factory.mktemp("job")
    (folder / "data.csv").write_text("1,2\n")
    recorder = Recorder(deployed)
    job = TuningJob(
        name="own-p-all",
        script=Script(str(script(folder))),
        channels=[Channel("train", str(folder / "data.csv"))],
        objective=Objective.maximize("score", regex="score=([0-9.]+)"),
        ranges=[Continuous("rate", 0.0, 1.0)],
        strategy=Random(seed=1),
        max_jobs=2,
        max_parallel=2,
        role=f"{ROLE}-execution",
        output=f"s3://{PROJECT}-{ACCOUNT}-us-east-1/tuning",
        resources=Resources(volume_gb=1, max_runtime=300),
        tags={"Project": PROJECT},
    )
    run = job.launch(recorder)
    assert run.wait(timeout=60).status == "Completed", [str(failure) for failure in run.failures()]
    best = run.best()
    assert best is not None
    assert run.model_uri(best.name)
    assert [line for line in run.logs(best.name, follow=True) if line.startswith("score=")]
    assert run.metric_checks(best.name)[0].matches == 1
    assert run.failures() == []
    assert read_results(run).best is not None
    job.named("own-p-stopped").launch(recorder).stop()
    assert run_of(recorder, "latest").name == "own-p-stopped"
    return recorder.calls + ASKED_FOR_BESIDES


def test_the_launch_role_may_do_all_that_sm_tuning_does(
    calls: list[Call], statements: Callable[[str], Sequence[Statement]]
) -> None:
    assert {call.action.split(":")[0] for call in calls} >= {"sagemaker", "s3", "logs", "iam"}
    assert [str(call) for call in calls if not allowed(statements("launch"), call)] == []


def test_doctor_asks_for_what_is_listed(deployed: Server, statements: Callable[[str], Sequence[Statement]]) -> None:
    recorder = Recorder(deployed)
    stack = Stack.read(PROJECT, recorder)
    job = TuningJob(
        name="own-p-doctor",
        objective=Objective.maximize("score", regex="score=([0-9.]+)"),
        ranges=[Continuous("rate", 0.0, 1.0)],
        strategy=Random(seed=1),
        max_jobs=2,
        role=stack.role,
        output=stack.output,
        image=f"{stack.repository}:0123abc",
    )
    assert {finding.check for finding in doctor(job, recorder) if finding.state == "problem"} == {"image"}  # none was pushed
    with suppress(ClientError):  # the emulator has no price list
        price_list(recorder, ["ml.m5.large"])
    assert {call.action.split(":")[0] for call in recorder.calls} >= {"iam", "ecr", "servicequotas", "s3", "cloudformation"}
    assert [str(call) for call in recorder.calls if not allowed(statements("launch"), call)] == []
    asked = {call.action for call in recorder.calls}
    assert {call.action for call in ASKED_FOR_BESIDES} - asked <= {
        "s3:GetObject",
        "cloudwatch:GetMetricData",
    }  # a model's download, curves without logs


def test_without_any_one_action_something_fails(calls: list[Call], statements: Callable[[str], Sequence[Statement]]) -> None:
    whole = statements("launch")
    assert all("*" not in action for statement in whole for action in actions(statement))
    for number, statement in enumerate(whole):
        for action in actions(statement):
            rest = [other for other in actions(statement) if other != action]
            fewer = [*whole[:number], *([{**statement, "Action": rest}] if rest else []), *whole[number + 1 :]]
            assert not all(allowed(fewer, call) for call in calls), f"{action} of {statement['Sid']} is not needed"


GPU = {"sagemaker:InstanceTypes": ("ml.p5.48xlarge",), "sagemaker:MaxRuntimeInSeconds": ("300",)}
WEEKS = {"sagemaker:InstanceTypes": ("ml.m5.large",), "sagemaker:MaxRuntimeInSeconds": ("864000",)}
UNBOUNDED = {"sagemaker:InstanceTypes": ("ml.m5.large",)}
SOME = {"sagemaker:MaxRuntimeInSeconds": ("300",)}
TO_SAGEMAKER, TO_LAMBDA = ({"iam:PassedToService": (f"{name}.amazonaws.com",)} for name in ("sagemaker", "lambda"))
JOB = f"{SAGEMAKER}:hyper-parameter-tuning-job/x"


FORBIDDEN = [
    Call("sagemaker:CreateHyperParameterTuningJob", JOB, GPU),
    Call("sagemaker:CreateHyperParameterTuningJob", JOB, WEEKS),
    Call("sagemaker:CreateHyperParameterTuningJob", JOB, UNBOUNDED),
    Call("sagemaker:CreateHyperParameterTuningJob", JOB, SOME),
    Call("sagemaker:CreateTrainingJob", f"{SAGEMAKER}:training-job/x"),
    Call("sagemaker:DeleteHyperParameterTuningJob", JOB),
    Call("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/Administrator", TO_SAGEMAKER),
    Call("iam:PassRole", f"{ROLE}-launch", TO_SAGEMAKER),
    Call("iam:PassRole", f"{ROLE}-execution", TO_LAMBDA),
    Call("iam:PutRolePolicy", f"{ROLE}-execution"),
    Call("iam:CreateRole", f"{ROLE}-more"),
    Call("s3:GetObject", "arn:aws:s3:::somebody-else/tuning/x"),
    Call("s3:PutObject", f"{BUCKET}/elsewhere"),
    Call("s3:DeleteObject", f"{BUCKET}/tuning/x"),
    Call("s3:ListBucket", "arn:aws:s3:::somebody-else"),
    Call("s3:PutBucketPolicy", BUCKET),
    Call("logs:GetLogEvents", f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/lambda/x:log-stream:y"),
    Call("ecr:PutImage", f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/{PROJECT}"),
    Call("cloudformation:DescribeStacks", f"{STACKS}/another/1"),
    Call("sts:AssumeRole", f"{ROLE}-deploy"),
]


def test_what_the_launch_role_may_not_do(statements: Callable[[str], Sequence[Statement]]) -> None:
    assert [str(call) for call in FORBIDDEN if allowed(statements("launch"), call)] == []


# The developer guide's list for a tuning job's execution role, without VPC and KMS.
TRAINING = {
    *("cloudwatch:PutMetricData", "logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"),
    *("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetAuthorizationToken", "ecr:GetDownloadUrlForLayer"),
    *("s3:GetObject", "s3:ListBucket", "s3:PutObject"),
}


def test_the_execution_role_may_do_what_a_training_job_needs(
    deployed: Server, statements: Callable[[str], Sequence[Statement]]
) -> None:
    execution = statements("execution")
    assert {action for statement in execution for action in actions(statement)} == TRAINING
    assert allowed(execution, Call("s3:PutObject", f"{BUCKET}/tuning/x/output/model.tar.gz"))
    metrics = {"cloudwatch:namespace": ("/aws/sagemaker/TrainingJobs",)}
    assert allowed(execution, Call("cloudwatch:PutMetricData", "*", metrics))
    assert not allowed(execution, Call("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": ("Mine",)}))
    assert not allowed(execution, Call("s3:GetObject", "arn:aws:s3:::somebody-else/x"))
    assert not allowed(
        execution, Call("logs:PutLogEvents", f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/lambda/x:log-stream:y")
    )
    (trust,) = deployed.client("iam").get_role(RoleName=f"{PROJECT}-execution")["Role"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_the_boundary_cuts_nothing_that_the_roles_need(
    deployed: Server, calls: list[Call], statements: Callable[[str], Sequence[Statement]]
) -> None:
    boundary = managed(deployed.client("iam"), f"arn:aws:iam::{ACCOUNT}:policy/{PROJECT}-boundary")
    assert [str(call) for call in calls if not allowed(boundary, call)] == []
    within = {action for statement in boundary for action in actions(statement)}
    assert within >= {
        action for role in ("launch", "execution") for statement in statements(role) for action in actions(statement)
    }
    assert not allowed(boundary, Call("iam:CreateRole", f"{ROLE}-x"))
    assert not allowed(boundary, Call("s3:GetObject", "arn:aws:s3:::somebody-else/x"))


BOUNDED = {"iam:PermissionsBoundary": (f"arn:aws:iam::{ACCOUNT}:policy/{PROJECT}-boundary",)}
OTHER_BOUNDARY = {"iam:PermissionsBoundary": ("arn:aws:iam::aws:policy/AdministratorAccess",)}


PUSHING = ("BatchCheckLayerAvailability", "InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "PutImage")


def test_the_deploy_role_may_do_all_that_deploying_does(
    deployed: Server, statements: Callable[[str], Sequence[Statement]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What CloudFormation does in its name is checked against CloudFormation's own schemas, by `make check`."""
    seen: list[tuple[str, str, Mapping[str, Any]]] = []

    def note(params: Mapping[str, Any], model: Any, **_others: Any) -> None:
        seen.append((model.service_model.signing_name, model.name, params))

    class Session(boto3.Session):
        def __init__(self, **chosen: Any) -> None:
            super().__init__(aws_access_key_id="test", aws_secret_access_key="test", **chosen)
            self.events.register("provide-client-params.*.*", note)

    monkeypatch.setattr(boto3, "Session", Session)
    where = ("--endpoint-url", deployed.url, "--region", "us-east-1")
    parameters = ("--parameter=Project=own-q", "--outputs-of", f"{PROJECT}-bootstrap")
    assert main(["deploy", TUNING, "--stack", "own-q", *parameters, *where]) == 0
    assert main(["deploy", TUNING, "--stack", "own-q", "--parameter=LogDays=7", "--only-show", *where]) == 0
    assert main(["output", "own-q", "RepositoryUri", *where]) == 0
    deployed.client("s3").put_object(Bucket=f"own-q-{ACCOUNT}-us-east-1", Key="tuning/x", Body=b"x")
    assert main(["teardown", "own-q", "--yes", *where]) == 0
    repository = f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/{PROJECT}"
    pushing = [
        Call("ecr:GetAuthorizationToken", "*"),
        *(Call(f"ecr:{action}", repository) for action in ("DescribeImages", *PUSHING)),
    ]
    calls = [_of_this_project(call) for each in seen for call in _deploying(*each)] + pushing
    assert {call.action for call in calls} >= {"cloudformation:ExecuteChangeSet", "s3:ListBucketVersions", "ecr:DeleteRepository"}
    assert [str(call) for call in calls if not allowed(statements("deploy"), call)] == []


def _deploying(service: str, operation: str, params: Mapping[str, Any]) -> Iterator[Call]:
    if operation == "GetTemplateSummary":
        yield Call("cloudformation:GetTemplateSummary", "*")
    elif operation == "ListObjectVersions":
        yield Call("s3:ListBucketVersions", f"arn:aws:s3:::{params['Bucket']}")
    elif operation == "DeleteObjects":
        for action in ("s3:DeleteObject", "s3:DeleteObjectVersion"):
            yield Call(action, f"arn:aws:s3:::{params['Bucket']}/tuning/x")
    elif str(params.get("StackName", "")).startswith("arn:"):
        yield Call(f"cloudformation:{operation}", params["StackName"])
    else:
        yield from as_iam_sees(service, operation, params)


def _of_this_project(call: Call) -> Call:
    return Call(call.action, call.resource.replace("own-q", PROJECT), call.context)


def test_the_deploy_role_cannot_raise_itself(statements: Callable[[str], Sequence[Statement]]) -> None:
    may = statements("deploy")
    for call in (
        Call("cloudformation:ExecuteChangeSet", f"{STACKS}/{PROJECT}/1"),
        Call("iam:CreateRole", f"{ROLE}-launch", BOUNDED),
        Call("iam:PutRolePolicy", f"{ROLE}-execution", BOUNDED),
        Call("s3:PutBucketPublicAccessBlock", BUCKET),
        Call("s3:DeleteObjectVersion", f"{BUCKET}/tuning/x"),
        Call("ecr:PutImage", f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/{PROJECT}"),
    ):
        assert allowed(may, call), str(call)
    for call in (
        Call("iam:CreateRole", f"{ROLE}-launch"),
        Call("iam:CreateRole", f"{ROLE}-launch", OTHER_BOUNDARY),
        Call("iam:CreateRole", f"{ROLE}-another", BOUNDED),
        Call("iam:PutRolePolicy", f"{ROLE}-deploy", BOUNDED),
        Call("iam:PutRolePolicy", f"{ROLE}-launch", OTHER_BOUNDARY),
        Call("iam:DeleteRolePermissionsBoundary", f"{ROLE}-launch", BOUNDED),
        Call("iam:PutRolePermissionsBoundary", f"{ROLE}-launch", OTHER_BOUNDARY),
        Call("iam:UpdateAssumeRolePolicy", f"{ROLE}-deploy"),
        Call("iam:CreatePolicyVersion", f"arn:aws:iam::{ACCOUNT}:policy/{PROJECT}-boundary"),
        Call("iam:AttachRolePolicy", f"{ROLE}-launch", BOUNDED),
        Call("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/x"),
        Call("iam:PassRole", f"{ROLE}-execution", TO_SAGEMAKER),
        Call("cloudformation:CreateChangeSet", f"{STACKS}/{PROJECT}-bootstrap/1"),
        Call("cloudformation:DeleteStack", f"{STACKS}/another/1"),
        Call("s3:GetObject", "arn:aws:s3:::somebody-else/x"),
        Call("sagemaker:CreateHyperParameterTuningJob", JOB),
    ):
        assert not allowed(may, call), str(call)


def test_a_pipeline_is_known_by_its_exact_subject(deployed: Server) -> None:
    issuer = "token.actions.githubusercontent.com"
    for role in ("deploy", "launch"):
        trust = deployed.client("iam").get_role(RoleName=f"{PROJECT}-{role}")["Role"]["AssumeRolePolicyDocument"]["Statement"]
        (federated,) = [statement for statement in trust if "Federated" in statement["Principal"]]
        assert federated["Principal"]["Federated"] == f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}"
        assert federated["Condition"] == {"StringEquals": {f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": [SUBJECT]}}
