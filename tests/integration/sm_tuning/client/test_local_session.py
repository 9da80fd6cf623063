"""A session for the emulator of this machine, found or started; and a tuning job that is launched there in one word."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sm_tuning import Invalid, Unreachable, local_session
from sm_tuning.client import emulator_process
from sm_tuning.client.local_session import make_bucket
from tests.unit.sm_tuning.descriptions import Make


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The state folder of the environment, on which nothing runs yet."""
    for name in (
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_SAGEMAKER",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_DEFAULT_REGION",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SM_EMULATOR_STATE", str(tmp_path / "state"))
    yield tmp_path / "state"
    emulator_process.call("stop", state=tmp_path / "state")


def test_launch_starts_the_emulator_and_makes_the_bucket(job: Make, tmp_path: Path, state: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text("print('score=0.5')\n")
    run = job(output="s3://not-there-yet/prefix").launch(local=True)
    assert run.wait(timeout=120).status == "Completed"
    again = local_session()
    assert (again.emulator.started, again.emulator.differences) == (False, [])
    assert emulator_process.state_of(again.emulator.url) == str(state)
    assert repr(again) == f"<LocalSession of the emulator at {again.emulator.url}, us-east-1>"
    make_bucket(again, "s3://not-there-yet/again")  # it is there: nothing happens
    assert [bucket["Name"] for bucket in again.client("s3").list_buckets()["Buckets"]] == ["not-there-yet"]


def test_environment_names_the_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    session = local_session(region="eu-west-1")
    assert (session.emulator.url, session.emulator.started, session.region_name) == ("http://127.0.0.1:9", False, "eu-west-1")
    client = session.client("sagemaker")
    assert (client.meta.endpoint_url, client.meta.region_name) == ("http://127.0.0.1:9", "eu-west-1")


def test_local_and_a_session_contradict_each_other(job: Make) -> None:
    with pytest.raises(Invalid, match=r"give local, or a session or client"):
        job().launch(object(), local=True)


def test_an_emulator_that_cannot_start_is_told(state: Path) -> None:
    state.write_text("a file where the folder belongs")
    with pytest.raises(Unreachable, match=r"cannot be used|cannot be asked"):
        local_session()


@pytest.mark.parametrize("patience", ["soon", "0", "nan"])
def test_patience_is_a_number_of_seconds(patience: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("SM_TUNING_TIMEOUT", patience)
    with pytest.raises(Invalid, match=f"SM_TUNING_TIMEOUT is '{patience}'"):
        local_session()
