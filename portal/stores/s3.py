"""An ObjectStore in an S3 bucket, below a prefix. Conditional writes decide who is first; S3 is strongly consistent."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from portal.aws.errors import AwsError
from portal.aws.s3 import S3Door
from portal.core.errors import StoreUnavailable
from portal.stores.layout import check_key, check_prefix

READERS = 16
"""A get takes some 15 ms of waiting: one after another, the beats of 1,000 workers would take 15 s."""


class StoreRefused(StoreUnavailable):
    """No such bucket, or these credentials may not use it: trying again does not help."""

    code = "store_refused"
    permanent = True


class S3Store:
    def __init__(self, bucket: str, prefix: str, door: S3Door) -> None:
        self._prefix = prefix.strip("/") + "/" if prefix.strip("/") else ""
        check_prefix(self._prefix)
        self._bucket = bucket
        self._door = door

    def put(self, key: str, data: bytes) -> None:
        check_key(key)
        with translated():
            self._door.put(self._bucket, self._prefix + key, data)

    def put_new(self, key: str, data: bytes) -> bool:
        check_key(key)
        with translated():
            return self._door.put_new(self._bucket, self._prefix + key, data)

    def get(self, key: str) -> bytes | None:
        check_key(key)
        with translated():
            return self._door.get(self._bucket, self._prefix + key)

    def get_many(self, keys: tuple[str, ...]) -> tuple[bytes | None, ...]:
        """`get` for each, several at a time."""
        if len(keys) < 2:
            return tuple(self.get(key) for key in keys)
        with ThreadPoolExecutor(min(READERS, len(keys))) as readers:
            return tuple(readers.map(self.get, keys))

    def list(self, prefix: str) -> tuple[str, ...]:
        check_prefix(prefix)
        with translated():
            found = self._door.list(self._bucket, self._prefix + prefix)
        return tuple(key.removeprefix(self._prefix) for key in found)

    def delete(self, prefix: str) -> None:
        check_prefix(prefix)
        with translated():
            self._door.delete(self._bucket, self._prefix + prefix)


@contextmanager
def translated() -> Iterator[None]:
    try:
        yield
    except AwsError as error:
        kind = StoreRefused if error.permanent else StoreUnavailable
        raise kind(f"The run store cannot be used: {error.message}", hint=error.hint) from error
