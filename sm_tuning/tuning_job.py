"""A tuning job with all that can be done with it."""

from pathlib import Path
from typing import TYPE_CHECKING, Self

from sm_tuning.boto import Client, Session
from sm_tuning.client.sagemaker_sdk import SdkObject, members
from sm_tuning.spec import toml
from sm_tuning.spec.job import TuningJobSpec, unique_name
from sm_tuning.spec.job_summary import job_summary
from sm_tuning.validation.dry_run import DryRun, check

if TYPE_CHECKING:
    from sm_tuning.client.run import TuningRun

# What launches and translates is imported when it is called: boto3 takes a fifth of a second, which describing and checking a job
# need not pay.


class TuningJob(TuningJobSpec):
    """A tuning job: checked by `dry_run()`, sent by `launch()`."""

    @classmethod
    def from_toml(cls, path: str | Path, *, role: str | None = None, output: str | None = None) -> Self:
        """The tuning job of a TOML file (docs/cli.md); relative paths in it are relative to the file.

        Args:
            path: The file.
            role: The role if the file names none; without any, it can be launched on the emulator alone.
            output: The output if the file names none; without any, it can be launched on the emulator alone.

        Raises:
            Invalid: The file cannot be read, or holds what is no tuning job.
        """
        return toml.load(Path(path), cls, role=role or "", output=output or "")

    def dry_run(self, client: Client | None = None) -> DryRun:
        """Every problem of the tuning job at once, found without AWS; values of a wrong type alone, for nothing else is known then.

        Args:
            client: A SageMaker client; with it the parents of a warm start are read and compared too.

        Raises:
            botocore.exceptions.ClientError: A parent cannot be described. Never without a client.
        """
        return check(self, client)

    def launch(self, session: Session | None = None, *, client: Client | None = None, local: bool = False) -> "TuningRun":
        """Upload code and data, create the tuning job, and return it as a run.

        Args:
            session: A boto3 session; None for the default one. AWS_ENDPOINT_URL and profiles count as always.
            client: A SageMaker client to use instead of one made from the session.
            local: Launch it on the emulator of this machine (`local_session`), which is started if none runs; the bucket of the
                output is made there, and the emulator's own role and output are those of a file that names none.

        Raises:
            Invalid: A session or a client was given with `local`.
            NotLaunched: A rule is broken or an upload failed; nothing was created.
            Unreachable: There is no emulator, and none can be started; or the service does not answer.
        """
        from sm_tuning.client.launch import launch  # noqa: PLC0415 - see the head

        return launch(self, session, client, local=local)

    def __repr__(self) -> str:
        return str(job_summary(self))

    def _repr_html_(self) -> str:
        return job_summary(self).html()

    @classmethod
    def from_tuner(cls, tuner: SdkObject, *, name: str | None = None, inputs: SdkObject = None) -> Self:
        """The tuning job that a `HyperparameterTuner` of the SageMaker Python SDK 3 would start.

        Args:
            tuner: The tuner, with one model trainer.
            name: Name of the tuning job; None for a unique one made from the tuner's `base_tuning_job_name`.
            inputs: What its `tune(inputs=…)` would be given.

        Raises:
            Invalid: The tuner holds what a tuning job here has no word for.
        """
        return cls(name=name or unique_name(tuner.base_tuning_job_name or "tuning"), **members(tuner, inputs))

    def to_tuner(self, session: SdkObject = None) -> SdkObject:
        """A `HyperparameterTuner` of the SageMaker Python SDK 3 for this tuning job: call its `tune(job_name=…)`.

        Args:
            session: A SageMaker session of the SDK's; None for the default one.

        Raises:
            MissingExtra: The SDK is not installed.
            Invalid: The tuning job says what the SDK leaves out of its request.
        """
        from sm_tuning.client.sagemaker_tuner import tuner  # noqa: PLC0415 - an extra

        return tuner(self, session)
