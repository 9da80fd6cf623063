"""Permissions that a tuning job needs: of its role to train, of the caller to launch and to follow. Pure."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sm_tuning.client.logs import LOG_GROUP
from sm_tuning.preflight.cost import clusters
from sm_tuning.spec.definition import Definition
from sm_tuning.spec.job import TuningJobSpec
from sm_tuning.spec.s3 import split_uri

_ECR = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/"
    r"(?P<repository>[^:@]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>.+))?"
)
_S3_CHECKPOINTS = ("s3:GetObject", "s3:PutObject")
_PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
_LOGS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")
_LOOK = ("DescribeDhcpOptions", "DescribeNetworkInterfaces", "DescribeSecurityGroups", "DescribeSubnets", "DescribeVpcs")
_INTERFACE = ("CreateNetworkInterfacePermission", "DeleteNetworkInterface", "DeleteNetworkInterfacePermission")
_FOLLOW = ("DescribeHyperParameterTuningJob", "ListTrainingJobsForHyperParameterTuningJob", "StopHyperParameterTuningJob")

EXAMPLE_LAUNCH = "0123456789ab"  # the folder of a launch's own, which is not known before

Value = str | int | bool | Sequence[str]


@dataclass(frozen=True, kw_only=True)
class AwsScope:
    """Partition, region and account."""

    account: str
    region: str
    partition: str = "aws"

    def arn(self, service: str, resource: str) -> str:
        """ARN of something in the account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def s3(self, path: str) -> str:
        """ARN of a bucket or an object."""
        return f"arn:{self.partition}:s3:::{path}"


@dataclass(frozen=True, kw_only=True)
class Need:
    """Actions that must be allowed on a resource; `grant` is what a policy would rather name, `context` what IAM's conditions see."""

    actions: Sequence[str]
    resource: str = "*"
    grant: str | None = None
    context: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Image:
    """An image in an ECR registry; by its tag, or by its digest if there is one."""

    account: str
    region: str
    repository: str
    tag: str
    digest: str | None

    @classmethod
    def parse(cls, uri: str) -> "Image | None":
        """The image of a URI; None if it is not ECR's."""
        match = _ECR.fullmatch(uri)
        return None if match is None else cls(match[1], match[2], match[3], match["tag"] or "latest", match["digest"])


def training_image(part: Definition) -> str | None:
    """The image that the request names; None for an algorithm resource."""
    image: str | None = part.training_request("")["AlgorithmSpecification"].get("TrainingImage")
    return image


def of_the_role(
    job: TuningJobSpec, prefix: str, part: Definition, scope: AwsScope, example: Callable[[str], str]
) -> Iterator[Need]:
    """What the role of a definition needs; `example` gives an object's key for an s3:// prefix."""
    data = [channel.uri(prefix) for channel in part.channels if channel.uri(prefix)]
    for uri in dict.fromkeys([*data, *filter(None, [part.resources.checkpoints])]):
        bucket, key = split_uri(uri)
        yield Need(actions=["s3:ListBucket"], resource=scope.s3(bucket), context={"s3:prefix": key})
    source = [] if part.script is None else [part.source_uri(prefix)]
    for uri in dict.fromkeys([*data, *source]):
        yield _objects(["s3:GetObject"], uri, scope, example)
    if part.resources.checkpoints is not None:
        yield _objects(
            _S3_CHECKPOINTS, part.resources.checkpoints, scope, lambda uri: f"{split_uri(uri)[1].rstrip('/')}/checkpoint"
        )
    model = f"{job.name}-001-0123abcd/output/model.tar.gz"
    yield _objects(["s3:PutObject"], part.output or "", scope, lambda uri: f"{split_uri(uri)[1].strip('/')}/{model}".lstrip("/"))
    group = f"log-group:{LOG_GROUP}"
    stream = scope.arn("logs", f"{group}:log-stream:{job.name}-001-0123abcd/algo-1")
    yield Need(actions=_LOGS, resource=stream, grant=scope.arn("logs", f"{group}*"))
    yield Need(actions=["cloudwatch:PutMetricData"], context={"cloudwatch:namespace": LOG_GROUP})
    image = Image.parse(training_image(part) or "")
    if image is not None and image.account == scope.account:
        yield Need(actions=["ecr:GetAuthorizationToken"])
        yield Need(actions=_PULL, resource=scope.arn("ecr", f"repository/{image.repository}"))
    yield from _keys(part, scope)
    yield from _network(part, scope)


def _objects(actions: Sequence[str], uri: str, scope: AwsScope, example: Callable[[str], str]) -> Need:
    bucket, key = split_uri(uri)
    return Need(
        actions=actions,
        resource=scope.s3(f"{bucket}/{example(uri)}"),
        grant=scope.s3(f"{bucket}/{key.partition(EXAMPLE_LAUNCH)[0]}*"),
    )


