"""Prepares a serving run: the model and its code, `/opt/ml`, environment and program."""

import errno
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from local_emulator.documents.hosting import ContainerSpec, ModelData
from local_emulator.domain.errors import RunError, ValidationException
from local_emulator.domain.names import AwsScope
from local_emulator.domain.objects import NoSuchBucket, NoSuchKey, Objects, ObjectsUnavailable, parse_s3
from local_emulator.domain.spec import S3DataSource
from local_emulator.runs import layers, opt_ml
from local_emulator.runs.data.archive import ArchiveError, DiskFullError, extract_safely
from local_emulator.runs.data.channels import ChannelCache, copy_channel
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.host_folder import HostFolder
from local_emulator.runs.hosting.names import host_of
from local_emulator.runs.hosting.programs import SUBMIT_DIRECTORY, serving_program, unservable
from local_emulator.runs.mounts import Support
from local_emulator.runs.requirements import FILE, LAYERS, provide
from local_emulator.runs.run import Command, Container, Contract, HostProgram, Run
from local_emulator.runs.staging import failures_as_reasons
from local_emulator.settings import Settings

_FOLDERS = ("model", "code", "input", "output", "tmp")
_GRACE = 30.0  # seconds from SIGTERM to SIGKILL, as AWS documents for containers of endpoints
_GIB = 2**30


@dataclass(frozen=True, kw_only=True)
class ServingRequest:
    """Containers of a model that are to be run: `scope` is its region and account.

    Several, or one with `hosts`, are on hosts named `HOSTS-1`, `HOSTS-2.NAME`, …: each has folders of its own.
    """

    run: str
    containers: Sequence[ContainerSpec]
    scope: AwsScope
    hosts: str = ""
    volume: int = 30  # GiB


class ServingPreparer(Protocol):
    """Prepares serving runs."""

    def prepare(self, request: ServingRequest, folder: Path) -> Run:
        """Lay out a run's folder, anew if it is half made; raises RunError with the FailureReason."""


