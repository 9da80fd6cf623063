"""Following a tuning job: what is told while it runs, and Ctrl-C."""

import re
import signal

from tests.integration.sm_tuning.cli.conftest import Cli


def test_a_regex_that_matches_nothing_is_told_while_it_runs(cli: Cli) -> None:
    cli.write(line="for n in range(20): print(f'Score: {n}', flush=True)\ntime.sleep(2)")
    output, errors = cli("run", "job.toml", "--name", "silent", code=1)
    assert "warning: silent-00" in errors
    assert "the regex 'score=([-+0-9.eE]+)' has matched none of 2" in errors
    assert "Score: 1" in errors
    assert "failed: No objective metrics found after running 3 training jobs." in " ".join(output.split())


def test_failures_are_grouped(cli: Cli) -> None:
    cli.write(line="raise ValueError(f'bad rate {value}')")
    output, _ = cli("run", "job.toml", code=1)
    assert "3 training jobs: AlgorithmError" in output
    assert output.count("ValueError: bad rate") == 2  # in the reason, and in the end of one log


def test_ctrl_c_lets_it_go_on_and_again_stops_it(cli: Cli) -> None:
    cli.write(pause=60)
    for name, times, state in (("go-on", 1, "InProgress"), ("stop", 2, "Stop")):
        with cli.start("run", "job.toml", "--name", name) as process:
            assert process.stderr is not None
            while "running" not in process.stderr.readline():
                pass
            process.send_signal(signal.SIGINT)
            rest = ""
            while "Ctrl-C again" not in rest:
                line = process.stderr.readline()
                assert line, rest
                rest += line
            if times > 1:
                process.send_signal(signal.SIGINT)
            rest += process.stderr.read()
            assert process.wait(timeout=30) == 130
        assert f"{name} goes on. Follow it: sm-tuning attach {name}" in rest
        assert cli.json("status", name)["HyperParameterTuningJobStatus"].startswith(state)
    assert "is still InProgress" in cli("attach", "go-on", "--timeout", "0.1", code=4)[1]
    assert re.match("go-on: Stop", cli("stop", "go-on")[0])
