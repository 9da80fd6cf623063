"""An invocation of an asynchronous endpoint that has been accepted and is not answered yet; then its record goes."""

from dataclasses import dataclass

from local_emulator.domain.jobs import RecordStatus, Resource


class InvocationStatus(RecordStatus):
    """Nothing follows: an answered invocation has no record."""

    QUEUED = "Queued"
    FAILED = "Failed"  # of a record that cannot be read

    @property
    def may_follow(self) -> frozenset["InvocationStatus"]:
        """What may follow."""
        return frozenset({InvocationStatus.FAILED}) if self is InvocationStatus.QUEUED else frozenset()


@dataclass(frozen=True, kw_only=True)
class QueuedInvocation(Resource):
    """An accepted invocation, named by a token; its `body` is base64, or else S3 has it at `location`.

    `output` and `failure` are URIs of S3 where its answer, or its error, is to be written. `headers` are for the program.
    """

    status: InvocationStatus = InvocationStatus.QUEUED
    endpoint: str
    headers: tuple[tuple[str, str], ...]
    location: str | None
    body: str | None
    output: str
    failure: str | None
    seconds: float
    ttl: float
