"""An ObjectStore in this process's memory, safe between threads. For tests and for trying things out."""

from __future__ import annotations

import threading

from portal.stores.layout import check_key, check_prefix


class MemoryStore:
    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def put(self, key: str, data: bytes) -> None:
        check_key(key)
        with self._lock:
            self._objects[key] = bytes(data)

    def put_new(self, key: str, data: bytes) -> bool:
        check_key(key)
        with self._lock:
            # bytes() keeps a caller's bytearray from changing what is stored.
            wanted = bytes(data)
            if key in self._objects:
                return False
            self._objects[key] = wanted
            return True

    def get(self, key: str) -> bytes | None:
        check_key(key)
        with self._lock:
            return self._objects.get(key)

    def list(self, prefix: str) -> tuple[str, ...]:
        check_prefix(prefix)
        with self._lock:
            return tuple(sorted(key for key in self._objects if key.startswith(prefix)))

    def delete(self, prefix: str) -> None:
        check_prefix(prefix)
        with self._lock:
            self._objects = {key: data for key, data in self._objects.items() if not key.startswith(prefix)}
