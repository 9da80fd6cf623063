"""Tags of the resources that are ours."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from local_emulator.api import records
from local_emulator.api.context import Context
from local_emulator.api.paging import page_of
from local_emulator.documents import parse, serialize
from local_emulator.domain.errors import ResourceNotFound, ValidationException
from local_emulator.domain.jobs import Document, Record
from local_emulator.domain.names import AwsScope, parse_arn

MOST = 50


def _get(context: Context, arn: str, scope: AwsScope) -> Record:
    parsed = parse_arn(arn)
    if parsed is None:
        raise ValidationException(f"{arn!r} is not the ARN of a resource of this emulator.")
    missing = ResourceNotFound(f"Resource {arn} does not exist.")
    if parsed.scope != scope:
        raise missing
    record: Record = records.get(context.store.table(parsed.arn), parsed.arn, missing)
    return record


def _put(context: Context, arn: str, change: Mapping[str, str | None], scope: AwsScope) -> Mapping[str, str]:
    """Set tags; a value of None removes the tag."""

    def changed(record: Record) -> Record:
        tags = {key: value for key, value in {**record.tags, **change}.items() if value is not None}
        if len(tags) > MOST:
            raise ValidationException(f"There would be {len(tags)} tags on {arn}; there may be at most {MOST}.")
        return replace(record, tags=tags)

    record, _ = records.change(context, partial(_get, context, arn, scope), changed)
    return record.tags


def add(context: Context, request: Document, scope: AwsScope) -> Document:
    """AddTags."""
    change = parse.tags(request)
    return {"Tags": serialize.tag_list(_put(context, request["ResourceArn"], change, scope))}


def list_(context: Context, request: Document, scope: AwsScope) -> Document:
    """ListTags."""
    shown = serialize.tag_list(_get(context, request["ResourceArn"], scope).tags)
    return page_of("ListTags", request, "Tags", shown, MOST)


def delete(context: Context, request: Document, scope: AwsScope) -> Document:
    """DeleteTags."""
    _put(context, request["ResourceArn"], dict.fromkeys(request["TagKeys"]), scope)
    return {}
