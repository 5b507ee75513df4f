"""An ObjectStore in a folder, shared by the processes of one machine (or of one network file system).

A value is written to a temporary file beside its place and then renamed (`put`) or linked (`put_new`), both atomic:
nobody sees half a value. No fsync: a power cut ends the run anyway.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from portal.core.errors import StoreFull, StoreUnavailable
from portal.stores.layout import check_key, check_prefix

# A concurrent `delete` may take a folder away between making it and writing into it; then the write begins again.
# One deletion can spoil an attempt once for each folder of the key.
ATTEMPTS = 100
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class FilesystemStore:
    def __init__(self, root: Path) -> None:
        if not root.is_absolute():
            raise ValueError(f"{root} is not an absolute path: a store must be the same place for every process.")
        self._root = root

    def put(self, key: str, data: bytes) -> None:
        with _translated(key):
            _install(self._path(key), data, _replace)

    def put_new(self, key: str, data: bytes) -> bool:
        path = self._path(key)
        with _translated(key):
            return not path.exists() and _install(path, data, _link)

    def get(self, key: str) -> bytes | None:
        path = self._path(key)
        with _translated(key):
            try:
                return path.read_bytes()
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                return None

    def list(self, prefix: str) -> tuple[str, ...]:
        check_prefix(prefix)
        with _translated(prefix):
            files = (file for entry in self._beginning_with(prefix) for file in _files(entry))
            return tuple(sorted(os.path.relpath(file, self._root) for file in files))

    def delete(self, prefix: str) -> None:
        check_prefix(prefix)
        with _translated(prefix):
            for entry in self._beginning_with(prefix):
                _remove(entry)
            self._drop_empty_folders(self._root / prefix.rpartition("/")[0])

    def _path(self, key: str) -> Path:
        check_key(key)
        return self._root / key

    def _beginning_with(self, prefix: str) -> tuple[str, ...]:
        """Files and folders in the prefix's own folder whose names go on as the prefix does: no other folder is read."""
        folder, _, stem = prefix.rpartition("/")
        try:
            with os.scandir(self._root / folder) as entries:
                return tuple(entry.path for entry in entries if entry.name.startswith(stem))
        except (FileNotFoundError, NotADirectoryError):
            return ()

    def _drop_empty_folders(self, folder: Path) -> None:
        while folder != self._root and self._root in folder.parents:
            with suppress(FileNotFoundError):
                try:
                    folder.rmdir()
                except OSError as error:
                    if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                        return
                    raise
            folder = folder.parent


def _install(path: Path, data: bytes, place: Callable[[Path, Path], bool]) -> bool:
    for left in reversed(range(ATTEMPTS)):
        # Not tempfile: its mode 0600 would hide the value from a worker under another user id.
        temporary = path.with_name(f".{secrets.token_hex(8)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("xb") as file:
                file.write(data)
            return place(temporary, path)
        except (FileNotFoundError, FileExistsError):
            # FileExistsError is mkdir's: it found the folder and then, looking closer, did not.
            if not left:
                raise
        finally:
            with suppress(FileNotFoundError, NotADirectoryError):
                temporary.unlink()
    return False


def _replace(temporary: Path, path: Path) -> bool:
    os.replace(temporary, path)
    return True


def _link(temporary: Path, path: Path) -> bool:
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    return True


def _files(entry: str) -> Iterator[str]:
    if _is_temporary(entry):
        return
    if not os.path.isdir(entry):
        yield entry
        return
    for folder, _, names in os.walk(entry, onerror=_unless_gone):
        yield from (os.path.join(folder, name) for name in names if not _is_temporary(name))


def _remove(entry: str) -> None:
    """Also takes the temporaries of writers that died; one that lives notices and begins again."""
    if not os.path.isdir(entry):
        with suppress(FileNotFoundError):
            os.unlink(entry)
        return
    for folder, _, names in os.walk(entry, topdown=False, onerror=_unless_gone):
        for name in names:
            with suppress(FileNotFoundError):
                os.unlink(os.path.join(folder, name))
        # A writer may have put something new into the folder; then it stays, as an object put after the deletion does.
        with suppress(OSError):
            os.rmdir(folder)


def _unless_gone(error: OSError) -> None:
    """os.walk skips folders it cannot read; a list that silently lacks some would be a lie."""
    if not isinstance(error, FileNotFoundError):
        raise error


def _is_temporary(path: str) -> bool:
    return os.path.basename(path).startswith(".")


@contextmanager
def _translated(key: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise StoreFull(
                f"The run store has no room left ({error.strerror}, {key}).", hint="Free disk space, or prune old runs."
            ) from error
        raise StoreUnavailable(f"The run store cannot be used: {error.strerror or error} ({key}).") from error
