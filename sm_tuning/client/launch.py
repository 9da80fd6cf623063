"""Launches a tuning job: uploads local code and data, then one call."""

import gzip
import io
import os
import tarfile
from collections.abc import Iterator
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
from sm_tuning.errors import Invalid, NotLaunched, Unreachable
from sm_tuning.spec.job import TuningJobSpec
from sm_tuning.spec.s3 import split_uri
from sm_tuning.spec.script import Script
from sm_tuning.validation.dry_run import DryRun, check
from sm_tuning.validation.local_files import files_of
from sm_tuning.validation.script_files import script_files

_Job = TypeVar("_Job", bound=TuningJobSpec)
_MOST_SOURCE = 500 * 2**20


def launch(job: TuningJobSpec, session: Session | None, client: Client | None, *, local: bool = False) -> TuningRun:
    """Upload code and data, create the tuning job, and return it as a run; raises Invalid, NotLaunched and Unreachable."""
    if local and (session is not None or client is not None):
        raise Invalid("launch(local=True) makes its own session; give local, or a session or client")
    if local or isinstance(session, LocalSession):
        job = for_emulator(job)
    result = _checked(check(job), job)
    session = local_session(parallel=job.max_parallel) if local else session or boto3.Session()
    uploaded: list[str] = []
    try:
        if isinstance(session, LocalSession):  # an account of one's own, in which a bucket costs nothing
            for output in {part.output or "" for _, part in job.parts()}:
                make_bucket(session, output)
        client = client or loopback.client(session, "sagemaker")
        if job.warm_start is not None:
            _checked(check(job, client), job)
        for uri in _upload(job, loopback.client(session, "s3", region_name=client.meta.region_name)):
            uploaded.append(uri)  # noqa: PERF402 - what was sent before an error counts
        client.create_hyper_parameter_tuning_job(**result.request)
    except (ClientError, BotoCoreError, OSError) as error:
        left = f"; what was uploaded stays: {', '.join(uploaded)}" if uploaded else ""
        if isinstance(error, HTTPClientError | ConnectionFailed):
            raise Unreachable(f"the service does not answer: {error}{left}. {remedy()}") from error
        taken = isinstance(error, ClientError) and code_of(error) == "ResourceInUse"
        other = f"; unique_name({job.name!r}) makes a name that is free" if taken else ""
        raise NotLaunched(f"the tuning job {job.name} was not created: {str(error).rstrip('.')}{other}{left}") from error
    return TuningRun(job.name, session=session, client=client)


def for_emulator(job: _Job) -> _Job:
    """A tuning job with the emulator's role and output where it has none."""
    return replace(job, role=job.role or LOCAL_ROLE, output=job.output or LOCAL_OUTPUT)


def _checked(result: DryRun, job: TuningJobSpec) -> DryRun:
    """The result of a dry run; raises NotLaunched if a rule is broken."""
    if not result.ok:
        raise NotLaunched(f"the tuning job {job.name} breaks rules:\n{result}")
    return result


def _upload(job: TuningJobSpec, s3: Client) -> Iterator[str]:
    """Upload code and data; yields the URI of each as soon as it is there."""
    for prefix, part in job.parts():
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


def pack(script: Script) -> bytes:
    """A script and what it is sent with as sourcedir.tar.gz: the same bytes for the same files."""
    files = script_files(script).files
    total = sum(path.stat().st_size for _, path in files)
    if total > _MOST_SOURCE:
        raise NotLaunched(
            f"the source folder {script.source or script.entry} holds {total:,} bytes; at most {_MOST_SOURCE:,} are sent as code"
        )
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0, filename="") as zipped,
        tarfile.open(fileobj=zipped, mode="w") as tar,
    ):
        for name, path in files:
            member = tarfile.TarInfo(name)
            member.size = path.stat().st_size
            member.mode = 0o755 if os.access(path, os.X_OK) else 0o644
            with path.open("rb") as file:
                tar.addfile(member, file)
    return packed.getvalue()
