"""CloudFormation: where moto makes something else of a stack than AWS does.

Patched: templates that would run code; a TemplateURL at this server; change sets by the names that their stacks have for them;
constraints and previous values of parameters, rules, and defaults that are lists; `AWS::NoValue`, `Fn::Cidr` and `!Condition`;
conditions when a stack is updated; what another stack owns is refused; what has a DeletionPolicy of Retain stays when its stack
goes, and is adopted when it comes again; a bucket's versioning; a role's policies and a managed policy when
they change (`identities`); outputs of change sets; a creation that fails is rolled back, a
deletion that fails leaves the stack; and the types that moto has no resource for, of `resource_types`.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from ipaddress import ip_network
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from local_emulator.cloud.moto_modules import MotoObject, Original, backend, moto, wrap
from local_emulator.cloud.moto_patches import identities
from local_emulator.cloud.moto_patches.parameters import load_parameters, refuse, with_previous_values
from local_emulator.cloud.moto_patches.resource_types import resource_types
from local_emulator.domain.names import AwsScope

_RETAINED = frozenset({"Retain", "RetainExceptOnCreate"})
_ADOPTED = frozenset({"AWS::S3::Bucket", "AWS::ECR::Repository", "AWS::Logs::LogGroup"})
_GLOBAL = ("AWS::S3::", "AWS::IAM::", "AWS::Budgets::")

Template = Mapping[str, Any]


def apply() -> None:
    """Patch moto, once. Raises ImportError where the packages of moto's CloudFormation are missing."""
    models, parsing, responses = (moto(f"cloudformation.{name}") for name in ("models", "parsing", "responses"))
    if hasattr(parsing, "original_clean_json"):
        return
    parsing.original_clean_json = parsing.clean_json
    parsing.clean_json = _clean_json
    for module in (models, responses):
        wrap(module, "yaml_tag_constructor", _construct_tag)
        module.yaml = _SafeYaml()
        wrap(module, "get_stack_from_s3_url", _template_at)
    # A reference, because moto takes its types from the subclasses that are alive.
    parsing.emulated_types = resource_types()
    resources = parsing.ResourceMap
    resources.build_resource_diff = _difference
    wrap(resources, "load_parameters", load_parameters)
    wrap(resources, "update", _update)
    wrap(resources, "_delete_resource", _delete_resource)
    wrap(parsing, "parse_and_create_resource", _create_resource)
    wrap(responses.CloudFormationResponse, "describe_stack_resources", _describe_stack_resources)
    wrap(responses.CloudFormationResponse, "_validate_different_update", _refuse_equal_update)
    for operation in ("describe_change_set", "execute_change_set", "delete_change_set"):
        wrap(responses.CloudFormationResponse, operation, _named_change_set)
    for operation in ("create_change_set", "update_stack"):
        wrap(responses.CloudFormationResponse, operation, with_previous_values)
    wrap(models.CloudFormationBackend, "create_change_set", _create_change_set)
    wrap(models.CloudFormationBackend, "execute_change_set", _execute_change_set)
    wrap(models.CloudFormationBackend, "delete_stack", _delete_stack)
    models.ChangeSet.diff = _changes
    models.Stack.has_parameters = _would_change_nothing
    models.Stack.parameter_list = property(_described_parameters)
    identities.apply()
    bucket = moto("s3.models").FakeBucket
    for adopted in (moto("ecr.models").Repository, moto("logs.models").LogGroup, bucket):
        wrap(adopted, "create_from_cloudformation_json", _adopt_or_create)
    for method in ("create_from_cloudformation_json", "update_from_cloudformation_json"):
        wrap(bucket, method, _with_versions_and_events)


# --- reading a template -------------------------------------------------------------------------------------------------------


