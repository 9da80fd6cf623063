"""Resources of SageMaker in stacks: the API makes what it has; what nothing here carries out is refused."""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from local_emulator.cloud.moto_modules import MotoObject, moto
from local_emulator.cloud.moto_patches import sagemaker_stacks
from local_emulator.cloud.moto_patches.parameters import refuse
from local_emulator.domain.errors import AwsError
from local_emulator.domain.jobs import Document, Perform
from local_emulator.domain.names import AwsScope
from sm_tuning.rules import schema

_OF_MOTO = frozenset({"AWS::SageMaker::NotebookInstanceLifecycleConfig"})  # the record is all there is to it
_LONGEST_NAME = 63

_Template = Mapping[str, Any]


@contextmanager
def applied(perform: Perform, *, pretend: bool) -> Iterator[None]:
    """Patch moto's CloudFormation until the context ends. Raises ImportError where packages that it needs are missing.

    `perform` carries out an operation of the API. `pretend`: whether moto makes the resources that would be refused.
    """
    parsing = moto("cloudformation.parsing")
    original = parsing.resource_class_from_type
    ours = {f"AWS::SageMaker::{noun}": _RecordType(noun, facts, perform) for noun, facts in _FACTS.items()}

    def resource_class(kind: str) -> MotoObject:
        if kind in ours:
            return ours[kind]
        pretended = kind.startswith("AWS::SageMaker::") and kind not in _OF_MOTO
        return _Refused(kind) if pretended and not pretend else original(kind)

    with patch.object(parsing, "resource_class_from_type", resource_class), sagemaker_stacks.applied():
        yield


def _as_it_is(properties: _Template) -> _Template:
    return properties


def _pipeline(properties: _Template) -> _Template:
    """A pipeline's properties by the names that the API has for them."""
    definition = properties.get("PipelineDefinition")
    if not isinstance(definition, Mapping):
        refuse("PipelineDefinition must be an object of PipelineDefinitionBody or PipelineDefinitionS3Location")
    request = {name: value for name, value in properties.items() if name != "PipelineDefinition"}
    if "PipelineDefinitionBody" in definition:
        request["PipelineDefinition"] = definition["PipelineDefinitionBody"]
    if "PipelineDefinitionS3Location" in definition:
        names = {"Key": "ObjectKey", "Version": "VersionId"}
        location = definition["PipelineDefinitionS3Location"].items()
        request["PipelineDefinitionS3Location"] = {names.get(name, name): value for name, value in location if name != "ETag"}
    return request


def _group(properties: _Template) -> _Template:
    if "ModelPackageGroupPolicy" in properties:
        refuse("ModelPackageGroupPolicy is not emulated: nothing here would heed it")
    return properties


@dataclass(frozen=True)
class _Facts:
    """A type of resources: what the reference of CloudFormation says of it."""

    attributes: Mapping[str, str]  # by the member of Describe that each is
    in_place: bool = False  # whether a change of it is an Update of the API; else it is replaced
    ref: str = "Arn"  # whose value `Ref` is: that of the ARN, or of the name
    request: Callable[[_Template], _Template] = _as_it_is


_FACTS = {
    "Model": _Facts({"ModelName": "ModelName"}),
    "EndpointConfig": _Facts({"EndpointConfigName": "EndpointConfigName"}),
    "Endpoint": _Facts({"EndpointName": "EndpointName"}, in_place=True),
    "ModelPackageGroup": _Facts(
        {name: name for name in ("ModelPackageGroupArn", "ModelPackageGroupStatus", "CreationTime")}, request=_group
    ),
    "Pipeline": _Facts({}, in_place=True, ref="Name", request=_pipeline),
}


@dataclass(frozen=True)
class _Refused:
    """A type, as moto's CloudFormation expects it, of which no resource is made."""

    kind: str

    def has_cfn_attr(self, _attribute: str) -> bool:
        return True

    def create_from_cloudformation_json(self, *_args: object, **_others: object) -> None:
        refuse(f"{self.kind} is not emulated: no stack here would carry it out (`serve --pretend` lets moto invent it)")


@dataclass
class _Resource(sagemaker_stacks.Record):
    """A record that the API has made, as moto's CloudFormation expects a resource; moto sets the rest of its members."""

    type_: "_RecordType"
    name: str
    scope: AwsScope

    def get_cfn_attribute(self, attribute: str) -> str:
        if not self.type_.has_cfn_attr(attribute):
            raise moto("cloudformation.exceptions").UnformattedGetAttTemplateException
        return self.name if attribute == self.type_.name else str(self._described()[self.type_.facts.attributes[attribute]])

    @property
    def replaced(self) -> bool:
        return not self.type_.facts.in_place

    def is_created(self) -> bool:
        return self._status() not in {"Creating", "Updating", "RollingBack", "SystemUpdating"}

    def failure(self) -> str | None:
        """Why it is not what the stack asks for: an endpoint's FailureReason, also of one that serves on as before a failed update."""
        return self._described().get("FailureReason") if self.is_created() else None

    def delete(self, _account: str, _region: str) -> None:
        """Delete the record, which somebody else may have done before."""
        try:
            self.type_.ask("Delete", {self.type_.name: self.name}, self.scope)
        except AwsError as error:
            if self._described():
                refuse(error.message)

    def _status(self) -> str:
        return str(self._described().get(f"{self.type_.noun}Status", ""))

    def _described(self) -> Document:
        """What Describe answers; nothing of what somebody else has deleted."""
        with suppress(AwsError):
            return self.type_.ask("Describe", {self.type_.name: self.name}, self.scope)
        return {}