def _keys(part: Definition, scope: AwsScope) -> Iterator[Need]:
    output, volume = part.encryption.output_key, part.encryption.volume_key
    if output is not None and not is_alias(output):
        via = {"kms:ViaService": f"s3.{scope.region}.amazonaws.com"}
        yield Need(actions=["kms:Decrypt", "kms:GenerateDataKey"], resource=key_arn(output, scope), context=via)
    if volume is not None and not is_alias(volume):
        granted: Mapping[str, Value] = {
            "kms:GrantIsForAWSResource": True,
            "kms:ViaService": f"sagemaker.{scope.region}.amazonaws.com",
        }
        yield Need(actions=["kms:CreateGrant"], resource=key_arn(volume, scope), context=granted)


def is_alias(key: str) -> bool:
    """Whether a KMS key is given by an alias: policies name keys by their ids alone."""
    return key.rpartition(":")[2].startswith("alias/")


def key_arn(key: str, scope: AwsScope) -> str:
    """ARN of a KMS key that may be given by its id or alias."""
    if key.startswith("arn:"):
        return key
    return scope.arn("kms", key if key.startswith("alias/") else f"key/{key}")


def _network(part: Definition, scope: AwsScope) -> Iterator[Need]:
    if not part.network.subnets:
        return
    interface = scope.arn("ec2", "network-interface/eni-0123456789abcdef0")
    grant = scope.arn("ec2", "network-interface/*")
    yield Need(actions=[f"ec2:{action}" for action in _LOOK])
    yield Need(actions=[f"ec2:{action}" for action in ("CreateNetworkInterface", *_INTERFACE)], resource=interface, grant=grant)
    ids = {
        "subnet": (part.network.subnets, "ec2:SubnetID"),
        "security-group": (part.network.security_groups, "ec2:SecurityGroupID"),
    }
    for kind, (several, key) in ids.items():
        for resource in several:
            arn = scope.arn("ec2", f"{kind}/{resource}")
            yield Need(actions=["ec2:CreateNetworkInterface"], resource=arn, context={key: resource})


def of_the_caller(job: TuningJobSpec, scope: AwsScope) -> Iterator[Need]:
    """What the caller needs: to upload, to create the tuning job with its roles, to follow and to stop it."""
    every = scope.arn("sagemaker", "hyper-parameter-tuning-job/*")
    arn = f"{every.removesuffix('*')}{job.name.lower()}"
    for prefix, part in job.parts(EXAMPLE_LAUNCH):
        uploaded = [channel.uri(prefix) for channel in part.channels if channel.path is not None]
        if part.script is not None:
            uploaded.append(part.source_uri(prefix))
        for uri in uploaded:
            yield _objects(["s3:PutObject"], uri, scope, lambda uri: split_uri(uri)[1])
        yield Need(actions=["sagemaker:CreateHyperParameterTuningJob"], resource=arn, grant=every, context=_conditions(job, part))
    for role in sorted({part.role or "" for _, part in job.parts()}):
        yield Need(actions=["iam:PassRole"], resource=role, context={"iam:PassedToService": "sagemaker.amazonaws.com"})
    if job.tags:
        at_launch = {"sagemaker:TaggingAction": "CreateHyperParameterTuningJob"}
        yield Need(actions=["sagemaker:AddTags"], resource=arn, grant=every, context=_tags(job) | at_launch)
    owned: dict[str, Value] = {f"aws:ResourceTag/{key}": value for key, value in job.tags.items()}
    yield Need(actions=[f"sagemaker:{action}" for action in _FOLLOW], resource=arn, grant=every, context=owned)


def _tags(job: TuningJobSpec) -> dict[str, Value]:
    tags: dict[str, Value] = {f"aws:RequestTag/{key}": value for key, value in job.tags.items()}
    return tags | ({"aws:TagKeys": list(job.tags)} if tags else {})


def _conditions(job: TuningJobSpec, part: Definition) -> dict[str, Value]:
    """The condition keys of CreateHyperParameterTuningJob: guardrails for cost and safety are written with them."""
    kinds = sorted({kind for cluster in clusters(part.resources) for kind in cluster})
    conditions: dict[str, Any] = {
        "sagemaker:InstanceTypes": kinds,
        "sagemaker:MaxRuntimeInSeconds": part.resources.max_runtime,
        "sagemaker:NetworkIsolation": part.network.isolated,
        "sagemaker:InterContainerTrafficEncryption": part.network.encrypted,
        "sagemaker:VpcSubnets": list(part.network.subnets),
        "sagemaker:VpcSecurityGroupIds": list(part.network.security_groups),
        "sagemaker:VolumeKmsKey": part.encryption.volume_key,
        "sagemaker:OutputKmsKey": part.encryption.output_key,
    }
    return {name: value for name, value in conditions.items() if value not in (None, [])} | _tags(job)
