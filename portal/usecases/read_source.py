"""Reads a script and all the files it needs from a folder: those named, and those the script itself names.

Found are k6's relative imports and open(), Artillery's processor and payload files. Nothing is run, nothing outside
the script's surroundings is read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any  # Any: a user's YAML

import yaml

from portal.core.errors import RequestRejected
from portal.core.script import ScriptSource

MOST_BYTES = 20 * 1024 * 1024
MOST_FILES = 500
MOST_LEVELS_UP = 3
_JAVASCRIPT = (".js", ".mjs", ".cjs", ".ts")
_NAMED = re.compile(
    r"""(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*|\bopen\s*\(\s*)(?P<quote>['"`])(?P<path>[^'"`\n$]{1,500})(?P=quote)"""
)


def read_source(path: Path, engine: str, *, extra: Iterable[Path] = ()) -> ScriptSource:
    """Raises RequestRejected when the script cannot be read or names a file that is not there."""
    main = path.resolve()
    found = {main: _read(main)}
    waiting = [*_needed(main, found[main], engine), *(item.resolve() for item in extra)]
    while waiting:
        file = waiting.pop()
        if file in found:
            continue
        found[file] = _read(file)
        waiting += _needed(file, found[file], engine)
        if len(found) > MOST_FILES or sum(map(len, found.values())) > MOST_BYTES:
            raise RequestRejected.because("file", f"{path.name} needs more than {MOST_FILES} files or 20 MiB.")
    root = _root(main, found)
    names = {file: file.relative_to(root).as_posix() for file in found}
    text = _text(path, found.pop(main))
    return ScriptSource(engine, names[main], text, {names[file]: data for file, data in sorted(found.items())})


def engine_of(path: Path) -> str:
    """Which engine a file is written for, by its name."""
    return "artillery" if path.suffix in (".yml", ".yaml", ".json") else "k6"


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise RequestRejected.because("file", f"{path.name} is larger than 20 MiB.")
        return path.read_bytes()
    except OSError as error:
        raise RequestRejected.because("file", f"{path} cannot be read ({error.strerror}).") from error


def _text(path: Path, data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise RequestRejected.because("file", f"{path.name} is not a text file in UTF-8.") from error


def _root(main: Path, found: Iterable[Path]) -> Path:
    """The folder all files lie in: the script's own, or one a little above it where it imports from beside itself."""
    root = Path(os.path.commonpath([main.parent, *(file.parent for file in found)]))
    if len(main.parent.parts) - len(root.parts) > MOST_LEVELS_UP:
        raise RequestRejected.because(
            "file", f"{main.name} needs files far outside its folder.", "Put what it imports into the folder of the script."
        )
    return root


def _needed(file: Path, data: bytes, engine: str) -> Iterator[Path]:
    if file.suffix in _JAVASCRIPT:
        yield from _javascript(file, data.decode("utf-8", "replace"), engine)
    elif engine == "artillery" and file.suffix in (".yml", ".yaml", ".json"):
        yield from _yaml(file, data.decode("utf-8", "replace"))


def _javascript(file: Path, text: str, engine: str) -> Iterator[Path]:
    for match in _NAMED.finditer(text):
        name = match["path"]
        # k6's open() takes a bare name as a file of the folder; an import with a bare name is a package.
        is_bare_file = engine == "k6" and match[0].startswith("open") and "://" not in name and not name.startswith("/")
        if not name.startswith(("./", "../")) and not is_bare_file:
            continue
        if (target := _existing(file.parent / name)) is not None:
            yield target


def _existing(path: Path) -> Path | None:
    """The file meant by an import; Node also finds it without its ending. What is not there the engine reports itself."""
    for candidate in (path, *(path.with_name(path.name + ending) for ending in (*_JAVASCRIPT, ".json"))):
        if candidate.is_file():
            return candidate.resolve()
    return None


def _yaml(file: Path, text: str) -> Iterator[Path]:
    try:
        config = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return  # The engine's own check names the place.
    config = config.get("config") if isinstance(config, dict) else None
    if not isinstance(config, dict):
        return
    for name in (config.get("processor"), *_payloads(config.get("payload"))):
        if isinstance(name, str) and (target := _existing(file.parent / name)) is not None:
            yield target


def _payloads(payload: Any) -> list[Any]:
    listed = payload if isinstance(payload, list) else [payload]
    return [item.get("path") for item in listed if isinstance(item, dict)]
