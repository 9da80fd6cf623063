"""What goes on inside `emulated_sagemaker()`. It is imported at the first use: moto is optional, and heavy."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace

from moto import mock_aws
from moto.core.models import botocore_stubber

from local_emulator.assembly import end_runs
from local_emulator.domain.errors import EmulatorError
from local_emulator.settings import Settings
from local_emulator.testing import environment
from local_emulator.testing.emulator import InProcessEmulator
from local_emulator.testing.interception import answering
from local_emulator.testing.state import temporary_state

_NO_AWS = "http://127.0.0.1:9/emulated_sagemaker-has-no-port"  # where a training job that asks AWS is refused at once
_INACTIVE = "emulated_sagemaker(mock=False): moto's mock_aws is not active; start it before, or leave mock=False out"
_ELSEWHERE = (
    "emulated_sagemaker(): moto is in server or proxy mode (TEST_SERVER_MODE, TEST_PROXY_MODE); it has to be in this process"
)


@contextmanager
def emulation(settings: Settings, *, mock: bool) -> Iterator[InProcessEmulator]:
    """An emulator that answers every AWS client of this process until the context ends, beside moto's mock_aws."""
    region = environment.configured_region() or settings.region
    with temporary_state(end_runs) as state:
        chosen = replace(settings, state=state, region=region)
        with environment.dummy_environment(chosen), mock_aws() if mock else nullcontext():
            if not botocore_stubber.enabled:
                raise EmulatorError(_INACTIVE if not mock else _ELSEWHERE)
            with (
                InProcessEmulator(chosen, endpoint=lambda: _NO_AWS) as emulator,
                answering(emulator),
                emulator.requests.recording(),
            ):
                yield emulator
            if any((state / "runs").iterdir()):
                end_runs(state)
