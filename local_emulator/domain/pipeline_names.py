"""Names of what the steps of an execution make: functions of execution, step and attempt, so that nothing is made twice."""

import string
from hashlib import sha256

from local_emulator.domain.pipeline import StepKind

_LETTERS = string.digits + string.ascii_letters
_TOKEN, _LONGEST_STEP, _LONGEST_STEP_OF_TUNING, _LONGEST, _LONGEST_OF_TUNING = 10, 20, 8, 63, 32


def job_name(execution: str, step: str, kind: StepKind, attempt: int, prefix: str | None = None) -> str:
    """`pipelines-EXECUTION-STEP-TOKEN`; a tuning job's has no `pipelines`. `prefix` is a name in the step's arguments."""
    token = token_of(f"{execution}\n{step}\n{attempt}", _TOKEN)
    if prefix is not None:
        longest = _LONGEST_OF_TUNING if kind is StepKind.TUNING else _LONGEST
        return f"{prefix[: longest - _TOKEN - 1]}-{token}"
    if kind is StepKind.TUNING:
        return f"{execution}-{step[:_LONGEST_STEP_OF_TUNING]}-{token}"
    return f"pipelines-{execution}-{step[:_LONGEST_STEP]}-{token}"


def token_of(seed: str, length: int, letters: str = _LETTERS) -> str:
    """Letters and digits that follow from a seed."""
    number = int.from_bytes(sha256(seed.encode()).digest(), "big")
    token = ""
    for _ in range(length):
        number, index = divmod(number, len(letters))
        token += letters[index]
    return token


def execution_id(seed: str) -> str:
    """The 12 lower-case letters and digits of an execution."""
    return token_of(seed, 12, string.digits + string.ascii_lowercase)


def function_name(arn: str) -> str:
    """The name in the ARN of a function of AWS Lambda, or the name itself; without version or alias."""
    parts = arn.split(":")
    return parts[6] if len(parts) > 6 else parts[-1]  # noqa: PLR2004 - arn:aws:lambda:REGION:ACCOUNT:function:NAME:VERSION
