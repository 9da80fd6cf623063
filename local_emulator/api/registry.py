"""The operations on model packages and their groups."""

from dataclasses import replace
from functools import partial

from local_emulator.api import records
from local_emulator.api.context import Context
from local_emulator.api.paging import filters, with_token
from local_emulator.documents import hosting, parse, registry
from local_emulator.domain.errors import AlreadyExists, ConflictException, ValidationException
from local_emulator.domain.jobs import Document
from local_emulator.domain.names import MODEL_PACKAGE, MODEL_PACKAGE_GROUP, AwsScope, parse_arn
from local_emulator.domain.registry import ModelPackage, ModelPackageGroup
from local_emulator.store.base import Query

_NOT_HERE = (
    "ValidationSpecification",
    "CertifyForMarketplace",
    "SourceAlgorithmSpecification",
    "ManagedStorageType",
    "ManagedConfiguration",
)


# --- groups -----------------------------------------------------------------------------------------------------------------


def create_group(context: Context, request: Document, scope: AwsScope) -> Document:
    """CreateModelPackageGroup."""
    _refuse("CreateModelPackageGroup", request)
    name, now = request["ModelPackageGroupName"], context.now()
    kept = {member: value for member, value in request.items() if member != "Tags"}
    arn = scope.arn(MODEL_PACKAGE_GROUP, name)
    group = ModelPackageGroup(name=name, arn=arn, request=kept, created=now, modified=now, tags=parse.tags(request))
    records.add(context.store.package_groups, group, ValidationException(f"Model Package Group already exists: {arn}"))
    return {"ModelPackageGroupArn": group.arn}


def _group(context: Context, name: str, scope: AwsScope) -> ModelPackageGroup:
    arn = scope.arn(MODEL_PACKAGE_GROUP, name.rpartition("/")[2])
    return records.get(context.store.package_groups, arn, ValidationException(f"ModelPackageGroup {arn} does not exist."))


def describe_group(context: Context, request: Document, scope: AwsScope) -> Document:
    """DescribeModelPackageGroup."""
    return registry.described_group(_group(context, request["ModelPackageGroupName"], scope))


def list_groups(context: Context, request: Document, scope: AwsScope) -> Document:
    """ListModelPackageGroups."""
    if request.get("CrossAccountFilterOption") == "CrossAccount":
        return {"ModelPackageGroupSummaryList": []}  # nothing here is shared with other accounts
    operation = "ListModelPackageGroups"
    query = filters(operation, request, scope, descending=False)
    shown = "ModelPackageGroupSummaryList", registry.group_summary
    return records.listed(context.store.package_groups, operation, request, query, shown)


def delete_group(context: Context, request: Document, scope: AwsScope) -> None:
    """DeleteModelPackageGroup: one without versions."""
    with context.store.transaction():
        group = _group(context, request["ModelPackageGroupName"], scope)
        if context.store.packages.find(Query(scope=scope, name_prefix=f"{group.name}/", limit=1)).items:
            raise ConflictException(f"Model Package Group {group.arn} contains model packages. Delete them first.")
        context.store.package_groups.delete(group.arn)


# --- packages ---------------------------------------------------------------------------------------------------------------


def create(context: Context, request: Document, scope: AwsScope) -> Document:
    """CreateModelPackage: a version of a group, or a package with a name of its own. A repetition with its ClientToken is one."""
    _refuse("CreateModelPackage", request)
    _check(request)
    if "ModelPackageGroupName" in request:
        return {"ModelPackageArn": _new_version(context, request, scope).arn}
    name = request["ModelPackageName"]
    package = _made(context, request, scope, name)
    try:
        context.store.packages.add(package)
    except AlreadyExists as error:
        if not registry.repeats(request, find(context, name, scope)):
            raise ValidationException(f"ModelPackage already exists: {package.arn}") from error
    return {"ModelPackageArn": package.arn}


def _refuse(operation: str, request: Document) -> None:
    for member in _NOT_HERE:
        if request.get(member, False) is not False:
            raise ValidationException(f"{operation} with a {member} is not emulated: nothing here would carry it out.")


def _check(request: Document) -> None:
    versioned, named = "ModelPackageGroupName" in request, "ModelPackageName" in request
    if versioned and named:
        raise ValidationException(
            "Both ModelPackageName and ModelPackageGroupName are provided in the input. Cannot determine which one to use."
        )
    if not versioned and not named:
        raise ValidationException("Missing ARN.")
    if versioned and parse.tags(request):
        raise ValidationException("Tags are not allowed for a versioned model package: it has those of its ModelPackageGroup.")


