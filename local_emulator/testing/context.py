"""The context in which the emulator answers every AWS client of this process."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

from local_emulator.domain.errors import EmulatorError
from local_emulator.settings import Settings
from local_emulator.testing.interception import answerer

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
                with patch.object(botocore_stubber, "process_request", answerer(emulator, moto_answers)):
                    yield emulator
            end_runs(state)


@contextmanager
def _nothing() -> Iterator[None]:
    yield
