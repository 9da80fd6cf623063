"""The operations on endpoints. They record what is to be; the engine brings it about."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from local_emulator.api import endpoint_configs, models, quotas, records, registry
from local_emulator.api.context import Context
from local_emulator.api.paging import filters
from local_emulator.documents import hosting, parse
from local_emulator.domain.endpoint import Deployment, Endpoint, EndpointStatus, Instance, Variant
from local_emulator.domain.errors import ResourceLimitExceeded, ValidationException
from local_emulator.domain.jobs import Document
from local_emulator.domain.names import ENDPOINT, AwsScope

MOST_INSTANCES = 8  # of one endpoint: each is a program on this machine


def create(context: Context, request: Document, scope: AwsScope) -> Document:
    """CreateEndpoint."""
    name = request["EndpointName"]
    arn = scope.arn(ENDPOINT, name)
    deployment = _deployment(context, request["EndpointConfigName"], request.get("DeploymentConfig"), scope)
    quotas.check_endpoint(deployment, name, context.store, context.settings.quotas, scope)
    now = deployment.created
    endpoint = Endpoint(
        name=name,
        arn=arn,
        request={member: value for member, value in request.items() if member != "Tags"},
        status=EndpointStatus.CREATING,
        created=now,
        modified=now,
        pending=deployment,
        tags=parse.tags(request),
    )
    taken = ValidationException(f'Cannot create already existing endpoint "{arn}".')
    records.add(context.store.endpoints, endpoint, taken)
    context.notify()
    return {"EndpointArn": arn}


def _deployment(context: Context, config_name: str, policy: Document | None, scope: AwsScope) -> Deployment:
    """The deployment of a configuration; raises ValidationException for what no endpoint here can do."""
    config = hosting.described_config(endpoint_configs.find(context, config_name, scope))
    described = [
        registry.unpacked(context, hosting.described_model(models.find(context, variant["ModelName"], scope)), scope)
        for variant in config["ProductionVariants"]
        if "ModelName" in variant
    ]
    problems = (hosting.unemulated_config(config), hosting.unemulated_policy(policy), *map(hosting.unemulated_model, described))
    if problem := next(filter(None, problems), None):
        raise ValidationException(problem)
    if hosting.is_asynchronous(config) and any(map(hosting.is_direct, described)):
        raise ValidationException(f"InvokeEndpointAsync names no container: {config_name} has a model with the Mode Direct.")
    for container in (container for model in described for container in hosting.container_specs(model)):
        context.serving.check(container)
    variants = [
        Variant(
            name=variant["VariantName"],
            config=variant,
            model=model,
            weight=hosting.weight(variant),
            instances=_instances(context, hosting.instance_count(variant)),
        )
        for variant, model in zip(config["ProductionVariants"], described, strict=True)
    ]
    deployment = Deployment(config=config, variants=tuple(variants), created=context.now(), policy=policy)
    _check_size(deployment)
    return deployment


def _instances(context: Context, number: int) -> tuple[Instance, ...]:
    return tuple(Instance(run=context.token()) for _ in range(min(number, MOST_INSTANCES + 1)))


def _check_size(deployment: Deployment) -> None:
    if len(deployment.runs) > MOST_INSTANCES:
        raise ResourceLimitExceeded(
            f"An endpoint may have at most {MOST_INSTANCES} instances here, all variants together: each is a program on this machine."
        )


def find(context: Context, name: str, scope: AwsScope) -> Endpoint:
    """The endpoint of that name; raises ValidationException in AWS's words."""
    arn = scope.arn(ENDPOINT, name)
    return records.get(context.store.endpoints, arn, ValidationException(f'Could not find endpoint "{arn}".'))


def describe(context: Context, request: Document, scope: AwsScope) -> Document:
    """DescribeEndpoint."""
    return hosting.described_endpoint(find(context, request["EndpointName"], scope))


def list_(context: Context, request: Document, scope: AwsScope) -> Document:
    """ListEndpoints."""
    query = filters("ListEndpoints", request, scope, descending=True, statuses=EndpointStatus)
    shown = "Endpoints", hosting.endpoint_summary
    return records.listed(context.store.endpoints, "ListEndpoints", request, query, shown)


def update(context: Context, request: Document, scope: AwsScope) -> Document:
    """UpdateEndpoint: the new deployment comes up beside the old one, which answers until then."""

    def deployment(endpoint: Endpoint) -> Deployment:
        policy = request.get("DeploymentConfig")
        if request.get("RetainDeploymentConfig") and endpoint.serving is not None:
            policy = endpoint.serving.policy
        pending = _deployment(context, request["EndpointConfigName"], policy, scope)
        if request.get("RetainAllVariantProperties") and endpoint.serving is not None:
            excluded = {entry["VariantPropertyType"] for entry in request.get("ExcludeRetainedVariantProperties", ())}
            pending = _retained(context, pending, endpoint.serving, excluded)
        return pending

    return _update(context, request, scope, deployment)


