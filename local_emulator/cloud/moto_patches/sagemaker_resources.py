"""Resources of SageMaker in stacks: the API makes models and endpoint configurations; what nothing here carries out is refused."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from local_emulator.cloud.moto_modules import MotoObject, moto
from local_emulator.cloud.moto_patches.parameters import refuse
from local_emulator.domain.errors import AwsError, ValidationException
from local_emulator.domain.jobs import Document, Perform
from local_emulator.domain.names import AwsScope
from sm_tuning.rules import schema

_OURS = {f"AWS::SageMaker::{noun}": noun for noun in ("EndpointConfig", "Model")}
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
    ours = {kind: _RecordType(noun, perform) for kind, noun in _OURS.items()}

    def resource_class(kind: str) -> MotoObject:
        if kind in ours:
            return ours[kind]
        pretended = kind.startswith("AWS::SageMaker::") and kind not in _OF_MOTO
        return _Refused(kind) if pretended and not pretend else original(kind)

    with patch.object(parsing, "resource_class_from_type", resource_class):
        yield


@dataclass(frozen=True)
class _Refused:
    """A type, as moto's CloudFormation expects it, of which no resource is made."""

    kind: str

    def has_cfn_attr(self, _attribute: str) -> bool:
        return True

    def create_from_cloudformation_json(self, *_args: object, **_others: object) -> None:
        refuse(f"{self.kind} is not emulated: no stack here would carry it out (`serve --pretend` lets moto invent it)")


@dataclass
class _Resource:
    """A record that the API has made, as moto's CloudFormation expects a resource; moto sets the rest of its members."""

    type_: "_RecordType"
    name: str
    physical_resource_id: str
    cf_resource_type: str = field(default="", init=False)
    logical_resource_id: str = field(default="", init=False)

    def get_cfn_attribute(self, attribute: str) -> str:
        if not self.type_.has_cfn_attr(attribute):
            raise moto("cloudformation.exceptions").UnformattedGetAttTemplateException
        return self.name

    def is_created(self) -> bool:
        return True

    def delete(self, account: str, region: str) -> None:
        """Delete the record, which somebody else may have done before."""
        with suppress(ValidationException):
            self.type_.perform(f"Delete{self.type_.noun}", {self.type_.name: self.name}, AwsScope(account=account, region=region))


@dataclass(frozen=True)
class _RecordType:
    """A type, as moto's CloudFormation expects it, whose resources are records of the API."""

    noun: str
    perform: Perform

    @property
    def name(self) -> str:
        """The property that names a resource, and the only attribute."""
        return f"{self.noun}Name"

    def has_cfn_attr(self, attribute: str) -> bool:
        return attribute == self.name

    def create_from_cloudformation_json(
        self, generated: str, declaration: _Template, account: str, region: str, **_others: object
    ) -> _Resource:
        operation = f"Create{self.noun}"
        properties = {self.name: generated[-_LONGEST_NAME:].lstrip("-"), **declaration["Properties"]}
        request: Document = _typed(schema.operation(operation).input_shape, properties)
        try:
            answer = self.perform(operation, request, AwsScope(account=account, region=region))
        except AwsError as error:
            refuse(error.message)
        return _Resource(self, request[self.name], answer[f"{self.noun}Arn"])

    def update_from_cloudformation_json(
        self,
        *,
        original_resource: _Resource,
        new_resource_name: str,
        cloudformation_json: _Template,
        account_id: str,
        region_name: str,
    ) -> _Resource:
        """Replace a resource, as all changes do here; raises moto's ValidationError for one with a name of its own, as AWS does."""
        if cloudformation_json["Properties"].get(self.name) == original_resource.name:
            refuse(
                "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
                f"Rename {original_resource.name} and update the stack again."
            )
        made = self.create_from_cloudformation_json(new_resource_name, cloudformation_json, account_id, region_name)
        original_resource.delete(account_id, region_name)
        return made


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
