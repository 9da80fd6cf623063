"""`doctor` before a planted account: each fault is named, with what mends it; a healthy account has none."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.loaders import Loader
from botocore.session import Session as Core

from local_emulator.settings import Quotas, Settings
from local_emulator.testing import emulated_sagemaker
from sm_tuning import (
    Channel,
    Definition,
    Encryption,
    Network,
    Objective,
    Random,
    Resources,
    Script,
    TuningJob,
    WarmStart,
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
        return [one for one in self.findings() if one.state == "problem"]

    def skipped(self) -> Mapping[str, str]:
        return {one.check: one.text for one in self.findings() if one.state == "skipped"}


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
    one = Planted(owner, new_session(access["AccessKeyId"], access["SecretAccessKey"]), good)
    one.policies(*TRAINING)
    iam.put_user_policy(UserName="launcher", PolicyName="p", PolicyDocument=document(*LAUNCHING))
    iam.update_assume_role_policy(RoleName="training", PolicyDocument=trust())
    s3.create_bucket(Bucket="models")
    s3.put_object(Bucket="data", Key="digits/train.csv", Body=b"1,2")
    owner.client("kms").enable_key(KeyId=str(good.definition.encryption.output_key).rpartition("/")[2])
    one.session.events.register("before-call", lambda model, **_: one.called.append(model.name))
    yield one
    for name in iam.list_role_policies(RoleName="training")["PolicyNames"]:
        iam.delete_role_policy(RoleName="training", PolicyName=name)
    iam.delete_access_key(UserName="launcher", AccessKeyId=access["AccessKeyId"])
    if any(bucket["Name"] == "models" for bucket in s3.list_buckets()["Buckets"]):
        s3.delete_bucket(Bucket="models")


def test_a_healthy_account_has_no_fault_and_stays_as_it_is(planted: Planted) -> None:
    findings = planted.findings()
    assert [one for one in findings if one.state != "ok"] == []
    checks = {one.check for one in findings}
    assert checks == {
        *(
            "credentials",
            "role",
            "role-policy",
            "caller",
            "bucket",
            "channel",
            "source",
            "image",
            "key",
            "network",
            "quota",
            "name",
        )
    }
    reading = re.compile(r"(Get|List|Describe|Head|Simulate)")
    assert {name for name in planted.called if not reading.match(name)} == set()
    assert len(planted.called) > 20


@dataclass(frozen=True)
class Fault:
    """What is wrong, the check that must find it, and what it must say and propose."""

    plant: Callable[[Planted], object]
    check: str
    text: str
    remedy: str


def _bucket_in(region: str) -> Callable[[Planted], object]:
    def plant(one: Planted) -> None:
        s3 = one.client("s3")
        s3.delete_bucket(Bucket="models")
        one.client("s3", region).create_bucket(Bucket="models", CreateBucketConfiguration={"LocationConstraint": region})

    return plant


def _empty_prefix(one: Planted) -> None:
    one.client("s3").delete_object(Bucket="data", Key="digits/train.csv")


def _role_with_a_path(one: Planted) -> None:
    one.client("iam").create_role(RoleName="elsewhere", Path="/teams/", AssumeRolePolicyDocument=trust())
    one.change(role=f"arn:aws:iam::{ACCOUNT}:role/elsewhere")


def _other_vpc(one: Planted) -> None:
    ec2 = one.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="h", Description="h", VpcId=vpc)["GroupId"]
    one.change(network=replace(one.job.definition.network, security_groups=[group]))


def _without(action: str) -> Callable[[Planted], object]:
    """The role's policies without one action."""

    def plant(one: Planted) -> None:
        kept = [{**each, "Action": [name for name in each["Action"] if name != action]} for each in TRAINING[:-1]]
        one.policies(*(each for each in kept if each["Action"]))

    return plant


