"""Role, bucket, repository, key and network of a tuning job, from the outputs of a CloudFormation stack."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self, TypeVar

from botocore.exceptions import ClientError

from sm_tuning.boto import Session
from sm_tuning.errors import Invalid, NotDeployed
from sm_tuning.spec.definition import Definition
from sm_tuning.spec.job import TuningJobSpec

_NEEDED = ("ExecutionRoleArn", "OutputUri", "RepositoryUri")
_TAGS = ("Project", "Environment")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
# A stack whose last update was rolled back is whole, and as it was before.
_WHOLE = re.compile(r"(CREATE|UPDATE|UPDATE_ROLLBACK|IMPORT|IMPORT_ROLLBACK)_COMPLETE(_CLEANUP_IN_PROGRESS)?")

_Job = TypeVar("_Job", bound=TuningJobSpec)


@dataclass(frozen=True, kw_only=True)
class Stack:
    """The outputs of a completely deployed stack."""

    name: str
    role: str
    output: str
    repository: str
    key: str | None = None
    subnets: Sequence[str] = ()
    security_groups: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    """By these IAM knows the tuning jobs of the stack's project and environment."""

    models: str | None = None
    """Where promoted models lie, an S3 URI."""

    group: str | None = None
    """The model package group of promoted models."""

    topic: str | None = None
    """ARN of the topic of its messages."""

    ended: str | None = None
    """URL of the queue that holds the tuning jobs that have ended."""

    @classmethod
    def read(cls, name: str, session: Session) -> Self:
        """Ask CloudFormation for a stack; raises NotDeployed."""
        client = session.client("cloudformation")
        region = client.meta.region_name
        try:
            (stack,) = client.describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            text = f"there is no stack {name} in {region}: deploy it, or name its region with --region and its account with --profile"
            raise NotDeployed(text) from None
        if not _WHOLE.fullmatch(stack["StackStatus"]):
            raise NotDeployed(f"the stack {name} in {region} is {stack['StackStatus']}: {_remedy(name, stack['StackStatus'])}")
        return cls._of(name, {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())})

    @classmethod
    def _of(cls, name: str, outputs: Mapping[str, str]) -> Self:
        if missing := [output for output in _NEEDED if not outputs.get(output)]:
            raise NotDeployed(
                f"the stack {name} has no output {', '.join(missing)}: deploy it from the tuning template of this version"
            )
        return cls(
            name=name,
            role=outputs["ExecutionRoleArn"],
            output=outputs["OutputUri"].rstrip("/"),
            repository=outputs["RepositoryUri"],
            key=outputs.get("KmsKeyArn") or None,
            subnets=_listed(outputs.get("SubnetIds", "")),
            security_groups=_listed(outputs.get("SecurityGroupIds", "")),
            tags={name: outputs[name] for name in _TAGS if outputs.get(name)},
            models=outputs.get("ModelsUri") or None,
            group=outputs.get("ModelPackageGroup") or None,
            topic=outputs.get("TopicArn") or None,
            ended=outputs.get("EndedQueueUrl") or None,
        )

    def complete(self, job: _Job) -> _Job:
        """The tuning job with the stack's tags, keys and network where it names none."""
        definitions = [self._completed(definition) for definition in job.definitions]
        return replace(job, definitions=definitions, tags={**self.tags, **job.tags})

    def _completed(self, part: Definition) -> Definition:
        keys = part.encryption
        keys = replace(keys, output_key=keys.output_key or self.key, volume_key=keys.volume_key or self.key)
        network = part.network
        if not network.subnets and not network.security_groups:
            network = replace(network, subnets=self.subnets, security_groups=self.security_groups)
        return replace(part, encryption=keys, network=network)


def _listed(text: str) -> Sequence[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _remedy(name: str, status: str) -> str:
    if status == "UPDATE_ROLLBACK_FAILED":
        return f"aws cloudformation continue-update-rollback --stack-name {name}"
    if status == "REVIEW_IN_PROGRESS":
        return "its change set was not executed; deploy it"
    if status.endswith("_IN_PROGRESS"):
        return "wait until it is done, and try again"
    again = (
        "then deploy it again"
        if status.startswith("UPDATE")
        else f"then aws cloudformation delete-stack --stack-name {name}, and deploy it again"
    )
    return f"aws cloudformation describe-stack-events --stack-name {name} shows why; {again}"


def whole_image(image: str, stack: Stack | None) -> str:
    """The URI of an image: itself, or that of a tag or digest in the stack's repository; raises Invalid without a stack."""
    tag, digest = _TAG.fullmatch(image), _DIGEST.fullmatch(image)
    if not tag and not digest:
        return image
    if stack is None:
        raise Invalid(f"the image is {image!r}; a tag alone needs a stack whose repository it is in, or give a whole URI")
    return f"{stack.repository}{'@' if digest else ':'}{image}"


def with_image(job: _Job, image: str, stack: Stack | None) -> _Job:
    """The tuning job with an image (a URI, or a tag or digest in the stack's repository) where it names none; raises Invalid."""
    uri = whole_image(image, stack)

    without = [part.image is None and part.algorithm is None for part in job.definitions]
    if not any(without):
        raise Invalid(f"the image {image!r} is given, but the tuning job names its own; leave one of them out")
    parts = zip(job.definitions, without, strict=True)
    return replace(job, definitions=[replace(part, image=uri) if empty else part for part, empty in parts])
