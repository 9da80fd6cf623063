"""Tuning jobs that have ended, out of the queue that a stack keeps of them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from sm_tuning.boto import Client
from sm_tuning.client.hosts import is_local

_WAIT, _WAIT_LOCALLY = 10, 1  # seconds: SQS asks all of its servers


@dataclass(frozen=True, kw_only=True)
class EndedJob:
    """A tuning job that has ended, as the queue tells it: its name, AWS's status; `done` takes it out of the queue."""

    name: str
    status: str
    client: Client
    queue: str
    handle: str

    def done(self) -> None:
        """Take it out of the queue."""
        self.client.delete_message(QueueUrl=self.queue, ReceiptHandle=self.handle)


def ended(client: Client, queue: str) -> Iterator[EndedJob]:
    """What the queue (a URL) holds, one after the other; each is hidden from others for a quarter of an hour."""
    wait = _WAIT_LOCALLY if is_local(client.meta.endpoint_url) else _WAIT
    while messages := client.receive_message(QueueUrl=queue, MaxNumberOfMessages=1, WaitTimeSeconds=wait).get("Messages"):
        for message in messages:
            detail = json.loads(message["Body"])["detail"]
            name, status = detail["HyperParameterTuningJobName"], detail["HyperParameterTuningJobStatus"]
            yield EndedJob(name=name, status=status, client=client, queue=queue, handle=message["ReceiptHandle"])
