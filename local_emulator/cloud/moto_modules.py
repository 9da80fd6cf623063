"""moto's modules, imported at their first use.

Together they take most of a second to import, for which neither a start nor a test that needs no AWS service has to wait. All code
that uses moto gets its modules here; there are no import statements inside functions.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import Any, TypeAlias
from unittest.mock import patch

from local_emulator.domain.names import AwsScope

_OF_PARTITIONS = frozenset({"budgets", "iam", "s3", "sts"})  # services that are the same in all regions of a partition

MotoObject: TypeAlias = Any
"""An object, a class or a module of moto's; untyped, as the type checker cannot follow modules that are imported late."""


def moto(name: str) -> MotoObject:
    """The module `moto.<name>`; raises ImportError where a package that it needs is missing."""
    return import_module(f"moto.{name}")


def backend(service: str, scope: AwsScope) -> MotoObject:
    """A service of moto's as it is in a region of an account."""
    where = scope.partition if service in _OF_PARTITIONS else scope.region
    return moto("backends").get_backend(service)[scope.account][where]


Original: TypeAlias = Callable[..., Any]
"""The function of moto's that a patch stands for."""


Member: TypeAlias = tuple[MotoObject, str, Callable[..., Any]]
"""An owner in moto, a name, and the function that is to be its member of that name, which moto may lack."""


@contextmanager
def patched(members: Iterable[Member]) -> Iterator[None]:
    """Let functions be members of moto's until the context ends."""
    with ExitStack() as patches:
        for owner, name, function in members:
            patches.enter_context(patch.object(owner, name, function, create=True))
        yield


def wrap(owner: MotoObject, name: str, by: Callable[..., Any]) -> None:
    """Let `by` be called in place of a function, with that function as its first argument."""
    original = getattr(owner, name)

    def wrapped(*args: object, **kwargs: object) -> object:
        return by(original, *args, **kwargs)

    # A bound method here is a class method, which has its class already.
    setattr(owner, name, staticmethod(wrapped) if hasattr(original, "__self__") else wrapped)
