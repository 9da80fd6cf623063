"""Faults of an account, each of which is planted alone, and what must be said of it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from sm_tuning import (
    Encryption,
    WarmStart,
)
from tests.integration.sm_tuning.preflight.conftest import (
    ACCOUNT,
    IMAGE,
    LAUNCHING,
    REGION,
    TRAINING,
    Planted,
    allow,
    document,
    trust,
)


@dataclass(frozen=True)
class Fault:
    """What is wrong, the check that must find it, and what it must say and propose."""

    plant: Callable[[Planted], object]
    check: str
    text: str
    remedy: str

    def expect(self, planted: Planted) -> None:
        """Plant it; nothing but this is found, with what mends it."""
        self.plant(planted)
        findings = planted.problems()
        assert {finding.check for finding in findings} == {self.check}, findings
        assert any(re.search(self.text, finding.text) for finding in findings), findings
        assert any(re.search(self.remedy, finding.remedy) for finding in findings), findings


def _bucket_in(region: str) -> Callable[[Planted], object]:
    def plant(planted: Planted) -> None:
        s3 = planted.client("s3")
        s3.delete_bucket(Bucket="models")
        planted.client("s3", region).create_bucket(Bucket="models", CreateBucketConfiguration={"LocationConstraint": region})

    return plant


def _empty_prefix(planted: Planted) -> None:
    planted.client("s3").delete_object(Bucket="data", Key="digits/train.csv")


def _role_with_a_path(planted: Planted) -> None:
    planted.client("iam").create_role(RoleName="elsewhere", Path="/teams/", AssumeRolePolicyDocument=trust())
    planted.change(role=f"arn:aws:iam::{ACCOUNT}:role/elsewhere")


def _other_vpc(planted: Planted) -> None:
    ec2 = planted.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="h", Description="h", VpcId=vpc)["GroupId"]
    planted.change(network=replace(planted.job.definition.network, security_groups=[group]))


def _without(action: str) -> Callable[[Planted], object]:
    """The role's policies without one action."""

    def plant(planted: Planted) -> None:
        kept = [{**each, "Action": [name for name in each["Action"] if name != action]} for each in TRAINING[:-1]]
        planted.policies(*(each for each in kept if each["Action"]))

    return plant


def _caller_without(action: str) -> Callable[[Planted], object]:
    def plant(planted: Planted) -> None:
        kept = [{**each, "Action": [name for name in each["Action"] if name != action]} for each in LAUNCHING]
        policy = document(*(each for each in kept if each["Action"]))
        planted.client("iam").put_user_policy(UserName="launcher", PolicyName="p", PolicyDocument=policy)

    return plant


def _role_trusts(policy: str) -> Callable[[Planted], object]:
    return lambda planted: planted.client("iam").update_assume_role_policy(RoleName="training", PolicyDocument=policy)


OF_THE_ACCOUNT: dict[str, Fault] = {
    "credentials expired": Fault(
        lambda planted: planted.refuse("sts.GetCallerIdentity", "ExpiredToken"), "credentials", "have expired", "aws sso login"
    ),
    "credentials unknown": Fault(
        lambda planted: planted.refuse("sts.GetCallerIdentity", "InvalidClientTokenId"),
        "credentials",
        r"does not take them \(InvalidClientTokenId\)",
        "aws configure list",
    ),
    "another account than is meant": Fault(
        lambda planted: setattr(planted, "account", "999999999999"),
        "account",
        f"of the account {ACCOUNT}; 999999999999 is meant",
        "--profile",
    ),
    "a role of another account": Fault(
        lambda planted: planted.change(role="arn:aws:iam::999999999999:role/training"),
        "account",
        "is of another account",
        "--profile",
    ),
}

OF_PERMISSIONS: dict[str, Fault] = {
    "no such role": Fault(
        lambda planted: planted.change(role=f"arn:aws:iam::{ACCOUNT}:role/nobody"),
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
        lambda planted: planted.policies(allow("s3:GetObject", "arn:aws:s3:::models/*"), *TRAINING[1:]),
        "role-policy",
        "may not s3:GetObject on arn:aws:s3:::data/digits/train.csv$",
        r"put-role-policy .*\"arn:aws:s3:::data/digits\*\"",
    ),
    "a role that is denied": Fault(
        lambda planted: planted.policies(*TRAINING, {"Effect": "Deny", "Action": "logs:Put*", "Resource": "*"}),
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
        lambda planted: planted.resources(max_runtime=7200),
        "caller",
        "may not sagemaker:CreateHyperParameterTuningJob as it is asked for, by conditions on .*sagemaker:MaxRuntimeInSeconds",
        "change the tuning job, or what the policies of launcher say of .*sagemaker:MaxRuntimeInSeconds",
    ),
    "a prefix that may not be listed": Fault(
        lambda planted: planted.policies(
            TRAINING[0], {**TRAINING[1], "Condition": {"StringLike": {"s3:prefix": "other/*"}}}, *TRAINING[2:]
        ),
        "role-policy",
        "may not s3:ListBucket as it is asked for, by conditions on s3:prefix",
        "or what the policies of training say of s3:prefix",
    ),
}

