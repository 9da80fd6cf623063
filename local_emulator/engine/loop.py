"""The loop: one thread that moves training jobs, then tuning jobs, then sleeps until the bell or a deadline."""

import sys
import threading
import traceback

from local_emulator.engine.announcer import Announcer
from local_emulator.engine.bell import Bell
from local_emulator.engine.trainer import Trainer
from local_emulator.engine.tuner import Tuner

_LOOK_AGAIN = 1.0  # seconds: while something runs, evidence is compared this often even if no bell was heard
_AFTER_A_FAULT = 0.5  # seconds: a fault of our own (a full disk, say) must not spin


class Loop:
    """Runs in a thread of its own from `start` to `close`."""

    def __init__(self, *, bell: Bell, trainer: Trainer, tuner: Tuner, announcer: Announcer) -> None:
        self._bell = bell
        self._trainer = trainer
        self._tuner = tuner
        self._announcer = announcer
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End after the step in hand; runs go on."""
        self._closing.set()
        self._bell.ring()
        self._thread.join()
        self._trainer.close()
        self._tuner.close()

    def _run(self) -> None:
        self._trainer.sweep()
        while not self._closing.is_set():
            try:
                busy = self._trainer.step()
                deadline = self._tuner.step()
                self._announcer.step()
            except Exception:  # noqa: BLE001 - the loop must outlive any fault; the next step compares afresh
                traceback.print_exc(file=sys.stderr)
                self._closing.wait(_AFTER_A_FAULT)
                continue
            timeouts = [seconds for seconds in (deadline, _LOOK_AGAIN if busy else None) if seconds is not None]
            self._bell.wait(min(timeouts, default=None))
