"""CloudFormation: moto's, mended where a stack would come to something else than in AWS.

Mended: templates that would run code; constraints of parameters, and defaults that are lists; `AWS::NoValue`, `Fn::Cidr` and
`!Condition`; conditions when a stack is updated; what has a DeletionPolicy of Retain stays when its stack goes, and is adopted when it
comes again; a bucket's versioning; a role's policies when they change; outputs of change sets; a creation that fails is rolled back, a
deletion that fails is told; and the types that moto has no resource for, of `stack_types`.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from ipaddress import ip_network
from itertools import islice
from typing import Any

import regex

from local_emulator.cloud.moto_patches.resource_types import policy_text, stack_types

_RETAINED = frozenset({"Retain", "RetainExceptOnCreate"})
_ADOPTED = frozenset({"AWS::S3::Bucket", "AWS::ECR::Repository", "AWS::Logs::LogGroup"})
_PATIENCE = 0.5  # seconds for one pattern and one value


def mend() -> None:
    """Mend moto's CloudFormation, once; raises ImportError where its packages are missing."""
    models, parsing, responses = (_moto(f"cloudformation.{name}") for name in ("models", "parsing", "responses"))

    if hasattr(parsing, "whole_clean_json"):
        return
    parsing.whole_clean_json = parsing.clean_json
    parsing.clean_json = _clean
    for module in (models, responses):
        _wrap(module, "yaml_tag_constructor", _tag)
        module.yaml = _HarmlessYaml()
    # Kept there, for moto finds its types among the subclasses that are alive.
    parsing.own_types = stack_types()
    resources = parsing.ResourceMap
    resources.build_resource_diff = _difference
    _wrap(resources, "load_parameters", _checked)
    _wrap(resources, "update", _update)
    _wrap(resources, "_delete_resource", _delete_unless_retained)
    _wrap(parsing, "parse_and_create_resource", _create)
    _wrap(models.CloudFormationBackend, "create_change_set", _propose)
    _wrap(models.CloudFormationBackend, "execute_change_set", _execute)
    _wrap(models.CloudFormationBackend, "delete_stack", _delete)
    models.ChangeSet.diff = _changes
    models.Stack.has_parameters = _would_change_nothing
    models.Stack.parameter_list = property(_parameters_told)
    bucket, role = _moto("s3.models").FakeBucket, _moto("iam.models").Role
    for adopted in (_moto("ecr.models").Repository, _moto("logs.models").LogGroup, bucket):
        _wrap(adopted, "create_from_cloudformation_json", _adopt)
    for method in ("create_from_cloudformation_json", "update_from_cloudformation_json"):
        _wrap(bucket, method, _with_versions)
        _wrap(role, method, _with_policies)


def _moto(name: str) -> Any:  # noqa: ANN401 - moto's own types, which are mended here
    """A module of moto's, imported late: seconds, for those who deploy alone."""
    return import_module(f"moto.{name}")


