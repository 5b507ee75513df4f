"""Reading many objects of one kind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar, runtime_checkable

from portal.core.ports import ObjectStore
from portal.core.wire import from_json

T = TypeVar("T")


@runtime_checkable
class ReadsMany(Protocol):
    """A store where one read after another would be slow."""

    def get_many(self, keys: tuple[str, ...]) -> tuple[bytes | None, ...]: ...


def read_many(objects: ObjectStore, kind: type[T], keys: Iterable[str]) -> dict[str, T]:
    """By key, without those that are not there, or not any more."""
    wanted = tuple(keys)
    found = objects.get_many(wanted) if isinstance(objects, ReadsMany) else map(objects.get, wanted)
    return {key: from_json(kind, data) for key, data in zip(wanted, found, strict=True) if data is not None}
