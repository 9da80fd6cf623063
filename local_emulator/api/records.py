"""What the operations on records of all kinds have in common: a record is added, read, changed, stopped, deleted and listed."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from local_emulator.api.context import Context
from local_emulator.api.paging import with_token
from local_emulator.domain.errors import AlreadyExists, AwsError, Conflict, NotFound, ResourceInUse, ValidationException
from local_emulator.domain.jobs import Document, Record, RunJob, Status
from local_emulator.domain.names import Arn
from local_emulator.domain.training import TrainingJob
from local_emulator.domain.tuning import TuningJob
from local_emulator.store.base import J, Query, Table

K = TypeVar("K", TuningJob, TrainingJob, RunJob)


def add(table: Table[J], record: J, taken: AwsError) -> None:
    """Keep a new record; raises `taken` if there is one of its name."""
    try:
        table.add(record)
    except AlreadyExists as error:
        raise taken from error


def get(table: Table[J], arn: Arn, missing: AwsError) -> J:
    """The record of an ARN; raises `missing` if there is none."""
    try:
        return table.get(arn)
    except NotFound as error:
        raise missing from error


def change(context: Context, read: Callable[[], J], changed: Callable[[J], J | None]) -> tuple[J, bool]:
    """The record that `read` reads as it is then, and whether it was changed.

    `changed` gives what it is to be, or None if it is that already; it is asked again if another has changed the record meanwhile.
    """
    while True:
        record = read()
        wanted = changed(record)
        if wanted is None:
            return record, False
        try:
            return context.store.table(record.arn).put(wanted), True
        except (Conflict, NotFound):
            continue


def delete(context: Context, record: Record, read: Callable[[], object]) -> None:
    """Delete a record; if another has deleted it meanwhile, `read` raises AWS's error."""
    try:
        context.store.table(record.arn).delete(record.arn)
    except NotFound:
        read()


def listed(
    table: Table[J], operation: str, request: Document, query: Query, shown: tuple[str, Callable[[J], Document]]
) -> Document:
    """The answer of a List operation; `shown` names its items and makes them."""
    page = table.find(query)
    name, summary = shown
    return with_token(operation, request, {name: [summary(record) for record in page.items]}, page.next)


# --- jobs -------------------------------------------------------------------------------------------------------------------


def taken(noun: str, job: Record) -> ResourceInUse:
    """The error that answers a request for a job whose name is taken; `noun` is what a job of its kind is called."""
    return ResourceInUse(
        f"{noun.capitalize()} names must be unique within an AWS account and region, and a {noun} with this name already "
        f"exists ({job.arn})"
    )


def stop(context: Context, read: Callable[[], K], what: str) -> None:
    """Stop a job, unless it is stopping; raises ValidationException if it has ended.

    `what` is the beginning of what AWS then says of the job, in which `{}` stands for its name.
    """

    def stopping(job: K) -> K | None:
        if job.status.terminal:
            raise ValidationException(
                f"The request was rejected because the {what.format(job.name)} in status {job.status.value}."
            )
        if job.status is Status.STOPPING:
            return None
        return replace(job, status=Status.STOPPING, modified=max(context.now(), job.modified))

    _, changed = change(context, read, stopping)
    if changed:
        context.notify()


def check_ended(job: TuningJob | TrainingJob | RunJob, noun: str, refusal: type[AwsError] = ResourceInUse) -> None:
    """Raise a refusal to delete a job that has not ended."""
    if not job.status.terminal:
        raise refusal(
            f"The {noun} {job.name} is not in a terminal state: its status is {job.status.value}. "
            "Stop it or wait for its end before you delete it."
        )
