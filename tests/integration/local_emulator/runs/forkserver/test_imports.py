"""Packages that must not be imported before a fork are found by what their import does."""
# ruff: noqa: E501 - a script is one line here

from tests.integration.local_emulator.runs.forkserver.running import Runs, lines, why_not_forked


def test_what_a_fork_would_break_is_left_to_the_script(runs: Runs, python: str) -> None:
    names = ("threads", "prints", "opens", "starts", "good")
    script = (
        f"import sys, os\nprint(sorted({{*{names!r}}} & {{*sys.modules}}))\ntry:\n    import fails\nexcept RuntimeError as e: print(e)\n"
        "import threads, prints, opens, starts, good\n"
        "print(len(os.listdir('/proc/self/task')), opens.file.read() == open('/etc/hostname').read(), good.version)"
    )
    for _ in range(2):
        folder = runs.start(script, python=python)
        assert lines(folder) == ["['good']", "no", "hello from prints", "2 True 1"]
        assert why_not_forked(folder) == ""
    log = (runs.kept / "forkserver" / "log").read_text()
    assert "threads is left to the scripts: it starts threads\n" in log
    assert "prints is left to the scripts: it prints when it is imported\n" in log


def test_a_thread_that_its_owner_can_do_without_excludes_nothing(runs: Runs, python: str) -> None:
    script = "import sys\nprint('purges' in sys.modules)\nif False:\n    import purges"
    assert lines(runs.start(script, python=python)) == ["True"]
