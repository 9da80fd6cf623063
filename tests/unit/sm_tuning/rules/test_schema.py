"""The rules of single members; tests/unit/local_emulator/api/test_validation.py breaks every constraint of the model."""

import sys
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest
import regex

from sm_tuning.rules import schema
from tests.unit.sm_tuning.rules.requests import TUNING, changed

CREATE = "CreateHyperParameterTuningJob"
D = "TrainingJobDefinition"
C = "HyperParameterTuningJobConfig"
ASSIGNED = [
    character for code in range(sys.maxunicode + 1) if unicodedata.category(character := chr(code)) not in {"Cn", "Cs", "Co"}
]


def test_a_good_request() -> None:
    assert [*schema.type_violations(CREATE, TUNING), *schema.violations(CREATE, TUNING)] == []


@pytest.mark.parametrize(
    ("path", "value", "violation"),
    [
        ("HyperParameterTuningJobName", "a_b", ("model-pattern", "HyperParameterTuningJobName", "it must match ")),
        ("C.Strategy", "Gird", ("model-enum", f"{C}.Strategy", "it must be one of Bayesian, Random, Hyperband, Grid")),
        (
            "C.ResourceLimits.MaxParallelTrainingJobs",
            0,
            ("model-min", f"{C}.ResourceLimits.MaxParallelTrainingJobs", "it must be at least 1"),
        ),
        (
            "D.AlgorithmSpecification.TrainingImage",
            "x" * 256,
            ("model-max", f"{D}.AlgorithmSpecification.TrainingImage", "it must have at most 255 characters"),
        ),
        (
            "C.ParameterRanges.CategoricalParameterRanges.0",
            {"Name": "c"},
            ("model-required", f"{C}.ParameterRanges.CategoricalParameterRanges[0].Values", "it is required"),
        ),
        (
            "D.StaticHyperParameters",
            {"x": "v" * 2501},
            ("model-max", f"{D}.StaticHyperParameters.x", "it must have at most 2500 characters"),
        ),
        ("D.Environment", {"a b": "c"}, ("model-pattern", f"{D}.Environment (key)", "it must match ")),
    ],
)
def test_violations(path: str, value: Any, violation: tuple[str, str, str]) -> None:
    (broken,) = schema.violations(CREATE, changed(TUNING, {path: value}))
    rule, where, requirement = violation
    assert (broken.rule, broken.path) == (rule, where)
    assert broken.requirement.startswith(requirement)


def test_the_sentence_of_a_map_holds_all_its_constraints_once() -> None:
    """AWS's recorded form; each key that is wrong is a violation of its own."""
    first, second = schema.violations(CREATE, changed(TUNING, {"D.Environment": {"1st": "a", "b c": "d"}}))
    assert first.message == second.message
    assert first.message.startswith(
        "Value '{1st=a, b c=d}' at 'trainingJobDefinition.environment' failed to satisfy constraint: Map keys must satisfy "
        "constraint: [Member must have length less than or equal to 512, Member must have length greater than or equal to 0, "
        "Member must satisfy regular expression pattern: "
    )
    assert (first.value, second.value) == ("1st", "b c")


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("HyperParameterTuningJobName", 5, "NUMBER_VALUE can not be converted to a String (at 'hyperParameterTuningJobName')"),
        (
            "C.ResourceLimits",
            [],
            "START_ARRAY can not be converted to an Object (at 'hyperParameterTuningJobConfig.resourceLimits')",
        ),
        (
            "C.ResourceLimits.MaxParallelTrainingJobs",
            True,
            (
                "BOOLEAN_VALUE can not be converted to an Integer (at "
                "'hyperParameterTuningJobConfig.resourceLimits.maxParallelTrainingJobs')"
            ),
        ),
        (
            "D.EnableNetworkIsolation",
            "yes",
            "STRING_VALUE can not be converted to a Boolean (at 'trainingJobDefinition.enableNetworkIsolation')",
        ),
        (
            "D.StaticHyperParameters",
            {"x": {}},
            "START_OBJECT can not be converted to a String (at 'trainingJobDefinition.staticHyperParameters.x.member')",
        ),
        (
            "C.ParameterRanges.CategoricalParameterRanges.0.Values",
            [3.5],
            (
                "NUMBER_VALUE can not be converted to a String (at "
                "'hyperParameterTuningJobConfig.parameterRanges.categoricalParameterRanges.1.member.values.1.member')"
            ),
        ),
    ],
)
def test_types(path: str, value: Any, sentence: str) -> None:
    (broken,) = schema.type_violations(CREATE, changed(TUNING, {path: value}))
    assert (broken.rule, broken.message) == ("model-type", sentence)


