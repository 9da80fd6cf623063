"""The Resource Groups Tagging API: resources of SageMaker that are ours, beside moto's, and each key and value once."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from local_emulator.cloud.moto_modules import Member, MotoObject, Original, moto, patched
from local_emulator.domain.errors import AwsError
from local_emulator.domain.jobs import Document, Perform
from local_emulator.domain.names import Arn, AwsScope, kind_of, parse_arn

SERVICE = "tagging"  # the API's signing name

Tagged: TypeAlias = Callable[[AwsScope], Iterable[tuple[Arn, Mapping[str, str]]]]
"""The resources of ours in a region of an account that have tags, with these."""


@contextmanager
def applied(perform: Perform, tagged: Tagged) -> Iterator[None]:
    """Patch moto until the context ends. `perform` carries out an operation of our API."""
    models = moto("resourcegroupstaggingapi.models")
    backend = models.ResourceGroupsTaggingAPIBackend
    members: Sequence[Member] = [
        (models, "iter_taggable_backends", _with_ours(models.iter_taggable_backends, tagged)),
        (backend, "tag_resources", _tag_resources(backend.tag_resources, perform)),
        (backend, "untag_resources", _untag_resources(backend.untag_resources, perform)),
        *((backend, name, _once(getattr(backend, name))) for name in ("_get_tag_keys_generator", "_get_tag_values_generator")),
    ]
    with patched(members):
        yield


@dataclass(frozen=True)
class _Ours:
    """What is ours in a region of an account, as moto expects a service with tags."""

    scope: AwsScope
    tagged: Tagged

    def owns_arn(self, _arn: str) -> bool:
        return False  # our API is asked before moto looks for a service

    def iter_tagged_resources(self) -> Iterator[MotoObject]:
        resource = moto("core.resource_tagging").TaggedResource
        return (resource(arn, dict(tags), f"sagemaker:{kind_of(arn)}") for arn, tags in self.tagged(self.scope))


def _with_ours(original: Original, tagged: Tagged) -> Callable[[str, str], Iterator[MotoObject]]:
    def iter_taggable_backends(account: str, region: str) -> Iterator[MotoObject]:
        yield _Ours(AwsScope(region=region, account=account), tagged)
        yield from original(account, region)

    return iter_taggable_backends


def _once(original: Original) -> Callable[..., Iterator[str]]:
    return lambda *arguments: iter(dict.fromkeys(original(*arguments)))


def _tag_resources(original: Original, perform: Perform) -> Callable[..., Document]:
    def tag_resources(backend: MotoObject, resource_arns: Sequence[str], tags: Mapping[str, str]) -> Document:
        change = {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
        failed, others = _performed(perform, backend, "AddTags", resource_arns, change)
        return {**failed, **original(backend, others, tags)}

    return tag_resources


def _untag_resources(original: Original, perform: Perform) -> Callable[..., Document]:
    def untag_resources(backend: MotoObject, resource_arn_list: Sequence[str], tag_keys: Sequence[str]) -> Document:
        failed, others = _performed(perform, backend, "DeleteTags", resource_arn_list, {"TagKeys": tag_keys})
        return {**failed, **original(backend, others, tag_keys)}

    return untag_resources


def _performed(
    perform: Perform, backend: MotoObject, operation: str, arns: Sequence[str], change: Mapping[str, Any]
) -> tuple[dict[str, Any], Sequence[str]]:
    """Why (FailedResourcesMap) which of our resources could not be changed, and the ARNs that are not ours."""
    scope = AwsScope(region=backend.region_name, account=backend.account_id)
    failed, others = dict[str, Any](), list[str]()
    for arn in arns:
        if parse_arn(arn) is None:
            others.append(arn)
            continue
        try:
            perform(operation, {"ResourceArn": arn, **change}, scope)
        except AwsError as error:
            failed[arn] = {"StatusCode": 400, "ErrorCode": "InvalidParameterException", "ErrorMessage": error.message}
    return failed, others
