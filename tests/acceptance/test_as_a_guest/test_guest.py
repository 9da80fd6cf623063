"""The wheel as its users have it: in an environment and a repository of their own, whose tests run in several ways.

`make guest` runs them in all ways on every Python; the suite runs a part of them.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.acceptance import wheel

pytestmark = pytest.mark.slow(80)

_ROOT = Path(__file__).parents[3]
_REPOSITORY = Path(__file__).parent / "repository"
_WAYS = {
    "workers": ["-n", "2", "-p", "randomly"],
    "in order": ["-p", "no:randomly"],
    "without sockets": ["-p", "no:randomly", "--disable-socket"],
}
_ALL = os.environ.get("GUEST") == "all"
_MATRIX = [(name, way) for name in ("default", "lowest", "aioboto3", "3.11", "3.12", "3.13") for way in _WAYS]
_PART = [("default", "workers"), ("lowest", "without sockets")]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel installs."""
    base = tmp_path_factory.mktemp("wheel")
    pip = [wheel.guest_python("default"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    install = [*pip, "install", "--no-deps", "--target", str(base / "site"), str(wheel.build(base))]
    subprocess.run(install, check=True, timeout=300)
    return base / "site"


@pytest.mark.parametrize("name", ["default", "3.11", "3.12", "3.13"] if _ALL else ["default"])
def test_wheel_holds_all_that_the_command_needs(name: str, site: Path, tmp_path: Path) -> None:
    """A job file and a script of the user's own, outside the repository, in an environment that has the wheel's dependencies alone."""
    for file in ("minimal.py", "contract.py"):
        shutil.copy(_ROOT / "training_scripts" / file, tmp_path)
    text = (_ROOT / "docs" / "examples" / "digits.toml").read_text()
    text = text.replace("../../training_scripts/mlp.py", "minimal.py").replace("max_jobs = 12", "max_jobs = 2")
    (tmp_path / "job.toml").write_text(text.replace("high = 16 }", "high = 5 }"))
    environment = {**_environment(site, tmp_path), "HOME": str(tmp_path), "SM_EMULATOR_STATE": str(tmp_path / "state")}

    def said(*words: str) -> str:
        command = [wheel.guest_python(name), "-P", *words]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    packages = "import sm_tuning, local_emulator; print(sm_tuning.__file__, local_emulator.__file__)"
    assert [path.startswith(str(site)) for path in said("-c", packages).split()] == [True, True]
    assert not (site / "training_scripts").exists(), "users have folders called training_scripts"
    try:
        assert "Completed" in said("-m", "sm_tuning", "run", "job.toml")
        said("-m", "sm_tuning", "diagnose")
        said("-m", "sm_tuning", "report", "--output", "report.html")
        assert "</html>" in (tmp_path / "report.html").read_text()
    finally:
        said("-m", "sm_tuning", "emulator", "stop")


def _environment(site: Path, temporary: Path) -> Mapping[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    real = {"AWS_ACCESS_KEY_ID": "AKIAREALREALREALREAL", "AWS_SECRET_ACCESS_KEY": "real"}
    return kept | real | {"PYTHONPATH": str(site), "TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1"}


def _pytest(name: str, *words: str) -> list[str]:
    return [wheel.guest_python(name), "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", *words]


def _left(temporary: Path) -> list[str]:
    """Processes whose environment or command names a folder."""
    left = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            named = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
        except OSError:
            continue
        if str(temporary).encode() in named and int(process.name) != os.getpid():
            left.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode() if process.exists() else process.name)
    return left


def _wait_for_nothing(temporary: Path) -> None:
    deadline = time.monotonic() + 60
    while (left := _left(temporary)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []


@pytest.mark.parametrize(("name", "way"), _MATRIX if _ALL else _PART)
def test_suite_of_a_guest(name: str, way: str, site: Path, tmp_path: Path) -> None:
    command = _pytest(name, *_WAYS[way])
    result = subprocess.run(
        command, cwd=_REPOSITORY, env=_environment(site, tmp_path), capture_output=True, text=True, timeout=600, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    counted = result.stdout.rstrip().splitlines()[-1]
    assert "3 xfailed" in counted, counted
    assert " 0 passed" not in counted
    _wait_for_nothing(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_nothing_is_left_after_a_signal(number: signal.Signals, site: Path, tmp_path: Path) -> None:
    with _interrupted("tests/interrupted.py", site, tmp_path) as process:
        for _ in range(20):  # Python swallows a Ctrl-C that comes in a finalizer
            process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(30)  # on a loaded machine, too: a second Ctrl-C comes into the fixtures' ends
                break
        assert process.poll() is not None
    _wait_for_nothing(tmp_path / "temporary")
    if number is signal.SIGINT:  # pytest ends its fixtures
        assert _folders(tmp_path) == []


def test_nothing_is_left_after_a_timeout(site: Path, tmp_path: Path) -> None:
    """pytest-timeout's method `thread` ends the process at once, without any fixture's end."""
    if subprocess.run(
        [wheel.guest_python("default"), "-c", "import pytest_timeout"], check=False, capture_output=True
    ).returncode:
        pytest.skip("pytest-timeout is not there: make .venv-guest-default/.ready")
    with _interrupted("tests/timed_out.py", site, tmp_path) as process:
        process.wait(120)
    assert process.returncode == 1
    _wait_for_nothing(tmp_path / "temporary")
    deadline = time.monotonic() + 60
    while _folders(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _folders(tmp_path) == []


@contextmanager
def _interrupted(file: str, site: Path, tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A test of the guest's whose training job runs."""
    running, temporary = tmp_path / "running", tmp_path / "temporary"
    temporary.mkdir()
    environment = {**_environment(site, temporary), "GUEST_RUNNING": str(running)}
    command = _pytest("default", "-p", "no:randomly", file)
    # In a script's background Ctrl-C is ignored, and would be here too.
    with subprocess.Popen(
        ["env", "--default-signal=INT", *command],
        cwd=_REPOSITORY,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        deadline = time.monotonic() + 120
        while not running.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        assert running.exists()
        try:
            yield process
        finally:
            process.kill()


def _folders(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "temporary").rglob("sm-tuning-*")]
