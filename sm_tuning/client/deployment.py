"""Models behind endpoints and in the model registry, of training jobs that have ended. AWS and the emulator look the same."""

import ast
import hashlib
import io
import json
import tarfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from sm_tuning.boto import Client
from sm_tuning.client import example_request, models, registry
from sm_tuning.client.emulator_process import LOCAL_REGION
from sm_tuning.client.errors import code_of, unless_denied
from sm_tuning.client.hosts import is_local
from sm_tuning.client.other_logs import ENDPOINT_LOG_GROUP, VARIANT, last_error, last_line
from sm_tuning.client.source_archive import pack
from sm_tuning.client.status import Training
from sm_tuning.client.summaries import describe_training_job
from sm_tuning.errors import NotFound, NotServed, WaitTimeout
from sm_tuning.spec.s3 import split_uri
from sm_tuning.spec.script import Script

if TYPE_CHECKING:
    from sm_tuning.client.run import TuningRun

_PROGRAM, _DIRECTORY = "sagemaker_program", "sagemaker_submit_directory"
_LOADERS = {"model_fn", "transform_fn"}  # a script that serves has the former

Clients = Callable[[str], Client]
"""A boto3 client by the name of its service."""


@dataclass(frozen=True)
class Endpoint:
    """An endpoint that serves one model. Make one with `TuningRun.best().serve()` or `TuningRun.endpoint`.

    Attributes:
        name: Its name; its configuration and its model are called the same.
        region: Its region.
        url: Where it is invoked, with HTTP's POST.
        clients: A function that makes a boto3 client by the name of its service.
        features: How many numbers a record has, as far as the model's files tell; None where that is not known.
    """

    name: str
    region: str
    url: str
    clients: Clients = field(repr=False, compare=False)
    features: int | None = field(default=None, repr=False, compare=False)

    def predict(self, body: bytes | str, *, content_type: str = "text/csv", accept: str = "*/*") -> bytes:
        """What the model answers.

        Args:
            body: The request.
            content_type: What it is.
            accept: What the answer is to be.

        Raises:
            botocore.exceptions.ClientError: The model's container failed (ModelError; a note says with which error its log ends), or
                there is no such endpoint.
        """
        try:
            answer = self.clients("sagemaker-runtime").invoke_endpoint(
                EndpointName=self.name, Body=body, ContentType=content_type, Accept=accept
            )
        except ClientError as error:
            reason = last_error(self.clients("logs"), self.name) if code_of(error) == "ModelError" else None
            if reason is not None and reason not in str(error):  # the emulator's message tells it
                error.add_note(f"The last error in the endpoint's log ({ENDPOINT_LOG_GROUP}{self.name}): {reason}")
            raise
        content: bytes = answer["Body"].read()
        return content

    def delete(self) -> Sequence[str]:
        """Delete it with its configuration and its model; what is not there is no error.

        Returns:
            What was deleted of `endpoint`, `configuration` and `model`.

        Raises:
            botocore.exceptions.ClientError: It is being created or updated, and SageMaker deletes none that is; nothing was deleted.
        """
        sagemaker = self.clients("sagemaker")
        deleted = []
        for kind, delete, member in (
            ("endpoint", sagemaker.delete_endpoint, "EndpointName"),
            ("configuration", sagemaker.delete_endpoint_config, "EndpointConfigName"),
            ("model", sagemaker.delete_model, "ModelName"),
        ):
            try:
                delete(**{member: self.name})
            except ClientError as error:
                if not _is_gone(error) and not (kind == "endpoint" and self._is_deleted_already()):
                    raise
            else:
                deleted.append(kind)
        return deleted

    def _is_deleted_already(self) -> bool:
        """Whether it is gone, or about to be."""
        try:
            status: str = self.clients("sagemaker").describe_endpoint(EndpointName=self.name)["EndpointStatus"]
        except ClientError as error:
            return _is_gone(error)
        return status == "Deleting"

    @property
    def _records(self) -> str:
        return example_request.records(self.features).replace("\n", "\\n")

    @property
    def curl(self) -> str:
        """A command line that asks it, with two records, since some toolkits of AWS's make no table of one.

        They have as many numbers as the model takes where `features` tells that, up to a hundred; else they are to be replaced.
        """
        user = "test:test" if is_local(self.url) else "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"
        signed = f'--aws-sigv4 aws:amz:{self.region}:sagemaker --user "{user}" '
        plain = is_local(self.url) and self.region == LOCAL_REGION  # an emulator takes what is not signed as of its own region
        return f"curl {'' if plain else signed}--data-binary $'{self._records}' --header 'Content-Type: text/csv' {self.url}"

    @property
    def python(self) -> str:
        """A line of Python that asks it, with the same records; `boto3` is to be imported."""
        words = f'"sagemaker-runtime", region_name="{self.region}"'
        if is_local(self.url):
            server = self.url.removesuffix(f"/endpoints/{self.name}/invocations")
            words += f', endpoint_url="{server}", aws_access_key_id="test", aws_secret_access_key="test"'
        asked = f'EndpointName="{self.name}", ContentType="text/csv", Body="{self._records}"'
        return f'boto3.client({words}).invoke_endpoint({asked})["Body"].read()'


