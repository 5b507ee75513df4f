"""What is special about a store in a folder: several processes, temporary files, full and broken disks."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.core.errors import StoreFull, StoreUnavailable
from portal.stores.filesystem import ATTEMPTS, FilesystemStore

COMPETE = """
import sys
from pathlib import Path
from portal.stores.filesystem import FilesystemStore
store = FilesystemStore(Path(sys.argv[1]))
print("up", flush=True)
sys.stdin.readline()
print(sum(store.put_new(f"lease/{number}/1", sys.argv[2].encode()) for number in range(300)))
"""


@pytest.fixture
def store(tmp_path: Path) -> FilesystemStore:
    return FilesystemStore(tmp_path / "store")


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 64 KiB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("Only root may mount a small file system.")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_exactly_one_of_several_processes_wins_each_lease(store: FilesystemStore, tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", COMPETE, str(tmp_path / "store"), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in "abcd"
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    wins = [int(process.communicate()[0]) for process in processes]
    holders = [store.get(f"lease/{number}/1") for number in range(300)]
    assert sum(wins) == 300
    assert wins == [holders.count(name.encode()) for name in "abcd"]


def test_a_full_disk_is_store_full_and_keeps_what_was_there(tiny_disk: Path) -> None:
    store = FilesystemStore(tiny_disk)
    store.put("a", b"kept")
    with pytest.raises(StoreFull) as full:
        store.put("b", b"x" * 200_000)
    assert not full.value.permanent
    with pytest.raises(StoreFull):
        store.put_new("c", b"x" * 200_000)
    with pytest.raises(StoreFull):
        store.put("a", b"x" * 200_000)
    assert store.list("") == ("a",)
    assert store.get("a") == b"kept"
    assert os.listdir(tiny_disk) == ["a"]


def test_a_full_disk_works_again_once_there_is_room(tiny_disk: Path) -> None:
    store = FilesystemStore(tiny_disk)
    store.put("runs/r1/a", b"x" * 40_000)
    with pytest.raises(StoreFull):
        store.put("runs/r2/a", b"x" * 40_000)
    store.delete("runs/r1/")
    store.put("runs/r2/a", b"x" * 40_000)
    assert store.list("") == ("runs/r2/a",)


def test_a_file_in_the_way_is_store_unavailable(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("not a folder")
    store = FilesystemStore(tmp_path / "store")
    for call in (store.put, store.put_new):
        with pytest.raises(StoreUnavailable):
            call("a/b", b"x")
    assert store.get("a/b") is None
    assert store.list("") == ()
    store.delete("")


def test_no_more_file_handles_is_store_unavailable(store: FilesystemStore) -> None:
    store.put("a/b", b"x")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # 3 handles are the standard ones of every process, so nothing new can be opened.
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        for call in (
            lambda: store.put("a/c", b"y"),
            lambda: store.get("a/b"),
            lambda: store.list("a/"),
            lambda: store.delete("a/"),
        ):
            with pytest.raises(StoreUnavailable):
                call()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert store.get("a/b") == b"x"


def test_temporary_files_of_dead_writers_are_never_listed_but_deleted(store: FilesystemStore, tmp_path: Path) -> None:
    store.put("runs/r1/snap/1", b"x")
    left = tmp_path / "store" / "runs" / "r1" / "snap" / ".0123456789abcdef"
    left.write_bytes(b"half")
    assert store.list("") == ("runs/r1/snap/1",)
    store.delete("runs/r1/")
    assert not left.exists()


def test_no_temporary_file_stays(store: FilesystemStore, tmp_path: Path) -> None:
    store.put("a/b", b"x")
    store.put_new("a/c", b"x")
    store.put_new("a/c", b"x")
    assert sorted(os.listdir(tmp_path / "store" / "a")) == ["b", "c"]


def test_deletion_takes_empty_folders_but_never_the_root(store: FilesystemStore, tmp_path: Path) -> None:
    store.put("runs/r1/snap/0/1/2", b"x")
    store.delete("runs/r1/")
    assert os.listdir(tmp_path / "store") == []
    store.put("a/b/c", b"x")
    store.put("a/d", b"x")
    store.delete("a/b/c")
    assert os.listdir(tmp_path / "store" / "a") == ["d"]


def test_writing_beside_deletions_never_fails(store: FilesystemStore) -> None:
    errors: list[StoreUnavailable] = []

    def sweep() -> None:
        # So few that they cannot spoil all attempts of one write, whatever the threads' order.
        for _ in range(ATTEMPTS // 8):
            time.sleep(0.001)
            try:
                store.delete("runs/r1/")
            except StoreUnavailable as error:
                errors.append(error)

    sweeper = threading.Thread(target=sweep)
    sweeper.start()
    # A fixed number: a writer without an end can keep a slow disk's deletion busy for ever.
    for number in range(500):
        store.put(f"runs/r1/snap/{number}", b"x")
        store.put_new(f"runs/r1/lease/{number}/1", b"x")
    sweeper.join()
    assert errors == []


def test_other_users_may_read_what_the_umask_lets_them(store: FilesystemStore, tmp_path: Path) -> None:
    old = os.umask(0o022)
    try:
        store.put("a", b"x")
    finally:
        os.umask(old)
    assert (tmp_path / "store" / "a").stat().st_mode & 0o777 == 0o644


def test_the_root_must_be_absolute() -> None:
    with pytest.raises(ValueError, match="not an absolute path"):
        FilesystemStore(Path("relative"))
