"""Another server is forked where an import has ended one, must not be done before a fork, or has changed."""

from pathlib import Path

from tests.integration.local_emulator.runs.forkserver.packages import imported
from tests.integration.local_emulator.runs.forkserver.running import Runs, lines, why_not_forked


def test_an_import_that_kills_its_server_is_left_to_the_script(runs: Runs, python: str) -> None:
    folder = runs.start("import sys\nprint('good' in sys.modules)\nif False:\n    import dies\nimport good", python=python)
    assert (lines(folder), why_not_forked(folder)) == (["True"], "")


def test_what_starts_threads_excludes_its_importers_and_is_remembered(runs: Runs, python: str, environment: Path) -> None:
    names = ("outer", "late", "innocent", "inner")
    script = f"import sys\nprint(sorted({{*{names!r}}} & {{*sys.modules}}))\nif False:\n    import {', '.join(names)}"
    for _ in range(2):
        folder = runs.start(script, python=python)
        assert (lines(folder), why_not_forked(folder)) == (["['innocent']"], "")
    before = imported(environment)
    assert (before["inner"], before["outer"], before["late"], before["innocent"]) == (1, 1, 1, 2)  # one restart
    again = Runs(runs.path, runs.kept)
    try:
        assert lines(again.start(script, python=python)) == ["['innocent']"]
    finally:
        again.executor.close()
    assert imported(environment) - before == {"innocent": 1}  # another emulator needs no restart


def test_a_changed_package_is_imported_anew(runs: Runs, python: str, environment: Path) -> None:
    (module,) = environment.glob("lib/*/site-packages/good.py")
    script = "import good; print(good.version)"
    assert lines(runs.start(script, python=python)) == ["1"]
    module.write_text("version = 2222")
    for _ in range(2):
        folder = runs.start(script, python=python)
        assert lines(folder) == ["2222"]
    assert why_not_forked(folder) == ""
