"""Keeps a few child processes running: restarts the dead, replaces the hung, leaves no orphan. Knows nothing of Django."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0


def stop_with_parent() -> None:
    """In the child: Linux sends it SIGTERM when the supervisor dies, also on kill -9."""
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass(slots=True)
class Child:
    """`silent` tells how many seconds the child has shown no life; None where death is the only sign."""

    name: str
    argv: Sequence[str]
    grace: float
    silent: Callable[[], float] | None = None
    silent_limit: float = 30.0
    process: subprocess.Popen[bytes] = field(init=False)
    started: float = field(init=False, default=0.0)
    pause: float = field(init=False, default=FIRST_PAUSE)

    def start(self) -> None:
        self.process = subprocess.Popen(self.argv, start_new_session=True, preexec_fn=stop_with_parent)
        self.started = time.monotonic()

    def kill_group(self) -> None:
        """The whole group: django-q2's children outlive their main process otherwise."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def trouble(self) -> str:
        """Why it must be replaced; empty when it is well."""
        if self.process.poll() is not None:
            return f"ended with code {self.process.returncode}"
        age = time.monotonic() - self.started
        if self.silent is not None and age > self.silent_limit and (silent := min(self.silent(), age)) > self.silent_limit:
            return f"has shown no life for {silent:.0f} s"
        return ""


class Supervisor:
    def __init__(self, children: Sequence[Child], say: Callable[[str], None]) -> None:
        self._children, self._say = children, say
        self._ending = False
        self._due: dict[str, float] = {}

    def run(self, each_second: Callable[[], None]) -> None:
        """Until SIGTERM or Ctrl-C; `each_second` must not raise."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: setattr(self, "_ending", True))
        for child in self._children:
            child.start()
        while not self._ending:
            for child in self._children:
                self._care(child)
            each_second()
            time.sleep(1.0 if not self._due else 0.3)
        self._stop_all()

    def _care(self, child: Child) -> None:
        now = time.monotonic()
        if child.name in self._due:
            if now >= self._due[child.name]:
                self._restart(child, now)
            return
        trouble = child.trouble()
        if not trouble:
            if now - child.started > 60:
                child.pause = FIRST_PAUSE
            return
        child.kill_group()
        self._delay(child, trouble, now)

    def _restart(self, child: Child, now: float) -> None:
        try:
            child.start()
        except OSError as error:  # No process or memory left for the moment: the others must not go down with this one.
            self._delay(child, f"cannot be started ({error.strerror})", now)
        else:
            del self._due[child.name]

    def _delay(self, child: Child, trouble: str, now: float) -> None:
        self._say(f"{child.name} {trouble}; starting it anew in {child.pause:.1f} s")
        self._due[child.name] = now + child.pause
        child.pause = min(child.pause * 2, LONGEST_PAUSE)

    def _stop_all(self) -> None:
        """SIGTERM to the main processes only: django-q2 hangs when its whole group gets one."""
        for child in self._children:
            if child.name not in self._due and child.process.poll() is None:
                child.process.terminate()
        since = time.monotonic()
        for child in self._children:
            if child.name in self._due:
                continue
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.1, child.grace - (time.monotonic() - since)))
            child.kill_group()
