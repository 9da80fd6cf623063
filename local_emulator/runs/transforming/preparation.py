"""Prepares the run of a transform job, brings its answers to S3, and tells why it has failed."""

import os
import sys
from dataclasses import fields, replace
from pathlib import Path

from local_emulator.documents import transform as documents
from local_emulator.domain.errors import RunError, is_passing
from local_emulator.domain.objects import NoSuchBucket, Objects, ObjectsUnavailable, parse_s3
from local_emulator.domain.transform import TransformJob, TransformOptions
from local_emulator.runs import opt_ml
from local_emulator.runs.data.artifacts import key, said
from local_emulator.runs.data.channels import ChannelCache
from local_emulator.runs.data.manifests import not_downloaded
from local_emulator.runs.data.output_files import OutputError, output_files
from local_emulator.runs.folder import RunFolder, read_evidence
from local_emulator.runs.hosting.preparation import ServingPreparer, ServingRequest
from local_emulator.runs.process import DOCKER
from local_emulator.runs.run import Command, Contract, Run
from local_emulator.runs.staging import failures_as_reasons
from local_emulator.runs.transforming.plan import TransformPlan

_TROUBLE = (NoSuchBucket, ObjectsUnavailable, ValueError, OSError, OutputError)
_LONGEST_REASON = 1024


def _answers(folder: RunFolder) -> Path:
    return folder.work / "answers"


def _reason(folder: RunFolder) -> Path:
    return folder.work / "reason"


class TransformPreparation:
    """Lays out what a transform job's program and the server under it find: the model's `/opt/ml`, the files, the plan."""

    def __init__(self, serving: ServingPreparer, channels: ChannelCache) -> None:
        self._serving = serving
        self._channels = channels

    def prepare(self, job: TransformJob, folder: Path) -> Run:
        """Lay out the run's folder, anew if it is half made; raises RunError with the FailureReason."""
        names, spec = RunFolder(folder), job.spec
        containers = documents.containers(job)
        run = self._serving.prepare(ServingRequest(run=job.run, containers=containers, scope=job.scope, hosts="server"), folder)
        try:
            files = self._channels.fetch(spec.source)
        except RunError as error:
            raise not_downloaded(error) from error
        with failures_as_reasons(folder):
            _answers(names).mkdir()
            path = names.work / "plan.json"
            TransformPlan(
                folder=str(folder),
                containers=tuple(container.name for container in containers),
                input=str(files),
                output=str(_answers(names)),
                log=str(names.data_log),
                reason=str(_reason(names)),
                location="/".join(parse_s3(spec.source.s3_uri)),
                **{option.name: getattr(spec, option.name) for option in fields(TransformOptions)},
            ).write(path)
        argv = (sys.executable, "-m", "local_emulator.runs.transforming", str(path))
        docker = {name: os.environ[name] for name in DOCKER if name in os.environ}
        env = {**docker, **opt_ml.machine(names, sys.executable), "PYTHONPATH": str(Path(__file__).parents[3])}
        return replace(
            run, program=Command(argv=argv), env=env, install=(), contract=Contract.PROCESSING, hosts=(), servers=run.hosts
        )


def upload(job: TransformJob, folder: RunFolder, objects: Objects) -> None:
    """Upload the answers to all files that were transformed; raises RunError. May be repeated."""
    try:
        bucket, prefix = parse_s3(job.spec.output)
        for file in output_files(_answers(folder)):
            if file.name.endswith(".out"):
                objects.upload(bucket, key(prefix.rstrip("/"), file.name), file.path)
    except _TROUBLE as error:
        if isinstance(error, OSError) and is_passing(error):
            raise
        raise RunError(f"ClientError: Failed to upload the output to {job.spec.output}. {said(error)}") from error


def reason(folder: RunFolder) -> str | None:
    """The FailureReason that the job's program has left; None if it has left none."""
    content = read_evidence(_reason(folder), most=_LONGEST_REASON)
    return content.decode("utf-8", "replace") if content else None
