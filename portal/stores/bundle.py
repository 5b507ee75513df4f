"""The files a worker needs, as one tar with nothing but names and contents, so that equal files are equal bytes."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from portal.core.errors import WireInvalid


def pack(files: Mapping[str, bytes]) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size = len(files[name])
            tar.addfile(entry, io.BytesIO(files[name]))
    return whole.getvalue()


def unpack(data: bytes, folder: Path) -> dict[str, bytes]:
    """Writes the files into a new folder and gives them. Raises WireInvalid, before anything is written, for what `pack`
    does not make: links, devices, names that leave the folder."""
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            files = {_safe_name(entry): _content(tar, entry) for entry in tar}
    except tarfile.TarError as error:
        raise WireInvalid(f"The bundle cannot be read: {error}.") from error
    folder.mkdir(parents=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return files


def _safe_name(entry: tarfile.TarInfo) -> str:
    path = PurePosixPath(entry.name)
    if not entry.isreg() or path.is_absolute() or ".." in path.parts or not path.parts:
        raise WireInvalid(f"The bundle holds {entry.name[:100]!r}, which is no plain file inside its folder.")
    return entry.name


def _content(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    reader = tar.extractfile(entry)
    return b"" if reader is None else reader.read()