@dataclass(frozen=True, kw_only=True)
class BestTraining(Training):
    """The best training job of a tuning job, whose model can be served and registered.

    Attributes:
        name: Its name.
        status: AWS's TrainingJobStatus.
        hyperparameters: The tuned ones, as texts.
        value: The objective's last value.
        created: When the service took the request.
        started: When training began.
        ended: When training ended; None before.
        failure_reason: AWS's FailureReason; None unless it failed.
        definition: The name of its definition; None where the only one has none.
        run: The tuning job that it is of.
    """

    run: "TuningRun" = field(repr=False, compare=False)

    def serve(
        self,
        *,
        name: str | None = None,
        script: Script | None = None,
        instance_type: str = "ml.m5.large",
        timeout: float = 1800.0,
    ) -> Endpoint:
        """Put its model behind an endpoint, and wait until that is in service. In AWS it costs money until it is deleted.

        Args:
            name: Name of the endpoint, its configuration and its model; None for the training job's.
            script: A script with `model_fn` that loads the model, sent with the requirements.txt beside it; None for the one that
                trained it.
            instance_type: AWS's instance type; this machine serves whatever it is.
            timeout: Seconds to wait for at most.

        Raises:
            NotFound: It has no model (yet).
            NotServed: Its script has no `model_fn`, the name is taken, or the endpoint failed, which was then deleted.
            WaitTimeout: The time is over; the endpoint goes on.
        """
        return self.run.serve(self.name, name=name, script=script, instance_type=instance_type, timeout=timeout)

    def register(self, group: str, *, script: Script | None = None, approval: str = "PendingManualApproval") -> str:
        """Add its model to a group of the model registry, which is made if it is not there.

        Args:
            group: Name of the model package group.
            script: A script with `model_fn` that loads the model; None for the one that trained it.
            approval: AWS's ModelApprovalStatus: `PendingManualApproval`, `Approved` or `Rejected`.

        Returns:
            The ARN of the model package.

        Raises:
            NotFound: It has no model (yet).
            NotServed: Its script has no `model_fn`, or the registry refuses the model.
        """
        return self.run.register(self.name, group, script=script, approval=approval)


@dataclass(frozen=True, kw_only=True)
class Served:
    """A model as CreateModel takes it."""

    image: str
    data: str
    role: str
    environment: Mapping[str, str]
    hyperparameters: Mapping[str, str]

    def features(self, clients: Clients) -> int | None:
        """How many numbers a record has, as far as that can be told."""
        return example_request.features_of(clients("s3"), self.data, self.hyperparameters)

    @property
    def container(self) -> Mapping[str, Any]:
        """A container of CreateModel, or of a model package."""
        return {"Image": self.image, "ModelDataUrl": self.data, "Environment": dict(self.environment)}


