"""Data files of a k6 script: which of them it wants divided, and an archive that holds one worker's rows of them.

Declared in the script, where it travels with it: `options.ext.knopfdruck.data = { 'users.csv': 'split' }`. k6 reads
files out of the archive it runs, so a worker with other rows runs an archive with other rows.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from portal.core.data_files import DataFile, Sharing, read_declared
from portal.core.data_rows import read_rows
from portal.core.split import Segment

METADATA = "metadata.json"


def data_files(declared: object, files: Mapping[str, bytes]) -> tuple[DataFile, ...]:
    """Raises ScriptInvalid."""
    found = []
    for path, said in read_declared(declared, files).items():
        header = said.header is not False
        found.append(DataFile(path, len(read_rows(path, files[path], header=header).rows), said.sharing, header=header))
    return tuple(found)


def part_of_archive(archive: bytes, files: Sequence[DataFile], script: str, segment: Segment) -> bytes:
    """The same archive with this part's rows; `script` as the plan names it."""
    divided = {file.path: file for file in files if file.sharing is not Sharing.SHARED}
    if not divided or segment.count == 1:
        return archive
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(archive)) as old, tarfile.open(fileobj=out, mode="w") as new:
        folder = _folder(old, script)
        wanted = {f"{folder}/{path}": file for path, file in divided.items()}
        for entry in old:
            reader = old.extractfile(entry) if entry.isreg() else None
            data = reader.read() if reader else b""
            if file := wanted.get(entry.name):
                data = read_rows(file.path, data, header=file.header).part(segment)
                entry.size = len(data)
            new.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def _folder(archive: tarfile.TarFile, script: str) -> str:
    """Where the archive keeps the folder of the script's files: `file` and the place where it was made."""
    reader = archive.extractfile(METADATA)
    main = PurePosixPath(str(json.loads(reader.read() if reader else b"{}").get("filename", "")).removeprefix("file://"))
    levels = len(PurePosixPath(script).parts)
    return f"file{main.parents[levels - 1]}"
