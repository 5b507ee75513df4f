"""What every ObjectStore promises, asked of each of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from portal.core.ports import ObjectStore
from tests.stores.variants import VARIANTS, empty_store

UNSAFE = (
    "",
    "/",
    "/a",
    "a/",
    "a//b",
    "..",
    "../a",
    "a/../b",
    ".",
    "a/./b",
    ".hidden",
    "a/.b",
    "a b",
    "a\\b",
    "a\x00b",
    "ä",
    "a\n",
    "~/a",
    "c" * 201,
)


@pytest.fixture(params=VARIANTS, scope="module")
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    with empty_store(request.param, tmp_path_factory.mktemp("objects")) as store:
        yield store


@pytest.fixture
def objects(opened: ObjectStore) -> ObjectStore:
    opened.delete("")
    assert opened.list("") == ()
    return opened


@pytest.mark.parametrize("data", [b"", b"plain", "Größe 測試 \u2028".encode(), bytes(range(256)), b"\x00" * 10])
def test_gives_back_the_very_bytes_that_were_put(objects: ObjectStore, data: bytes) -> None:
    objects.put("runs/r1/plan.json", data)
    assert objects.get("runs/r1/plan.json") == data


def test_a_second_put_replaces_the_first(objects: ObjectStore) -> None:
    objects.put("a/b", b"a long first value")
    objects.put("a/b", b"short")
    assert objects.get("a/b") == b"short"
    assert objects.list("") == ("a/b",)


def test_keeps_a_value_of_5_mib(objects: ObjectStore) -> None:
    data = bytes(range(256)) * 4096 * 5
    objects.put("bundle.tar", data)
    assert objects.get("bundle.tar") == data


def test_later_changes_of_a_buffer_do_not_change_what_is_stored(objects: ObjectStore) -> None:
    buffer = bytearray(b"before")
    objects.put("a", buffer)  # type: ignore[arg-type]  # mypy is right, and a caller may still do it
    buffer[:] = b"after!"
    assert objects.get("a") == b"before"


@pytest.mark.parametrize("key", ["nothing", "no/such/folder/key", "a", "a/b/c"])
def test_a_missing_key_is_none(objects: ObjectStore, key: str) -> None:
    objects.put("a/b", b"x")
    assert objects.get(key) is None


def test_put_new_writes_only_where_nothing_is(objects: ObjectStore) -> None:
    assert objects.put_new("lease/0/1", b"mine")
    assert not objects.put_new("lease/0/1", b"yours")
    assert not objects.put_new("lease/0/1", b"mine")
    assert objects.get("lease/0/1") == b"mine"


def test_put_new_does_not_replace_what_put_wrote(objects: ObjectStore) -> None:
    objects.put("a", b"put")
    assert not objects.put_new("a", b"new")
    assert objects.get("a") == b"put"


def test_put_new_works_again_after_a_deletion(objects: ObjectStore) -> None:
    objects.put_new("a/b", b"first")
    objects.delete("a/")
    assert objects.put_new("a/b", b"second")
    assert objects.get("a/b") == b"second"


def test_exactly_one_of_20_threads_wins(objects: ObjectStore) -> None:
    gate, winners = threading.Barrier(20), []

    def compete(number: int) -> None:
        gate.wait()
        if objects.put_new("lease/0/1", str(number).encode()):
            winners.append(number)

    threads = [threading.Thread(target=compete, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(winners) == 1
    assert objects.get("lease/0/1") == str(winners[0]).encode()
    assert objects.list("") == ("lease/0/1",)


def test_a_reader_sees_old_or_new_bytes_never_a_mixture(objects: ObjectStore) -> None:
    values = {bytes([number]) * 50_000 for number in range(8)}
    objects.put("pulse.json", min(values))
    stop, seen = threading.Event(), set()

    def read() -> None:
        while not stop.is_set():
            seen.add(objects.get("pulse.json"))

    reader = threading.Thread(target=read)
    reader.start()
    for value in sorted(values) * 3:
        objects.put("pulse.json", value)
    stop.set()
    reader.join()
    assert seen <= values


def test_lists_in_order_of_the_key(objects: ObjectStore) -> None:
    # A folder cannot hold both `a` and `a/9`, and our layout has no such pair.
    for key in ("b/2", "a/10", "a-1", "a/9", "B", "a_1", "c/d/e/f"):
        objects.put(key, b"")
    assert objects.list("") == ("B", "a-1", "a/10", "a/9", "a_1", "b/2", "c/d/e/f")


@pytest.mark.parametrize(
    ("prefix", "found"),
    [
        ("a/b", ("a/b/2", "a/b/c/3", "a/b1")),
        ("a/b/", ("a/b/2", "a/b/c/3")),
        ("a/b1", ("a/b1",)),
        ("a/b/2", ("a/b/2",)),
        ("a/b/2/", ()),
        ("x", ("x",)),
        ("none", ()),
        ("none/", ()),
        ("a/none/b", ()),
    ],
)
def test_lists_by_the_beginning_of_the_key(objects: ObjectStore, prefix: str, found: tuple[str, ...]) -> None:
    for key in ("a/b1", "a/b/2", "a/b/c/3", "a/c", "x"):
        objects.put(key, b"")
    assert objects.list(prefix) == found


def test_lists_more_than_one_page(objects: ObjectStore) -> None:
    keys = tuple(f"snap/{number:04}" for number in range(1005))
    for key in keys:
        objects.put(key, b"")
    assert objects.list("snap/") == keys
    objects.delete("snap/")
    assert objects.list("") == ()


def test_an_empty_store_lists_nothing(objects: ObjectStore) -> None:
    assert objects.list("") == ()
    assert objects.list("runs/r1/") == ()


def test_deletes_all_below_a_prefix_and_nothing_else(objects: ObjectStore) -> None:
    for key in ("runs/r1/plan.json", "runs/r1/snap/0/1/2", "runs/r10/plan.json", "runs/r2/plan.json"):
        objects.put(key, b"x")
    objects.delete("runs/r1/")
    assert objects.list("") == ("runs/r10/plan.json", "runs/r2/plan.json")
    assert objects.get("runs/r1/plan.json") is None


def test_deletes_by_the_beginning_of_a_name(objects: ObjectStore) -> None:
    for key in ("a/b1", "a/b/2", "a/c"):
        objects.put(key, b"x")
    objects.delete("a/b")
    assert objects.list("") == ("a/c",)


def test_deleting_nothing_or_twice_is_fine(objects: ObjectStore) -> None:
    objects.delete("runs/r1/")
    objects.put("runs/r1/a", b"")
    objects.delete("runs/r1/a")
    objects.delete("runs/r1/a")
    objects.delete("runs/r1/")
    assert objects.list("") == ()


@pytest.mark.parametrize("key", UNSAFE)
def test_refuses_keys_that_are_not_plain_relative_paths(objects: ObjectStore, key: str) -> None:
    for call in (objects.get, lambda key: objects.put(key, b""), lambda key: objects.put_new(key, b"")):
        with pytest.raises(ValueError, match="is not a key"):
            call(key)


@pytest.mark.parametrize("prefix", [key for key in UNSAFE if key not in ("", "a/")])
def test_refuses_prefixes_no_key_can_begin_with(objects: ObjectStore, prefix: str) -> None:
    for call in (objects.list, objects.delete):
        with pytest.raises(ValueError, match="is not a key"):
            call(prefix)
