"""Prepares a run: data, source, `/opt/ml`, environment and command of its program."""

import errno
import hashlib
import os
import shutil
import sys
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from local_emulator.domain.errors import RunError, ThrottlingException, ValidationException
from local_emulator.domain.objects import NoSuchBucket, NoSuchKey, Objects, ObjectsUnavailable, parse_s3
from local_emulator.domain.spec import Channel, FileSystemDataSource, Host, S3DataSource, TrainingSpec
from local_emulator.domain.training import TimeBudget, TrainingJob
from local_emulator.runs import distributions, images, layers, opt_ml, requirements, roles, script_mode
from local_emulator.runs.data.archive import ArchiveError, DiskFullError, extract_safely
from local_emulator.runs.data.artifacts import checkpoints
from local_emulator.runs.data.channels import ChannelCache, copy_channel
from local_emulator.runs.data.manifests import failed
from local_emulator.runs.data.matching import simple
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.forkserver.script_imports import imports_of
from local_emulator.runs.host_folder import HostFolder
from local_emulator.runs.inputs import Inputs, unmounted
from local_emulator.runs.layers import Interpreter
from local_emulator.runs.mounts import Support
from local_emulator.runs.run import Command, Container, HostProgram, Mode, Pipe, Run
from local_emulator.runs.script_mode import PROGRAM, SUBMIT_DIRECTORY
from local_emulator.runs.staging import failures_as_reasons, mountable, stage
from local_emulator.settings import Docker, Settings, TrainingFunction
from sm_tuning.rules.training_toolkit import is_package

_GIB = 2**30
_DRIVERS, _DRIVERS_SCRIPT = "sm_drivers", "sm_train.sh"  # channel of SDK 3's ModelTrainer, and what its container starts there
_CHECKS = 4  # requests at a time that read from S3: if it hangs, the server's other threads still answer
_CHECKS_WAIT = 2.0  # seconds


@dataclass(frozen=True, kw_only=True)
class _Start:
    """What is started; `env` is what its kind of program needs in its environment."""

    program: Command | Container
    env: Mapping[str, str] = field(default_factory=dict)
    mode: Mode = Mode.PROGRAM
    imports: tuple[str, ...] | None = None
    pipes: tuple[Pipe, ...] = ()
    install: tuple[str, ...] = ()
    processes: int = 1


