"""What a step's results are cached by: AWS's default cache key attributes of each type of step."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from local_emulator.domain.jobs import Document
from local_emulator.domain.pipeline import Step, StepKind

_OF_DEFINITIONS = (
    "AlgorithmSpecification",
    "HyperParameterRanges",
    "InputDataConfig",
    "StaticHyperParameters",
    "TuningObjective",
)
_ATTRIBUTES: Mapping[StepKind, tuple[str, ...]] = {
    StepKind.PROCESSING: ("AppSpecification", "Environment", "ProcessingInputs"),
    StepKind.TRAINING: (
        "AlgorithmSpecification",
        "CheckpointConfig",
        "DebugHookConfig",
        "DebugRuleConfigurations",
        "Environment",
        "HyperParameters",
        "InputDataConfig",
    ),
    StepKind.TUNING: ("HyperParameterTuningJobConfig", "TrainingJobDefinition", "TrainingJobDefinitions"),
    StepKind.TRANSFORM: ("DataProcessing", "Environment", "ModelName", "TransformInput"),
}


def key_of(step: Step, arguments: Document) -> str:
    """Digest of what decides whether results can be taken again; the functions in the arguments have been replaced."""
    names = _ATTRIBUTES.get(step.kind)
    chosen: dict[str, Any] = {name: arguments[name] for name in names or arguments if name in arguments}
    if "TrainingJobDefinition" in chosen:
        definition = chosen["TrainingJobDefinition"]
        chosen["TrainingJobDefinition"] = {name: definition[name] for name in _OF_DEFINITIONS if name in definition}
    content = [step.kind, step.name, step.function_arn, chosen]
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