class _SafeYaml:
    """YAML as moto reads templates, without tags that construct Python objects: a template must not run code."""

    Loader = None

    def __init__(self) -> None:
        self._yaml: Any = import_module("yaml")
        parser: Any = getattr(self._yaml, "CSafeLoader", self._yaml.SafeLoader)  # in C it takes a tenth of the time
        self._loader: Any = type("TemplateLoader", (parser,), {})

    def add_multi_constructor(self, prefix: str, constructor: Callable[..., Any]) -> None:
        """Let a function construct what begins with a tag."""
        self._loader.add_multi_constructor(prefix, constructor)

    def load(self, text: str, Loader: object) -> object:  # noqa: ARG002, N803 - as moto calls it
        """Parse a template."""
        return self._yaml.load(text, Loader=self._loader)


def _template_at(original: Original, template_url: str, account_id: str, partition: str) -> str:
    """The template at a URL; at an address that is not AWS's, as this server's or what CDK makes of it, the bucket begins the path."""
    parts = urlsplit(template_url)
    address = template_url if ".amazonaws." in parts.netloc else f"https://s3.amazonaws.com{parts.path}"
    return str(original(address, account_id=account_id, partition=partition))


def _construct_tag(original: Original, loader: object, tag: str, node: MotoObject) -> object:
    """A function by its short name; moto takes `!Condition` for one that begins with `Fn::`."""
    return {"Condition": node.value} if tag == "!Condition" else original(loader, tag, node)


def _clean_json(value: MotoObject, resources: MotoObject) -> object:
    """Carry out the functions in a template's JSON; `AWS::NoValue` leaves no gap in a list."""
    if isinstance(value, list):
        return [item for item in (_clean_json(item, resources) for item in value) if item is not None]
    if isinstance(value, Mapping) and "Fn::Cidr" in value:
        block, count, bits = (_clean_json(argument, resources) for argument in value["Fn::Cidr"])
        subnets = ip_network(str(block)).subnets(new_prefix=32 - int(str(bits)))
        return [str(subnet) for subnet in islice(subnets, int(str(count)))]
    return moto("cloudformation.parsing").original_clean_json(value, resources)


# --- what an update changes ---------------------------------------------------------------------------------------------------


def _difference(
    resources: MotoObject, template: Template, parameters: Mapping[str, str] | None = None
) -> Mapping[str, list[str]]:
    """Names of the resources to be added, modified and removed, conditions taken into account."""
    parameters = resources.input_parameters if parameters is None else parameters
    coming = moto("cloudformation.parsing").ResourceMap(
        resources.stack_id,
        resources["AWS::StackName"],
        parameters,
        {},
        resources["AWS::Region"],
        resources["AWS::AccountId"],
        template,
        resources.cross_stack_resources,
    )
    coming.load()
    wanted = [
        name
        for name, resource in template["Resources"].items()
        if "Condition" not in resource or coming.lazy_condition_map[resource["Condition"]]
    ]
    old = resources._resource_json_map  # noqa: SLF001 - moto's map is what is patched
    present = [name for name in old if resources._parsed_resources.get(name) is not None]  # noqa: SLF001 - see above
    before, after = resources.resolved_parameters, coming.resolved_parameters
    changed = {name for name in after if before.get(name) != after[name]}

    def differs(name: str) -> bool:
        resource = template["Resources"][name]
        return bool(old[name] != resource or changed & references(resource, template.get("Conditions", {})))

    return {
        "Add": [name for name in wanted if name not in present],
        "Modify": [name for name in wanted if name in present and differs(name)],
        "Remove": [name for name in present if name not in wanted],
    }


def references(value: MotoObject, conditions: Mapping[str, Any]) -> set[str]:
    """Names of parameters and resources that a part of a template refers to, through the conditions of its `Fn::If` too."""
    if isinstance(value, list):
        return {name for item in value for name in references(item, conditions)}
    if not isinstance(value, Mapping):
        return set()
    names = {str(value["Ref"])} if "Ref" in value else set()
    condition = value["Fn::If"][0] if "Fn::If" in value else value.get("Condition")
    if isinstance(condition, str) and condition in conditions:
        names |= references(conditions[condition], conditions)
    if "Fn::Sub" in value:
        text = value["Fn::Sub"] if isinstance(value["Fn::Sub"], str) else value["Fn::Sub"][0]
        names |= {part.split("}")[0].split(".")[0] for part in text.split("${")[1:]}
    if "Fn::GetAtt" in value:
        names.add(value["Fn::GetAtt"][0])
    return names | {name for member in value.values() for name in references(member, conditions)}


