"""Parameters of a template: their constraints, its rules about them."""

from collections.abc import Mapping
from typing import Any, NoReturn

import regex

from local_emulator.cloud.moto_modules import MotoObject, Original, moto

_MATCHES_WITHIN = 0.5  # seconds for one pattern and one value


def _matches(name: str, pattern: str, value: str) -> bool:
    """Whether a value of a parameter matches its AllowedPattern; a pattern that is invalid or takes too long is refused."""
    try:
        return regex.fullmatch(pattern, value, timeout=_MATCHES_WITHIN) is not None
    except (regex.error, TimeoutError) as error:
        refuse(f"Parameter '{name}' cannot be matched with its pattern {pattern}: {error}")


def load_parameters(original: Original, resources: MotoObject) -> None:
    """Check parameters against their constraints and the template's rules; the default of a list is a list too."""
    original(resources)
    for name, declaration in resources._template.get("Parameters", {}).items():  # noqa: SLF001 - moto's map is what is patched
        value = resources.resolved_parameters[name]
        if isinstance(value, str) and declaration["Type"] == "CommaDelimitedList":
            value = resources.resolved_parameters[name] = resources._parsed_resources[name] = value.split(",")  # noqa: SLF001 - see above
        _check(name, declaration, [str(item) for item in value] if isinstance(value, list) else [str(value)])
    for rule in resources._template.get("Rules", {}).values():  # noqa: SLF001 - see above
        if _is_true(rule.get("RuleCondition", True), resources):
            for assertion in rule["Assertions"]:
                if not _is_true(assertion["Assert"], resources):
                    refuse(f"Rule assertion failed: {assertion.get('AssertDescription', assertion['Assert'])}")


def _is_true(condition: MotoObject, resources: MotoObject) -> bool:
    return bool(moto("cloudformation.parsing").parse_condition(condition, resources, {}))


def with_previous_values(original: Original, response: MotoObject) -> object:
    """An update with the values of UsePreviousValue as they were given, or as the template's default: moto has what they came to."""
    given = response._get_param("Parameters") or []  # noqa: SLF001 - how moto's responses are read
    if any(parameter.get("UsePreviousValue") for parameter in given):
        stack = response.cloudformation_backend.get_stack(response._get_param("StackName"))  # noqa: SLF001 - see above
        defaults = stack.template_dict.get("Parameters", {})
        previous = {
            name: declaration.get("Default") for name, declaration in defaults.items()
        } | stack.resource_map.input_parameters
        values = [
            {"ParameterKey": parameter["ParameterKey"], "ParameterValue": previous.get(parameter["ParameterKey"])}
            if parameter.get("UsePreviousValue") and previous.get(parameter["ParameterKey"]) is not None
            else parameter
            for parameter in given
        ]
        response.params = {**response.params, "Parameters": values}
    return original(response)


def _check(name: str, declaration: Mapping[str, Any], values: list[str]) -> None:
    """Refuse values that break the constraints of their parameter."""
    if "AllowedPattern" in declaration and not all(_matches(name, declaration["AllowedPattern"], value) for value in values):
        refuse(f"Parameter '{name}' must match pattern {declaration['AllowedPattern']}")
    if "AllowedValues" in declaration and not set(values) <= {str(value) for value in declaration["AllowedValues"]}:
        refuse(f"Parameter '{name}' must be one of AllowedValues")
    low, high = float(declaration.get("MinValue", "-inf")), float(declaration.get("MaxValue", "inf"))
    if declaration["Type"] == "Number" and not low <= float(values[0]) <= high:
        refuse(f"Parameter '{name}' must be a number between {low:g} and {high:g}")


def refuse(message: str) -> NoReturn:
    """Refuse as CloudFormation refuses what is wrong in a request."""
    raise moto("cloudformation.exceptions").ValidationError(message=message)