def _is_gone(error: ClientError) -> bool:
    """Whether SageMaker says that something is not there; its code for that is that of every wrong request."""
    return code_of(error) == "ValidationException" and error.response["Error"]["Message"].startswith("Could not find")


def endpoint(clients: Clients, name: str) -> Endpoint:
    """An endpoint by its name; whether there is one is not asked."""
    client = clients("sagemaker-runtime")
    return Endpoint(
        name, client.meta.region_name, f"{client.meta.endpoint_url.rstrip('/')}/endpoints/{name}/invocations", clients
    )


def serve(clients: Clients, training: str, name: str, *, script: Script | None, instance_type: str, timeout: float) -> Endpoint:
    """Put the model of a training job behind an endpoint, and wait until it is in service; one that is there already is waited for.

    Raises NotFound, NotServed, WaitTimeout.
    """
    model = served(clients, training, script)
    sagemaker, made = clients("sagemaker"), replace(endpoint(clients, name), features=model.features(clients))
    if (there := _served_by(sagemaker, name)) is not None:
        if there != [(model.container, instance_type)] or script is not None:  # whose content may be another
            raise NotServed(
                f"the endpoint {name} is there already ({made.url}) and serves another model or script, or on another instance type: "
                "delete it first (`sm-tuning serve JOB --delete`, in Python `run.endpoint(name).delete()`), or give another name"
            )
        _wait(clients, made, timeout)
        return made
    variant = {"VariantName": VARIANT, "ModelName": name, "InitialInstanceCount": 1, "InstanceType": instance_type}
    with ExitStack() as undo:
        try:
            sagemaker.create_model(ModelName=name, ExecutionRoleArn=model.role, PrimaryContainer=model.container)
            undo.callback(sagemaker.delete_model, ModelName=name)
            sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
            undo.callback(sagemaker.delete_endpoint_config, EndpointConfigName=name)
            sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        except ClientError as error:
            message = error.response["Error"]["Message"]
            raise NotServed(f"the model of {training} cannot be served as {name}: {message}") from error
        undo.pop_all()
    _wait(clients, made, timeout)
    return made


def _served_by(sagemaker: Client, name: str) -> Sequence[tuple[Mapping[str, Any], str | None]] | None:
    """Container and instance type of each variant of the endpoint of that name; None if there is none that serves, or is about to."""
    try:
        answer = sagemaker.describe_endpoint(EndpointName=name)
        if answer["EndpointStatus"] in {"Failed", "Deleting"}:
            return None
        configuration = sagemaker.describe_endpoint_config(EndpointConfigName=answer["EndpointConfigName"])
        return [
            (_container_of(sagemaker, variant.get("ModelName", name)), variant.get("InstanceType"))
            for variant in configuration["ProductionVariants"]
        ]
    except ClientError as error:
        if _is_gone(error):
            return None
        raise


def _container_of(sagemaker: Client, model: str) -> Mapping[str, Any]:
    container = sagemaker.describe_model(ModelName=model).get("PrimaryContainer", {})
    return {"Environment": {}} | {name: container[name] for name in ("Image", "ModelDataUrl", "Environment") if name in container}


def served(clients: Clients, training: str, script: Script | None = None) -> Served:
    """What serves the model of a training job: its image, and its own script unless another is given, which is uploaded.

    Raises:
        NotFound: There is no such training job, or it has no model: its script may have left none.
        NotServed: Its script cannot serve.
    """
    job = describe_training_job(clients("sagemaker"), training)
    if "ModelArtifacts" not in job:
        raise NotFound(f"the training job {training} is {job['TrainingJobStatus']} and has no model")
    image = job["AlgorithmSpecification"].get("TrainingImage", "")
    if not image:
        raise NotServed(f"the training job {training} names no image that could serve its model")
    uri = job["ModelArtifacts"]["S3ModelArtifacts"]
    if not models.is_there(clients("s3"), uri):
        raise models.lacking(training, uri)
    return Served(
        image=image.replace("-training:", "-inference:"),  # AWS's names of the deep learning images
        data=uri,
        role=job["RoleArn"],
        environment=_environment(clients, training, job, script),
        hyperparameters=job.get("HyperParameters", {}),
    )