def _changes(change_set: MotoObject) -> list[MotoObject]:
    """What a change set would change, its parameters taken into account."""
    change = moto("cloudformation.models").Change
    resources = change_set.stack.resource_map
    difference = resources.build_resource_diff(change_set.template_dict, change_set.parameters)
    known = {**resources._resource_json_map, **change_set.template_dict["Resources"]}  # noqa: SLF001 - moto's map is what is patched
    return [
        change(action=action, logical_resource_id=name, resource_type=known[name]["Type"])
        for action, names in difference.items()
        for name in names
    ]


def _would_change_nothing(stack: MotoObject, parameters: Mapping[str, str]) -> bool:
    return not any(stack.resource_map.build_resource_diff(stack.template_dict, parameters).values())


def _described_parameters(stack: MotoObject) -> list[Mapping[str, str]]:
    """A stack's parameters as DescribeStacks returns them: a list as the text that was given."""
    return [
        {"ParameterKey": name, "ParameterValue": ",".join(map(str, value)) if isinstance(value, list) else value}
        for name, value in stack.resource_map.resolved_parameters.items()
    ]


# --- carrying it out ----------------------------------------------------------------------------------------------------------


class AlreadyExists(Exception):  # noqa: N818 - reads as a fact
    """Another stack has a resource of that type and name."""


def _create_resource(original: Original, name: str, declaration: Template, resources: MotoObject, **others: object) -> MotoObject:
    """Create one resource; if that fails, the error gets its logical id."""
    try:
        if "Condition" not in declaration or resources.lazy_condition_map[declaration["Condition"]]:
            _refuse_owned(name, declaration, resources)
        return original(name, declaration, resources, **others)
    except Exception as error:  # whatever moto raises; it is raised again
        if not hasattr(error, "logical_id"):
            error.logical_id = name  # type: ignore[attr-defined] # read by _execute_change_set
        raise


def _refuse_owned(name: str, declaration: Template, resources: MotoObject) -> None:
    """Refuse a resource that has a name of its own which another stack's has: in its region, or anywhere if its type is global."""
    parsing = moto("cloudformation.parsing")
    kind = declaration["Type"]
    named = parsing.resource_name_property_from_type(kind)
    if named not in declaration.get("Properties", {}):
        return
    _, _, physical = parsing.parse_resource_and_generate_name(name, declaration, resources)
    backends = moto("cloudformation.models").cloudformation_backends[resources["AWS::AccountId"]]
    regions = backends.values() if kind.startswith(_GLOBAL) else [backends[resources["AWS::Region"]]]
    for stack in [stack for region in regions for stack in region.stacks.values() if stack.stack_id != resources.stack_id]:
        others = stack.resource_map._parsed_resources.values()  # noqa: SLF001 - moto's map is what is patched
        alike = [other for other in others if getattr(other, "cf_resource_type", "") == kind]
        if any(physical in {other.physical_resource_id, getattr(other, "name", None)} for other in alike):
            raise AlreadyExists(f"{physical} already exists in stack {stack.stack_id}")


def _describe_stack_resources(original: Original, response: MotoObject) -> MotoObject:
    """The resources of a stack, also of that which has the resource of a PhysicalResourceId."""
    physical = response._get_param("PhysicalResourceId")  # noqa: SLF001 - how moto's responses are read
    if physical:
        stacks = response.cloudformation_backend.stacks.values()
        held = ((stack, made) for stack in stacks for made in stack.resource_map._parsed_resources.values())  # noqa: SLF001 - moto's map is what is patched
        owners = [stack for stack, made in held if getattr(made, "physical_resource_id", None) == physical]
        if not owners:
            refuse(f"Stack for {physical} does not exist")
        response.params = {**response.params, "StackName": owners[0].name}
    return original(response)


