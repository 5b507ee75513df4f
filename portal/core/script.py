"""A script as the user wrote it, and what its engine says about it before anything starts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from portal.core.data_files import DataFile
from portal.core.load import ScriptLoad
from portal.core.thresholds import Threshold


@dataclass(frozen=True, slots=True)
class ScriptSource:
    """The main file and the files it needs (helpers, data), by path relative to the main file's folder."""

    engine: str
    file: str
    text: str
    files: Mapping[str, bytes] = field(default_factory=dict)

    def digest(self) -> str:
        """sha256 over names and contents; equal sources have equal digests."""
        whole = hashlib.sha256()
        contents = {**self.files, self.file: self.text.encode()}
        for name in sorted(contents):
            for part in (self.engine.encode(), name.encode(), contents[name]):
                whole.update(len(part).to_bytes(8, "big") + part)
        return whole.hexdigest()


@dataclass(frozen=True, slots=True)
class ScriptFacts:
    """What the engine will do with the script under the asked load.

    `load` is the resulting shape (for a replaced load: with its numbers); `warnings` are sentences for the user.
    `setup_within` and `teardown_within` are how long the script's setup() and teardown() may take; None: it has none.
    """

    load: ScriptLoad
    thresholds: tuple[Threshold, ...] = ()
    scenarios: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    whole_only: str = ""
    """Why nobody can take over in the middle of it, as a sentence; empty where a replacement can run the rest."""
    setup_within: timedelta | None = None
    teardown_within: timedelta | None = None
    data: tuple[DataFile, ...] = ()
    """Files of rows, and how the workers share them."""
