"""The law of a warm run: nobody can tell it from a cold one. Every case runs both ways, and all that it left is compared."""
# ruff: noqa: E501 - a script is one line here

import contextlib
import importlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from local_emulator.domain.jobs import MetricDefinition
from local_emulator.runs import mounts
from local_emulator.runs.data.log import read_log
from local_emulator.runs.folder import RunFolder, read_metrics
from local_emulator.runs.forkserver import pool as warm_runs
from local_emulator.runs.forkserver import server as warm_server
from local_emulator.runs.forkserver.pool import ForkServers
from local_emulator.runs.forkserver.script_imports import imports_of
from local_emulator.runs.process import ProcessExecutor, _holders
from local_emulator.runs.run import Cause, Command, Run, RunState
from local_emulator.runs.supervisor import MARKER

pytestmark = pytest.mark.processes

BASE = {
    "PATH": os.environ["PATH"],
    "LC_ALL": "C.UTF-8",
    "PYTHONUNBUFFERED": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
Both = Callable[..., tuple[RunFolder, RunFolder]]


class Runs:
    """Runs scripts warm and cold."""

    def __init__(self, path: Path, kept: Path) -> None:
        self.path, self.kept = path, kept
        self.pool = ForkServers(kept / "warm")
        self.executor = ProcessExecutor(wakeup=None, fork_servers=self.pool)
        self.private = mounts.available(path).private

    def start(
        self,
        files: Mapping[str, str],
        *,
        warm: bool,
        words: tuple[str, ...] = (),
        python: str = sys.executable,
        patient: bool = True,
        **settings: Any,
    ) -> RunFolder:
        """Begin a run; if it is patient and is to be warm, when its server is ready."""
        folder = RunFolder(self.path / "runs" / os.urandom(16).hex())
        code = folder.ml / "code"
        for name in ("model", "output/data", "input", "code"):
            (folder.ml / name).mkdir(parents=True)
        folder.make()
        for name, text in files.items():
            (code / name).parent.mkdir(parents=True, exist_ok=True)
            (code / name).write_text(text)
        base = "/opt/ml/code" if self.private else str(code)
        environment = {**BASE, "PYTHONPATH": f"{base}:/nowhere", "HOME": "/root", "TMPDIR": str(folder.temporary),
                       "SM_HP_X": "1", **settings.pop("env", {})}  # fmt: skip
        run = Run(
            id=folder.path.name,
            folder=folder.path,
            program=Command(argv=(python, "train.py", *words), cwd=base),
            env=environment,
            metrics=(MetricDefinition(name="x", regex="x=([0-9.]+)"),),
            disk_floor=0,
            opt_ml=self.private,
            imports=imports_of(code, "train.py") if warm else None,
            **settings,
        )
        if warm and patient:
            self.wait_for_server(run)
        self.executor.start(run)
        return folder

    def wait_for_server(self, run: Run) -> None:
        deadline = time.monotonic() + 120
        while (path := self.pool.server(run)) is not None and not path.exists():
            assert time.monotonic() < deadline, "its server is not ready"
            time.sleep(0.005)

    def both(
        self, script: str, words: tuple[str, ...] = (), files: Mapping[str, str] | None = None, **settings: Any
    ) -> list[Any]:
        """What a cold and a warm run left."""
        told = []
        for warm in (False, True):
            folder = self.start({"train.py": script, **(files or {})}, warm=warm, words=words, **settings)
            told.append(self.left(folder, warm=warm))
        return told

    def left(self, folder: RunFolder, *, warm: bool) -> dict[str, Any]:
        ended = end(folder)
        assert (folder.load_run().fork_server is not None) is warm
        assert (folder.path / "supervisor.log").read_text() == ""  # it says why a run that was to be warm was cold
        log = [line.text.replace(str(folder.work), "RUN") for line in read_log(folder)[0]]
        written = {
            str(path.relative_to(folder.ml)): path.read_bytes()
            for path in folder.ml.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        return {
            "code": ended.code, "cause": ended.cause, "message": ended.message, "log": log, "files": written,
            "metrics": [one.value for one in read_metrics(folder, 0)[0]], "model": ended.model,
        }  # fmt: skip


def end(folder: RunFolder, within: float = 60) -> Any:
    deadline = time.monotonic() + within
    while folder.state() not in {RunState.EXITED, RunState.LOST}:
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.005)
    return folder.read_exit()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    runs = Runs(tmp_path_factory.mktemp("runs"), tmp_path_factory.mktemp("kept"))
    yield runs
    runs.executor.close()


CASES: Mapping[str, str] = {
    "output": "print('x=1'); print('x=2', end='')",
    "streams": "import sys; print(1); print(2, file=sys.stderr); print(3); sys.stdout.write('4\\n'); print(sys.stdout.line_buffering, "
    "sys.stdout.write_through, sys.stdout.encoding, sys.stdout.errors, sys.stderr.errors, sys.stdin.encoding)",
    "main": "import sys; print(__name__, __file__, __spec__, __package__, __doc__, __annotations__, __cached__, type(__loader__).__name__,"
    " __builtins__); print(sys.modules['__main__'].__dict__ is globals())",
    "names": "print(sorted(name for name in dir()))",
    "argv": "import sys; print(sys.argv, sys.orig_argv, sys.executable, sys.flags, sys.path)",
    "environment": "import os; print(sorted((k, v) for k, v in os.environ.items() if 'TMP' not in k and k != 'SM_EMULATOR_RUN'),"
    " os.environb[b'SM_HP_X'], len(os.environ['SM_EMULATOR_RUN'])); os.system('echo $SM_HP_X')",
    "folder": "import os; print(os.getcwd(), sorted(os.listdir()), sorted(os.listdir('/opt/ml'))); open('/opt/ml/model/m', 'w').write('w')",
    "stdin": "import sys; print(repr(sys.stdin.read())); input()",
    "exit code": "import sys; sys.exit(7)",
    "exit text": "import sys; sys.exit('why')",
    "exit none": "raise SystemExit",
    "exit large": "import sys; sys.exit(-1)",
    "traceback": "def f():\n    raise ValueError('no')\ntry:\n    f()\nexcept ValueError as e:\n    raise KeyError(1) from e",
    "syntax": "print('never')\ndef f(:\n",
    "hook": "import sys\nsys.excepthook = lambda *a: print('hook', a[0].__name__)\n1 / 0",
    "bad hook": "import sys\nsys.excepthook = lambda *a: 1 / 0\n{}[1]",
    "interrupt": "raise KeyboardInterrupt",
    "signal": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
    "abort": "import os; os.abort()",
    "os exit": "import os; print('x=1'); os._exit(9)",
    "handlers": "import signal; print([(n, str(signal.getsignal(n))) for n in range(1, 65) if n not in (32, 33)]); "
    "print(signal.pthread_sigmask(signal.SIG_BLOCK, []))",
    "group": "import os; print(os.getpgid(0) == os.getpid(), os.getsid(0) == os.getpid(), os.umask(0), os.nice(0))",
    "limits": "import resource; print([(n, resource.getrlimit(getattr(resource, n))) for n in dir(resource) if n.startswith('RLIMIT_')])",
    "descriptors": "import os; print([n for n in os.listdir('/proc/self/fd') if n in '012'])",
    "atexit": "import atexit, threading\natexit.register(print, 'last')\nthreading.Thread(target=lambda: (__import__('time').sleep(.1), "
    "print('thread'))).start()\nprint('main')",
    "daemon": "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\nprint('done')",
    "unflushed": "f = open('/opt/ml/model/m', 'w'); f.write('x' * 10); print(1)",
    "finalizer": "class A:\n    def __del__(self): print('gone', name)\nname = 'a'\na = A(); b = [a]; b.append(b)",
    "own modules": "import own, package.part; print(own.x, package.part.__file__, own.__spec__.origin)\nimport sys; print('own' in sys.modules)",
    "pickle": "import pickle\nclass A: pass\nprint(pickle.dumps(A()), type(pickle.loads(pickle.dumps(A()))))",
    "fork": "import multiprocessing as m\ndef f(q): q.put(__name__)\nif __name__ == '__main__':\n    c = m.get_context('fork'); q = c.Queue()\n"
    "    p = c.Process(target=f, args=(q,)); p.start(); print(q.get()); p.join(); print(p.exitcode)",
    "spawn": "import multiprocessing as m\ndef f(q): q.put(__name__)\nif __name__ == '__main__':\n    c = m.get_context('spawn'); q = c.Queue()\n"
    "    p = c.Process(target=f, args=(q,)); p.start(); print(q.get()); p.join(); print(p.exitcode)",
    "forkserver": "import multiprocessing as m\ndef f(q): q.put(__name__)\nif __name__ == '__main__':\n    c = m.get_context('forkserver')\n"
    "    q = c.Queue(); p = c.Process(target=f, args=(q,)); p.start(); print(q.get()); p.join(); print(p.exitcode)",
    "pool": "from concurrent.futures import ProcessPoolExecutor\ndef f(x): return x * x\nif __name__ == '__main__':\n"
    "    with ProcessPoolExecutor(2) as pool: print(list(pool.map(f, range(5))))",
    "subprocess": "import subprocess, sys; print(subprocess.run([sys.executable, '-c', 'import sys, os; print(sys.flags, os.getcwd(), sys.path)'],"
    " capture_output=True, text=True))",
    "leaves a process": "import subprocess; subprocess.Popen(['sleep', '600']); print('x=3')",
    "leaves a daemon": "import os\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: os.execvp('sleep', ['sleep', '600'])\n    os._exit(0)\n"
    "os.wait(); print('x=3')",
    "warnings": "import warnings; warnings.warn('careful'); print([w[0] for w in warnings.filters][:2])",
    "logging": "import logging; logging.warning('careful'); logging.getLogger('a').error('bad')",
    "numpy": "import numpy as np, sklearn.linear_model as l; print(l.LinearRegression().fit(np.eye(3), [1, 2, 3]).coef_.round(3), np.ones((9, 9)) @ np.ones(9))",
    "seeded": "import random, numpy as np; random.seed(1); np.random.seed(1); print(random.random(), np.random.rand())",
    "joblib": "import joblib\ndef f(x): return x + 1\nprint(joblib.Parallel(2)(joblib.delayed(f)(i) for i in range(4)))",
    "path": "import sys, os; print(os.path.abspath('.'), sys.path[0], __file__); import runpy",
    "recursion": "import sys\ndef f(n): return n and f(n - 1)\nprint(f(900), sys.getrecursionlimit())",
    "garbage": "import gc; print(gc.isenabled(), gc.get_threshold(), gc.get_debug())",
    "async": "import asyncio\nasync def f(): await asyncio.sleep(0.01); return 5\nprint(asyncio.run(f()))",
    "typing": "x: int = 3\nprint(__annotations__)",
    "coding": "# -*- coding: latin-1 -*-\nprint(ascii('\u00e9'))",
    "unhandled in thread": "import threading\nt = threading.Thread(target=lambda: 1 / 0, name='t'); t.start(); t.join(); print('on')",
    "broken output": "import sys, os; os.close(1); print('x'); sys.stdout.flush()",
    "temporary": "import tempfile, os; print(tempfile.gettempdir() == os.environ['TMPDIR'])",
    "locale": "import locale; print(locale.getlocale(), locale.getpreferredencoding())",
}  # fmt: skip
FILES = {
    "own.py": "x = 5\nclass B:\n    def __del__(self): print('own gone')\nb = B()\n",
    "package/__init__.py": "",
    "package/part.py": "from . import other\n",
    "package/other.py": "",
}


@pytest.mark.parametrize("case", CASES)
def test_a_warm_run_is_a_cold_one(kept: Runs, case: str) -> None:
    cold, warm = kept.both(CASES[case], words=("--rate", "0.1", "a b"), files=FILES)
    assert warm == cold
    assert cold["log"] or cold["code"] or case == "exit none"


def text(folder: RunFolder) -> list[str]:
    end(folder)
    return [line.text for line in read_log(folder)[0]]


def why_cold(folder: RunFolder) -> str:
    return (folder.path / "supervisor.log").read_text()


def test_each_run_draws_its_own(kept: Runs) -> None:
    script = (
        "import random, uuid, os, multiprocessing, numpy as np\n"
        "for x in (random.random(), np.random.rand(), np.random.default_rng().random(), uuid.uuid4(), os.urandom(8),\n"
        "          bytes(multiprocessing.current_process().authkey)): print(x)"
    )
    first, second, third = (text(kept.start({"train.py": script}, warm=True)) for _ in range(3))
    assert len(first) == 6
    for one, other in ((first, second), (second, third), (first, third)):
        assert not set(one) & set(other)


def test_switches_of_python_start_it_cold(kept: Runs) -> None:
    script = "import sys; print(hash('a'), sys.flags.optimize, sys.flags.hash_randomization)"
    for environment in ({"PYTHONHASHSEED": "3"}, {"PYTHONOPTIMIZE": "1"}, {"PYTHONUNBUFFERED": ""}):
        cold, asked = (kept.start({"train.py": script}, warm=warm, env=environment) for warm in (False, True))
        end(asked)
        assert asked.load_run().fork_server is None
        if "PYTHONUNBUFFERED" not in environment:
            assert (text(cold) == text(asked)) is ("PYTHONHASHSEED" in environment)


def test_a_file_with_the_name_of_a_module_starts_it_cold(kept: Runs) -> None:
    script = "import json, textwrap; print(json.x, textwrap.__file__)"
    cold, warm = (
        kept.start({"train.py": script, "textwrap.py": "x = 1", "json.py": "x = 'mine'"}, warm=one) for one in (False, True)
    )
    assert text(cold) == text(warm)
    assert "has the name of a module" in why_cold(warm)


def test_learns_what_is_imported_later(kept: Runs) -> None:
    script = "import sys\nprint('xmlrpc.client' in sys.modules)\ndef f():\n    import xmlrpc.client\nf()"
    told = [text(kept.start({"train.py": script}, warm=True)) for _ in range(3)]
    assert told[0] == ["False"]
    assert told[2] == ["True"]


# Notes each import, in the interpreter's folder.
COUNTED = "import pathlib\nfolder = pathlib.Path(__file__).parents[3]\nwith (folder / 'imported').open('a') as file: file.write(__name__ + ' ')\n"


def imported(python: Path) -> Counter[str]:
    """How often each of those modules has been imported, in any process."""
    return Counter((python.parent.parent / "imported").read_text().split())


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another interpreter, with modules that must not be imported before a fork, and one that may be."""
    folder = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (packages,) = folder.glob("lib/*/site-packages")
    for name, content in {
        "good": "version = 1",
        "threads": "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon=True).start()",
        "prints": "print('hello from prints')",
        "opens": "file = open('/etc/hostname')",
        "starts": "import subprocess\nprocess = subprocess.Popen(['sleep', '600'])",
        "fails": "raise RuntimeError('no')",
        "dies": "import os\nos.abort()",
        "inner": COUNTED + "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon=True).start()",
        "outer": COUNTED + "import inner",
        "late": COUNTED + "import inner",
        "innocent": COUNTED,
        "purges": "import threading, time, os, pathlib\nthread = threading.Thread(target=time.sleep, args=(600,), daemon=True)\n"
        "thread.start()\npathlib.Path(f'/proc/self/task/{thread.native_id}/comm').write_text('jemalloc_bg_thd')",
        "slow": COUNTED + "import time\nwhile not (folder / 'go').exists(): time.sleep(0.01)",
    }.items():
        (packages / f"{name}.py").write_text(content)
    return folder / "bin" / "python"


def test_leaves_cold_what_a_fork_would_break(kept: Runs, python: Path) -> None:
    names = ("threads", "prints", "opens", "starts", "good")
    script = (
        f"import sys, os\nprint(sorted({{*{names!r}}} & {{*sys.modules}}))\ntry:\n    import fails\nexcept RuntimeError as e: print(e)\n"
        "import threads, prints, opens, starts, good\n"
        "print(len(os.listdir('/proc/self/task')), opens.file.read() == open('/etc/hostname').read(), good.version)"
    )
    for _ in range(2):
        folder = kept.start({"train.py": script}, warm=True, python=str(python))
        assert text(folder) == ["['good']", "no", "hello from prints", "2 True 1"]
        assert why_cold(folder) == ""


def test_an_import_that_kills_its_server_is_left_to_the_script(kept: Runs, python: Path) -> None:
    script = "import sys\nprint('good' in sys.modules)\nif False:\n    import dies\nimport good"
    folder = kept.start({"train.py": script}, warm=True, python=str(python))
    assert (text(folder), why_cold(folder)) == (["True"], "")


def test_what_starts_threads_takes_its_importers_with_it_and_is_remembered(kept: Runs, python: Path) -> None:
    names = ("outer", "late", "innocent", "inner")
    script = f"import sys\nprint(sorted({{*{names!r}}} & {{*sys.modules}}))\nif False:\n    import {', '.join(names)}"
    for _ in range(2):
        folder = kept.start({"train.py": script}, warm=True, python=str(python))
        assert (text(folder), why_cold(folder)) == (["['innocent']"], "")
    before = imported(python)
    assert (before["inner"], before["outer"], before["late"], before["innocent"]) == (1, 1, 1, 2)  # begun anew once
    again = Runs(kept.path, kept.kept)
    try:
        assert text(again.start({"train.py": script}, warm=True, python=str(python))) == ["['innocent']"]
    finally:
        again.executor.close()
    assert imported(python) - before == {"innocent": 1}  # another emulator needs no second beginning


def test_a_thread_that_its_owner_can_do_without_keeps_nothing_cold(kept: Runs, python: Path) -> None:
    script = "import sys\nprint('purges' in sys.modules)\nif False:\n    import purges"
    assert text(kept.start({"train.py": script}, warm=True, python=str(python))) == ["True"]


def test_no_run_waits_for_imports(kept: Runs, python: Path) -> None:
    script = "print('x=1')\nif False:\n    import slow"
    for _ in range(3):
        folder = kept.start({"train.py": script}, warm=True, python=str(python), patient=False)
        assert text(folder) == ["x=1"]
        assert why_cold(folder) == "cold: its server is not ready\n"
    (python.parent.parent / "go").touch()
    folder = kept.start({"train.py": script}, warm=True, python=str(python))
    assert (text(folder), why_cold(folder), imported(python)["slow"]) == (["x=1"], "", 1)


def test_what_a_run_imports_later_and_cannot_be_forked_is_not_learnt(kept: Runs, python: Path) -> None:
    (packages,) = python.parent.parent.glob("lib/*/site-packages")
    (packages / "large").mkdir()
    (packages / "large" / "__init__.py").write_text("")
    (packages / "large" / "sub.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(9,), daemon=True).start()"
    )
    script = (
        "import sys, large\nprint('large' in sys.modules_before, 'innocent' in sys.modules_before, 'large.sub' in sys.modules_before)\n"
        "import importlib\nfor name in ('large.sub', 'inn' + 'ocent'): importlib.import_module(name)"
    ).replace("sys.modules_before", "[*sys.modules]")
    told: list[str] = []
    deadline = time.monotonic() + 60
    while told[-1:] != ["True True False"]:
        assert time.monotonic() < deadline, told
        folder = kept.start({"train.py": script}, warm=True, python=str(python))
        told += text(folder)
    for _ in range(2):
        folder = kept.start({"train.py": script}, warm=True, python=str(python))
        assert (text(folder), why_cold(folder)) == (["True True False"], "")


def request(path: Path) -> Run:
    return Run(id="a" * 32, folder=path, program=Command(argv=(sys.executable, "train.py")), env=BASE, imports=("json",))


def test_whatever_fails_in_starting_a_server_makes_runs_cold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    assert ForkServers(tmp_path / "file").server(request(tmp_path)) is None
    run = replace(request(tmp_path), program=Command(argv=(str(tmp_path / "no-python"), "train.py")))
    assert ForkServers(tmp_path / "warm").server(run) is None
    failing = Mock(side_effect=BlockingIOError("no process"))
    monkeypatch.setattr(subprocess, "Popen", failing)
    pool = ForkServers(tmp_path / "warm")
    assert [pool.server(request(tmp_path)) for _ in range(2)] == [None, None]
    assert failing.call_count == 1  # not tried again at once
    monkeypatch.undo()
    monkeypatch.setattr(socket, "socket", Mock(side_effect=RuntimeError("no sockets")))  # as pytest-socket does
    pool = ForkServers(tmp_path / "warm")
    path = pool.server(request(tmp_path))
    assert path is not None
    while not path.exists():
        time.sleep(0.01)
    pool.close()
    assert not path.exists()


def test_a_server_that_does_not_answer_is_waited_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_runs, "_PATIENCE", 0.05)
    path = tmp_path / "server"
    reading, writing = os.pipe()
    run = replace(request(tmp_path), fork_server=str(path))
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as other:
        listener.bind(str(path))
        assert warm_runs.fork(run, writing, reading) is None  # nobody listens
        listener.listen(0)
        assert warm_runs.fork(run, writing, reading) is None  # nobody answers
        assert not path.exists()
        listener.close()
        with socket.socket(socket.AF_UNIX) as full:
            full.bind(str(path))
            full.listen(0)
            other.connect(str(path))
            assert warm_runs.fork(run, writing, reading) is None  # there is no room for another one
            assert path.is_socket()
    os.close(reading)
    os.close(writing)


def test_without_watches_packages_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "watched.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("watched")
    for allowed in (True, False):
        if not allowed:
            monkeypatch.setattr(warm_server, "_libc", Mock(inotify_init1=Mock(return_value=-1)))
        packages = warm_server._Packages()
        before = packages.changed
        os.utime(tmp_path / "watched.py", ns=(int(allowed), int(allowed)))
        assert (before, packages.changed) == (False, True)
        packages.close()


def test_a_changed_package_is_imported_anew(kept: Runs, python: Path) -> None:
    (module,) = python.parent.parent.glob("lib/*/site-packages/good.py")
    script = "import good; print(good.version)"
    assert text(kept.start({"train.py": script}, warm=True, python=str(python))) == ["1"]
    module.write_text("version = 2222")
    for _ in range(2):
        folder = kept.start({"train.py": script}, warm=True, python=str(python))
        assert text(folder) == ["2222"]
    assert why_cold(folder) == ""


def begun(folder: RunFolder) -> int:
    """The process that a script has told of itself."""
    while not (lines := [line.text for line in read_log(folder)[0]]):
        time.sleep(0.01)
    return int(lines[0])


SLEEPS = "import os, subprocess, time; subprocess.Popen(['sleep', '601']); print(os.getpid(), flush=True); time.sleep(600)"


def marked(run: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and f"{MARKER}={run}".encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
    return found


def test_stops_and_deadlines(kept: Runs) -> None:
    trap = "import signal, sys, os, time\nsignal.signal(15, lambda *a: (print('term'), sys.exit(4)))\nprint(os.getpid(), flush=True)\ntime.sleep(600)"
    folder = kept.start({"train.py": trap}, warm=True)
    begun(folder)
    kept.executor.stop(folder.path)
    assert (text(folder)[1:], end(folder).cause, end(folder).code) == (["term"], Cause.STOP, 4)
    late = kept.start({"train.py": SLEEPS}, warm=True, max_runtime=0.5, stop_grace=0.2)
    assert (end(late).cause, end(late).code) == (Cause.MAX_RUNTIME, 128 + signal.SIGTERM)
    assert marked(late.load_run().id) == []


def test_nothing_is_left_whoever_dies(kept: Runs) -> None:
    for victim in ("program", "keeper", "supervisor", "all"):
        folder = kept.start({"train.py": SLEEPS}, warm=True)
        program, run = begun(folder), folder.load_run().id
        assert program in marked(run)
        assert len(marked(run)) == 3  # its keeper, itself, and what it has started
        if victim == "all":
            assert kept.executor.kill(folder.path)
        else:
            keeper = int(Path(f"/proc/{program}/stat").read_text().rsplit(")", 1)[1].split()[1])
            (supervisor,) = _holders(folder.lock)
            os.kill({"program": program, "keeper": keeper, "supervisor": supervisor}[victim], signal.SIGKILL)
        deadline = time.monotonic() + 20
        while folder.state() is RunState.RUNNING:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        if victim in {"program", "keeper"}:
            assert (end(folder).cause, end(folder).code) == (Cause.EXIT, 128 + signal.SIGKILL)
        else:
            assert folder.state() is RunState.LOST
            kept.executor.kill(folder.path)
        assert marked(run) == []


def test_runs_outlive_their_server(tmp_path: Path) -> None:
    runs = Runs(tmp_path, tmp_path)
    folder = runs.start({"train.py": "import os, time; print(os.getpid(), flush=True); time.sleep(0.5); print('x=1')"}, warm=True)
    begun(folder)
    runs.executor.close()
    assert text(folder)[1:] == ["x=1"]
    assert (end(folder).cause, end(folder).code, why_cold(folder)) == (Cause.EXIT, 0, "")


def test_many_at_once(kept: Runs) -> None:
    folders = [kept.start({"train.py": f"import numpy; print('x={n}')"}, warm=True) for n in range(20)]
    assert [text(folder) for folder in folders] == [[f"x={n}"] for n in range(20)]
    assert {why_cold(folder) for folder in folders} <= {
        "",
        "cold: its server does not answer\n",
        "cold: its server is not ready\n",
    }


def test_imports_are_read_from_the_text(tmp_path: Path) -> None:
    files = {
        "train.py": "from __future__ import annotations\nimport os, a.b\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import never\n"
        "try:\n    import c\nexcept ImportError:\n    import d\nfrom e.f import g, h\nimport own\nfrom package import part\ndef x():\n    import late\n",
        "own.py": "import numpy",
        "package/__init__.py": "from .part import y",
        "package/part.py": "from . import other\nimport pandas as pd",
        "package/other.py": "import scipy.stats",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    found = set(imports_of(tmp_path, "train.py"))
    assert found == {"os", "a.b", "typing:TYPE_CHECKING", "c", "d", "e.f:g,h", "numpy", "pandas", "scipy.stats"}
    (tmp_path / "broken.py").write_text("import os\nthis is no python")
    assert imports_of(tmp_path, "broken.py") == ()
