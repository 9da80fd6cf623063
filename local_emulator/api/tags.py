"""Tags of tuning and training jobs."""

import json
from collections.abc import Mapping
from dataclasses import replace

from local_emulator.api import paging
from local_emulator.api.context import Context
from local_emulator.api.paging import with_token
from local_emulator.documents import parse, serialize
from local_emulator.domain.errors import Conflict, NotFound, ResourceNotFound, ValidationException
from local_emulator.domain.jobs import Document
from local_emulator.domain.names import TRAINING_JOB, AwsScope, parse_arn
from local_emulator.domain.training import TrainingJob
from local_emulator.domain.tuning import TuningJob

MOST = 50


def _get(context: Context, arn: str, scope: AwsScope) -> TuningJob | TrainingJob:
    parsed = parse_arn(arn)
    if parsed is None:
        raise ValidationException(f"{arn!r} is not the ARN of a tuning job or a training job.")
    if parsed.scope != scope:
        raise ResourceNotFound(f"Resource {arn} does not exist.")
    try:
        return context.store.trainings.get(parsed.arn) if parsed.kind == TRAINING_JOB else context.store.tunings.get(parsed.arn)
    except NotFound as error:
        raise ResourceNotFound(f"Resource {arn} does not exist.") from error


def _put(context: Context, arn: str, change: Mapping[str, str | None], scope: AwsScope) -> Mapping[str, str]:
    """Set tags; a value of None removes the tag."""
    while True:
        job = _get(context, arn, scope)
        tags = {key: value for key, value in {**job.tags, **change}.items() if value is not None}
        if len(tags) > MOST:
            raise ValidationException(f"There would be {len(tags)} tags on {arn}; there may be at most {MOST}.")
        try:
            if isinstance(job, TuningJob):
                context.store.tunings.put(replace(job, tags=tags))
            else:
                context.store.trainings.put(replace(job, tags=tags))
        except (Conflict, NotFound):
            continue
        return tags


def add(context: Context, request: Document, scope: AwsScope) -> Document:
    """AddTags."""
    change = parse.tags(request)
    return {"Tags": serialize.tag_list(_put(context, request["ResourceArn"], change, scope))}


def list_(context: Context, request: Document, scope: AwsScope) -> Document:
    """ListTags."""
    shown = serialize.tag_list(_get(context, request["ResourceArn"], scope).tags)
    position = paging.after("ListTags", request)
    begin = json.loads(position) if position else 0
    end = begin + request.get("MaxResults", MOST)
    rest = json.dumps(end) if end < len(shown) else None
    return with_token("ListTags", request, {"Tags": shown[begin:end]}, rest)


def delete(context: Context, request: Document, scope: AwsScope) -> Document:
    """DeleteTags."""
    _put(context, request["ResourceArn"], dict.fromkeys(request["TagKeys"]), scope)
    return {}
