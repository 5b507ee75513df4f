"""The engine as a child process: dies with the agent, its output is drained at once, counted and capped.

A throwing script writes 7.8 MB/s: only the first and the last lines are kept, never the stream.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO

from portal.core.errors import EngineMissing
from portal.core.ports import EngineCommand

FIRST_LINES, LAST_LINES, LINE_LENGTH = 100, 100, 500
PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_parent() -> None:
    """In the child, before exec: Linux kills it when its parent's thread ends, also on kill -9. Spawn from the main thread."""
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class EngineProcess:
    """Started at once; raises EngineMissing when the program is not there."""

    def __init__(self, command: EngineCommand, folder: Path, is_script_error: Callable[[str], bool]) -> None:
        for name, data in command.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        self.script_errors = 0
        self.first_error = ""
        self._first: list[str] = []
        self._last: deque[str] = deque(maxlen=LAST_LINES)
        self._is_script_error = is_script_error
        try:
            self._process = subprocess.Popen(
                command.argv, cwd=folder, env=dict(command.environment), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=die_with_parent,
            )  # fmt: skip
        except OSError as error:
            raise EngineMissing(f"{command.argv[0] or 'The engine'} cannot be started: {error.strerror}.") from error
        self.pid = self._process.pid
        self._reader = threading.Thread(target=self._drain, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    def exit_code(self) -> int | None:
        """None while it runs; minus the signal number when one ended it."""
        return self._process.poll()

    def interrupt(self) -> None:
        """The end an engine that lingers waits for."""
        self._signal(signal.SIGINT)

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def finish_output(self) -> None:
        """Waits until all it wrote is read; for after its end."""
        self._reader.join(timeout=5)

    def log(self) -> tuple[str, ...]:
        return (*self._first, *self._last)

    def _signal(self, number: signal.Signals) -> None:
        """To the whole group: what the engine started may outlive it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: PermissionError for a group of zombies.
            os.killpg(self.pid, number)

    def _drain(self, stream: IO[bytes] | None) -> None:
        assert stream is not None
        for raw in iter(lambda: stream.readline(1 << 16), b""):
            line = raw.decode(errors="replace").rstrip()
            if not line:
                continue
            if self._is_script_error(line):
                self.script_errors += 1
                self.first_error = self.first_error or line[:LINE_LENGTH]
            if len(self._first) < FIRST_LINES:
                self._first.append(line[:LINE_LENGTH])
            else:
                self._last.append(line[:LINE_LENGTH])
        stream.close()