OF_INPUTS: dict[str, Fault] = {
    "no such bucket": Fault(
        lambda planted: planted.client("s3").delete_bucket(Bucket="models"),
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
        lambda planted: planted.refuse("s3.HeadBucket", "403", "Forbidden"),
        "bucket",
        "another account's, or closed",
        "choose another name",
    ),
    "a channel without data": Fault(
        _empty_prefix, "channel", "train: nothing lies below s3://data/digits", "aws s3 cp --recursive DATA s3://data/digits"
    ),
    "no source in S3": Fault(
        lambda planted: planted.change(
            script=None,
            hyperparameters={"sagemaker_program": "t.py", "sagemaker_submit_directory": "s3://models/tuning/s.tar.gz"},
        ),
        "source",
        "nothing lies below s3://models/tuning/s.tar.gz",
        "aws s3 cp",
    ),
    "no such tag": Fault(
        lambda planted: planted.change(image=IMAGE.replace("v1", "v2")),
        "image",
        "trainer has no image v2; there are v1",
        "docker build .* && docker push .*/trainer:v2",
    ),
    "no such digest": Fault(
        lambda planted: planted.change(image=f"{IMAGE.removesuffix(':v1')}@sha256:{'0' * 64}"),
        "image",
        "has no image sha256:000",
        "docker push",
    ),
    "no such repository": Fault(
        lambda planted: planted.change(image=IMAGE.replace("trainer", "other")).policies(*TRAINING, allow("ecr:*")),
        "image",
        "no repository other",
        "aws ecr create-repository --repository-name other --region us-east-1",
    ),
    "an image elsewhere": Fault(
        lambda planted: planted.change(image=IMAGE.replace(REGION, "eu-west-1")),
        "image",
        "is in eu-west-1, but .* us-east-1",
        "of that region",
    ),
    "an image outside of ECR": Fault(
        lambda planted: planted.change(image="python:3.11"), "image", "python:3.11 is not in ECR", "push it to ECR"
    ),
    "no such key": Fault(
        lambda planted: planted.change(encryption=Encryption(output_key=f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234")),
        "key",
        "no KMS key .*1234",
        "aws kms list-aliases",
    ),
    "a key that is disabled": Fault(
        lambda planted: planted.client("kms").disable_key(
            KeyId=str(planted.job.definition.encryption.output_key).rpartition("/")[2]
        ),
        "key",
        "is Disabled",
        "aws kms enable-key",
    ),
    "no such subnet": Fault(
        lambda planted: planted.change(network=replace(planted.job.definition.network, subnets=["subnet-0123456789abcdef0"])),
        "network",
        "'subnet-0123456789abcdef0' does not exist",
        "aws ec2 describe-subnets",
    ),
    "two networks": Fault(_other_vpc, "network", "of several VPCs: vpc-", "of one VPC"),
}

OF_QUOTAS: dict[str, Fault] = {
    "a quota of zero": Fault(
        lambda planted: planted.resources(instance_type="ml.p3.2xlarge"),
        "quota",
        "ml.p3.2xlarge for training job usage: 2 needed, 0 granted",
        "aws service-quotas request-service-quota-increase --service-code sagemaker --quota-code L-[0-9A-F]{8} --desired-value 2",
    ),
    "a quota that is too small": Fault(
        lambda planted: planted.resources(instance_count=2),
        "quota",
        "ml.m5.large for training job usage: 4 needed, 2 granted",
        "value 4",
    ),
    "a quota for spot": Fault(
        lambda planted: planted.resources(spot=True, instance_count=2),
        "quota",
        "for spot training job usage: 4 needed, 2",
        "--desired-value 4",
    ),
    "too many at a time": Fault(
        lambda planted: planted.resources(instance_type="ml.c5.xlarge").change(max_parallel=11, max_jobs=11),
        "quota",
        "Maximum number of parallel training jobs .*: 11 needed, 10 granted",
        "--desired-value 11",
    ),
    "the name taken": Fault(
        lambda planted: planted.answer(
            "sagemaker.DescribeHyperParameterTuningJob", {"HyperParameterTuningJobStatus": "Completed"}
        ),
        "name",
        "there is a tuning job digits already",
        "another --name",
    ),
    "a parent that is gone": Fault(
        lambda planted: planted.change(warm_start=WarmStart(["older"])),
        "warm-start",
        "no tuning job older",
        "list --aws shows which there are",
    ),
}

OF_THE_JOB: dict[str, Fault] = {
    "a rule broken": Fault(
        lambda planted: planted.change(hyperparameters={"learning_rate": 0.1}),
        "rules",
        "either static or tunable",
        "docs/rules.md",
    ),
}
