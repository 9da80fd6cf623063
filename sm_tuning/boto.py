"""Types of boto3, which makes its classes at run time: nothing more is known of them without stubs."""

from typing import Any, TypeAlias

Client: TypeAlias = Any
Session: TypeAlias = Any
