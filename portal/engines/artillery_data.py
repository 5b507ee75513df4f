"""Data files of an Artillery script: its payloads, divided between the workers unless the script says otherwise.

Artillery itself lets every process begin at the first row. `config.knopfdruck.data: {users.csv: once}` says what is wanted;
the worker's script does not have it any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any  # Any: foreign YAML

from portal.core.data_files import DataFile, Declared, Sharing, Taking, read_declared
from portal.core.data_rows import Rows, read_rows
from portal.core.errors import Problem, ScriptInvalid
from portal.engines.artillery_script import payloads, relative

EXTENSION = "knopfdruck"


def data_files(config: Mapping[str, Any], files: Mapping[str, bytes], users: int) -> tuple[DataFile, ...]:
    """Raises ScriptInvalid, also when `users`, of whom each takes a row, are more than the rows of a file used `once`."""
    found = tuple(_data_files(config, files))
    for file in found:
        if file.sharing is Sharing.ONCE and users > file.rows:
            message = f"{file.path} has {file.rows:,} rows for {users:,} users, and each may be used once."
            raise ScriptInvalid((Problem("script", message, "Add rows, start fewer users, or say split instead of once."),))
    return found


def sharing(config: Mapping[str, Any], path: str, files: Mapping[str, bytes]) -> Sharing:
    said = _declared(config, files).get(path)
    return said.sharing if said else Sharing.SPLIT


def payload_rows(payload: Mapping[str, Any], path: str, data: bytes) -> Rows:
    return read_rows(path, data, header=payload.get("skipHeader") is True, delimiter=str(payload.get("delimiter") or ",")[:1])


def _data_files(config: Mapping[str, Any], files: Mapping[str, bytes]) -> Iterator[DataFile]:
    declared = _declared(config, files)
    for payload in payloads(config):
        path = relative(str(payload.get("path")))
        if path not in files or payload.get("options"):
            continue  # A name Artillery fills in, or a form only its own parser knows: the file stays whole.
        said = declared.get(path)
        in_order = payload.get("order") == "sequence" or (said is not None and said.sharing is Sharing.ONCE)
        yield DataFile(
            path, len(payload_rows(payload, path, files[path]).rows), said.sharing if said else Sharing.SPLIT,
            Taking.IN_ORDER if in_order else Taking.AT_RANDOM, payload.get("skipHeader") is True, is_declared=said is not None,
        )  # fmt: skip


def _declared(config: Mapping[str, Any], files: Mapping[str, bytes]) -> dict[str, Declared]:
    ours = config.get(EXTENSION)
    return read_declared(ours["data"], files) if isinstance(ours, dict) and "data" in ours else {}
