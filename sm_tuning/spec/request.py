"""Members of AWS's requests."""

from typing import Any


def given(**members: object) -> dict[str, Any]:
    """Those members that have a value."""
    return {name: value for name, value in members.items() if value is not None}