def _update(context: Context, request: Document, scope: AwsScope, deployment: Callable[[Endpoint], Deployment]) -> Document:
    """Begin an update to a deployment, which is made of the endpoint as it is; raises ValidationException if it cannot be updated."""

    def updating(endpoint: Endpoint) -> Endpoint:
        if endpoint.status is EndpointStatus.FAILED:
            raise ValidationException(f'Cannot update endpoint "{endpoint.arn}" with status "Failed". Delete it.')
        _check_unchanging(endpoint)
        pending = deployment(endpoint)
        quotas.check_endpoint(pending, endpoint.name, context.store, context.settings.quotas, scope)
        now = max(pending.created, endpoint.modified)
        return replace(endpoint, status=EndpointStatus.UPDATING, pending=pending, modified=now, failure_reason=None)

    endpoint, _ = records.change(context, partial(find, context, request["EndpointName"], scope), updating)
    context.notify()
    return {"EndpointArn": endpoint.arn}


def _check_unchanging(endpoint: Endpoint) -> None:
    if endpoint.status.changing:
        raise ValidationException(f'Cannot update in-progress endpoint "{endpoint.arn}".')


def _retained(context: Context, deployment: Deployment, serving: Deployment, excluded: set[str]) -> Deployment:
    """A deployment with the weights and instance counts that variants of the same names have now, but for what is excluded."""
    weights = {} if "DesiredWeight" in excluded else {variant.name: variant.weight for variant in serving.variants}
    numbers = {} if "DesiredInstanceCount" in excluded else {variant.name: len(variant.instances) for variant in serving.variants}
    variants = tuple(
        replace(
            variant,
            weight=weights.get(variant.name, variant.weight),
            instances=_instances(context, numbers.get(variant.name, len(variant.instances))),
        )
        for variant in deployment.variants
    )
    retained = replace(deployment, variants=variants)
    _check_size(retained)
    return retained


def update_weights(context: Context, request: Document, scope: AwsScope) -> Document:
    """UpdateEndpointWeightsAndCapacities: instances that stay go on."""
    desired = {entry["VariantName"]: entry for entry in request["DesiredWeightsAndCapacities"]}

    def deployment(endpoint: Endpoint) -> Deployment:
        serving = endpoint.serving
        if serving is None:
            raise ValidationException(f'Could not find variants of endpoint "{endpoint.arn}".')
        _check_desired(desired, serving.variants, endpoint)
        variants = tuple(_resized(context, variant, desired.get(variant.name, {})) for variant in serving.variants)
        pending = replace(serving, variants=variants, created=context.now())
        _check_size(pending)
        return pending

    return _update(context, request, scope, deployment)


def _check_desired(desired: Mapping[str, Document], variants: Sequence[Variant], endpoint: Endpoint) -> None:
    known = {variant.name: variant for variant in variants}
    for name, entry in desired.items():
        if name not in known:
            raise ValidationException(f'Could not find variant "{name}" of endpoint "{endpoint.arn}".')
        if "ServerlessUpdateConfig" in entry:
            raise ValidationException("ServerlessUpdateConfig is not emulated: a serverless variant is one program here.")
        if entry.get("DesiredInstanceCount") == 0:
            raise ValidationException(f"The DesiredInstanceCount of variant {name} is 0; it must be at least 1 here.")
        if "DesiredInstanceCount" in entry and "ServerlessConfig" in known[name].config:
            raise ValidationException(f"The variant {name} is serverless and has no DesiredInstanceCount.")


def _resized(context: Context, variant: Variant, desired: Document) -> Variant:
    number = desired.get("DesiredInstanceCount", len(variant.instances))
    kept = variant.instances[:number]
    return replace(
        variant,
        weight=float(desired.get("DesiredWeight", variant.weight)),
        instances=(*kept, *_instances(context, number - len(kept))),
    )


def delete(context: Context, request: Document, scope: AwsScope) -> None:
    """DeleteEndpoint: its record goes when nothing of it runs any more."""

    def deleting(endpoint: Endpoint) -> Endpoint:
        _check_unchanging(endpoint)
        return replace(endpoint, status=EndpointStatus.DELETING, modified=max(context.now(), endpoint.modified))

    records.change(context, partial(find, context, request["EndpointName"], scope), deleting)
    context.notify()
