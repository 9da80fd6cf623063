"""Every way to refuse, as a tree; each leaf that reaches a client carries AWS's own code.

EmulatorError
├── AwsError                     answered to the client as it is
│   ├── ValidationException      the request breaks a rule
│   ├── ResourceInUse            the name is taken
│   ├── ConflictException        the resource is used by another
│   ├── ResourceNotFound         there is no such resource
│   ├── ResourceLimitExceeded    a quota or this machine's limit
│   ├── ThrottlingException      too many requests (only if faults are injected)
│   ├── SerializationException   the body is not the protocol's
│   ├── UnknownOperationException   also: nothing here would carry it out
│   ├── ValidationError         nothing to invoke
│   └── InternalFailure          our own fault, told without a 5xx page
├── InUse                        another process uses what this one needs: a state folder, a port
├── StoreError
│   ├── AlreadyExists
│   ├── NotFound
│   ├── Conflict                 the record's version is no longer the stored one
│   ├── ImpossibleTransition     no job goes from the stored status to the record's
│   ├── Damaged                  a file of the state is not what was written
│   ├── Unreadable               the record is damaged, or of a newer version
│   └── StoreUnavailable         nothing can be read or written for now: the disk is full
└── RunError                     a run cannot be prepared, or its results not be kept; its text is the FailureReason
"""

import errno
from typing import ClassVar

INTERNAL_ERROR = "InternalServerError: We encountered an internal error. Please try again."
"""FailureReason of a job that failed through no fault of its own; what follows in brackets says why."""

PASSING = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN}


class EmulatorError(Exception):
    """Anything this package raises on purpose."""


class AwsError(EmulatorError):
    """An error in AWS's own form: a code and a message, always HTTP 400 (a 5xx makes clients repeat the call)."""

    code: ClassVar[str] = "InternalFailure"

    @property
    def message(self) -> str:
        """The text a client shows."""
        return str(self)


class ValidationException(AwsError):  # noqa: N818 - AWS's name
    """The request breaks a rule of the API. `rules` are the names of those rules that docs/rules.md lists."""

    code = "ValidationException"

    def __init__(self, message: str, rules: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.rules = rules


class ThrottlingException(AwsError):  # noqa: N818 - AWS's name
    """Too many requests; the client is to try again."""

    code = "ThrottlingException"


class ResourceInUse(AwsError):  # noqa: N818 - AWS's name
    """The name is taken."""

    code = "ResourceInUse"


class ConflictException(AwsError):  # noqa: N818 - AWS's name
    """The resource is used by another."""

    code = "ConflictException"


class ResourceNotFound(AwsError):  # noqa: N818 - AWS's name
    """There is no such resource."""

    code = "ResourceNotFound"


class ResourceLimitExceeded(AwsError):  # noqa: N818 - AWS's name
    """A quota, or a limit of this machine, is reached."""

    code = "ResourceLimitExceeded"


class SerializationException(AwsError):  # noqa: N818 - AWS's name
    """The body is not AWS JSON 1.1."""

    code = "SerializationException"


class UnknownOperationException(AwsError):  # noqa: N818 - AWS's name
    """No such operation."""

    code = "UnknownOperationException"


class ValidationError(AwsError):
    """The runtime API's ValidationException: no endpoint of that name answers invocations, for one."""

    code = "ValidationError"


class InternalFailure(AwsError):  # noqa: N818 - AWS's name
    """Our own fault."""

    code = "InternalFailure"


class InUse(EmulatorError):  # noqa: N818 - reads as a fact
    """Another process uses what this one needs."""


class StoreError(EmulatorError):
    """The store cannot do what was asked."""


class AlreadyExists(StoreError):  # noqa: N818 - reads as a fact
    """A record of that name is there."""


class NotFound(StoreError):  # noqa: N818 - reads as a fact
    """No record of that name."""


class Conflict(StoreError):  # noqa: N818 - reads as a fact
    """The record was changed since it was read."""


class ImpossibleTransition(StoreError):  # noqa: N818 - reads as a fact
    """A job cannot go from its stored status to the new one."""


class Damaged(StoreError):  # noqa: N818 - reads as a fact
    """A file of the state folder is not what was written; the text says what to do."""


class Unreadable(StoreError):  # noqa: N818 - reads as a fact
    """A record cannot be read; the text says which, and why."""


class StoreUnavailable(StoreError):  # noqa: N818 - reads as a fact
    """The store can do nothing for now (its disk is full, say); it may be asked again."""


class RunError(EmulatorError):
    """A job cannot run, or its results cannot be kept. The text is its FailureReason, AWS's prefix (`ClientError: …`) included."""


def is_passing(error: OSError) -> bool:
    """Whether an error is this machine's rather than a job's, and may be over in a moment: a full disk, too many open files."""
    return error.errno in PASSING
