"""Checks of what training jobs read and write: buckets, data, code, images, keys, networks."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from sm_tuning.boto import Client
from sm_tuning.client.errors import code_of
from sm_tuning.preflight.account import Account
from sm_tuning.preflight.finding import Finding, ok, problem, skip
from sm_tuning.preflight.permissions import Image, is_alias, key_arn, training_image
from sm_tuning.spec.job import TuningJobSpec
from sm_tuning.spec.s3 import split_uri
from sm_tuning.validation.local_checks import missing_files

_GONE = {"404", "NotFound", "NoSuchBucket", "NoSuchKey"}
_SHUT = {"403", "AccessDenied", "Forbidden"}
_SOURCE = "sagemaker_submit_directory"
_MOST_SHOWN = 5  # tags


def bucket(account: Account, job: TuningJobSpec) -> Iterator[Finding]:
    """Each bucket exists, in the region, and may be reached; those that are written to are the account's own."""
    written = {uri for _, part in job.parts() for uri in (part.output, part.resources.checkpoints) if uri}
    read = {uri for prefix, part in job.parts() for channel in part.channels if (uri := channel.uri(prefix))}
    own = {split_uri(uri)[0] for uri in written}
    for name in sorted(own | {split_uri(uri)[0] for uri in read}):
        yield _bucket(account, name, own=name in own)


def _bucket(account: Account, name: str, *, own: bool) -> Finding:
    scope = account.scope
    make = f"aws s3 mb s3://{name} --region {scope.region}"
    other = f"choose another name, such as {name[:50]}-{scope.account}, or the --profile of its owner"
    owner = {"ExpectedBucketOwner": scope.account} if own else {}
    try:
        answer = account.client("s3").head_bucket(Bucket=name, **owner)
    except ClientError as error:
        if code_of(error) in _GONE:
            return problem("bucket", f"there is no bucket {name}", make)
        if code_of(error) in _SHUT:
            return problem("bucket", f"the bucket {name} is another account's, or closed to these credentials", other)
        if code_of(error) in {"301", "PermanentRedirect"}:
            return problem("bucket", f"the bucket {name} is not in {scope.region}", f"choose a bucket in {scope.region}")
        raise
    headers = answer["ResponseMetadata"].get("HTTPHeaders", {})
    region = answer.get("BucketRegion") or headers.get("x-amz-bucket-region") or scope.region
    if region != scope.region:
        text = f"the bucket {name} is in {region}, but the training jobs are in {scope.region}"
        return problem("bucket", text, f"choose a bucket in {scope.region}, or give --region {region}")
    return ok("bucket", f"{name} is in {region}")


def channel(account: Account, job: TuningJobSpec) -> Iterator[Finding]:
    """There is data below each channel's prefix."""
    for prefix, part in job.parts():
        for data in part.channels:
            uri = data.uri(prefix)
            if data.path is not None:
                if data.path.exists():  # else the rules say that it is not
                    yield ok("channel", f"{data.name}: {data.path} is uploaded at launch")
            elif not uri:
                yield skip("channel", f"{data.name}: neither file systems nor datasets of a hub are looked into")
            else:
                yield from _filled(account, "channel", f"{data.name}: ", uri)


def source(account: Account, job: TuningJobSpec) -> Iterator[Finding]:
    """A script's archive that is said to be in S3 is there; one on this machine is checked by the rules."""
    for _, part in job.parts():
        uri = part.hyperparameters.get(_SOURCE)
        if part.script is not None:
            if not list(missing_files(part.script)):  # else the rules say that it is missing
                yield ok("source", f"{part.script.entry} is uploaded at launch")
        elif isinstance(uri, str) and uri.startswith("s3://"):
            yield from _filled(account, "source", "", uri)


def _filled(account: Account, check: str, whose: str, uri: str) -> Iterator[Finding]:
    try:
        key = account.first_key(uri)
    except ClientError as error:
        why = "its bucket does not exist" if code_of(error) in _GONE else f"it cannot be listed ({code_of(error)})"
        yield skip(check, f"{whose}{uri}: {why}")
        return
    if key is None:
        yield problem(check, f"{whose}nothing lies below {uri}", f"aws s3 cp --recursive DATA s3://{'/'.join(split_uri(uri))}")
    else:
        yield ok(check, f"{whose}{uri}")