def _refuse_equal_update(original: Original, response: MotoObject, *arguments: object) -> None:
    """Refuse an UpdateStack that changes nothing; a change set of that kind is made, and is FAILED."""
    if response._get_action() == "UpdateStack":  # noqa: SLF001 - moto's name of the operation
        original(response, *arguments)


def _named_change_set(original: Original, response: MotoObject) -> object:
    """What is done with a stack's change set by its name, of which it has one; to delete what is not there is no error in AWS."""
    name, stack = response._get_param("ChangeSetName"), response._get_param("StackName")  # noqa: SLF001 - how moto's responses are read
    held = response.cloudformation_backend.change_sets
    named = [
        key
        for key, change_set in held.items()
        if name == change_set.change_set_name and stack in {change_set.stack_name, change_set.stack_id}
    ]
    if named:
        response.params = {**response.params, "ChangeSetName": named[-1]}
    elif name not in held:
        if response._get_action() == "DeleteChangeSet":  # noqa: SLF001 - see above
            return moto("core.responses").EmptyResult()
        error = moto("cloudformation.exceptions").CloudFormationError(f"ChangeSet [{name}] does not exist")
        error.code = "ChangeSetNotFound"
        raise error
    return original(response)


def _create_change_set(original: Original, backend: MotoObject, **kwargs: object) -> MotoObject:
    """Make a change set; a refused one leaves no stack."""
    before = set(backend.stacks)
    try:
        return original(backend, **kwargs)
    except Exception:  # whatever moto raises; it is raised again
        for new in set(backend.stacks) - before:
            del backend.stacks[new]
        raise


def _execute_change_set(original: Original, backend: MotoObject, change_set_name: str, stack_name: str | None = None) -> None:
    """Execute a change set, outputs included; if that fails, the stack's status and events say so as AWS's do."""
    try:
        original(backend, change_set_name, stack_name)
        stack = backend.stacks[backend.describe_change_set(change_set_name).stack_id]
        stack._parse_template()  # noqa: SLF001 - moto's map is what is patched
        stack.output_map = stack._create_output_map()  # noqa: SLF001 - see above
    except Exception as error:  # noqa: BLE001 - whatever a resource of moto's raises is the reason of the stack's failure
        change_set = backend.describe_change_set(change_set_name)
        stack = backend.stacks[change_set.stack_id]
        kind = change_set.change_set_type
        _add_event(stack, getattr(error, "logical_id", stack.name), f"{kind}_FAILED", _reason(error))
        if kind == "CREATE":
            roll_back(stack)
        stack.status = "ROLLBACK_COMPLETE" if kind == "CREATE" else "UPDATE_ROLLBACK_FAILED"  # moto keeps no earlier state


def roll_back(stack: MotoObject) -> None:
    """Delete what a stack has made, and leave nothing of it that moto would make again when the stack's outputs are read."""
    for resource in stack.resource_map._resource_json_map.values():  # noqa: SLF001 - moto's map is what is patched
        resource.pop("DeletionPolicy", None)
    stack.resource_map.delete()
    stack.resource_map._resource_json_map = {}  # noqa: SLF001 - see above
    stack.output_map = moto("cloudformation.parsing").OutputMap(stack.resource_map, {}, stack.stack_id)


def _reason(error: Exception) -> str:
    message = str(getattr(error, "message", "") or error)
    return f"{message} (Handler error: {getattr(error, 'error_type', type(error).__name__)})"


def _add_event(stack: MotoObject, name: str, status: str, reason: str) -> None:
    resources = stack.resource_map._resource_json_map  # noqa: SLF001 - moto's map is what is patched
    kind = resources.get(name, {}).get("Type", "AWS::CloudFormation::Stack")
    event = moto("cloudformation.models").Event(stack.stack_id, stack.name, name, "", kind, status, reason, None)
    stack.events.append(event)