def _new_version(context: Context, request: Document, scope: AwsScope) -> ModelPackage:
    """The next version of a group, or the one that the same request has made before."""
    with context.store.transaction():
        try:
            group = _group(context, request["ModelPackageGroupName"], scope)
        except ValidationException as error:
            raise ValidationException("Model Package Group does not exist.") from error
        if "ClientToken" in request:
            versions = context.store.packages.find(Query(scope=scope, name_prefix=f"{group.name}/")).items
            if before := next((package for package in versions if registry.repeats(request, package)), None):
                return before
        number = group.versions + 1
        made = _made(context, request, scope, f"{group.name}/{number}")
        package = replace(made, group=group.name, number=number)
        context.store.package_groups.put(replace(group, versions=number))
        context.store.packages.add(package)
    return package


def _made(context: Context, request: Document, scope: AwsScope, name: str) -> ModelPackage:
    now, arn = context.now(), scope.arn(MODEL_PACKAGE, name)
    return ModelPackage(
        name=name, arn=arn, request=registry.package(request), created=now, modified=now, tags=parse.tags(request)
    )


def find(context: Context, named: str, scope: AwsScope) -> ModelPackage:
    """The package of an ARN or a name; raises ValidationException in AWS's words."""
    parsed = parse_arn(named)
    arn = parsed.arn if parsed is not None and parsed.kind == MODEL_PACKAGE else scope.arn(MODEL_PACKAGE, named)
    missing = ValidationException(f"ModelPackage {arn} does not exist.")
    if parsed is not None and parsed.scope != scope:
        raise missing
    return records.get(context.store.packages, arn, missing)


def unpacked(context: Context, model: Document, scope: AwsScope) -> Document:
    """A model with the containers of the model packages that it names; raises ValidationException for one that is not there."""
    definitions: list[Document] = []
    for definition in hosting.containers(model):
        named = definition.get("ModelPackageName")
        definitions += [definition] if named is None else registry.unpacked(definition, find(context, named, scope))
    rest = {member: value for member, value in model.items() if member not in {"PrimaryContainer", "Containers"}}
    return {**rest, "PrimaryContainer": definitions[0]} if len(definitions) == 1 else {**rest, "Containers": definitions}


def describe(context: Context, request: Document, scope: AwsScope) -> Document:
    """DescribeModelPackage."""
    package = find(context, request["ModelPackageName"], scope)
    if request.get("IncludedData") == "MetadataOnly" and "ModelCard" in package.request:
        raise ValidationException("IncludedData MetadataOnly is not emulated for a model package with a ModelCard.")
    return registry.described_package(package)


def batch_describe(context: Context, request: Document, scope: AwsScope) -> Document:
    """BatchDescribeModelPackage."""
    summaries, errors = {}, {}
    for arn in request["ModelPackageArnList"]:
        try:
            summaries[arn] = registry.batch_summary(find(context, arn, scope))
        except ValidationException as error:
            errors[arn] = {"ErrorCode": error.code, "ErrorResponse": error.message}
    return {"ModelPackageSummaries": summaries, "BatchDescribeModelPackageErrorMap": errors}


def list_(context: Context, request: Document, scope: AwsScope) -> Document:
    """ListModelPackages: of a group, or as ModelPackageType says those that have a name of their own, versions, or both."""
    operation, wanted = "ListModelPackages", request.get("ModelApprovalStatus")
    group = request.get("ModelPackageGroupName")
    prefix = f"{_group(context, group, scope).name}/" if group is not None else None
    kind = "Versioned" if group is not None else request.get("ModelPackageType", "Unversioned")
    # The other conditions are applied to the page, which may have fewer packages than MaxResults and a NextToken for it.
    query = replace(filters(operation, request, scope, descending=False), name_prefix=prefix, name_contains=None)
    page = context.store.packages.find(query)
    summaries = [
        registry.package_summary(package)
        for package in page.items
        if kind in {"Both", "Unversioned" if package.group is None else "Versioned"}
        and wanted in {None, registry.approval(package)}
        and request.get("NameContains", "").casefold() in package.name.casefold()
    ]
    return with_token(operation, request, {"ModelPackageSummaryList": summaries}, page.next)


def update(context: Context, request: Document, scope: AwsScope) -> Document:
    """UpdateModelPackage."""

    def updated(package: ModelPackage) -> ModelPackage:
        if package.group is None and "ModelApprovalStatus" in request:
            raise ValidationException(
                f"ModelApprovalStatus is only for versions of a ModelPackageGroup, which {package.arn} is not."
            )
        return registry.updated(package, request, context.now())

    package, _ = records.change(context, partial(find, context, request["ModelPackageArn"], scope), updated)
    return {"ModelPackageArn": package.arn}


def delete(context: Context, request: Document, scope: AwsScope) -> None:
    """DeleteModelPackage; the numbers of deleted versions are not given again."""
    read = partial(find, context, request["ModelPackageName"], scope)
    records.delete(context, read(), read)