def _caller_without(action: str) -> Callable[[Planted], object]:
    def plant(one: Planted) -> None:
        kept = [{**each, "Action": [name for name in each["Action"] if name != action]} for each in LAUNCHING]
        policy = document(*(each for each in kept if each["Action"]))
        one.client("iam").put_user_policy(UserName="launcher", PolicyName="p", PolicyDocument=policy)

    return plant


def _role_trusts(policy: str) -> Callable[[Planted], object]:
    return lambda one: one.client("iam").update_assume_role_policy(RoleName="training", PolicyDocument=policy)


FAULTS: Mapping[str, Fault] = {
    "credentials expired": Fault(
        lambda one: one.refuse("sts.GetCallerIdentity", "ExpiredToken"), "credentials", "have expired", "aws sso login"
    ),
    "credentials unknown": Fault(
        lambda one: one.refuse("sts.GetCallerIdentity", "InvalidClientTokenId"),
        "credentials",
        r"does not take them \(InvalidClientTokenId\)",
        "aws configure list",
    ),
    "another account than is meant": Fault(
        lambda one: setattr(one, "account", "999999999999"),
        "account",
        f"of the account {ACCOUNT}; 999999999999 is meant",
        "--profile",
    ),
    "a role of another account": Fault(
        lambda one: one.change(role="arn:aws:iam::999999999999:role/training"), "account", "is of another account", "--profile"
    ),
    "no such role": Fault(
        lambda one: one.change(role=f"arn:aws:iam::{ACCOUNT}:role/nobody"),
        "role",
        "there is no role nobody",
        "aws iam create-role --role-name nobody --assume-role-policy-document '.*sagemaker.amazonaws.com",
    ),
    "a role by another path": Fault(
        _role_with_a_path, "role", "the role is .*role/teams/elsewhere", 'role = ".*role/teams/elsewhere"'
    ),
    "a role without trust": Fault(
        _role_trusts(trust("ec2.amazonaws.com")),
        "role-trust",
        "training does not let sagemaker.amazonaws.com assume it",
        "aws iam update-assume-role-policy --role-name training --policy-document '.*sagemaker.amazonaws.com",
    ),
    "a role that trusts another account's jobs": Fault(
        _role_trusts(trust(account="999999999999")), "role-trust", "does not let", "update-assume-role-policy"
    ),
    "a role that may not write models": Fault(
        _without("s3:PutObject"),
        "role-policy",
        r"role training may not s3:PutObject on arn:aws:s3:::models/tuning/digits-001-0123abcd/output/model.tar.gz$",
        r"aws iam put-role-policy --role-name training .* '.*\"s3:PutObject\".*\"arn:aws:s3:::models/tuning\*\"",
    ),
    "a role that may not read data": Fault(
        lambda one: one.policies(allow("s3:GetObject", "arn:aws:s3:::models/*"), *TRAINING[1:]),
        "role-policy",
        "may not s3:GetObject on arn:aws:s3:::data/digits/train.csv$",
        r"put-role-policy .*\"arn:aws:s3:::data/digits\*\"",
    ),
    "a role that is denied": Fault(
        lambda one: one.policies(*TRAINING, {"Effect": "Deny", "Action": "logs:Put*", "Resource": "*"}),
        "role-policy",
        "may not logs:PutLogEvents on .*TrainingJobs:log-stream",
        "put-role-policy",
    ),
    "a role that may not use the key": Fault(
        _without("kms:CreateGrant"), "role-policy", "may not kms:CreateGrant on arn:aws:kms", r"put-role-policy .*kms:CreateGrant"
    ),
    "a role that may not join the network": Fault(
        _without("ec2:CreateNetworkInterface"), "role-policy", "may not ec2:CreateNetworkInterface on", "put-role-policy"
    ),
    "a role that may not pull": Fault(
        _without("ecr:BatchGetImage"), "role-policy", "may not ecr:BatchGetImage on .*repository/trainer", "put-role-policy"
    ),
    "a caller that may not pass the role": Fault(
        _caller_without("iam:PassRole"),
        "caller",
        "user launcher may not iam:PassRole on .*role/training",
        "aws iam put-user-policy --user-name launcher .*iam:PassRole",
    ),
    "a caller that may not create": Fault(
        _caller_without("sagemaker:CreateHyperParameterTuningJob"), "caller", "may not sagemaker:CreateHyper", "put-user-policy"
    ),
    "a guardrail on time": Fault(
        lambda one: one.resources(max_runtime=7200),
        "caller",
        "may not sagemaker:CreateHyperParameterTuningJob as it is asked for, by conditions on .*sagemaker:MaxRuntimeInSeconds",
        "change the tuning job, or what the policies of launcher say of .*sagemaker:MaxRuntimeInSeconds",
    ),
    "a prefix that may not be listed": Fault(
        lambda one: one.policies(
            TRAINING[0], {**TRAINING[1], "Condition": {"StringLike": {"s3:prefix": "other/*"}}}, *TRAINING[2:]
        ),
        "role-policy",
        "may not s3:ListBucket as it is asked for, by conditions on s3:prefix",
        "or what the policies of training say of s3:prefix",
    ),
    "no such bucket": Fault(
        lambda one: one.client("s3").delete_bucket(Bucket="models"),
        "bucket",
        "no bucket models",
        "aws s3 mb s3://models --region us-east-1",
    ),
    "a bucket elsewhere": Fault(
        _bucket_in("eu-west-1"),
        "bucket",
        "models is in eu-west-1, but .* in us-east-1",
        "bucket in us-east-1, or give --region eu-west-1",
    ),
    "a bucket name taken": Fault(
        lambda one: one.refuse("s3.HeadBucket", "403", "Forbidden"),
        "bucket",
        "another account's, or closed",
        "choose another name",
    ),
    "a channel without data": Fault(
        _empty_prefix, "channel", "train: nothing lies below s3://data/digits", "aws s3 cp --recursive DATA s3://data/digits"
    ),
    "no source in S3": Fault(
        lambda one: one.change(
            script=None,
            hyperparameters={"sagemaker_program": "t.py", "sagemaker_submit_directory": "s3://models/tuning/s.tar.gz"},
        ),
        "source",
        "nothing lies below s3://models/tuning/s.tar.gz",
        "aws s3 cp",
    ),
    "no such tag": Fault(
        lambda one: one.change(image=IMAGE.replace("v1", "v2")),
        "image",
        "trainer has no image v2; there are v1",
        "docker build .* && docker push .*/trainer:v2",
    ),
    "no such digest": Fault(
        lambda one: one.change(image=f"{IMAGE.removesuffix(':v1')}@sha256:{'0' * 64}"),
        "image",
        "has no image sha256:000",
        "docker push",
    ),
    "no such repository": Fault(
        lambda one: one.change(image=IMAGE.replace("trainer", "other")).policies(*TRAINING, allow("ecr:*")),
        "image",
        "no repository other",
        "aws ecr create-repository --repository-name other --region us-east-1",
    ),
    "an image elsewhere": Fault(
        lambda one: one.change(image=IMAGE.replace(REGION, "eu-west-1")),
        "image",
        "is in eu-west-1, but .* us-east-1",
        "of that region",
    ),
    "an image outside of ECR": Fault(
        lambda one: one.change(image="python:3.11"), "image", "python:3.11 is not in ECR", "push it to ECR"
    ),
    "no such key": Fault(
        lambda one: one.change(encryption=Encryption(output_key=f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234")),
        "key",
        "no KMS key .*1234",
        "aws kms list-aliases",
    ),
    "a key that is disabled": Fault(
        lambda one: one.client("kms").disable_key(KeyId=str(one.job.definition.encryption.output_key).rpartition("/")[2]),
        "key",
        "is Disabled",
        "aws kms enable-key",
    ),
    "no such subnet": Fault(
        lambda one: one.change(network=replace(one.job.definition.network, subnets=["subnet-0123456789abcdef0"])),
        "network",
        "'subnet-0123456789abcdef0' does not exist",
        "aws ec2 describe-subnets",
    ),
    "two networks": Fault(_other_vpc, "network", "of several VPCs: vpc-", "of one VPC"),
    "a quota of zero": Fault(
        lambda one: one.resources(instance_type="ml.p3.2xlarge"),
        "quota",
        "ml.p3.2xlarge for training job usage: 2 needed, 0 granted",
        "aws service-quotas request-service-quota-increase --service-code sagemaker --quota-code L-[0-9A-F]{8} --desired-value 2",
    ),
    "a quota that is too small": Fault(
        lambda one: one.resources(instance_count=2), "quota", "ml.m5.large for training job usage: 4 needed, 2 granted", "value 4"
    ),
    "a quota for spot": Fault(
        lambda one: one.resources(spot=True, instance_count=2),
        "quota",
        "for spot training job usage: 4 needed, 2",
        "--desired-value 4",
    ),
    "too many at a time": Fault(
        lambda one: one.resources(instance_type="ml.c5.xlarge").change(max_parallel=11, max_jobs=11),
        "quota",
        "Maximum number of parallel training jobs .*: 11 needed, 10 granted",
        "--desired-value 11",
    ),
    "the name taken": Fault(
        lambda one: one.answer("sagemaker.DescribeHyperParameterTuningJob", {"HyperParameterTuningJobStatus": "Completed"}),
        "name",
        "there is a tuning job digits already",
        "another --name",
    ),
    "a parent that is gone": Fault(
        lambda one: one.change(warm_start=WarmStart(["older"])), "warm-start", "no tuning job older", "sm-tuning list --aws"
    ),
    "a rule broken": Fault(
        lambda one: one.change(hyperparameters={"learning_rate": 0.1}), "rules", "either static or tunable", "docs/rules.md"
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_alone_is_named_with_what_mends_it(planted: Planted, name: str) -> None:
    fault = FAULTS[name]
    fault.plant(planted)
    found = planted.problems()
    assert {one.check for one in found} == {fault.check}, found
    assert any(re.search(fault.text, one.text) for one in found), found
    assert any(re.search(fault.remedy, one.remedy) for one in found), found


def test_several_faults_at_once_are_all_named(planted: Planted) -> None:
    together = (
        "a role without trust",
        "a role that may not pull",
        "a channel without data",
        "no such tag",
        "a quota of zero",
        "the name taken",
    )
    for name in together:
        FAULTS[name].plant(planted)
    found = {one.check: one for one in planted.problems()}
    assert set(found) == {FAULTS[name].check for name in together}
    for name in together:
        assert re.search(FAULTS[name].text, found[FAULTS[name].check].text)


def test_the_remedy_for_policies_mends_them_all_at_once(planted: Planted) -> None:
    planted.policies(allow("ecr:GetAuthorizationToken"))
    (found,) = planted.problems()
    told = re.search(r"--policy-document '(.*)'$", found.remedy)
    assert told is not None
    planted.client("iam").put_role_policy(RoleName="training", PolicyName="sm-tuning-role-policy", PolicyDocument=told[1])
    assert planted.problems() == []


def test_the_remedy_for_trust_mends_it(planted: Planted) -> None:
    FAULTS["a role without trust"].plant(planted)
    (found,) = planted.problems()
    told = re.search(r"--policy-document '(.*)'$", found.remedy)
    assert told is not None
    planted.client("iam").update_assume_role_policy(RoleName="training", PolicyDocument=told[1])
    assert planted.problems() == []


def test_what_may_not_be_asked_is_skipped_and_says_so(planted: Planted) -> None:
    operations = (
        *(
            "iam.GetRole",
            "iam.SimulatePrincipalPolicy",
            "s3.HeadBucket",
            "s3.ListObjectsV2",
            "ecr.DescribeImages",
            "kms.DescribeKey",
        ),
        *("ec2.DescribeSubnets", "service-quotas.ListServiceQuotas", "sagemaker.DescribeHyperParameterTuningJob"),
    )
    for operation in operations:
        planted.refuse(operation, "AccessDeniedException", f"User launcher is not authorized to perform {operation}")
    skipped = planted.skipped()
    assert planted.problems() == []
    assert set(skipped) == {"role", "role-policy", "caller", "bucket", "channel", "image", "key", "network", "quota", "name"}
    for check, operation in (
        ("role", "iam.GetRole"),
        ("quota", "service-quotas.ListServiceQuotas"),
        ("image", "ecr.DescribeImages"),
    ):
        assert f"not authorized to perform {operation}" in skipped[check]


def test_a_service_that_cannot_be_reached_is_skipped(planted: Planted) -> None:
    def unreachable(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://servicequotas.us-east-1.amazonaws.com/")

    planted.session.events.register("before-call.service-quotas", unreachable)
    assert set(planted.skipped()) == {"quota"}
    assert "Could not connect" in planted.skipped()["quota"]
    planted.session.events.register("before-call.sts", unreachable)
    (found,) = planted.problems()
    assert (found.check, "Could not connect" in found.text) == ("credentials", True)


def test_without_credentials_or_region_nothing_else_is_asked(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    for name, value in (
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/none"),
        ("AWS_CONFIG_FILE", "/none"),
    ):
        monkeypatch.setenv(name, value)
    for session, check, remedy in (
        (boto3.Session(region_name=REGION), "credentials", "aws configure sso"),
        (boto3.Session(), "region", "aws configure set region"),
        (boto3.Session(region_name="eu-cental-1"), "region", "give --region eu-central-1"),
        (boto3.Session(region_name="not a region"), "region", "--region"),
    ):
        found = doctor(planted.job, session)
        assert [(one.check, one.state) for one in found] == [(check, "problem"), ("account", "skipped")]
        assert remedy in found[0].remedy


def test_what_is_not_ours_to_look_into_is_skipped(planted: Planted) -> None:
    planted.change(image=None)
    assert "683313688378" in planted.skipped()["image"]
    planted.change(image=None, algorithm="mine")
    assert "algorithm" in planted.skipped()["image"]
    planted.change(image=IMAGE, algorithm=None, encryption=Encryption(output_key="alias/mine"))
    kms = planted.client("kms")
    kms.create_alias(AliasName="alias/mine", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    assert "ARN" in planted.skipped()["key"]
    planted.resources(instance_type="ml.c5.xlarge")
    assert "ml.c5.xlarge for training job usage: 2 needed" in planted.skipped()["quota"]


def test_a_condition_that_cannot_be_simulated_is_no_fault(planted: Planted) -> None:
    planted.policies(*TRAINING[1:], allow("s3:GetObject", Condition={"StringEquals": {"s3:ExistingObjectTag/open": "yes"}}))
    assert planted.problems() == []
    assert "s3:ExistingObjectTag/open" in planted.skipped()["role-policy"]


def test_every_definition_is_looked_at(planted: Planted) -> None:
    job = planted.job
    common: dict[str, Any] = {"script": job.definition.script, "objective": OBJECTIVE, "ranges": [learning_rate()]}
    first = Definition(name="first", image=IMAGE, **common)
    second = Definition(
        name="second", image=IMAGE.replace("v1", "v9"), resources=Resources(instance_type="ml.p3.2xlarge"), **common
    )
    planted.job = TuningJob(
        name="two", definitions=[first, second], strategy=job.strategy, max_jobs=4, max_parallel=2, role=ROLE, output=job.output
    )
    found = {one.check: one.text for one in planted.problems()}
    assert set(found) == {"image", "quota"}
    assert "v9" in found["image"]
    assert "ml.p3.2xlarge" in found["quota"]
