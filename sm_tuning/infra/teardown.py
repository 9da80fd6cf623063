"""Take a stack down, with what it holds; CloudFormation alone refuses what holds somebody's work."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from sm_tuning.errors import NotDeployed
from sm_tuning.infra.stacks import Stacks

_GONE = frozenset({"NoSuchBucket", "404", "RepositoryNotFoundException", "NotFoundException", "KMSInvalidStateException"})
_KEY_DAYS = 30
_STAYS = {
    "AWS::Logs::LogGroup": (
        "logs of all training jobs in this region, not only this project's: aws logs delete-log-group --log-group-name {name}"
    ),
    "AWS::IAM::OIDCProvider": (
        "others may use it: aws iam delete-open-id-connect-provider --open-id-connect-provider-arn {name}"
    ),
}


@dataclass(frozen=True, kw_only=True)
class Teardown:
    """What a stack holds, deleted; `client` makes a client of a service, `say` is given every line that a user should see."""

    stacks: Stacks
    client: Callable[[str], Any]
    say: Callable[[str], object]

    def __call__(self, name: str, *, yes: bool) -> None:
        """Empty bucket and repository, schedule the key's deletion, delete the stack, say what stays; raises NotDeployed.

        Without `yes` it lists what would go.
        The stack goes last: until then it knows what is left, and the command may be repeated.
        """
        stack = self.stacks.find(name)
        if stack is None:
            self.say(f"{name}: there is no such stack; nothing to delete")
            return
        held = list(self.stacks.resources(name))
        holding = [(kind, resource) for kind, resource in held if kind in self._empties]
        if not yes:
            for kind, resource in holding:
                self.say(f"  - {resource}: {self._counts[kind](resource)}")
            what = f"the stack {name}" + (" and all that is listed" if holding else "")
            self.say(f"nothing is deleted yet; --yes deletes {what}")
            return
        for kind, resource in holding:
            _if_there(self._empties[kind], resource)
            self.say(f"  - {resource}")
        self.stacks.delete(name)
        self.say(f"{name}: deleted")
        for kind, resource in held:
            if kind in _STAYS:
                self.say(f"  left: {resource} ({_STAYS[kind].format(name=resource)})")
            elif kind == "AWS::KMS::Key":
                self.say(
                    f"  left: the key {resource}, which AWS deletes in {_KEY_DAYS} days (aws kms cancel-key-deletion keeps it)"
                )

    @property
    def _empties(self) -> Mapping[str, Callable[[str], None]]:
        return {
            "AWS::S3::Bucket": self._empty_bucket,
            "AWS::ECR::Repository": self._delete_repository,
            "AWS::KMS::Key": self._schedule_key,
        }

    @property
    def _counts(self) -> Mapping[str, Callable[[str], str]]:
        return {
            "AWS::S3::Bucket": lambda name: (
                f"{_counted(sum(len(page) for page in self._versions(name)), 'object')}, with their older versions"
            ),
            "AWS::ECR::Repository": lambda name: _counted(self._images(name), "image"),
            "AWS::KMS::Key": lambda _: f"a key, deleted after {_KEY_DAYS} days",
        }

    def _versions(self, bucket: str) -> Iterator[list[Mapping[str, str]]]:
        """Every version and delete marker, a thousand at a time."""
        pages = self.client("s3").get_paginator("list_object_versions").paginate(Bucket=bucket)
        try:
            for page in pages:
                versions = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
                if versions:
                    yield [{"Key": version["Key"], "VersionId": version["VersionId"]} for version in versions]
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise

    def _empty_bucket(self, name: str) -> None:
        s3 = self.client("s3")
        for page in self._versions(name):
            refused = s3.delete_objects(Bucket=name, Delete={"Objects": page, "Quiet": True}).get("Errors", ())
            if refused:
                objects = _counted(len(refused), "object")
                raise NotDeployed(
                    f"{objects} of {name} could not be deleted, {refused[0]['Key']} for one: {refused[0]['Message']}"
                )

    def _images(self, repository: str) -> int:
        try:
            pages = self.client("ecr").get_paginator("list_images").paginate(repositoryName=repository)
            return sum(len(page["imageIds"]) for page in pages)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise
            return 0

    def _delete_repository(self, name: str) -> None:
        self.client("ecr").delete_repository(repositoryName=name, force=True)

    def _schedule_key(self, name: str) -> None:
        self.client("kms").schedule_key_deletion(KeyId=name, PendingWindowInDays=_KEY_DAYS)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' if number != 1 else ''}"


def _if_there(act: Callable[[str], None], name: str) -> None:
    """Do it, unless it is done already."""
    try:
        act(name)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _GONE:
            raise