@dataclass(frozen=True)
class _RecordType:
    """A type, as moto's CloudFormation expects it, whose resources are records of the API."""

    noun: str
    facts: _Facts
    perform: Perform

    @property
    def name(self) -> str:
        """The property that names a resource."""
        return f"{self.noun}Name"

    def has_cfn_attr(self, attribute: str) -> bool:
        return attribute in self.facts.attributes

    def ask(self, verb: str, properties: _Template, scope: AwsScope) -> Document:
        """Perform an operation on a resource by its properties."""
        shape: Any = schema.operation(f"{verb}{self.noun}").input_shape
        token = {"ClientRequestToken": str(uuid.uuid4())} if "ClientRequestToken" in shape.required_members else {}
        return self.perform(f"{verb}{self.noun}", _typed(shape, {**token, **properties}), scope)

    def create_from_cloudformation_json(
        self, generated: str, declaration: _Template, account: str, region: str, **_others: object
    ) -> _Resource:
        scope = AwsScope(account=account, region=region)
        properties = {self.name: generated[-_LONGEST_NAME:].lstrip("-"), **declaration["Properties"]}
        try:
            answer = self.ask("Create", self.facts.request(properties), scope)
        except AwsError as error:
            refuse(error.message)
        name = str(properties[self.name])
        physical = name if self.facts.ref == "Name" else answer[f"{self.noun}Arn"]
        return _Resource(physical, self, name, scope)

    def update_from_cloudformation_json(
        self,
        *,
        original_resource: _Resource,
        new_resource_name: str,
        cloudformation_json: _Template,
        account_id: str,
        region_name: str,
    ) -> _Resource:
        """Update a resource or replace it; raises moto's ValidationError for one to be replaced that keeps a name of its own."""
        properties = cloudformation_json["Properties"]
        same_name = properties.get(self.name) == original_resource.name
        if self.facts.in_place and (same_name or self.name not in properties):
            return self._updated(original_resource, properties)
        if same_name:
            refuse(
                "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
                f"Rename {original_resource.name} and update the stack again."
            )
        made = self.create_from_cloudformation_json(new_resource_name, cloudformation_json, account_id, region_name)
        original_resource.delete(account_id, region_name)
        return made

    def _updated(self, resource: _Resource, properties: _Template) -> _Resource:
        request = {name: value for name, value in self.facts.request(properties).items() if name != "Tags"}
        try:
            arn = self.ask("Update", {**request, self.name: resource.name}, resource.scope)[f"{self.noun}Arn"]
            self._tag(arn, properties.get("Tags", ()), resource.scope)
        except AwsError as error:
            refuse(error.message)
        return resource

    def _tag(self, arn: str, tags: Sequence[Mapping[str, str]], scope: AwsScope) -> None:
        """Let a resource have these tags and no others but CloudFormation's own."""
        wanted = {tag["Key"] for tag in tags}
        present = self.perform("ListTags", {"ResourceArn": arn}, scope)["Tags"]
        if gone := [tag["Key"] for tag in present if tag["Key"] not in wanted and not tag["Key"].startswith("aws:")]:
            self.perform("DeleteTags", {"ResourceArn": arn, "TagKeys": gone}, scope)
        if tags:
            self.perform("AddTags", {"ResourceArn": arn, "Tags": list(tags)}, scope)


def _typed(shape: Any, value: Any) -> Any:  # noqa: ANN401 - botocore's shapes, JSON
    """A property in the type that the API takes: templates have numbers and booleans as texts, and texts as numbers."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, Mapping):
        if unknown := value.keys() - shape.members.keys():
            refuse(f"Encountered unsupported property {min(unknown)}")
        return {name: _typed(shape.members[name], member) for name, member in value.items()}
    if kind == "map" and isinstance(value, Mapping):
        return {name: _typed(shape.value, member) for name, member in value.items()}
    if kind == "list" and isinstance(value, list):
        return [_typed(shape.member, member) for member in value]
    if kind == "string":
        return json.dumps(value) if isinstance(value, int | float) else value
    if isinstance(value, str):
        with suppress(ValueError):  # the API refuses it
            return json.loads(value.lower())
    return value