def test_what_is_not_finite_is_no_number() -> None:
    request = changed(TUNING, {"C.TuningJobCompletionCriteria": {"TargetObjectiveMetricValue": float("nan")}})
    (broken,) = schema.type_violations(CREATE, request)
    assert (broken.rule, broken.requirement) == ("model-type", "it must be a number")


def test_what_the_model_does_not_know_is_as_good_as_absent() -> None:
    request = changed(TUNING, {"Other": 1, "D.Other": {"deep": 1}, "D.RetryStrategy": None})
    assert [*schema.type_violations(CREATE, request), *schema.violations(CREATE, request)] == []
    assert schema.known(schema.operation(CREATE).input_shape, request) == TUNING


def patterns(shape: Any, above: tuple[str, ...] = ()) -> Iterator[str]:
    """The patterns of a shape that Python's `re` cannot read."""
    if shape.name in above:
        return
    if r"\p" in (pattern := shape.metadata.get("pattern", "")):
        yield pattern
    inner = {"structure": ("members",), "list": ("member",), "map": ("key", "value")}.get(shape.type_name, ())
    for attribute in inner:
        value = getattr(shape, attribute)
        for member in value.values() if attribute == "members" else (value,):
            yield from patterns(member, (*above, shape.name))


PATTERNS = sorted({pattern for name in (CREATE, "CreateTrainingJob") for pattern in patterns(schema.operation(name).input_shape)})


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_with_unicode_properties(pattern: str) -> None:
    """Each character that this Python knows is judged as the `regex` package does, but by Java's ASCII for `\\p{Alnum}`."""
    ours, theirs = schema.compiled(pattern), regex.compile(pattern.replace(r"\p{Alnum}", "a-zA-Z0-9"))
    inside = [f"arn:{character}:lambda:x:123456789012:function:f" for character in ASSIGNED[:3000]]
    texts = ["", *ASSIGNED] if ours.fullmatch("") else inside
    assert [text for text in texts if bool(ours.fullmatch(text)) != bool(theirs.fullmatch(text))] == []


def test_a_map_may_have_an_empty_name() -> None:
    request = changed(TUNING, {"D.StaticHyperParameters": {"": 5}})
    (broken,) = schema.type_violations(CREATE, request)
    assert (broken.path, broken.message) == (
        f"{D}.StaticHyperParameters.",
        "NUMBER_VALUE can not be converted to a String (at 'trainingJobDefinition.staticHyperParameters..member')",
    )


def test_every_constraint_that_is_checked_first_has_its_rule() -> None:
    """A value is looked at before the rules are asked: what is not seen there is not seen at all."""
    assert [rule.name for rule in schema.CONSTRAINTS.rules] == [f"model-{word}" for word in schema._HOLDS]


def test_every_pattern_of_the_model_can_be_read() -> None:
    shapes = [schema.service().shape_for(name) for name in schema.service().shape_names]
    for pattern in {shape.metadata["pattern"] for shape in shapes if "pattern" in shape.metadata}:
        schema.compiled(pattern)
    described = schema.compiled(schema.service().shape_for("EntityDescription").metadata["pattern"])
    assert described.fullmatch("100 % “better”, 5 € — e\u0301 😀")
    assert not described.fullmatch("two\nlines")
