"""A second home for what a worker writes: a folder that is mounted where it lives (EFS), one subfolder for each run and slot.

The run store stays the only one that counts. A file system that is slow, full or away costs copies, never load.
"""

from __future__ import annotations

import queue
import re
import sys
import threading
from pathlib import Path

from portal.core.ports import ObjectStore

MOST_WAITING = 200
LAST_SECONDS = 10.0
"""How long the end of a worker waits for its last copies."""
_KEPT = re.compile(r"runs/[^/]+/(?:snap|done|raw)/(\d+)/(.+)")


class MirroredStore:
    """An ObjectStore whose snapshots, last words and raw files are also written to `folder`/<run>/<slot>/."""

    def __init__(self, objects: ObjectStore, folder: Path, run_id: str) -> None:
        self._objects, self._folder = objects, folder / run_id
        self._waiting: queue.Queue[tuple[Path, bytes] | None] = queue.Queue(MOST_WAITING)
        self.left_out = 0
        """Copies that were not made."""
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def put(self, key: str, data: bytes) -> None:
        self._objects.put(key, data)
        self._copy(key, data)

    def put_new(self, key: str, data: bytes) -> bool:
        is_new = self._objects.put_new(key, data)
        if is_new:
            self._copy(key, data)
        return is_new

    def get(self, key: str) -> bytes | None:
        return self._objects.get(key)

    def list(self, prefix: str) -> tuple[str, ...]:
        return self._objects.list(prefix)

    def delete(self, prefix: str) -> None:
        self._objects.delete(prefix)

    def finish(self) -> None:
        """Waits for the last copies, but not for a file system that hangs; says what was left out."""
        try:
            self._waiting.put(None, timeout=LAST_SECONDS)
            self._thread.join(timeout=LAST_SECONDS)
        except queue.Full:
            pass
        missing = self.left_out + self._waiting.qsize()
        if missing:
            print(f"{missing} files could not be copied to {self._folder}.", file=sys.stderr, flush=True)

    def _copy(self, key: str, data: bytes) -> None:
        found = _KEPT.fullmatch(key)
        if found is None:
            return
        kind = key.split("/")[2]
        try:
            self._waiting.put_nowait((self._folder / str(int(found[1])) / kind / found[2].replace("/", "-"), data))
        except queue.Full:
            self.left_out += 1

    def _work(self) -> None:
        for path, data in iter(self._waiting.get, None):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            except OSError:
                self.left_out += 1
