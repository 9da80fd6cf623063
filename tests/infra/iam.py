"""Which calls policies allow, as the emulator evaluates IAM: Deny beats Allow, a boundary bounds, every condition counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local_emulator.cloud.moto_patches.policies import decide

Statement = Mapping[str, Any]


@dataclass(frozen=True)
class Call:
    """One call as IAM sees it: `context` holds the condition keys that come with it."""

    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        return f"{self.action} on {self.resource}" + (f" with {dict(self.context)}" if self.context else "")


def allowed(statements: Sequence[Statement], call: Call, boundary: Sequence[Statement] | None = None) -> bool:
    """Whether these statements, within a boundary's, allow a call."""
    bounds = None if boundary is None else {"Statement": list(boundary)}
    return decide([{"Statement": list(statements)}], bounds, call.action, call.resource, call.context).verdict == "allowed"
