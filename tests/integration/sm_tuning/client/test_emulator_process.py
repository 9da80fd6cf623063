"""The emulator that a command starts or finds."""

import subprocess
import sys
from pathlib import Path

from tests.integration.sm_tuning.cli.conftest import Cli


def test_proxies_ports_and_other_installations(alone: Cli) -> None:
    """A proxy of the environment is not asked for this machine; a restart keeps the port; another installation is noticed."""
    cli = alone
    dead = "http://127.0.0.1:9"
    cli.environment |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "all_proxy"), dead)
    assert cli.process("list")[0] == "no tuning jobs\n"
    first = cli.json("emulator", "status")
    assert first["health"]["status"] == "ok"
    exports = cli("emulator", "env")[0]
    assert "export NO_PROXY=localhost,127.0.0.1,::1\n" in exports
    cli.environment["no_proxy"] = "example.com"
    assert "export no_proxy=example.com,localhost,127.0.0.1,::1\n" in cli("emulator", "env")[0]
    library = "import boto3; from sm_tuning import TuningRun; TuningRun('none', session=boto3.Session()).describe()"
    outside = {**cli.environment, "AWS_ENDPOINT_URL": first["url"], "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    del outside["no_proxy"]
    done = subprocess.run(
        [sys.executable, "-c", library],
        env={**outside, "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "there is no tuning job 'none' in us-east-1" in done.stderr
    assert (cli.folder / "state" / "keep").exists()  # somebody has its address, so it does not end by itself
    cli("emulator", "stop")
    assert not (cli.folder / "state" / "keep").exists()
    code = "from local_emulator import installation as i; i._EXTRAS = {'none': 'sys'}; from local_emulator.command import main; main()"
    words = ["serve", "--state", str(cli.folder / "state"), "--port", "0"]
    with subprocess.Popen([sys.executable, "-c", code, *words], env=cli.environment, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert first["url"] in other.stdout.readline()
        said = cli("list")[1]
        assert f"the emulator at {first['url']} lacks what these extras bring, which are installed here: algorithms, " in said
        assert "emulator stop ends it" in said
        cli("emulator", "stop")


def test_an_emulator_that_somebody_counts_on_does_not_end_by_itself(tmp_path: Path) -> None:
    """`emulator env` and `emulator start` leave a mark in the state folder; `stop` takes it away (see above)."""
    emulators = []
    for name in ("kept", "idle"):
        state = tmp_path / name
        serve = [sys.executable, "-m", "local_emulator", "serve", "--port", "0", "--idle-exit", "1", "--state", str(state)]
        process = subprocess.Popen(serve, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert "http://" in process.stdout.readline()
        if name == "kept":
            (state / "keep").touch()
        emulators.append(process)
    kept, idle = emulators
    try:
        idle.communicate(timeout=60)
        assert idle.returncode == 0
        assert kept.poll() is None
    finally:
        for process in emulators:
            process.terminate()
            process.communicate(timeout=60)
