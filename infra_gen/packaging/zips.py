"""Zip files with the same bytes for the same content, wherever and whenever they are made."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip can name."""
UNIX = 3
REGULAR = 0o100000


def write_zip(target: Path, files: Mapping[str, Path], *, programs: Iterable[str] = ()) -> None:
    """`files` by their names in the zip; only `programs` may be executed. Written beside `target` first, then moved."""
    draft = target.with_suffix(f".{os.getpid()}.draft")
    runnable = frozenset(programs)
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(files):
            archive.writestr(_entry(name, is_program=name in runnable), files[name].read_bytes())
    draft.replace(target)


def below(folder: Path, *, prefix: str = "", without: Iterable[str] = ()) -> dict[str, Path]:
    """All files of a folder by their names in the zip; `without` are patterns as `Path.match` takes them."""
    patterns = tuple(without)
    return {
        prefix + path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(path.match(pattern) for pattern in patterns)
    }  # fmt: skip


def _entry(name: str, *, is_program: bool) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, UNIX
    entry.external_attr = (REGULAR | (0o755 if is_program else 0o644)) << 16
    return entry
