"""What was asked a moment ago is not asked again: a watcher looks every second, and AWS counts calls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

T = TypeVar("T")
MOST = 100_000


class Remembered(Generic[T]):
    """Answers by key, each good for `seconds`. Safe between threads."""

    def __init__(self, now: Callable[[], float], seconds: float) -> None:
        self._now, self._seconds = now, seconds
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, T]] = {}

    def of(self, keys: Iterable[str], ask: Callable[[tuple[str, ...]], Mapping[str, T]]) -> dict[str, T]:
        """`ask` is called with those that are not known well enough, if there are any."""
        wanted, now = tuple(keys), self._now()
        with self._lock:
            stale = tuple(key for key in wanted if key not in self._known or now - self._known[key][0] > self._seconds)
        fresh = ask(stale) if stale else {}
        with self._lock:
            if len(self._known) > MOST:
                self._known.clear()
            self._known |= {key: (now, answer) for key, answer in fresh.items()}
            return {key: self._known[key][1] for key in wanted if key in self._known}

    def forget(self, keys: Iterable[str]) -> None:
        with self._lock:
            for key in keys:
                self._known.pop(key, None)
