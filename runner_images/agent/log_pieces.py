"""Ships an engine's new lines while it runs, in small pieces: equal ones once, and of different ones the first few hundred."""

from __future__ import annotations

import threading
from itertools import accumulate

from portal.core.errors import StoreUnavailable
from portal.core.wire import to_json
from portal.stores.run_store import RunStore
from runner_images.agent.engine_log import EngineLog

PIECE_BYTES = 10_000
"""At the most, but for a single line of more."""


class LogPieces:
    """`log` is set by the owner when there is one; `count` says how many pieces are in the store and stay as they are."""

    def __init__(self, store: RunStore, slot: int, epoch: int) -> None:
        self.log: EngineLog | None = None
        self.count = 0
        self._lines = 0
        self._store, self._slot, self._epoch = store, slot, epoch
        self._lock = threading.Lock()

    def ship(self) -> None:
        """What the store does not take now is shipped the next time. The whole log follows with the last word anyway."""
        with self._lock:
            lines = self.log.first()[self._lines :] if self.log else ()
            while piece := _piece(lines):
                try:
                    self._store.put_lines(self._slot, self._epoch, self.count, piece)
                except StoreUnavailable:
                    return
                self.count, self._lines = self.count + 1, self._lines + len(piece)
                lines = lines[len(piece) :]


def _piece(lines: tuple[str, ...]) -> tuple[str, ...]:
    sizes = accumulate(len(to_json(line)) for line in lines)
    return lines[: max(1, sum(size <= PIECE_BYTES for size in sizes))]