def _update(original: Original, resources: MotoObject, template: Template, parameters: Mapping[str, str] | None = None) -> None:
    removed = resources.build_resource_diff(template, parameters)["Remove"]
    original(resources, template, parameters)
    for name in removed:
        resources._parsed_resources.pop(name, None)  # noqa: SLF001 - moto forgets to


def _delete_stack(original: Original, backend: MotoObject, name: str) -> None:
    """Delete a stack; one that cannot be deleted stays, as DELETE_FAILED."""
    stack = next((stack for stack in backend.stacks.values() if name in {stack.name, stack.stack_id}), None)
    try:
        original(backend, name)
    except Exception as error:  # whatever a resource of moto's raises
        if stack is None:
            raise
        backend.stacks[stack.stack_id] = stack
        stack.status = "DELETE_FAILED"
        _add_event(stack, getattr(error, "logical_id", stack.name), stack.status, _reason(error))


class NotEmpty(Exception):  # noqa: N818 - reads as a fact
    """A bucket holds something."""


def _delete_resource(original: Original, resources: MotoObject, resource: MotoObject, declaration: Mapping[str, Any]) -> None:
    """Delete one resource unless it is retained; if that fails, the error gets its logical id."""
    kind = declaration["Type"]
    scope = AwsScope(region=resources["AWS::Region"], account=resources["AWS::AccountId"])
    gone = kind in _ADOPTED and _existing(kind, resource.name, scope) is None
    if gone or declaration.get("DeletionPolicy") in _RETAINED:
        return
    try:
        if kind == "AWS::S3::Bucket" and resource.keys:
            raise NotEmpty("The bucket you tried to delete is not empty. You must delete all versions in the bucket.")  # noqa: TRY301 - it gets its logical id below
        if kind == "AWS::EC2::RouteTable":  # moto leaves them, and with them the VPC
            resource._associations.clear()  # noqa: SLF001 - see above
            resource.ec2_backend.delete_route_table(resource.id)
        else:
            original(resources, resource, declaration)
    except Exception as error:  # whatever moto raises; it is raised again
        error.logical_id = resource.logical_resource_id  # type: ignore[attr-defined] # read by _delete_stack
        raise


def _adopt_or_create(
    original: Original, name: str, declaration: Mapping[str, Any], account: str, region: str, **others: object
) -> MotoObject:
    """Take over what an earlier stack has retained, as ImportExistingResources does; and buckets, which outlive stacks here."""
    adopted = declaration["Type"] == "AWS::S3::Bucket" or declaration.get("DeletionPolicy") in _RETAINED
    existing = _existing(declaration["Type"], name, AwsScope(region=region, account=account)) if adopted else None
    if existing is None:
        return original(name, declaration, account, region, **others)
    days = declaration["Properties"].get("RetentionInDays")
    if days is not None:
        existing.retention_in_days = days
    return existing


def _existing(kind: str, name: str, scope: AwsScope) -> MotoObject | None:
    """The bucket, log group or repository of that name."""
    if kind == "AWS::S3::Bucket":
        return backend("s3", scope).buckets.get(name)
    if kind == "AWS::Logs::LogGroup":
        return backend("logs", scope).groups.get(name)
    return backend("ecr", scope).repositories.get(name)


def _with_versions_and_events(original: Original, *args: MotoObject, **kwargs: MotoObject) -> MotoObject:
    bucket = original(*args, **kwargs)
    properties = (kwargs.get("cloudformation_json") or args[1])["Properties"]
    bucket.versioning_status = properties.get("VersioningConfiguration", {}).get("Status")
    to_bridge = properties.get("NotificationConfiguration", {}).get("EventBridgeConfiguration", {}).get("EventBridgeEnabled")
    sends, sent = str(to_bridge).lower() == "true", getattr(bucket.notification_configuration, "event_bridge", None) is not None
    if sends != sent:  # else it is left as it is: others may have set more than the stack
        bucket.set_notification_configuration({"EventBridgeConfiguration": {}} if sends else None)
    return bucket
