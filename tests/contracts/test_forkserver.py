"""The law of the fork server: a script cannot tell that it was forked. Every case runs both ways, and all that is left is compared."""
# ruff: noqa: E501 - a script is one line here

import sys
from collections.abc import Iterator, Mapping
from functools import partial

import pytest

from local_emulator.runs.folder import RunFolder
from tests.conftest import until
from tests.integration.local_emulator.runs.forkserver.running import Runs, end, interpreter, outcome, why_not_forked

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
    "last error": "import atexit, sys\natexit.register(lambda: print(sys.last_type, sys.last_value, sys.last_traceback.tb_lineno, "
    "getattr(sys, 'last_exc', 0)))\nclass A:\n    def __del__(self): print('gone')\ndef f(a): 1 / 0\nf(A())",
    "unflushed": "f = open('/opt/ml/model/m', 'w'); f.write('x' * 10); print(1)",
    "finalizer": "class A:\n    def __del__(self): print('gone', name)\nname = 'a'\na = A(); b = [a]; b.append(b)",
    "own modules": "import own, package.part; print(own.x, package.part.__file__, own.__spec__.origin)\nimport sys; print('own' in sys.modules)",
    "no modules": "import sys, types\nclass NoWeakReference:\n    __slots__ = ()\n"
    "class Asked(types.ModuleType):\n    def __getattribute__(self, name): raise ImportError(name)\n"
    "class Raises:\n    def __getattr__(self, name): raise RuntimeError(name)\n"
    "class SaysSo(NoWeakReference):\n    __slots__ = ()\n    __class__ = property(lambda self: types.ModuleType)\n"
    "sys.modules.update(a=NoWeakReference(), f=SaysSo(), b=Asked('b'), c=Raises(), d=NoWeakReference, e=None)\nprint('done')",
    "own syntax": "import invalid",
    "own traceback": "import raising",
    "own bytecode": "import own, package, os; print(sorted(os.listdir('__pycache__')), sorted(os.listdir('package/__pycache__')))",
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
    "invalid.py": "def f(:\n",
    "raising.py": "def f(): return 1 / 0\nf()\n",
}


pytestmark = [pytest.mark.processes, pytest.mark.slow(25)]

NEED_PACKAGES = {"numpy", "seeded", "joblib"}
WORDS = ("--rate", "0.1", "a b")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    harness = Runs(tmp_path_factory.mktemp("runs"), tmp_path_factory.mktemp("kept"))
    yield harness
    harness.executor.close()


@pytest.mark.parametrize("case", CASES)
def test_a_forked_script_does_as_an_executed_one(runs: Runs, case: str) -> None:
    files = {"train.py": CASES[case], **FILES}
    executed, forked = (runs.start(files, forked=forked, words=WORDS) for forked in (False, True))
    expected = outcome(executed, forked=False)
    assert outcome(forked, forked=True) == expected
    assert expected["log"] or expected["code"] or case == "exit none"


def test_a_module_beside_the_script_is_what_lies_there_now(runs: Runs) -> None:
    for value in (1, 2, 1, 2):
        folder = runs.start({"train.py": "import own\nprint(own.x)\n", "own.py": f"x = {value}\n"}, forked=True)
        assert outcome(folder, forked=True)["log"] == [str(value)]


def was_forked(folder: RunFolder) -> bool:
    """Whether a run that was to be forked was, once it has ended."""
    end(folder)
    return folder.load_run().fork_server is not None and not why_not_forked(folder)


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_whatever_the_python(runs: Runs, version: str) -> None:
    """The same cases in an interpreter that has nothing but the standard library, a few at a time."""
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} on this machine")
    if python == sys.executable:
        pytest.skip(f"Python {version} runs these tests: see the cases above")
    cases = [case for case in CASES if case not in NEED_PACKAGES]
    different = {}
    for several in (cases[start : start + 4] for start in range(0, len(cases), 4)):
        started = {
            case: [
                runs.start({"train.py": CASES[case], **FILES}, forked=forked, words=WORDS, python=python)
                for forked in (False, True)
            ]
            for case in several
        }
        for case, (executed, forked) in started.items():
            if not was_forked(forked):  # a busy machine: its server may be late, or fail and pause, and no run waits for it
                again = partial(runs.start, {"train.py": CASES[case], **FILES}, words=WORDS, python=python)
                forked = until(again, so=was_forked, pause=1.0)  # noqa: PLW2901 - see above
            outcomes = outcome(executed, forked=False), outcome(forked, forked=True)
            if outcomes[0] != outcomes[1]:
                different[case] = outcomes
    assert different == {}
