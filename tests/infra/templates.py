"""A template as CloudFormation would carry it out with some parameters: conditions decided, functions evaluated, nothing created."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.infra.iam import Call, Statement, allowed

ACCOUNT = "123456789012"
# What KMS would call what a stack makes.
_IDS = {"Key": "1234"}


_Loader: Any = type("_Loader", (yaml.SafeLoader,), {})


def _short_form(loader: Any, tag: str, node: Any) -> Any:
    """A function by its short form."""
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    name = tag if tag in {"Ref", "Condition"} else f"Fn::{tag}"
    return {name: value.split(".", 1) if tag == "GetAtt" else value}


_Loader.add_multi_constructor("!", _short_form)


def loaded(path: str | Path) -> Mapping[str, Any]:
    """A template with its functions in their long forms."""
    document: Mapping[str, Any] = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader
    return document


class Evaluated:
    """The resources of a template in a region, with the defaults of the parameters that are not given."""

    def __init__(self, path: str | Path, region: str = "us-east-1", **parameters: str) -> None:
        self.template = loaded(path)
        assert parameters.keys() <= self.template["Parameters"].keys(), parameters
        self._facts: dict[str, Any] = {
            "AWS::Partition": "aws",
            "AWS::AccountId": ACCOUNT,
            "AWS::Region": region,
        }
        for name, declaration in self.template["Parameters"].items():
            text = str(parameters.get(name, declaration.get("Default", "")))
            self._facts[name] = text.split(",") if declaration["Type"] == "CommaDelimitedList" else text
        self.resources = {
            name: self.value(resource)
            for name, resource in self.template["Resources"].items()
            if "Condition" not in resource or self.holds(resource["Condition"])
        }

    def holds(self, condition: str) -> bool:
        return bool(self.value(self.template["Conditions"][condition]))

    def value(self, node: Any) -> Any:
        """A part of the template, evaluated; None is AWS::NoValue."""
        if isinstance(node, list):
            return [value for value in map(self.value, node) if value is not None]
        if not isinstance(node, dict):
            return node
        if len(node) == 1 and (name := next(iter(node))) in _FUNCTIONS:
            return _FUNCTIONS[name](self, node[name])
        plain = {
            name: value if name == "Condition" and isinstance(value, str) else self.value(value) for name, value in node.items()
        }
        return {name: value for name, value in plain.items() if value is not None}

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return None
        if name in self._facts:
            return self._facts[name]
        if self.template["Resources"][name]["Type"] == "AWS::IAM::ManagedPolicy":
            named = self.value(self.template["Resources"][name]["Properties"]["ManagedPolicyName"])
            return f"arn:aws:iam::{ACCOUNT}:policy/{named}"
        return _IDS.get(name, name)

    def _attribute(self, path: list[str]) -> str:
        name, attribute = path
        resource = self.template["Resources"][name]
        if resource["Type"] == "AWS::IAM::Role":
            return f"arn:aws:iam::{ACCOUNT}:role/{self.value(resource['Properties']['RoleName'])}"
        if resource["Type"] == "AWS::KMS::Key":
            return f"arn:aws:kms:{self._facts['AWS::Region']}:{ACCOUNT}:key/{_IDS[name]}"
        return _IDS.get(name, f"{name}.{attribute}")

    def _sub(self, argument: Any) -> str:
        text, own = argument if isinstance(argument, list) else (argument, {})
        facts = {name: self.value(value) for name, value in own.items()}

        def replaced(match: re.Match[str]) -> str:
            name = match[1]
            return str(facts[name] if name in facts else self._attribute(name.split(".")) if "." in name else self._ref(name))

        return re.sub(r"\$\{([^}]+)\}", replaced, text)

    def _if(self, argument: list[Any]) -> Any:
        name, then, otherwise = argument
        return self.value(then if self.holds(name) else otherwise)


_FUNCTIONS: Mapping[str, Any] = {
    "Ref": Evaluated._ref,
    "Condition": Evaluated.holds,
    "Fn::GetAtt": Evaluated._attribute,
    "Fn::Sub": Evaluated._sub,
    "Fn::If": Evaluated._if,
    "Fn::Join": lambda self, argument: argument[0].join(self.value(argument[1])),
    "Fn::Select": lambda self, argument: self.value(argument[1])[int(argument[0])],
    "Fn::Equals": lambda self, argument: str(self.value(argument[0])) == str(self.value(argument[1])),
    "Fn::Not": lambda self, argument: not self.value(argument)[0],
    "Fn::And": lambda self, argument: all(self.value(argument)),
    "Fn::Or": lambda self, argument: any(self.value(argument)),
}


class Principal:
    """A role of an evaluated template: its own policies, those that name it, and its boundary."""

    def __init__(self, stack: Evaluated, role: str) -> None:
        properties = stack.resources[role]["Properties"]
        managed = {stack.value({"Ref": name}): document for name, document in _documents(stack, "AWS::IAM::ManagedPolicy")}
        self.name: str = properties["RoleName"]
        self.trust = properties["AssumeRolePolicyDocument"]["Statement"]
        documents = [policy["PolicyDocument"] for policy in properties.get("Policies", ())]
        documents += [managed[arn] for arn in properties.get("ManagedPolicyArns", ())]
        documents += [
            resource["Properties"]["PolicyDocument"]
            for resource in stack.resources.values()
            if resource["Type"] == "AWS::IAM::Policy" and role in resource["Properties"]["Roles"]
        ]
        self.statements: list[Statement] = [statement for document in documents for statement in document["Statement"]]
        self.boundary: list[Statement] = managed[properties["PermissionsBoundary"]]["Statement"]

    def may(self, call: Call) -> bool:
        """Whether IAM allows a call."""
        return allowed(self.statements, call, self.boundary)

    @property
    def actions(self) -> set[str]:
        return {action for statement in self.statements for action in actions(statement)}


def actions(statement: Statement) -> list[str]:
    """A statement's actions, one or several."""
    action = statement["Action"]
    return [action] if isinstance(action, str) else list(action)


def _documents(stack: Evaluated, kind: str) -> list[tuple[str, Mapping[str, Any]]]:
    return [(name, made["Properties"]["PolicyDocument"]) for name, made in stack.resources.items() if made["Type"] == kind]
