"""An emulated SageMaker inside a test, next to moto's mock_aws: no port, no server, no Docker.

    with emulated_sagemaker():
        boto3.client("sagemaker", region_name="us-east-1").create_hyper_parameter_tuning_job(...)

Training jobs really run, as processes. They have no AWS to talk to (there is no port): data and models come and go through S3.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from local_emulator.api import wire
from local_emulator.domain.errors import EmulatorError
from local_emulator.settings import Settings

if TYPE_CHECKING:
    from local_emulator.assembly import Emulator

_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@contextmanager
def emulated_sagemaker(settings: Settings | None = None, *, mock: bool = True) -> Iterator["Emulator"]:
    """Answer SageMaker's tuning and training operations of every boto3 client in this process; moto answers the rest.

    Args:
        settings: How the emulator behaves; `state` is ignored (a temporary folder is used and removed).
        mock: Start moto's mock_aws too. False if the test has started it already.

    Yields:
        The emulator. When the context ends, every run is killed and nothing is left behind.

    Raises:
        EmulatorError: moto is not installed (the extra `emulator` brings it).
    """
    try:
        from moto import mock_aws  # noqa: PLC0415 - optional and heavy
        from moto.core.models import botocore_stubber  # noqa: PLC0415 - optional and heavy

        from local_emulator.assembly import Emulator, end_runs  # noqa: PLC0415 - needs moto
    except ModuleNotFoundError as error:
        raise EmulatorError(f"{error.name} is not installed: pip install 'sm-tuning[emulator]'") from error
    with tempfile.TemporaryDirectory(prefix="sm-tuning-", ignore_cleanup_errors=True) as folder:
        state = Path(folder)
        chosen = replace(settings or Settings(), state=state)
        with patch.dict("os.environ", _CREDENTIALS), mock_aws() if mock else _nothing():
            with Emulator(chosen, in_memory=True) as emulator:
                moto_answers = botocore_stubber.process_request
                with patch.object(botocore_stubber, "process_request", _answerer(emulator, moto_answers)):
                    yield emulator
            end_runs(state)


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _answerer(emulator: "Emulator", moto_answers: Any) -> Any:  # noqa: ANN401 - moto's own type
    def answer(request: Any) -> tuple[int, Mapping[str, str], bytes] | None:  # noqa: ANN401 - botocore's own type
        headers = {name.lower(): _text(value) for name, value in request.headers.items()}
        access_key, region, service = wire.scope(headers.get("authorization", "")) or ("", emulator.settings.region, "")
        target = headers.get("x-amz-target", "")
        operation = target.removeprefix("SageMaker.")
        if target.startswith("SageMaker.") and operation in emulator.api.operations:
            body = request.body.encode() if isinstance(request.body, str) else bytes(request.body or b"")
            if emulator.api.owns(operation, body):
                return emulator.api.answer(operation, body, region, emulator.cloud.account_of(access_key))
        emulator.publisher.sync(service)
        with emulator.cloud.lock:
            result: tuple[int, Mapping[str, str], bytes] | None = moto_answers(request)
            return result

    return answer


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