class Preparation:
    """Fetches data and code once per content, lays out `/opt/ml`, and decides what to start.

    `endpoint` tells where training jobs reach this emulator (None: nowhere); `run_key` is the access key of those in containers, which
    may run as any user. `support` tells what mounts runs can have, `expect` is called when a process will be wanted
    soon, `inside_test` whether a function of a test can stand in for what is run.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        objects: Objects,
        folder_of_caches: Path,
        endpoint: Callable[[], str | None],
        support: Callable[[], Support],
        role_exists: Callable[[str], bool],
        expect: Callable[[], None] = lambda: None,
        run_key: str | None = None,
        inside_test: bool = False,
    ) -> None:
        self._settings = settings
        self._inside_test = inside_test
        self._objects = objects
        self._code = folder_of_caches / "code"
        self._layers = folder_of_caches / requirements.LAYERS
        self.channels = self._channels = ChannelCache(folder_of_caches / "channels", objects)
        self._endpoint = endpoint
        self._run_key = run_key
        self._support = support
        self._role_exists = role_exists
        self._expect = expect
        self._guard = threading.Lock()
        self._checks = threading.BoundedSemaphore(_CHECKS)
        self._unpacking: dict[str, threading.Lock] = {}
        for unfinished in folder_of_caches.glob("*/.*"):  # left by an emulator that was killed
            if unfinished.is_dir():
                shutil.rmtree(unfinished, ignore_errors=True)
            else:
                unfinished.unlink()
        requirements.remove_unused(self._layers)

    @property
    def _private(self) -> bool:
        return self._support().private

    def check(self, spec: TrainingSpec, region: str) -> None:
        """Check what AWS checks when a job is created: role, data, image.

        Raises ValidationException, or ThrottlingException while too many requests wait for S3.
        """
        if not self._checks.acquire(timeout=_CHECKS_WAIT):
            raise ThrottlingException("Rate exceeded")
        try:
            self._check(spec, region)
        finally:
            self._checks.release()

    def _check(self, spec: TrainingSpec, region: str) -> None:
        roles.check(spec.role_arn, self._settings, self._role_exists)
        hyperparameters = script_mode.named(spec.hyperparameters, spec.environment)
        if spec.checkpoints is not None:
            local = spec.checkpoints.path
            if not (local + "/").startswith("/opt/ml/") or ".." in local.split("/"):
                raise ValidationException(f"The LocalPath {local!r} of CheckpointConfig must lie below /opt/ml here.")
        private = self._private if spec.algorithm.command else True  # nobody else asks
        problem = images.runnable(spec.algorithm, hyperparameters, self._settings, private=private, held=self._holds)
        if problem is not None and self._inside_test:
            problem += " Or let a function of the test stand in for all of it: emulated_sagemaker.trains(function)."
        if problem is None and images.in_script_mode(spec.algorithm, hyperparameters, self._settings):
            python = images.interpreter(spec.algorithm.image, self._settings)
            problem = distributions.refused(hyperparameters, len(spec.resources.hosts), python)
        if len(spec.resources.hosts) > 1:
            problem = problem or images.on_several_hosts(spec, hyperparameters, self._settings, private=self._private)
        for channel in spec.channels:
            problem = problem or self._missing(channel, spec.role_arn, region)
            if channel.channel_name == _DRIVERS and spec.algorithm.command and isinstance(channel.source, S3DataSource):
                problem = problem or self._refused_driver(spec, channel.source)
        if problem is not None:
            raise ValidationException(problem)

    def _holds(self, uri: str) -> bool:
        """Whether there is an object of a URI."""
        try:
            bucket, key = parse_s3(uri)
            return any(listed.key == key for listed in self._objects.list(bucket, key))
        except (ValueError, NoSuchBucket, ObjectsUnavailable):
            return False

    def _missing(self, channel: Channel, role: str, region: str) -> str | None:
        """Why a channel has no data; None if there is some."""
        if isinstance(channel.source, FileSystemDataSource):
            return unmounted(channel.channel_name, channel.source, self._settings.file_systems)
        return self._channels.missing(channel.channel_name, channel.source, role, region)

    def _refused_driver(self, spec: TrainingSpec, drivers: S3DataSource) -> str | None:
        """Why what SDK 3 sends to start a script cannot be run; None if it can. A container alone has a machine for itself."""
        if isinstance(images.stand_in(spec.algorithm.image, self._settings), Docker) and len(spec.resources.hosts) == 1:
            return None
        script = self._channels.fetch(drivers) / _DRIVERS_SCRIPT
        return distributions.refused_driver(script.read_text(errors="replace")) if script.is_file() else None

    def immediate(self, job: TrainingJob, folder: Path, budget: TimeBudget) -> Run | None:
        """The run of a function, which needs nothing; None for a program."""
        function = images.stand_in(job.spec.algorithm.image, self._settings)
        return self._run_of_function(job, RunFolder(folder), budget, function) if callable(function) else None

    def prepare(self, job: TrainingJob, folder: Path, budget: TimeBudget) -> Run:
        """Lay out the run's folder, anew if it is half made; raises RunError with the FailureReason."""
        if (run := self.immediate(job, folder, budget)) is not None:
            return run
        names = RunFolder(folder)
        hosts = job.spec.resources.hosts
        with failures_as_reasons(folder):
            names.remove_results()
            if len(hosts) > 1:
                names.make()
            self._expect()
            inputs = Inputs(job, self._channels, names, self._settings.file_systems)
            starts = [self._prepare_host(job, host, names.host(host.name if len(hosts) > 1 else None), inputs) for host in hosts]
        return self._run(job, names, budget, starts)

    def _prepare_host(self, job: TrainingJob, host: Host, folder: HostFolder, inputs: Inputs) -> _Start:
        """Lay out the folder of a host, and decide what to start there."""
        folder.make()
        opt_ml.lay_out(folder.ml, job, host)
        layers = inputs.layers(host)
        self._bring_checkpoints(job, folder)
        start = self._start(job, host, folder)
        key = self._run_key if isinstance(start.program, Container) else None
        env = {**start.env, **opt_ml.environment(job, host, self._settings, self._endpoint(), key, start.processes)}
        opt_ml.check_strings(start.program.argv, env)
        stage(folder.ml, layers, mountable(start.program, self._support()))
        return replace(start, env=env, pipes=inputs.pipes(host))

    def _run(self, job: TrainingJob, names: RunFolder, budget: TimeBudget, starts: Sequence[_Start]) -> Run:
        settings, spec, config = self._settings, job.spec, job.spec.checkpoints
        start, hosts = starts[0], spec.resources.hosts
        programs = [
            HostProgram(name=host.name, program=of.program, env=of.env, pipes=of.pipes, install=of.install)
            for host, of in zip(hosts, starts, strict=True)
        ]
        return Run(
            id=job.run,
            folder=names.path,
            program=start.program,
            env=start.env,
            pipes=start.pipes,
            hosts=tuple(programs) if len(programs) > 1 else (),
            metrics=spec.algorithm.metric_definitions,
            simple_metrics=simple(spec.algorithm.metric_definitions),
            max_runtime=budget.runtime,
            max_wait=budget.wait,
            stop_grace=settings.stop_grace,
            log_limit=settings.log_limit,
            disk_limit=spec.resources.volume_size * _GIB,
            disk_floor=settings.disk_floor,
            checkpoints=Run.checkpoints if config is None else str(checkpoints(names.ml, config).relative_to(names.ml)),
            compress=spec.output.compressed,
            opt_ml=self._private,
            mode=start.mode,
            imports=start.imports,
            install=start.install,
        )

    def _start(self, job: TrainingJob, host: Host, names: HostFolder) -> _Start:
        """Decide what to start: the settings name it, the request does, or it is an algorithm, or a script."""
        spec, image = job.spec, job.spec.algorithm.image
        hyperparameters = script_mode.named(spec.hyperparameters, spec.environment)
        named = images.stand_in(image, self._settings)
        if isinstance(named, Docker):
            return _Start(program=_container(named.image or image, job))
        algorithm = images.stand_in_algorithm(image, hyperparameters)
        base, mode = self._base(names), Mode.PROGRAM
        argv: tuple[str, ...]
        env: Mapping[str, str]
        if isinstance(named, tuple):
            argv, env = (*named, "train"), {"SAGEMAKER_BASE_DIR": base}
        elif spec.algorithm.command:
            argv, env = spec.algorithm.command, {}
        elif algorithm is not None:
            mode = Mode.ALGORITHM
            argv = (sys.executable, "-m", *algorithm)
            env = {"SAGEMAKER_BASE_DIR": base, "PYTHONPATH": str(Path(__file__).parents[2])}
        else:
            return self._start_of_script(job, host, names, hyperparameters)
        machine = opt_ml.machine(names, images.interpreter(image, self._settings))
        return _Start(program=Command(argv=argv, cwd=str(names.ml)), env={**machine, **env}, mode=mode)

    def _start_of_script(self, job: TrainingJob, host: Host, names: HostFolder, hyperparameters: Mapping[str, str]) -> _Start:
        """Bring the source of a script, and decide how to start it as the training toolkit does; raises RunError."""
        if problem := script_mode.incomplete(hyperparameters):
            raise RunError(f"ClientError: {problem}")
        base = self._base(names)
        entry = str(script_mode.decoded(hyperparameters[PROGRAM]))
        code = names.ml / "code"
        directory = str(script_mode.decoded(hyperparameters[SUBMIT_DIRECTORY]))
        bring = self._bring_code if directory.startswith("s3://") else partial(self._bring_code_of_channel, job)
        source = bring(directory, code)
        words = script_mode.arguments(script_mode.visible(hyperparameters))
        script_mode.check_entry(entry, code)
        python, below, install = self._interpreter(job, entry, names)
        argv = script_mode.command(entry, code, words, python)
        config, gpus = opt_ml.resources(job, host), len(opt_ml.gpus(job, host))
        machine = script_mode.Machine(config, opt_ml.inputs(job, host), base, gpus, job.region)
        variables = script_mode.environment(machine, job.name, hyperparameters, entry, words)
        argv, network = distributions.launch(argv, entry, machine, hyperparameters, list(variables))
        forkable = argv[1] == entry  # torchrun and mpirun are no Python that could be forked
        imports = imports_of(source, entry) if forkable else None
        machine_env = opt_ml.machine(names, python, below)
        own = [machine_env["PYTHONPATH"]] if "PYTHONPATH" in machine_env else []
        env = {
            **machine_env,
            **distributions.of_image(job.spec.algorithm.image, machine),
            **network,
            "PYTHONPATH": os.pathsep.join([f"{base}/code", *own, *script_mode.importable(imports or ())]),
            **variables,
        }
        program = Command(argv=argv, cwd=f"{base}/code")
        processes = distributions.processes_on(machine, hyperparameters) or 1
        return _Start(program=program, env=env, mode=Mode.SCRIPT, imports=imports, install=install, processes=processes)

    def _interpreter(self, job: TrainingJob, entry: str, names: HostFolder) -> tuple[str, Interpreter | None, tuple[str, ...]]:
        """The interpreter of a script, what it is upon, and what installs its requirements first."""
        python, code = images.interpreter(job.spec.algorithm.image, self._settings), names.ml / "code"
        package = is_package(code, entry)
        below = layers.interpreter(python)
        if below is None or not (package or entry.endswith(".py")):
            return python, below, ()
        files = [file for file in (code / requirements.FILE,) if file.is_file()]
        failure = f"{self._base(names)}/output/failure"
        provided = requirements.provide(
            files, below, self._layers, own=names.packages, cwd=code, failure=failure, package=package
        )
        return provided.python, provided.below, provided.install

    def _base(self, names: HostFolder) -> str:
        """A run's `/opt/ml`, as its program on this machine finds it."""
        return "/opt/ml" if self._private else str(names.ml)

    def _run_of_function(self, job: TrainingJob, names: RunFolder, budget: TimeBudget, function: TrainingFunction) -> Run:
        hyperparameters = job.spec.hyperparameters
        words = script_mode.arguments(script_mode.visible(hyperparameters))
        return Run(
            id=job.run,
            folder=names.path,
            program=Command(argv=("python", getattr(function, "__name__", type(function).__name__), *words)),
            metrics=job.spec.algorithm.metric_definitions,
            max_runtime=budget.runtime,
            max_wait=budget.wait,
            log_limit=self._settings.log_limit,
            mode=Mode.SCRIPT,
            function=partial(function, dict(hyperparameters)),
        )

    def _bring_code(self, uri: str, code: Path) -> Path:
        """Unpack the source archive once per content, then copy it, as a script may write beside itself; the unpacked folder."""
        try:
            bucket, key = parse_s3(uri)
            archives = [listed for listed in self._objects.list(bucket, key) if listed.key == key]
        except (ValueError, NoSuchBucket, ObjectsUnavailable) as error:
            raise failed(f"{SUBMIT_DIRECTORY}: {type(error).__name__}: {error}") from error
        if not archives:
            raise failed(f"{SUBMIT_DIRECTORY} names {uri}, which does not exist.")
        digest = hashlib.sha256(f"{bucket}\n{key}\n{archives[0].size}\n{archives[0].etag}".encode()).hexdigest()
        unpacked = self._code / digest
        with self._guard:
            lock = self._unpacking.setdefault(digest, threading.Lock())
        with lock:
            if not unpacked.is_dir():
                self._unpack(bucket, key, unpacked)
        shutil.copytree(unpacked, code, dirs_exist_ok=True, symlinks=True)
        return unpacked

    def _bring_code_of_channel(self, job: TrainingJob, path: str, code: Path) -> Path:
        """Copy a source that a channel has as a folder or an archive, as the toolkit does; the folder that stays unchanged."""
        sources = {channel.channel_name: channel.source for channel in job.spec.channels}
        name, *below = path.rstrip("/").removeprefix("/opt/ml/input/data/").split("/")
        objects = sources.get(name)
        if not isinstance(objects, S3DataSource) or ".." in below:
            raise RunError(f"ClientError: {SUBMIT_DIRECTORY} names {path}, which no channel brings from S3.")
        source = self._channels.fetch(objects).joinpath(*below)
        if source.is_dir():
            shutil.copytree(source, code, dirs_exist_ok=True)
            for copied in code.rglob("*"):  # what is staged is read-only
                copied.chmod(0o755 if copied.is_dir() else 0o644)
            return source
        try:
            code.rmdir()  # the archive makes it anew
            extract_safely(source, code)
        except DiskFullError as error:
            raise OSError(errno.ENOSPC, str(error)) from error
        except ArchiveError as error:
            raise RunError(f"ClientError: The source archive {path} cannot be unpacked: {error}") from error
        return code

    def _unpack(self, bucket: str, key: str, target: Path) -> None:
        self._code.mkdir(parents=True, exist_ok=True)
        archive = self._code / f".{uuid.uuid4().hex}.tar"
        try:
            self._objects.download(bucket, key, archive)
            extract_safely(archive, target)
        except NoSuchKey as error:
            raise failed(f"{SUBMIT_DIRECTORY} names {key}, which does not exist.") from error
        except DiskFullError as error:
            raise OSError(errno.ENOSPC, str(error)) from error
        except ArchiveError as error:
            raise RunError(f"ClientError: The source archive s3://{bucket}/{key} cannot be unpacked: {error}") from error
        finally:
            archive.unlink(missing_ok=True)

    def _bring_checkpoints(self, job: TrainingJob, names: HostFolder) -> None:
        config = job.spec.checkpoints
        if config is None:
            return
        try:
            bucket, prefix = parse_s3(config.s3_uri)
            if not self._objects.list(bucket, prefix.rstrip("/") + "/"):
                return
        except (ValueError, NoSuchBucket) as error:
            raise failed(f"CheckpointConfig: {type(error).__name__}: {error}") from error
        staged = self._channels.fetch(S3DataSource(s3_uri=config.s3_uri.rstrip("/") + "/"))
        copy_channel(staged, checkpoints(names.ml, config))


def _container(image: str, job: TrainingJob) -> Container:
    """As AWS starts a container: ContainerEntrypoint and ContainerArguments replace what `docker run IMAGE train` would run."""
    algorithm = job.spec.algorithm
    return Container(
        image=image,
        entrypoint=algorithm.container_entrypoint,
        argv=algorithm.container_arguments or (() if algorithm.container_entrypoint else ("train",)),
        network=not job.spec.network_isolation,
    )
