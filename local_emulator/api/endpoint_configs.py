"""The operations on endpoint configurations."""

from functools import partial

from local_emulator.api import models, records
from local_emulator.api.context import Context
from local_emulator.api.paging import filters
from local_emulator.documents import hosting, parse
from local_emulator.domain.errors import ValidationException
from local_emulator.domain.jobs import Document
from local_emulator.domain.model import EndpointConfig
from local_emulator.domain.names import ENDPOINT_CONFIG, AwsScope
from sm_tuning.rules.request import repeated


def create(context: Context, request: Document, scope: AwsScope) -> Document:
    """CreateEndpointConfig."""
    variants = [*request["ProductionVariants"], *request.get("ShadowProductionVariants", ())]
    if twice := repeated([variant["VariantName"] for variant in variants]):
        raise ValidationException(f"The names of variants must be unique: {', '.join(twice)} is there more than once.")
    if problem := next(filter(None, map(hosting.variant_problem, variants)), None):
        raise ValidationException(problem)
    for name in hosting.model_names(variants):
        models.find(context, name, scope)
    now, name = context.now(), request["EndpointConfigName"]
    echo = hosting.with_defaults_of_config(request)
    arn, tags = scope.arn(ENDPOINT_CONFIG, name), parse.tags(request)
    config = EndpointConfig(name=name, arn=arn, request=echo, created=now, modified=now, tags=tags)
    taken = ValidationException(f'Cannot create already existing endpoint configuration "{arn}".')
    records.add(context.store.configs, config, taken)
    return {"EndpointConfigArn": config.arn}


def find(context: Context, name: str, scope: AwsScope) -> EndpointConfig:
    """The configuration of that name; raises ValidationException in AWS's words."""
    arn = scope.arn(ENDPOINT_CONFIG, name)
    return records.get(context.store.configs, arn, ValidationException(f'Could not find endpoint configuration "{arn}".'))


def describe(context: Context, request: Document, scope: AwsScope) -> Document:
    """DescribeEndpointConfig."""
    return hosting.described_config(find(context, request["EndpointConfigName"], scope))


def list_(context: Context, request: Document, scope: AwsScope) -> Document:
    """ListEndpointConfigs."""
    query = filters("ListEndpointConfigs", request, scope, descending=True)
    shown = "EndpointConfigs", hosting.config_summary
    return records.listed(context.store.configs, "ListEndpointConfigs", request, query, shown)


def delete(context: Context, request: Document, scope: AwsScope) -> None:
    """DeleteEndpointConfig."""
    read = partial(find, context, request["EndpointConfigName"], scope)
    records.delete(context, read(), read)
