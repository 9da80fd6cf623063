"""Stacks with resources of SageMaker: they wait for their endpoints, and what refers to a replaced resource follows it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from local_emulator.cloud.moto_modules import MotoObject, Original, moto, patched
from local_emulator.cloud.moto_patches.cloudformation import references, roll_back

_READS = ("describe_stacks", "get_stack", "list_stacks")
_IN_PROGRESS = "_IN_PROGRESS"


@dataclass
class Record(ABC):
    """A resource that is a record of the API; moto sets the last two members."""

    physical_resource_id: str
    cf_resource_type: str = field(default="", init=False)
    logical_resource_id: str = field(default="", init=False)

    @property
    @abstractmethod
    def replaced(self) -> bool:
        """Whether a change replaces it, so that its name and ARN become others."""

    @abstractmethod
    def is_created(self) -> bool:
        """Whether nothing of it is still coming."""

    @abstractmethod
    def failure(self) -> str | None:
        """Why it is not what the stack asks for, and will not be."""


@contextmanager
def applied() -> Iterator[None]:
    """Patch moto's stacks until the context ends."""
    models, resources = moto("cloudformation.models"), moto("cloudformation.parsing").ResourceMap
    backend = models.CloudFormationBackend
    wrapped = [
        (models.Stack, "update", _update),
        (backend, "execute_change_set", _execute_change_set),
        (resources, "build_resource_diff", _difference),
        *((backend, name, _settled) for name in _READS),
    ]
    with patched((owner, name, wrapper(getattr(owner, name))) for owner, name, wrapper in wrapped):
        yield


# --- what an update changes ---------------------------------------------------------------------------------------------------


def _difference(original: Original) -> Original:
    """What an update adds, modifies and removes: also what refers to what is replaced, each after what it refers to."""

    def difference(resources: MotoObject, template: Mapping[str, Any], *parameters: object) -> Mapping[str, list[str]]:
        changes: Mapping[str, list[str]] = original(resources, template, *parameters)
        present = resources._parsed_resources  # noqa: SLF001 - moto's map is what is patched
        declared = {name: references(resource, {}) for name, resource in template["Resources"].items()}
        modified: list[str] = []
        replaced: set[str] = set()
        for name in _ordered(declared):
            made = present.get(name)
            if made is not None and (name in changes["Modify"] or declared[name] & replaced):
                modified.append(name)
                if isinstance(made, Record) and made.replaced:
                    replaced.add(name)
        return {**changes, "Modify": modified}

    return difference


def _ordered(declared: Mapping[str, set[str]]) -> list[str]:
    """Names of resources, each after those that it refers to."""
    ordered: list[str] = []

    def visit(name: str, above: frozenset[str]) -> None:
        if name not in declared or name in ordered or name in above:
            return
        for other in sorted(declared[name]):
            visit(other, above | {name})
        ordered.append(name)

    for name in declared:
        visit(name, frozenset())
    return ordered


# --- waiting ------------------------------------------------------------------------------------------------------------------


def _update(original: Original) -> Original:
    """An update that goes on until the stack's endpoints are in service."""

    def update(stack: MotoObject, *args: object, **kwargs: object) -> None:
        original(stack, *args, **kwargs)
        _wait(stack)

    return update


def _execute_change_set(original: Original) -> Original:
    """A change set whose stack is in progress until its endpoints are in service."""

    def execute(backend: MotoObject, change_set_name: str, stack_name: str | None = None) -> None:
        stack_id = backend.describe_change_set(change_set_name).stack_id
        original(backend, change_set_name, stack_name)
        _wait(backend.stacks[stack_id])

    return execute


def _wait(stack: MotoObject) -> None:
    """Take back that a stack is complete, and the event that says so, if its endpoints are not in service."""
    if stack.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"} and not all(record.is_created() for record in _records(stack)):
        while stack.events and stack.events[-1].resource_status == stack.status:
            stack.events.pop()
        stack.status = stack.status.replace("_COMPLETE", _IN_PROGRESS)


def _settled(original: Original) -> Original:
    """What reads stacks, after it has ended those in progress whose endpoints have come or failed."""

    def read(backend: MotoObject, *args: object, **kwargs: object) -> object:
        for stack in list(backend.stacks.values()):
            if stack.status in {f"CREATE{_IN_PROGRESS}", f"UPDATE{_IN_PROGRESS}"}:
                _settle(stack)
        return original(backend, *args, **kwargs)

    return read


def _settle(stack: MotoObject) -> None:
    action = stack.status.removesuffix(_IN_PROGRESS)
    failed = next((record for record in _records(stack) if record.failure()), None)
    if failed is not None:
        event = moto("cloudformation.models").Event
        names = failed.logical_resource_id, failed.physical_resource_id, failed.cf_resource_type
        stack.events.append(event(stack.stack_id, stack.name, *names, f"{action}_FAILED", failed.failure(), None))
        if action == "CREATE":
            roll_back(stack)
        _end(stack, "ROLLBACK_COMPLETE" if action == "CREATE" else "UPDATE_ROLLBACK_FAILED")  # moto keeps no earlier state
    elif all(record.is_created() for record in _records(stack)):
        _end(stack, f"{action}_COMPLETE")


def _end(stack: MotoObject, status: str) -> None:
    stack.status = status
    stack._add_stack_event(status)  # noqa: SLF001 - how moto's stacks tell of themselves


def _records(stack: MotoObject) -> list[Record]:
    return [made for made in stack.resource_map._parsed_resources.values() if isinstance(made, Record)]  # noqa: SLF001 - moto's map is what is patched
