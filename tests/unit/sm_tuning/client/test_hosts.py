"""Which endpoints are an emulator's."""

import pytest

from sm_tuning.client.hosts import is_local


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:4577", True),
        ("http://LOCALHOST", True),
        ("http://[::1]:4577", True),
        ("http://emulator:4577", True),
        ("https://api.sagemaker.us-east-1.amazonaws.com", False),
        ("http://10.0.0.7:4577", False),
        ("http://[fd00::7]:4577", False),
        ("http://", False),
        ("", False),
    ],
)
def test_names_of_services_have_no_dot(url: str, *, local: bool) -> None:
    assert is_local(url) is local
