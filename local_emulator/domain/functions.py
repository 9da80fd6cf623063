"""Functions of AWS Lambda, as pipelines invoke them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class DeployedFunction:
    """A function that was made by CreateFunction.

    Args:
        runtime: As AWS names it: `python3.12`; None for a container image.
        handler: `MODULE.FUNCTION`; packages are separated by dots or slashes.
        archive: Its code, a zip file.
        layers: Whether it has layers.
        timeout: Seconds that a call may take.
        environment: Its environment variables.
    """

    runtime: str | None
    handler: str
    archive: bytes
    layers: bool = False
    timeout: float = 3.0
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def problem(self) -> str | None:
        """Why it cannot be called here; None if it can."""
        if not (self.runtime or "").startswith("python"):
            return f"its runtime is {self.runtime or 'a container image'}, and functions in Python run here alone"
        return "it has layers, which are not emulated" if self.layers else None


FindFunction = Callable[[str], DeployedFunction | None]
"""The function of an ARN, with or without a version or alias; None if there is none."""
