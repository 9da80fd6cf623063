"""The operations on models."""

from functools import partial

from local_emulator.api import records, registry
from local_emulator.api.context import Context
from local_emulator.api.paging import filters
from local_emulator.documents import hosting, parse
from local_emulator.domain.errors import ValidationException
from local_emulator.domain.jobs import Document
from local_emulator.domain.model import Model
from local_emulator.domain.names import MODEL, AwsScope
from sm_tuning.rules.request import repeated
from sm_tuning.rules.s3_uri import split_s3


def create(context: Context, request: Document, scope: AwsScope) -> Document:
    """CreateModel."""
    _check(request)
    for definition in hosting.containers(registry.unpacked(context, request, scope)):
        context.serving.check_data(hosting.model_data(definition))
    now, name = context.now(), request["ModelName"]
    echo = hosting.with_defaults_of_model(request)
    arn, tags = scope.arn(MODEL, name), parse.tags(request)
    model = Model(name=name, arn=arn, request=echo, created=now, modified=now, tags=tags)
    taken = ValidationException(f'Cannot create already existing model "{arn}".')
    records.add(context.store.models, model, taken)
    return {"ModelArn": model.arn}


def _check(request: Document) -> None:
    if ("PrimaryContainer" in request) == bool(request.get("Containers")):
        raise ValidationException("Exactly one of PrimaryContainer and Containers must be there.")
    if twice := repeated(hosting.container_names(request)):
        raise ValidationException(f"The names of containers must be unique: {', '.join(twice)} is there more than once.")
    for definition in hosting.containers(request):
        if ("Image" in definition) == ("ModelPackageName" in definition):
            raise ValidationException("A container definition must have either an Image or a ModelPackageName.")
        if "ModelDataUrl" in definition and "ModelDataSource" in definition:
            raise ValidationException("A container definition may have ModelDataUrl or ModelDataSource, but not both.")
        _check_data(definition)


def _check_data(definition: Document) -> None:
    data = hosting.model_data(definition)
    if data is not None and split_s3(data.uri) is None:
        raise ValidationException(f"The model data {data.uri} must be a URI of S3 (s3://bucket/key) here.")


def find(context: Context, name: str, scope: AwsScope) -> Model:
    """The model of that name; raises ValidationException in AWS's words."""
    arn = scope.arn(MODEL, name)
    return records.get(context.store.models, arn, ValidationException(f'Could not find model "{arn}".'))


def describe(context: Context, request: Document, scope: AwsScope) -> Document:
    """DescribeModel."""
    return hosting.described_model(find(context, request["ModelName"], scope))


def list_(context: Context, request: Document, scope: AwsScope) -> Document:
    """ListModels."""
    query = filters("ListModels", request, scope, descending=True)
    return records.listed(context.store.models, "ListModels", request, query, ("Models", hosting.model_summary))


def delete(context: Context, request: Document, scope: AwsScope) -> None:
    """DeleteModel."""
    read = partial(find, context, request["ModelName"], scope)
    records.delete(context, read(), read)
