"""The engine as child processes (mostly one): they die with the agent, and their output is drained at once.

All write into one pipe, so a full log of one never holds up another.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from pathlib import Path

from portal.core.errors import EngineMissing
from portal.core.ports import EngineCommand
from runner_images.agent.engine_log import EngineLog
from runner_images.agent.privileges import EngineUser, without_rights

READ_BYTES = 1 << 16


class EngineProcess:
    """Started at once; raises EngineMissing when the program is not there."""

    def __init__(self, command: EngineCommand, folder: Path, log: EngineLog, user: EngineUser | None = None) -> None:
        self.log = log
        self._processes: list[subprocess.Popen[bytes]] = []
        output, end = os.pipe()
        try:
            for each in (command, *command.others):
                self._processes.append(_start(each, folder, end, user))
        except EngineMissing:
            os.close(output)
            self.kill()
            raise
        finally:
            os.close(end)
        self.pids = tuple(process.pid for process in self._processes)
        self._reader = threading.Thread(target=self._drain, args=(output,), daemon=True)
        self._reader.start()

    def exit_code(self) -> int | None:
        """None while all run as they should, or until all have ended well; minus the signal number when one ended it."""
        codes = [process.poll() for process in self._processes]
        failed = [code for code in codes if code]
        return failed[0] if failed else None if None in codes else 0

    def is_alive(self) -> bool:
        return any(process.poll() is None for process in self._processes)

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

    def _signal(self, number: signal.Signals) -> None:
        """To the whole groups: what the engine started may outlive it."""
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: PermissionError for a group of zombies.
                os.killpg(process.pid, number)

    def _drain(self, output: int) -> None:
        with os.fdopen(output, "rb", buffering=0) as stream:
            while block := stream.read(READ_BYTES):
                self.log.add(block)
        self.log.finish()


def _start(command: EngineCommand, folder: Path, output: int, user: EngineUser | None) -> subprocess.Popen[bytes]:
    for name, data in command.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    try:
        return subprocess.Popen(
            command.argv, cwd=folder, env=dict(command.environment), stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=without_rights,
            user=user.uid if user else None, group=user.gid if user else None, extra_groups=() if user else None,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        # SubprocessError: the user could not be changed, or what runs in the child before exec failed.
        said = error.strerror if isinstance(error, OSError) else error
        raise EngineMissing(f"{command.argv[0] or 'The engine'} cannot be started: {said}.") from error
