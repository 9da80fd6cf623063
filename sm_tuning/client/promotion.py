"""The model of a training job where nobody but who promotes writes: copied, and registered from there."""

from collections.abc import Mapping
from dataclasses import replace

from botocore.exceptions import ClientError

from sm_tuning.boto import Client
from sm_tuning.client import registry
from sm_tuning.client.deployment import Clients, Served, served
from sm_tuning.client.errors import NO_OBJECT, code_of
from sm_tuning.errors import NotFound, NotServed
from sm_tuning.spec.s3 import split_uri

_DIRECTORY = "SAGEMAKER_SUBMIT_DIRECTORY"


def promote(
    clients: Clients, training: str, *, group: str, folder: str, approval: str, facts: Mapping[str, str]
) -> tuple[str, str]:
    """Copy a training job's model, and the script that serves it, below `folder` (an S3 URI) and register them from there.

    Returns:
        The ARN of the model package, and where the model lies.

    Raises:
        NotFound: There is no such training job, or it has no model (any more).
        NotServed: Its script cannot serve, its model is no archive, or the registry refuses it.
    """
    model = _copied(clients("s3"), served(clients, training), f"{folder.rstrip('/')}/{training}")
    arn = registry.add(
        clients("sagemaker"), group, model.container, approval=approval, facts={"TrainingJobName": training, **facts}
    )
    return arn, model.data


def _copied(client: Client, model: Served, folder: str) -> Served:
    if not model.data.endswith(".tar.gz"):
        raise NotServed(f"the model {model.data} is no archive (model.tar.gz), which alone can be promoted")
    environment = dict(model.environment)
    if environment.get(_DIRECTORY, "").startswith("s3://"):
        environment[_DIRECTORY] = _copy(client, environment[_DIRECTORY], f"{folder}/sourcedir.tar.gz")
    return replace(model, data=_copy(client, model.data, f"{folder}/model.tar.gz"), environment=environment)


def _copy(client: Client, source: str, target: str) -> str:
    from_bucket, from_key = split_uri(source)
    bucket, key = split_uri(target)
    try:
        client.copy({"Bucket": from_bucket, "Key": from_key}, bucket, key)
    except ClientError as error:
        if code_of(error) not in NO_OBJECT:
            raise
        raise NotFound(f"{source} is not there (any more), so it cannot be promoted") from error
    return target