def _wrap(owner: Any, name: str, around: Callable[..., Any]) -> None:  # noqa: ANN401 - moto's own types
    """Let `around` be called in place of a function, with that function first."""
    whole = getattr(owner, name)

    def wrapped(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - any function of moto's
        return around(whole, *args, **kwargs)

    # A bound method here is a class method, which has its class already.
    setattr(owner, name, staticmethod(wrapped) if hasattr(whole, "__self__") else wrapped)


# --- reading a template -------------------------------------------------------------------------------------------------------


class _HarmlessYaml:
    """YAML as moto reads templates, without what makes Python's objects: a template must not run code here."""

    Loader = None

    def __init__(self) -> None:
        self._yaml: Any = import_module("yaml")
        self._loader: Any = type("TemplateLoader", (self._yaml.SafeLoader,), {})

    def add_multi_constructor(self, prefix: str, constructor: Callable[..., Any]) -> None:
        """Let a function make what begins with a tag."""
        self._loader.add_multi_constructor(prefix, constructor)

    def load(self, text: str, Loader: object) -> Any:  # noqa: ANN401, ARG002, N803 - JSON; as moto calls it
        """A template."""
        return self._yaml.load(text, Loader=self._loader)


def _tag(whole: Callable[..., Any], loader: Any, tag: str, node: Any) -> Any:  # noqa: ANN401 - YAML
    """A function by its short name; moto takes `!Condition` for one that begins with `Fn::`."""
    return {"Condition": node.value} if tag == "!Condition" else whole(loader, tag, node)


def _clean(found: Any, resources: Any) -> Any:  # noqa: ANN401 - JSON
    """A template's JSON with its functions carried out; `AWS::NoValue` leaves no gap in a list."""
    parsing = _moto("cloudformation.parsing")

    if isinstance(found, list):
        return [one for one in (_clean(each, resources) for each in found) if one is not None]
    if isinstance(found, Mapping) and "Fn::Cidr" in found:
        block, count, bits = (_clean(each, resources) for each in found["Fn::Cidr"])
        return [str(one) for one in islice(ip_network(block).subnets(new_prefix=32 - int(bits)), int(count))]
    return parsing.whole_clean_json(found, resources)


def _matches(name: str, pattern: str, value: str) -> bool:
    """Whether a value of a parameter matches its AllowedPattern; refused if that cannot be told, or not soon."""
    try:
        return regex.fullmatch(pattern, value, timeout=_PATIENCE) is not None
    except (regex.error, TimeoutError) as error:
        _refuse(f"Parameter '{name}' cannot be matched with its pattern {pattern}: {error}")
        return False


def _checked(whole: Callable[..., Any], resources: Any) -> None:  # noqa: ANN401 - moto's own types
    """Parameters, held to their constraints; the default of a list is a list too."""
    whole(resources)
    for name, one in resources._template.get("Parameters", {}).items():  # noqa: SLF001 - moto's map is what we mend
        value = resources.resolved_parameters[name]
        if isinstance(value, str) and one["Type"] == "CommaDelimitedList":
            value = resources.resolved_parameters[name] = resources._parsed_resources[name] = value.split(",")  # noqa: SLF001 - see above
        given = [str(each) for each in value] if isinstance(value, list) else [str(value)]
        if "AllowedPattern" in one and not all(_matches(name, one["AllowedPattern"], each) for each in given):
            _refuse(f"Parameter '{name}' must match pattern {one['AllowedPattern']}")
        if "AllowedValues" in one and not set(given) <= {str(each) for each in one["AllowedValues"]}:
            _refuse(f"Parameter '{name}' must be one of AllowedValues")
        least, most = (float(one.get(end, otherwise)) for end, otherwise in (("MinValue", "-inf"), ("MaxValue", "inf")))
        if one["Type"] == "Number" and not least <= float(value) <= most:
            _refuse(f"Parameter '{name}' must be a number between {least:g} and {most:g}")


def _refuse(message: str) -> None:
    raise _moto("cloudformation.exceptions").ValidationError(message=message)


def _difference(resources: Any, template: Mapping[str, Any], parameters: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401 - moto's own types
    """Names of what is to be added, modified and removed: moto takes no notice of conditions."""
    parsing = _moto("cloudformation.parsing")

    parameters = resources.input_parameters if parameters is None else parameters
    coming = parsing.ResourceMap(
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
        for name, one in template["Resources"].items()
        if "Condition" not in one or coming.lazy_condition_map[one["Condition"]]
    ]
    old = resources._resource_json_map  # noqa: SLF001 - moto's map is what we mend
    held = [name for name in old if resources._parsed_resources.get(name) is not None]  # noqa: SLF001 - see above
    before, after = resources.resolved_parameters, coming.resolved_parameters
    changed = {name for name in after if before.get(name) != after[name]}

    def differs(name: str) -> bool:
        one = template["Resources"][name]
        return bool(old[name] != one or changed & _parameters_of(one, template.get("Conditions", {})))

    return {
        "Add": [name for name in wanted if name not in held],
        "Modify": [name for name in wanted if name in held and differs(name)],
        "Remove": [name for name in held if name not in wanted],
    }


def _parameters_of(found: Any, conditions: Mapping[str, Any]) -> set[str]:  # noqa: ANN401 - JSON
    """What a part of a template refers to, through the conditions of its `Fn::If` too."""
    if isinstance(found, list):
        return {name for one in found for name in _parameters_of(one, conditions)}
    if not isinstance(found, Mapping):
        return set()
    named = {str(found["Ref"])} if "Ref" in found else set()
    condition = found["Fn::If"][0] if "Fn::If" in found else found.get("Condition")
    if isinstance(condition, str) and condition in conditions:
        named |= _parameters_of(conditions[condition], conditions)
    if "Fn::Sub" in found:
        text = found["Fn::Sub"] if isinstance(found["Fn::Sub"], str) else found["Fn::Sub"][0]
        named |= {part.split("}")[0] for part in text.split("${")[1:]}
    return named | {name for one in found.values() for name in _parameters_of(one, conditions)}


def _changes(change_set: Any) -> list[Any]:  # noqa: ANN401 - moto's own types
    """What a change set would change, its parameters taken into account."""
    models = _moto("cloudformation.models")

    resources = change_set.stack.resource_map
    names = resources.build_resource_diff(change_set.template_dict, change_set.parameters)
    known = {**resources._resource_json_map, **change_set.template_dict["Resources"]}  # noqa: SLF001 - moto's map is what we mend
    return [
        models.Change(action=action, logical_resource_id=name, resource_type=known[name]["Type"])
        for action, several in names.items()
        for name in several
    ]


def _would_change_nothing(stack: Any, parameters: Mapping[str, str]) -> bool:  # noqa: ANN401 - moto's own types
    return not any(stack.resource_map.build_resource_diff(stack.template_dict, parameters).values())


def _parameters_told(stack: Any) -> list[Mapping[str, str]]:  # noqa: ANN401 - moto's own types
    """A stack's parameters as DescribeStacks tells them: a list as it was given."""
    found = stack.resource_map.resolved_parameters
    return [
        {"ParameterKey": name, "ParameterValue": ",".join(map(str, value)) if isinstance(value, list) else value}
        for name, value in found.items()
    ]


# --- carrying it out ----------------------------------------------------------------------------------------------------------


def _create(whole: Callable[..., Any], name: str, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - moto's own types
    """One resource; if it fails, the error knows which it was."""
    try:
        return whole(name, *args, **kwargs)
    except Exception as error:
        if not hasattr(error, "logical_id"):
            error.logical_id = name  # type: ignore[attr-defined] # told on to _execute
        raise


def _propose(whole: Callable[..., Any], backend: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - moto's own types
    """Make a change set; of one that is refused no stack is left."""
    known = set(backend.stacks)
    try:
        return whole(backend, **kwargs)
    except Exception:
        for new in set(backend.stacks) - known:
            del backend.stacks[new]
        raise


def _execute(whole: Callable[..., Any], backend: Any, change_set_name: str, stack_name: str | None = None) -> None:  # noqa: ANN401 - moto's own types
    """Execute a change set, outputs too; if it fails, the stack says so as AWS's does."""
    try:
        whole(backend, change_set_name, stack_name)
        stack = backend.stacks[backend.describe_change_set(change_set_name).stack_id]
        stack._parse_template()  # noqa: SLF001 - moto's map is what we mend
        stack.output_map = stack._create_output_map()  # noqa: SLF001 - see above
    except Exception as error:  # noqa: BLE001 - whatever a resource of moto's has raised is why the stack failed
        change_set = backend.describe_change_set(change_set_name)
        stack = backend.stacks[change_set.stack_id]
        kind = change_set.change_set_type
        _tell(stack, getattr(error, "logical_id", stack.name), f"{kind}_FAILED", _reason(error))
        if kind == "CREATE":
            for one in stack.resource_map._resource_json_map.values():  # noqa: SLF001 - moto's map is what we mend
                one.pop("DeletionPolicy", None)
            stack.resource_map.delete()
        stack.status = "ROLLBACK_COMPLETE" if kind == "CREATE" else "UPDATE_ROLLBACK_FAILED"  # moto keeps no earlier state


def _reason(error: Exception) -> str:
    said = str(getattr(error, "message", "") or error)
    return f"{said} (Handler error: {getattr(error, 'error_type', type(error).__name__)})"


def _tell(stack: Any, name: str, status: str, reason: str) -> None:  # noqa: ANN401 - moto's own types
    models = _moto("cloudformation.models")

    kind = stack.resource_map._resource_json_map.get(name, {}).get("Type", "AWS::CloudFormation::Stack")  # noqa: SLF001 - see above
    stack.events.append(models.Event(stack.stack_id, stack.name, name, "", kind, status, reason, None))


def _update(whole: Callable[..., Any], resources: Any, template: Any, parameters: Any = None) -> None:  # noqa: ANN401 - moto's own types
    removed = resources.build_resource_diff(template, parameters)["Remove"]
    whole(resources, template, parameters)
    for name in removed:
        resources._parsed_resources.pop(name, None)  # noqa: SLF001 - moto forgets to


def _delete(whole: Callable[..., Any], backend: Any, name: str) -> None:  # noqa: ANN401 - moto's own types
    """Delete a stack; one that cannot be deleted stays, and says so."""
    stack = next((one for one in backend.stacks.values() if name in {one.name, one.stack_id}), None)
    try:
        whole(backend, name)
    except Exception as error:
        if stack is None:
            raise
        backend.stacks[stack.stack_id] = stack
        stack.status = "DELETE_FAILED"
        _tell(stack, getattr(error, "logical_id", stack.name), stack.status, _reason(error))


class NotEmpty(Exception):  # noqa: N818 - reads as a fact
    """A bucket holds something."""


def _delete_unless_retained(whole: Callable[..., Any], resources: Any, made: Any, template: Mapping[str, Any]) -> None:  # noqa: ANN401 - moto's own types
    kind = template["Type"]
    gone = kind in _ADOPTED and _existing(kind, made.name, resources["AWS::AccountId"], resources["AWS::Region"]) is None
    if gone or template.get("DeletionPolicy") in _RETAINED:
        return
    try:
        if kind == "AWS::S3::Bucket" and made.keys:
            raise NotEmpty("The bucket you tried to delete is not empty. You must delete all versions in the bucket.")  # noqa: TRY301 - told below
        if kind == "AWS::EC2::RouteTable":  # moto leaves them, and with them the VPC
            made._associations.clear()  # noqa: SLF001 - see above
            made.ec2_backend.delete_route_table(made.id)
        else:
            whole(resources, made, template)
    except Exception as error:
        error.logical_id = made.logical_resource_id  # type: ignore[attr-defined] # told on to _delete
        raise


def _adopt(whole: Callable[..., Any], name: str, template: Mapping[str, Any], account: str, region: str, **others: Any) -> Any:  # noqa: ANN401 - moto's own types
    """What an earlier stack has retained is taken over, as ImportExistingResources does; and buckets, which outlive stacks here."""
    adopted = template["Type"] == "AWS::S3::Bucket" or template.get("DeletionPolicy") in _RETAINED
    found = _existing(template["Type"], name, account, region) if adopted else None
    if found is None:
        return whole(name, template, account, region, **others)
    days = template["Properties"].get("RetentionInDays")
    if days is not None:
        found.retention_in_days = days
    return found


def _existing(kind: str, name: str, account: str, region: str) -> Any:  # noqa: ANN401 - moto's own types
    get_backend = _moto("backends").get_backend

    if kind == "AWS::S3::Bucket":
        return get_backend("s3")[account]["aws"].buckets.get(name)
    if kind == "AWS::Logs::LogGroup":
        return get_backend("logs")[account][region].groups.get(name)
    return get_backend("ecr")[account][region].repositories.get(name)


def _with_versions(whole: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - moto's own types
    bucket = whole(*args, **kwargs)
    template = kwargs.get("cloudformation_json") or args[1]
    bucket.versioning_status = template["Properties"].get("VersioningConfiguration", {}).get("Status")
    return bucket


def _with_policies(whole: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - moto's own types
    properties = (kwargs.get("cloudformation_json") or args[1])["Properties"]
    policies = {one["PolicyName"]: policy_text(one["PolicyDocument"]) for one in properties.get("Policies", ())}
    for document in policies.values():
        _moto("iam.policy_validation").IAMPolicyDocumentValidator(document).validate()
    role = whole(*args, **kwargs)
    role.assume_role_policy_document = policy_text(properties["AssumeRolePolicyDocument"])
    role.policies |= policies
    return role
