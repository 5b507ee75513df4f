"""Where this emulator keeps its things and how it is reached; read once from the environment that `process.py` set."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """`folder` holds tasks, instances, file systems and the log; `endpoint` is the one URL of all services."""

    folder: Path
    endpoint: str
    strict: bool
    auth: bool

    @property
    def tasks(self) -> Path:
        return self.folder / "tasks"

    @property
    def instances(self) -> Path:
        return self.folder / "instances"

    def file_system(self, file_system_id: str, path: str) -> Path:
        """The folder of the host that stands in for a directory of an EFS file system; made when missing."""
        folder = self.folder / "efs" / file_system_id / path.strip("/")
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def read_place() -> Place:
    return Place(
        Path(os.environ["KNOPFDRUCK_EMULATOR_DIR"]),
        f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}",
        os.environ.get("KNOPFDRUCK_EMULATOR_STRICT", "1") == "1",
        os.environ.get("AUTH", "").lower() == "true",
    )


PLACE = read_place() if "KNOPFDRUCK_EMULATOR_DIR" in os.environ else Place(Path("var/emulator"), "", True, False)
