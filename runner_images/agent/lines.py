"""How the numbers of engines come in that write lines: our Artillery plugin into files, k6's csv output into a pipe.

Both are followed by a thread that waits when the reader lags: the rest stays on disk, or in the engine.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

from runner_images.agent.reading import LARGEST_BATCH, Add, Read, Reading

EVERY_SECONDS = 0.1
PIPE_BLOCK = 1 << 16


class LinesIntake:
    """Follows every file whose path begins with `lines` and a dot; a line counts once its end is there.

    Ready when `writers` lines have said so.
    """

    port = 0

    def __init__(self, lines: Path, read: Read, add: Add, says_ready: Callable[[bytes], bool], *, writers: int = 1) -> None:
        self.reading = Reading(read, add)
        self._lines, self._says_ready, self._missing = lines, says_ready, writers
        self._offsets: dict[Path, int] = {}
        self._too_long: set[Path] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    @property
    def is_ready(self) -> bool:
        return self._missing <= 0

    @property
    def broken(self) -> int:
        return self.reading.broken

    def finish(self) -> None:
        self._ended.set()
        self.reading.outlast(self._thread)
        self.reading.finish()

    def _follow(self) -> None:
        while not self._ended.wait(EVERY_SECONDS):
            self._read_new()
        self._read_new()

    def _read_new(self) -> None:
        for path in sorted(self._lines.parent.glob(f"{self._lines.name}.*")):
            with path.open("rb") as file:
                file.seek(self._offsets.get(path, 0))
                while (line := self._line(path, file)) is not None:
                    self._take(line)

    def _line(self, path: Path, file: IO[bytes]) -> bytes | None:
        """The next whole line. One that is longer than any batch is skipped piece by piece and counted as broken, once."""
        while True:
            line = file.readline(LARGEST_BATCH)
            is_whole = line.endswith(b"\n")
            if not is_whole and len(line) < LARGEST_BATCH:
                return None
            self._offsets[path] = file.tell()
            if path not in self._too_long and is_whole:
                return line
            if is_whole:
                self._too_long.discard(path)
            elif path not in self._too_long:
                self._too_long.add(path)
                self.reading.lose()

    def _take(self, line: bytes) -> None:
        if self._says_ready(line):
            self._missing -= 1
        elif not self.reading.take(line):
            self.reading.lose()


class PipeIntake:
    """Makes a named pipe and reads what the engine writes into it, in blocks of whole lines.

    The engine must be started afterwards. k6 opens the pipe for reading too, so it never sees our end: this thread
    reads on until `finish`, whatever happens, or k6 would stand still with a full pipe.
    """

    port = 0
    is_ready = True

    def __init__(self, path: Path, read: Read, add: Add) -> None:
        self.reading = Reading(read, add)
        os.mkfifo(path)
        self._pipe = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self._rest = b""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    @property
    def broken(self) -> int:
        return self.reading.broken

    def finish(self) -> None:
        self._ended.set()
        self.reading.outlast(self._thread)
        os.close(self._pipe)
        if self._rest:
            self.reading.lose()  # The engine was killed within a line.
        self.reading.finish()

    def _follow(self) -> None:
        while not self._ended.is_set():
            select.select([self._pipe], [], [], EVERY_SECONDS)
            if not self._read_new():
                self._ended.wait(EVERY_SECONDS)
        while self._read_new():
            pass

    def _read_new(self) -> bool:
        """Whether there was anything."""
        try:
            data = os.read(self._pipe, PIPE_BLOCK)
        except BlockingIOError:
            return False
        lines, end, rest = (self._rest + data).rpartition(b"\n")
        self._rest = rest
        if end:
            self.reading.take(lines + end)
        if len(self._rest) > LARGEST_BATCH:
            self.reading.lose()
            self._rest = b""
        return bool(data)
