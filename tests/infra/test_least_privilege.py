"""Least privilege, both ways: the launch role's policy allows every call that sm-tuning makes, and no action that none of them needs.

The calls are recorded while real tuning jobs are launched, followed, read and stopped with the stack's role and bucket.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from sm_tuning import Channel, Continuous, Objective, Random, Resources, Script, TuningJob, read_results
from sm_tuning.cli.session import run_of
from sm_tuning.client.stack import Stack
from sm_tuning.preflight.doctor import doctor
from sm_tuning.preflight.prices import price_list
from tests.conftest import Server
from tests.infra.conftest import BOOTSTRAP, REGION, SUBJECT, bootstrap, main, of, script, tuning
from tests.infra.iam import Call, allowed
from tests.infra.templates import Evaluated, Principal, actions

PROJECT = "own-p"
ACCOUNT = "123456789012"
NAME = f"{PROJECT}-production"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/{NAME}-{REGION}"
BUCKET = f"arn:aws:s3:::{NAME}-{ACCOUNT}-us-east-1"
OWN = {"aws:ResourceTag/Project": (PROJECT,), "aws:ResourceTag/Environment": ("production",)}
SAGEMAKER = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}"
STACKS = f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack"

# What doctor and `run --stack` ask for besides, and a model's download.
ASKED_FOR_BESIDES = [
    Call("cloudformation:DescribeStacks", f"{STACKS}/{NAME}/1"),  # run --stack, doctor --stack
    Call("iam:GetRole", f"{ROLE}-execution"),  # doctor: it exists and trusts SageMaker
    Call("iam:GetRole", f"{ROLE}-launch"),  # doctor: the caller's role, with its path
    Call("iam:SimulatePrincipalPolicy", f"{ROLE}-execution"),  # doctor: what it may do
    Call("iam:SimulatePrincipalPolicy", f"{ROLE}-launch"),  # doctor: what the caller may do
    Call("s3:ListBucket", BUCKET),  # doctor: HeadBucket, ListObjectsV2
    Call("s3:GetObject", f"{BUCKET}/tuning/digits/model.tar.gz"),  # doctor: HeadObject; `aws s3 cp` of the best model
    Call("ecr:DescribeImages", f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/{NAME}"),  # doctor: the tag exists
    Call("ecr:ListImages", f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/{NAME}"),  # doctor: which tags do, if it does not
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
        yield Call(f"sagemaker:{operation}", f"{SAGEMAKER}:hyper-parameter-tuning-job/{name}", OWN)


def _creation(params: Mapping[str, Any]) -> Iterator[Call]:
    definition = params["TrainingJobDefinition"]
    job = f"{SAGEMAKER}:hyper-parameter-tuning-job/{params['HyperParameterTuningJobName']}"
    tags = {f"aws:RequestTag/{tag['Key']}": (tag["Value"],) for tag in params.get("Tags", ())}
    limits = {
        **tags,
        "sagemaker:InstanceTypes": (definition["ResourceConfig"]["InstanceType"],),
        "sagemaker:MaxRuntimeInSeconds": (str(definition["StoppingCondition"]["MaxRuntimeInSeconds"]),),
    }
    yield Call("sagemaker:CreateHyperParameterTuningJob", job, limits)
    yield Call("iam:PassRole", definition["RoleArn"], {"iam:PassedToService": ("sagemaker.amazonaws.com",)})
    if tags:
        yield Call("sagemaker:AddTags", job, {**tags, "sagemaker:TaggingAction": ("CreateHyperParameterTuningJob",)})


@pytest.fixture(scope="module")
def deployed(served: Server) -> Server:
    """An emulator with both stacks."""
    where = ("--aws", "--region", REGION)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", served.url)
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        assert main([*bootstrap(PROJECT), *where]) == 0
        assert main([*tuning(PROJECT), *where]) == 0
    return served


@pytest.fixture(scope="module")
def roles() -> Callable[[str], Principal]:
    """A role of the project, such as Launch."""
    subjects = {"DeploySubjects": SUBJECT, "LaunchSubjects": f"{SUBJECT}-launch", "TeardownSubjects": f"{SUBJECT}-teardown"}
    stack = Evaluated(BOOTSTRAP, REGION, Project=PROJECT, **subjects)
    return lambda role: Principal(stack, f"{role}Role")


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
        output=f"s3://{NAME}-{ACCOUNT}-us-east-1/tuning",
        resources=Resources(volume_gb=1, max_runtime=300),
        tags={"Project": PROJECT, "Environment": "production"},
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


def test_the_launch_role_may_do_all_that_sm_tuning_does(calls: list[Call], roles: Callable[[str], Principal]) -> None:
    assert {call.action.split(":")[0] for call in calls} >= {"sagemaker", "s3", "logs", "iam"}
    assert [str(call) for call in calls if not roles("Launch").may(call)] == []


def test_doctor_asks_for_what_is_listed(deployed: Server, roles: Callable[[str], Principal]) -> None:
    recorder = Recorder(deployed)
    stack = Stack.read(NAME, recorder)
    job = TuningJob(
        tags=stack.tags,
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
    assert [str(call) for call in recorder.calls if not roles("Launch").may(call)] == []
    asked = {call.action for call in recorder.calls}
    assert {call.action for call in ASKED_FOR_BESIDES} - asked <= {
        "s3:GetObject",
        "cloudwatch:GetMetricData",
    }  # a model's download, curves without logs


def test_without_any_one_action_something_fails(calls: list[Call], roles: Callable[[str], Principal]) -> None:
    whole = roles("Launch").statements
    assert all("*" not in action for statement in whole for action in actions(statement))
    for number, statement in enumerate(whole):
        for action in actions(statement):
            rest = [other for other in actions(statement) if other != action]
            fewer = [*whole[:number], *([{**statement, "Action": rest}] if rest else []), *whole[number + 1 :]]
            assert not all(allowed(fewer, call) for call in calls), f"{action} of {statement['Sid']} is not needed"


# The developer guide's list for a tuning job's execution role, without VPC and KMS.
TRAINING = {
    *("cloudwatch:PutMetricData", "logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"),
    *("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetAuthorizationToken", "ecr:GetDownloadUrlForLayer"),
    *("s3:GetObject", "s3:ListBucket", "s3:PutObject"),
}


def test_the_execution_role_may_do_what_a_training_job_needs(roles: Callable[[str], Principal]) -> None:
    execution = roles("Execution")
    assert execution.actions == TRAINING
    assert execution.may(Call("s3:PutObject", f"{BUCKET}/tuning/x/output/model.tar.gz"))
    metrics = {"cloudwatch:namespace": ("/aws/sagemaker/TrainingJobs",)}
    assert execution.may(Call("cloudwatch:PutMetricData", "*", metrics))
    assert not execution.may(Call("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": ("Mine",)}))
    (trust,) = execution.trust
    assert trust["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_the_boundary_cuts_nothing_that_the_roles_need(calls: list[Call], roles: Callable[[str], Principal]) -> None:
    boundary = roles("Launch").boundary
    assert [str(call) for call in calls if not allowed(boundary, call)] == []
    within = {action for statement in boundary for action in actions(statement)}
    assert within >= roles("Launch").actions | roles("Execution").actions


def test_what_is_deployed_is_what_is_judged(deployed: Server, roles: Callable[[str], Principal]) -> None:
    """The judged policies are evaluated here; the emulator made the deployed ones."""
    iam = deployed.client("iam")
    for role in ("Deploy", "Teardown", "Launch", "Execution"):
        principal = roles(role)
        made = iam.get_role(RoleName=principal.name)["Role"]
        assert made["AssumeRolePolicyDocument"]["Statement"] == principal.trust
        names = iam.list_role_policies(RoleName=principal.name)["PolicyNames"]
        documents = [iam.get_role_policy(RoleName=principal.name, PolicyName=name)["PolicyDocument"] for name in names]
        attached = iam.list_attached_role_policies(RoleName=principal.name)["AttachedPolicies"]
        documents += [_managed(iam, policy["PolicyArn"]) for policy in attached]
        assert [statement for document in documents for statement in document["Statement"]] == principal.statements
        assert _managed(iam, made["PermissionsBoundary"]["PermissionsBoundaryArn"])["Statement"] == principal.boundary


def _managed(iam: Any, arn: str) -> Mapping[str, Any]:
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document: Mapping[str, Any] = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    return document


PUSHING = ("BatchCheckLayerAvailability", "InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "PutImage")
LISTING = ("BatchGetImage", "GetDownloadUrlForLayer")  # Syft reads what was pushed


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """What a command that deploys or deletes asks for, as it does."""
    seen: list[Call] = []

    def note(params: Mapping[str, Any], model: Any, **_others: Any) -> None:
        seen.extend(_deploying(model.service_model.signing_name, model.name, params))

    class Session(boto3.Session):
        def __init__(self, **chosen: Any) -> None:
            super().__init__(**{"aws_access_key_id": "test", "aws_secret_access_key": "test", **chosen})
            self.events.register("provide-client-params.*.*", note)

    monkeypatch.setattr(boto3, "Session", Session)
    return seen


def test_deploying_and_deleting_keep_to_their_roles(
    deployed: Server, asked: list[Call], roles: Callable[[str], Principal], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What CloudFormation does in their names is checked against CloudFormation's own schemas, by `make check`."""
    where = ("--aws", "--region", REGION)
    monkeypatch.setenv("AWS_ENDPOINT_URL", deployed.url)
    assert main(["changes", *tuning(PROJECT, OutputDays="7")[1:], *where]) == 0
    assert main([*tuning(PROJECT, OutputDays="7"), *where]) == 0
    assert main(["outputs", "RepositoryUri", *of(PROJECT), *where]) == 0
    repository = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{NAME}"
    pushing = [Call(f"ecr:{action}", repository) for action in ("DescribeImages", *PUSHING, *LISTING)]
    deploying = [*asked, Call("ecr:GetAuthorizationToken", "*"), *pushing]
    assert {call.action for call in deploying} >= {"cloudformation:ExecuteChangeSet", "cloudformation:GetTemplateSummary"}
    assert [str(call) for call in deploying if not roles("Deploy").may(call)] == []
    asked.clear()

    deployed.client("s3").put_object(Bucket=f"{NAME}-{ACCOUNT}-{REGION}", Key="tuning/x", Body=b"x")
    assert main(["teardown", *of(PROJECT), "--yes", *where]) == 0
    assert {call.action for call in asked} >= {"s3:DeleteObjectVersion", "s3:ListBucketVersions", "ecr:DeleteRepository"}
    assert [str(call) for call in asked if not roles("Teardown").may(call)] == []
    assert main([*tuning(PROJECT), *where]) == 0


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


def test_a_pipeline_is_known_by_its_exact_subject(roles: Callable[[str], Principal]) -> None:
    issuer = "token.actions.githubusercontent.com"
    for role, ending in (("Deploy", ""), ("Launch", "-launch"), ("Teardown", "-teardown")):
        (federated,) = [statement for statement in roles(role).trust if "Federated" in statement["Principal"]]
        assert federated["Principal"]["Federated"] == f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}"
        subject = {f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": [f"{SUBJECT}{ending}"]}
        assert federated["Condition"] == {"StringEquals": subject}