class ServingPreparation:
    """Brings models and their code, lays out `/opt/ml`, and decides what to start.

    `endpoint` tells where programs reach this emulator (None: nowhere); `run_key` is the access key of those in containers.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        objects: Objects,
        folder_of_caches: Path,
        endpoint: Callable[[], str | None],
        support: Callable[[], Support],
        run_key: str | None = None,
    ) -> None:
        self._settings = settings
        self._objects = objects
        self._channels = ChannelCache(folder_of_caches / "channels", objects)
        self._archives = folder_of_caches / "models"
        self._layers = folder_of_caches / LAYERS
        self._endpoint = endpoint
        self._support = support
        self._run_key = run_key

    def check(self, container: ContainerSpec) -> None:
        """Raise ValidationException if no program here serves a container's image."""
        if self._settings.scheduler:
            raise ValidationException(
                "Endpoints are not emulated on a Dask cluster (serve --scheduler): its workers' ports are not reached."
            )
        if problem := unservable(container, self._settings):
            raise ValidationException(problem)

    def check_data(self, data: ModelData | None) -> None:
        """Raise ValidationException, in AWS's words, if there is no model where a container's is said to be."""
        if data is None:
            return
        try:
            bucket, key = parse_s3(data.uri)
            listed = [entry.key for entry in self._objects.list(bucket, key)]
        except (ValueError, NoSuchBucket):
            listed = []
        except ObjectsUnavailable as error:
            raise ValidationException(f"Could not access model data at {data.uri}. {error}") from error
        if not (listed if data.prefix else key in listed):
            raise ValidationException(f"Could not find model data at {data.uri}.")

    def prepare(self, request: ServingRequest, folder: Path) -> Run:
        """Lay out a run's folder, anew if it is half made; raises RunError with the FailureReason."""
        names, settings = RunFolder(folder), self._settings
        programs = []
        with failures_as_reasons(folder):
            names.remove_results()
            names.make()
            for number, container in enumerate(request.containers, 1):
                host = None
                if request.hosts or len(request.containers) > 1:
                    host = host_of(request.hosts or "container", number, container.name)
                programs.append(self._prepare_container(container, request.scope, names.host(host), host or ""))
        return Run(
            id=request.run,
            folder=folder,
            program=programs[0].program,
            env=programs[0].env,
            install=programs[0].install,
            hosts=tuple(program for program in programs if program.name),
            contract=Contract.SERVING,
            stop_grace=min(_GRACE, settings.stop_grace),
            log_limit=settings.log_limit,
            disk_limit=request.volume * _GIB,
            disk_floor=settings.disk_floor,
            opt_ml=self._support().private,
        )

    def _prepare_container(self, container: ContainerSpec, scope: AwsScope, folder: HostFolder, host: str) -> HostProgram:
        """Lay out the folder of a container, and decide what to start there."""
        folder.make()
        for name in _FOLDERS:
            (folder.ml / name).mkdir(parents=True, exist_ok=True)
        self._bring_model(container, folder.ml / "model")
        self._bring_code(container, folder.ml / "code")
        return self._program(container, scope, folder, host)

    # --- the model ------------------------------------------------------------------------------------------------------

    def _bring_model(self, container: ContainerSpec, target: Path) -> None:
        data = container.data
        if data is None:
            return
        if data.compressed:
            self._unpack(container, data.uri, target)
            return
        try:
            copy_channel(self._channels.fetch(S3DataSource(s3_uri=data.uri)), target)
        except RunError as error:
            raise _cannot_download(container, data.uri) from error

    def _bring_code(self, container: ContainerSpec, target: Path) -> None:
        """Bring the source that the SDKs leave in S3 beside the model; in AWS's containers the toolkits do that."""
        directory = container.environment.get(SUBMIT_DIRECTORY, "")
        if directory.startswith("s3://"):
            self._unpack(container, directory, target)

    def _unpack(self, container: ContainerSpec, uri: str, target: Path) -> None:
        self._archives.mkdir(parents=True, exist_ok=True)
        archive = self._archives / f".{uuid.uuid4().hex}.tar"
        try:
            bucket, key = parse_s3(uri)
            self._objects.download(bucket, key, archive)
            target.rmdir()  # the archive makes it anew
            extract_safely(archive, target)
        except (ValueError, NoSuchBucket, NoSuchKey, ObjectsUnavailable) as error:
            raise _cannot_download(container, uri) from error
        except DiskFullError as error:
            raise OSError(errno.ENOSPC, str(error)) from error
        except ArchiveError as error:
            raise RunError(
                f'Failed to extract model data archive for container "{_name(container)}" from URL "{uri}". Please ensure that the '
                f"object located at the URL is a valid tar.gz archive. ({error})"
            ) from error
        finally:
            archive.unlink(missing_ok=True)

    # --- the program ----------------------------------------------------------------------------------------------------

    def _program(self, container: ContainerSpec, scope: AwsScope, folder: HostFolder, host: str) -> HostProgram:
        settings = self._settings
        base = "/opt/ml" if self._support().private else str(folder.ml)
        start = serving_program(container, settings, str(folder.ml))
        in_container = isinstance(start.program, Container)
        below, program, install = layers.interpreter(start.python), start.program, tuple[str, ...]()
        if start.script and below is not None and isinstance(program, Command):  # as AWS's toolkits do
            files = [file for file in (folder.ml / "code" / FILE, folder.ml / "model" / "code" / FILE) if file.is_file()]
            provided = provide(files, below, self._layers, own=folder.packages, cwd=folder.ml)
            program, below, install = (
                replace(program, argv=(provided.python, *program.argv[1:])),
                provided.below,
                provided.install,
            )
        machine = {} if in_container else {**opt_ml.machine(folder, start.python, below), "SAGEMAKER_BASE_DIR": base}
        env = {
            **machine,
            **start.env,
            **opt_ml.surroundings(scope.region, settings, self._endpoint(), self._run_key if in_container else None),
            **container.environment,
            "SAGEMAKER_BIND_TO_HOST": "127.0.0.1",
        }
        opt_ml.check_strings(program.argv, env)
        return HostProgram(name=host, program=program, env=env, install=install)


def _name(container: ContainerSpec) -> str:
    """A container as AWS's reasons name it: here the only one is not called `primary`."""
    return "container_1" if container.name == "primary" else container.name


def _cannot_download(container: ContainerSpec, uri: str) -> RunError:
    return RunError(
        f'Failed to download model data for container "{_name(container)}" from URL: "{uri}". Please ensure that there is an object '
        "located at the URL and that the role passed to CreateModel has permissions to download the object."
    )