def image(account: Account, job: TuningJobSpec) -> Iterator[Finding]:
    """Each image is in its repository."""
    for uri in dict.fromkeys(training_image(part) for _, part in job.parts()):
        parsed = None if uri is None else Image.parse(uri)
        if uri is None:
            yield skip("image", "the image of an algorithm resource cannot be looked at")
        elif parsed is None:
            yield problem("image", f"{uri} is not in ECR, where SageMaker takes images from", "push it to ECR, and give that URI")
        elif parsed.region != account.scope.region:
            text = f"{uri} is in {parsed.region}, but the training jobs are in {account.scope.region}"
            yield problem("image", text, f'region = "{account.scope.region}" for AWS\'s image, or an image of that region')
        elif parsed.account != account.scope.account:
            yield skip("image", f"{uri} is in the registry of another account, {parsed.account}, which cannot be looked at")
        else:
            yield _pushed(account, uri, parsed)


def _pushed(account: Account, uri: str, wanted: Image) -> Finding:
    ecr = account.client("ecr")
    which = {"imageDigest": wanted.digest} if wanted.digest else {"imageTag": wanted.tag}
    there = {"registryId": wanted.account, "repositoryName": wanted.repository}
    try:
        ecr.describe_images(**there, imageIds=[which])
    except ecr.exceptions.RepositoryNotFoundException:
        command = f"aws ecr create-repository --repository-name {wanted.repository} --region {wanted.region}"
        return problem("image", f"there is no repository {wanted.repository} in {wanted.region}", command)
    except ecr.exceptions.ImageNotFoundException:
        text = f"the repository {wanted.repository} has no image {wanted.digest or wanted.tag}{_other_tags(ecr, there)}"
        return problem("image", text, f"docker build --tag {uri} . && docker push {uri}")
    return ok("image", uri)


def _other_tags(ecr: Client, there: Mapping[str, str]) -> str:
    """Existing tags, in case one was mistyped; empty if the caller may not ask."""
    try:
        tags = sorted(image_id["imageTag"] for image_id in ecr.list_images(**there)["imageIds"] if "imageTag" in image_id)
    except ClientError:
        return ""
    more = " and more" if len(tags) > _MOST_SHOWN else ""
    return f"; there are {', '.join(tags[:_MOST_SHOWN])}{more}" if tags else "; it has no tag at all"


def key(account: Account, job: TuningJobSpec) -> Iterator[Finding]:
    """Each KMS key exists and is enabled."""
    kms = account.client("kms")
    keys = (name for _, part in job.parts() for name in (part.encryption.output_key, part.encryption.volume_key) if name)
    for name in dict.fromkeys(keys):
        try:
            state = kms.describe_key(KeyId=key_arn(name, account.scope))["KeyMetadata"]["KeyState"]
        except (kms.exceptions.NotFoundException, kms.exceptions.InvalidArnException):
            yield problem("key", f"there is no KMS key {name}", "aws kms list-aliases shows which there are")
            continue
        if state == "Enabled" and is_alias(name):
            yield skip("key", f"{name} is enabled; what the role may do with it is only seen if it is given by its ARN")
        elif state == "Enabled":
            yield ok("key", name)
        else:
            yield problem("key", f"the KMS key {name} is {state}", f"aws kms enable-key --key-id {name}")


def network(account: Account, job: TuningJobSpec) -> Iterator[Finding]:
    """Subnets and security groups exist, in one VPC."""
    for given in {(tuple(part.network.subnets), tuple(part.network.security_groups)) for _, part in job.parts()}:
        if any(given):
            yield from _network(account, *given)


def _network(account: Account, subnets: Sequence[str], groups: Sequence[str]) -> Iterator[Finding]:
    ec2 = account.client("ec2")
    queries: Mapping[str, tuple[Sequence[str], Callable[[], Any]]] = {
        "subnets": (subnets, lambda: ec2.describe_subnets(SubnetIds=list(subnets))["Subnets"]),
        "security-groups": (groups, lambda: ec2.describe_security_groups(GroupIds=list(groups))["SecurityGroups"]),
    }
    vpcs: set[str] = set()
    for kind, (several, ask) in queries.items():
        try:
            vpcs |= {resource["VpcId"] for resource in ask()} if several else set()
        except ClientError as error:
            if not code_of(error).endswith((".NotFound", ".Malformed")):
                raise
            text = error.response["Error"]["Message"]
            yield problem("network", text, f"aws ec2 describe-{kind} --region {account.scope.region} shows which there are")
            return
    if len(vpcs) > 1:
        text = f"the subnets and security groups are of several VPCs: {', '.join(sorted(vpcs))}"
        yield problem("network", text, "choose subnets and security groups of one VPC")
    else:
        yield ok("network", f"{', '.join([*subnets, *groups])} in {', '.join(vpcs)}")