def _environment(clients: Clients, training: str, job: Mapping[str, Any], script: Script | None) -> Mapping[str, str]:
    if script is not None:
        bucket, key = split_uri(job["ModelArtifacts"]["S3ModelArtifacts"])
        archive = pack(script, requirements=True)
        # By its content: what an endpoint or a model package was made with is never written over.
        digest = hashlib.sha256(archive).hexdigest()[:12]
        source = f"{PurePosixPath(key).parent}/serving/{digest}/sourcedir.tar.gz"
        clients("s3").put_object(Bucket=bucket, Key=source, Body=archive)
        return {"SAGEMAKER_PROGRAM": script.program, "SAGEMAKER_SUBMIT_DIRECTORY": f"s3://{bucket}/{source}"}
    hyperparameters = job.get("HyperParameters", {})
    if _PROGRAM not in hyperparameters:
        return {}  # one of AWS's algorithms, or a container that knows what to do
    program, directory = _decoded(hyperparameters[_PROGRAM]), _decoded(hyperparameters.get(_DIRECTORY, ""))
    if not _can_serve(clients, program, directory):
        raise NotServed(
            f"the script {program} of {training} has no model_fn, so AWS's containers do not know how to load its model: add "
            "model_fn(model_dir) to it, guarded from training by if __name__ == '__main__', or give a script that has one"
        )
    return {"SAGEMAKER_PROGRAM": program, "SAGEMAKER_SUBMIT_DIRECTORY": directory}


def _decoded(text: str) -> str:
    """A hyperparameter of the toolkit's: JSON, as the SDKs write it, or the text itself."""
    try:
        return str(json.loads(text))
    except ValueError:
        return text


def _can_serve(clients: Clients, program: str, directory: str) -> bool:
    """Whether a script in S3 has the functions of one that serves; True where it cannot be read."""
    if not directory.startswith("s3://"):
        return True
    bucket, key = split_uri(directory)
    answer = unless_denied(partial(clients("s3").get_object, Bucket=bucket, Key=key))
    if answer is None:
        return True
    body = answer["Body"].read()
    with suppress(tarfile.TarError, KeyError, SyntaxError, ValueError), tarfile.open(fileobj=io.BytesIO(body)) as archive:
        member = archive.extractfile(program)
        tree = ast.parse(b"" if member is None else member.read())
        names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        imported = {alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
        return bool(_LOADERS & (names | imported)) or "*" in imported
    return True


def _wait(clients: Clients, made: Endpoint, timeout: float) -> None:
    sagemaker, deadline = clients("sagemaker"), time.monotonic() + timeout
    pause = 0.2 if is_local(made.url) else 10.0
    while True:
        answer = sagemaker.describe_endpoint(EndpointName=made.name)
        status = answer["EndpointStatus"]
        if status == "InService":
            return
        if status == "Failed":
            last = last_line(clients("logs"), made.name)
            made.delete()
            log = f" The last line of its log: {last}" if last else ""
            raise NotServed(
                f"the endpoint {made.name} failed and was deleted: {answer.get('FailureReason', 'no reason given')}{log}"
            )
        if time.monotonic() > deadline:
            raise WaitTimeout(f"the endpoint {made.name} is still {status} after {timeout:g} seconds; it goes on")
        time.sleep(pause)


def register(
    clients: Clients, training: str, group: str, *, script: Script | None, approval: str, facts: Mapping[str, str]
) -> str:
    """Add the model of a training job to a group of the model registry, which is made if it is not there; the package's ARN.

    Raises NotFound, NotServed.
    """
    model = served(clients, training, script)
    return registry.add(
        clients("sagemaker"), group, model.container, approval=approval, facts={"TrainingJobName": training, **facts}
    )
