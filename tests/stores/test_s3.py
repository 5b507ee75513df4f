"""What is special about a store in S3: its prefix, parallel reads, and which of AWS's errors may pass."""

from __future__ import annotations

import pytest

from portal.aws.errors import AwsDenied, AwsMissing, AwsThrottled, AwsUnavailable
from portal.aws.s3 import S3Door
from portal.core.errors import StoreUnavailable
from portal.stores.s3 import S3Store, StoreRefused


class DictDoor(S3Door):
    """A door to a dict, or to nothing but one error."""

    def __init__(self, error: Exception | None = None) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}
        self.error = error

    def put(self, bucket: str, key: str, data: bytes) -> None:
        self._fail()
        self.objects[bucket, key] = data

    def put_new(self, bucket: str, key: str, data: bytes) -> bool:
        self._fail()
        return self.objects.setdefault((bucket, key), data) is data

    def get(self, bucket: str, key: str) -> bytes | None:
        self._fail()
        return self.objects.get((bucket, key))

    def list(self, bucket: str, prefix: str) -> tuple[str, ...]:
        self._fail()
        return tuple(sorted(key for (held, key) in self.objects if held == bucket and key.startswith(prefix)))

    def delete(self, bucket: str, prefix: str) -> None:
        self._fail()

    def _fail(self) -> None:
        if self.error:
            raise self.error


@pytest.mark.parametrize(("prefix", "key"), [("", "a/b"), ("/", "a/b"), ("p", "p/a/b"), ("/p/q/", "p/q/a/b")])
def test_keys_lie_below_the_prefix_and_come_back_without_it(prefix: str, key: str) -> None:
    door = DictDoor()
    store = S3Store("bucket", prefix, door)
    store.put("a/b", b"x")
    assert door.objects == {("bucket", key): b"x"}
    assert store.list("a/") == ("a/b",)
    assert store.get("a/b") == b"x"


def test_many_reads_keep_their_order_and_name_the_missing() -> None:
    store = S3Store("bucket", "p", DictDoor())
    for number in range(0, 100, 2):
        store.put(f"k{number}", str(number).encode())
    found = store.get_many(tuple(f"k{number}" for number in range(100)))
    assert found == tuple(str(number).encode() if number % 2 == 0 else None for number in range(100))
    assert store.get_many(()) == ()
    assert store.get_many(("k0",)) == (b"0",)


@pytest.mark.parametrize("kind", [AwsThrottled, AwsUnavailable])
def test_what_may_pass_is_worth_another_try(kind: type[AwsUnavailable]) -> None:
    store = S3Store("bucket", "p", DictDoor(kind("s3:X: no", operation="s3:X", reason="R")))
    for call in _calls(store):
        with pytest.raises(StoreUnavailable) as raised:
            call()
        assert not raised.value.permanent


@pytest.mark.parametrize("kind", [AwsDenied, AwsMissing])
def test_what_cannot_pass_says_so_and_keeps_the_hint(kind: type[AwsDenied | AwsMissing]) -> None:
    store = S3Store("bucket", "p", DictDoor(kind("s3:X: no", operation="s3:X", reason="R", hint="Do this.")))
    for call in _calls(store):
        with pytest.raises(StoreRefused) as raised:
            call()
        assert raised.value.permanent
        assert raised.value.hint == "Do this."


def _calls(store: S3Store) -> tuple:  # type: ignore[type-arg]  # five calls of different types
    return (
        lambda: store.get("a"), lambda: store.get_many(("a", "b")), lambda: store.put("a", b""),
        lambda: store.put_new("a", b""), lambda: store.list(""), lambda: store.delete("a"),
    )  # fmt: skip
