"""An account in health, in which faults are planted."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.loaders import Loader
from botocore.session import Session as Core

from local_emulator.settings import Quotas, Settings
from local_emulator.testing import emulated_sagemaker
from sm_tuning import (
    Channel,
    Encryption,
    Network,
    Objective,
    Random,
    Script,
    TuningJob,
    learning_rate,
)
from sm_tuning.preflight.doctor import doctor
from sm_tuning.preflight.finding import Finding

REGION, ACCOUNT = "us-east-1", "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/training"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/trainer:v1"
MANIFEST = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "layers": []}
LOADER = Loader()  # the services' models are read once, not for each session
QUOTAS = Quotas(instances={"ml.m5.large": 2, "ml.p3.2xlarge": 0})


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def allow(actions: str, *resources: str, **others: Any) -> Mapping[str, Any]:
    return {"Effect": "Allow", "Action": actions.split(), "Resource": list(resources) or ["*"], **others}


def trust(service: str = "sagemaker.amazonaws.com", account: str = ACCOUNT) -> str:
    condition = {"StringEquals": {"aws:SourceAccount": account}}
    return document({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole", "Condition": condition})


# Written by hand after AWS's developer guide, "Execution Role Permissions" of CreateHyperParameterTuningJob: no more than that.
TRAINING = (
    allow("s3:GetObject", "arn:aws:s3:::data/digits/*", "arn:aws:s3:::models/tuning/*"),
    allow("s3:ListBucket", "arn:aws:s3:::data", Condition={"StringLike": {"s3:prefix": ["digits*"]}}),
    allow("s3:PutObject", "arn:aws:s3:::models/tuning/*"),
    allow(
        "logs:CreateLogGroup logs:CreateLogStream logs:DescribeLogStreams logs:PutLogEvents",
        f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/sagemaker/TrainingJobs*",
    ),
    allow("cloudwatch:PutMetricData", Condition={"StringEquals": {"cloudwatch:namespace": "/aws/sagemaker/TrainingJobs"}}),
    allow("ecr:GetAuthorizationToken"),
    allow(
        "ecr:BatchCheckLayerAvailability ecr:BatchGetImage ecr:GetDownloadUrlForLayer",
        f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/trainer",
    ),
    allow("kms:Decrypt kms:GenerateDataKey", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/*"),
    allow("kms:CreateGrant", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/*", Condition={"Bool": {"kms:GrantIsForAWSResource": "true"}}),
    allow(
        "ec2:DescribeDhcpOptions ec2:DescribeNetworkInterfaces ec2:DescribeSecurityGroups ec2:DescribeSubnets ec2:DescribeVpcs"
    ),
    allow("ec2:CreateNetworkInterface", *(f"arn:aws:ec2:*:*:{kind}/*" for kind in ("subnet", "security-group"))),
    allow(
        "ec2:CreateNetworkInterface ec2:CreateNetworkInterfacePermission ec2:DeleteNetworkInterface "
        "ec2:DeleteNetworkInterfacePermission",
        "arn:aws:ec2:*:*:network-interface/*",
    ),
    {
        "Effect": "Deny",
        "Action": "s3:*",
        "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},  # which nobody sees as long as all is well
    },
)
LAUNCHING = (
    allow(
        "sagemaker:CreateHyperParameterTuningJob",
        Condition={
            "ForAllValues:StringLike": {"sagemaker:InstanceTypes": ["ml.m5.*", "ml.p3.*", "ml.c5.*"]},
            "NumericLessThanEquals": {"sagemaker:MaxRuntimeInSeconds": "3600"},
        },
    ),
    allow(
        "sagemaker:DescribeHyperParameterTuningJob sagemaker:ListTrainingJobsForHyperParameterTuningJob "
        "sagemaker:StopHyperParameterTuningJob sagemaker:AddTags",
        f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:hyper-parameter-tuning-job/*",
    ),
    allow(
        "iam:PassRole",
        f"arn:aws:iam::{ACCOUNT}:role/*",
        Condition={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
    ),
    allow("s3:PutObject", "arn:aws:s3:::models/tuning/*"),
)


def new_session(access: str, secret: str) -> Any:
    core = Core()
    core.register_component("data_loader", LOADER)
    return boto3.Session(access, secret, region_name=REGION, botocore_session=core)


OBJECTIVE = Objective.minimize("score", r"score=([-+0-9.eE]+)")


@dataclass
class Planted:
    """A healthy account with a tuning job that fits to it, for faults to be planted in."""

    owner: Any
    session: Any
    job: TuningJob
    called: list[str] = field(default_factory=list)
    account: str | None = None

    def client(self, service: Any, region: str = REGION) -> Any:
        return self.owner.client(service, region_name=region)

    def change(self, **members: Any) -> "Planted":
        self.job = self.job.changed(**members)
        return self

    def resources(self, **members: Any) -> "Planted":
        return self.change(resources=replace(self.job.definition.resources, **members))

    def policies(self, *statements: Mapping[str, Any]) -> None:
        self.client("iam").put_role_policy(RoleName="training", PolicyName="p", PolicyDocument=document(*statements))

    def answer(self, operation: str, parsed: Mapping[str, Any], status: int = 200) -> None:
        """What AWS shall say to `service.Operation`; all operations if it is empty."""
        whole = {"ResponseMetadata": {"HTTPStatusCode": status}, **parsed}
        event = f"before-call.{operation}" if operation else "before-call"
        self.session.events.register(event, lambda **_: (SimpleNamespace(status_code=status), whole))

    def refuse(self, operation: str, code: str, message: str = "no") -> None:
        self.answer(operation, {"Error": {"Code": code, "Message": message}}, 403)

    def findings(self) -> list[Finding]:
        return doctor(self.job, self.session, account=self.account)

    def problems(self) -> list[Finding]:
        return [finding for finding in self.findings() if finding.state == "problem"]

    def skipped(self) -> Mapping[str, str]:
        return {finding.check: finding.text for finding in self.findings() if finding.state == "skipped"}


@pytest.fixture(scope="module")
def owner() -> Iterator[Any]:
    """A session of somebody who may do everything in an account that lasts for all tests, with what none of them takes away."""
    with emulated_sagemaker(Settings(quotas=QUOTAS)):
        session = new_session("testing", "testing")
        iam, ecr = session.client("iam"), session.client("ecr")
        iam.create_role(RoleName="training", AssumeRolePolicyDocument=trust())
        iam.create_user(UserName="launcher")
        ecr.create_repository(repositoryName="trainer")
        ecr.put_image(repositoryName="trainer", imageManifest=json.dumps(MANIFEST), imageTag="v1")
        session.client("s3").create_bucket(Bucket="data")
        yield session


@pytest.fixture(scope="module")
def good(owner: Any, tmp_path_factory: pytest.TempPathFactory) -> TuningJob:
    """A tuning job that fits to the account."""
    ec2 = owner.client("ec2")
    key = owner.client("kms").create_key()["KeyMetadata"]["Arn"]
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="g", Description="g", VpcId=vpc)["GroupId"]
    script = tmp_path_factory.mktemp("source") / "train.py"
    script.write_text("print('score=1')")
    return TuningJob(
        name="digits",
        script=Script(str(script)),
        objective=OBJECTIVE,
        ranges=[learning_rate()],
        strategy=Random(seed=1),
        max_jobs=4,
        max_parallel=2,
        role=ROLE,
        output="s3://models/tuning",
        channels=[Channel("train", "s3://data/digits")],
        image=IMAGE,
        network=Network(subnets=[subnet], security_groups=[group]),
        encryption=Encryption(output_key=key, volume_key=key),
        tags={"owner": "me"},
    )


@pytest.fixture
def planted(owner: Any, good: TuningJob) -> Iterator[Planted]:
    """The account in health; after the test, what faults took away is put back."""
    iam, s3 = owner.client("iam"), owner.client("s3")
    access = iam.create_access_key(UserName="launcher")["AccessKey"]
    working = Planted(owner, new_session(access["AccessKeyId"], access["SecretAccessKey"]), good)
    working.policies(*TRAINING)
    iam.put_user_policy(UserName="launcher", PolicyName="p", PolicyDocument=document(*LAUNCHING))
    iam.update_assume_role_policy(RoleName="training", PolicyDocument=trust())
    s3.create_bucket(Bucket="models")
    s3.put_object(Bucket="data", Key="digits/train.csv", Body=b"1,2")
    owner.client("kms").enable_key(KeyId=str(good.definition.encryption.output_key).rpartition("/")[2])
    working.session.events.register("before-call", lambda model, **_: working.called.append(model.name))
    yield working
    for name in iam.list_role_policies(RoleName="training")["PolicyNames"]:
        iam.delete_role_policy(RoleName="training", PolicyName=name)
    iam.delete_access_key(UserName="launcher", AccessKeyId=access["AccessKeyId"])
    if any(bucket["Name"] == "models" for bucket in s3.list_buckets()["Buckets"]):
        s3.delete_bucket(Bucket="models")
