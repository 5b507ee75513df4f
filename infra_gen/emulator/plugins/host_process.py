"""A process of the host that stands in for a container or an instance: it dies with the emulator, and all below it with it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]
PYTHON = CHECKOUT / ".venv" / "bin" / "python"
GRACE_AT_THE_END = 3.0
PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")

# Linux ends a child when the *thread* that started it ends, so one thread that lasts starts them all.
_SPAWNER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="host-process-spawner")
_alive: set[HostProcess] = set()
_lock = threading.Lock()


class HostProcess:
    """Started at once; raises OSError when the program is not there."""

    def __init__(self, argv: Sequence[str], *, folder: Path, env: Mapping[str, str], log: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.log = log
        with log.open("ab") as output:
            self._asked = False
            self._process = _SPAWNER.submit(_start, argv, folder, child_environment(env), output.fileno()).result()
        with _lock:
            _alive.add(self)

    @property
    def pid(self) -> int:
        return self._process.pid

    def exit_code(self) -> int | None:
        """As a shell tells it: 128 and the signal's number when one ended it; None while it runs."""
        code = self._process.poll()
        return None if code is None else 128 - code if code < 0 else code

    def wait(self, seconds: float | None = None) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self.exit_code()

    def ask_to_stop(self) -> None:
        """SIGTERM to the process alone, as a container's first process gets it, and only once."""
        if self.exit_code() is None and not self._asked:
            self._asked = True
            self._process.terminate()

    def stop(self, grace: float) -> int | None:
        """SIGTERM, and SIGKILL to whatever of it is left after `grace` seconds."""
        self.ask_to_stop()
        self.wait(grace)
        self.kill()
        return self.wait(5)

    def kill(self) -> None:
        """It and all below it, at once and without a word, as when power fails."""
        for pid in (*descendants(self.pid), self.pid):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        with _lock:
            _alive.discard(self)


def descendants(pid: int) -> tuple[int, ...]:
    """All processes below one, the deepest last; empty where there is no /proc."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            children.setdefault(int(stat.read_text().rpartition(")")[2].split()[1]), []).append(int(stat.parent.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(0), [])
        found += below
        waiting += below
    return tuple(found)


def end_all() -> None:
    """Asks every one to stop, and kills what does not within seconds."""
    with _lock:
        left = list(_alive)
    for process in left:
        process.ask_to_stop()
    for process in left:
        process.stop(GRACE_AT_THE_END / max(1, len(left)))


def child_environment(given: Mapping[str, str]) -> dict[str, str]:
    """Little of the emulator's own: what a container or an instance would not have, it does not get."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {"PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1", **kept, **given}


def _start(argv: Sequence[str], folder: Path, env: Mapping[str, str], output: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        list(argv),
        cwd=folder,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=_die_with_the_emulator,
    )


def _die_with_the_emulator() -> None:
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
