"""A call in a thread of its own, waited for a moment only: a store that hangs holds nobody up who has load to look after."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Aside:
    """For one caller. What the call raises comes out of `run`, of the next one where nobody waited any more."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None

    @property
    def is_busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def run(self, seconds: float) -> None:
        """Calls once more and waits for the end, so long at most. Not for who is busy: the last call would be forgotten."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._thread.join(seconds)
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _run(self) -> None:
        try:
            self._call()
        except Exception as error:  # Whatever it is, the caller must hear of it: nobody looks into this thread.
            self._error = error
