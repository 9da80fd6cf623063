"""Launches a tuning job: uploads local code and data, then one call."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

import boto3
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as ConnectionFailed

from sm_tuning.boto import Client, Session
from sm_tuning.client import loopback
from sm_tuning.client.emulator_process import LOCAL_OUTPUT, LOCAL_ROLE, remedy
from sm_tuning.client.errors import code_of
from sm_tuning.client.local_session import LocalSession, local_session, make_bucket
from sm_tuning.client.run import TuningRun
from sm_tuning.client.source_archive import pack
from sm_tuning.errors import UNSET, Invalid, NameTaken, NotLaunched, Unreachable
from sm_tuning.spec.definition import Definition
from sm_tuning.spec.job import TuningJobSpec
from sm_tuning.spec.s3 import split_uri
from sm_tuning.validation.dry_run import sound
from sm_tuning.validation.local_files import files_of

_Job = TypeVar("_Job", bound=TuningJobSpec)

# Training jobs, endpoints and next rounds of a tuning job read what its launch uploaded for as long as they exist. A name may be asked
# for twice at the same time, so each launch has a folder of its own.
_FOLDER_BYTES = 6


def launch(job: TuningJobSpec, session: Session | None, client: Client | None, *, local: bool = False) -> TuningRun:
    """Upload code and data, create the tuning job, and return it as a run; raises Invalid, NotLaunched and Unreachable."""
    if local and (session is not None or client is not None):
        raise Invalid("launch(local=True) makes its own session; give local, or a session or client")
    if local or isinstance(session, LocalSession):
        job = for_emulator(job)
    folder = secrets.token_hex(_FOLDER_BYTES)
    result = sound(job, launch=folder)
    session = local_session(parallel=job.max_parallel) if local else session or boto3.Session()
    uploaded: list[str] = []
    try:
        if isinstance(session, LocalSession):  # an account of one's own, in which a bucket costs nothing
            for output in {part.output or "" for _, part in job.parts()}:
                make_bucket(session, output)
        client = client or loopback.client(session, "sagemaker")
        _refuse_taken(job.name, client)
        if job.warm_start is not None:
            sound(job, client)
        for uri in _upload(job.parts(folder), loopback.client(session, "s3", region_name=client.meta.region_name)):
            uploaded.append(uri)  # noqa: PERF402 - what was sent before an error counts
        client.create_hyper_parameter_tuning_job(**result.request)
    except (ClientError, BotoCoreError, OSError) as error:
        left = f"; what was uploaded stays: {', '.join(uploaded)}" if uploaded else ""
        if isinstance(error, HTTPClientError | ConnectionFailed):
            raise Unreachable(f"the service does not answer: {error}{left}. {remedy()}") from error
        unset = UNSET.get(type(error).__name__)
        reason = f"{unset}; launch(local=True) does without" if unset else str(error).rstrip(".")
        fact = f"the tuning job {job.name} was not created: {reason}{left}"
        if isinstance(error, ClientError) and code_of(error) == "ResourceInUse":
            raise NameTaken(fact, job.name) from error
        raise NotLaunched(fact) from error
    return TuningRun(job.name, session=session, client=client)


def for_emulator(job: _Job) -> _Job:
    """A tuning job with the emulator's role and output where it has none."""
    return replace(job, role=job.role or LOCAL_ROLE, output=job.output or LOCAL_OUTPUT)


def _refuse_taken(name: str, client: Client) -> None:
    """Raise NameTaken, before anything is uploaded for nothing, if there is a tuning job of that name."""
    try:
        client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    except ClientError:  # there is none, or the caller may not see it: then creating it tells
        return
    raise NameTaken(f"the tuning job {name} was not created: there is one of that name already", name)


def _upload(parts: Sequence[tuple[str, Definition]], s3: Client) -> Iterator[str]:
    """Upload code and data of definitions, each below its prefix; yields the URI of each as soon as it is there."""
    for prefix, part in parts:
        if part.script is not None:
            bucket, key = split_uri(part.source_uri(prefix))
            s3.put_object(Bucket=bucket, Key=key, Body=pack(part.script))
            yield part.source_uri(prefix)
        for channel in part.channels:
            if channel.path is not None:
                bucket, folder = split_uri(channel.uri(prefix))
                for name, path in files_of(channel.path).files:
                    s3.upload_file(str(path), bucket, f"{folder}/{name}")
                yield channel.uri(prefix)
