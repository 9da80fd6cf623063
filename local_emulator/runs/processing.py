"""Prepares the run of a processing job: inputs, `/opt/ml/config`, environment and command of its program."""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from local_emulator.documents import processing as documents
from local_emulator.domain.errors import RunError, ValidationException
from local_emulator.domain.processing import PROCESSING, ProcessingInput, ProcessingJob, ProcessingSpec
from local_emulator.domain.spec import ML, Host
from local_emulator.runs import images, opt_ml, roles
from local_emulator.runs.data.channels import ChannelCache
from local_emulator.runs.data.manifests import not_downloaded
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.host_folder import HostFolder
from local_emulator.runs.mounts import Layer, Support
from local_emulator.runs.run import Command, Container, Contract, HostProgram, Run
from local_emulator.runs.staging import failures_as_reasons, mountable, stage
from local_emulator.settings import Docker, Settings

_GIB = 2**30
_FOLDERS = ("", "config", "processing", "output")


class ProcessingPreparation:
    """Decides what a processing job runs, and lays out what that finds. The arguments are those of `Preparation`."""

    def __init__(
        self,
        *,
        settings: Settings,
        channels: ChannelCache,
        endpoint: Callable[[], str | None],
        support: Callable[[], Support],
        role_exists: Callable[[str], bool],
        expect: Callable[[], None] = lambda: None,
        run_key: str | None = None,
    ) -> None:
        self._settings = settings
        self._channels = channels
        self._endpoint = endpoint
        self._support = support
        self._role_exists = role_exists
        self._expect = expect
        self._run_key = run_key

    def check(self, spec: ProcessingSpec) -> None:
        """Check what AWS checks when a job is created, and whether its image can be run here; raises ValidationException."""
        roles.check(spec.role_arn, self._settings, self._role_exists)
        if problem := next(self._problems(spec), None):
            raise ValidationException(problem)

    def _problems(self, spec: ProcessingSpec) -> Iterator[str]:
        """Why a job cannot be run here."""
        image, named = spec.image, images.stand_in(spec.image, self._settings)
        if self._settings.scheduler:
            yield "Processing jobs are not emulated on a Dask cluster (serve --scheduler)."
        for given in spec.inputs:
            if given.input_mode == "Pipe" and given.local_path is not None:
                yield f"The input {given.name!r} has the S3InputMode Pipe, which is not emulated yet."
        if isinstance(named, Docker):
            if problem := images.without_docker():
                yield problem
            if spec.instance_count > 1 and spec.network_isolation:
                yield "Processing on several instances is not emulated for containers with EnableNetworkIsolation."
        elif not spec.entrypoint and not isinstance(named, tuple):
            yield (
                f"The image {image} cannot be run here, for the request has no ContainerEntrypoint. Name one (as ScriptProcessor and "
                f"FrameworkProcessor of the SageMaker SDK do), run its container (serve --image '{image}=docker:'), or name a command "
                f"that stands in for the image's own: serve --image '{image}=COMMAND'."
            )
        elif not self._support().private:
            yield "A processing job needs a private /opt/ml, which this machine does not allow; run its container (serve --image)."

    def prepare(self, job: ProcessingJob, folder: Path) -> Run:
        """Lay out the run's folder, anew if it is half made; raises RunError with the FailureReason."""
        names, settings, hosts = RunFolder(folder), self._settings, job.spec.hosts
        with failures_as_reasons(folder):
            names.remove_results()
            if len(hosts) > 1:
                names.make()
            self._expect()
            programs = [self._prepare_host(job, host, names.host(host.name if len(hosts) > 1 else None)) for host in hosts]
        return Run(
            id=job.run,
            folder=folder,
            program=programs[0].program,
            env=programs[0].env,
            hosts=tuple(programs) if len(programs) > 1 else (),
            max_runtime=job.spec.max_runtime,
            stop_grace=settings.stop_grace,
            log_limit=settings.log_limit,
            disk_limit=job.spec.volume_size * _GIB,
            disk_floor=settings.disk_floor,
            opt_ml=True,
            contract=Contract.PROCESSING,
        )

    def _prepare_host(self, job: ProcessingJob, host: Host, folder: HostFolder) -> HostProgram:
        """Lay out the folder of a host, and decide what to start there."""
        folder.make()
        lay_out(folder.ml, job, host)
        program, own = self._program(job.spec, folder)
        key = self._run_key if isinstance(program, Container) else None
        devices = ",".join(opt_ml.dealt(job.gpus, job.spec.hosts, host))
        env = {
            **own,
            **({"CUDA_VISIBLE_DEVICES": devices} if devices else {}),
            **opt_ml.surroundings(job.scope.region, self._settings, self._endpoint(), key),
            **job.spec.environment,
        }
        opt_ml.check_strings(program.argv, env)
        index = job.spec.hosts.index(host)
        folders = {
            below(given.local_path): Layer(self._fetch(given, (index, len(job.spec.hosts)) if given.source.sharded else (0, 1)))
            for given in job.spec.inputs
            if given.local_path is not None
        }
        outputs = [below(output.local_path) for output in job.spec.outputs if output.local_path is not None]
        stage(folder.ml, folders, mountable(program, self._support()), outputs)
        return HostProgram(name=host.name, program=program, env=env)

    def _fetch(self, given: ProcessingInput, shard: tuple[int, int]) -> Path:
        try:
            return self._channels.fetch(given.source, shard)
        except RunError as error:
            raise not_downloaded(error) from error

    def _program(self, spec: ProcessingSpec, folder: HostFolder) -> tuple[Command | Container, Mapping[str, str]]:
        """What is started, and what that needs in its environment."""
        named = images.stand_in(spec.image, self._settings)
        if isinstance(named, Docker):
            network = not spec.network_isolation
            image, entrypoint = named.image or spec.image, spec.entrypoint
            return Container(image=image, entrypoint=entrypoint, argv=spec.arguments, network=network), {}
        python = images.interpreter(spec.image, self._settings)
        env = opt_ml.machine(folder, python)
        command = spec.entrypoint or (named if isinstance(named, tuple) else ())
        return Command(argv=(*command, *spec.arguments)), env


def below(local_path: str) -> str:
    """A path of the container as a path below `/opt/ml`."""
    return os.path.normpath(local_path).removeprefix(f"{ML}/")


def lay_out(ml: Path, job: ProcessingJob, host: Host) -> None:
    """Make the folders and the configuration files of a host; replace what is there."""
    shutil.rmtree(ml, ignore_errors=True)
    outputs = [below(output.local_path) for output in job.spec.outputs if output.local_path is not None]
    for name in (*_FOLDERS, *outputs):
        (ml / name).mkdir(parents=True, exist_ok=True)
    resources = {"current_host": host.name, "hosts": sorted(other.name for other in job.spec.hosts)}
    files = {"processingjobconfig.json": documents.in_container(job), "resourceconfig.json": resources}
    for name, content in files.items():
        (ml / "config" / name).write_text(json.dumps(content))


def misplaced(local_path: str) -> bool:
    """Whether a path of the container is not below `/opt/ml/processing`."""
    return ".." in local_path.split("/") or not os.path.normpath(local_path).startswith(f"{PROCESSING}/")
