"""Artillery's sections before and after, ordered by files that our plugin waits for (once.js); they answer in files too."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any  # Any: the variables of a script.

from portal.core.ports import EngineCommand
from runner_images.agent.k6_api import ENDED, ScriptThrew
from runner_images.agent.process import EngineProcess

LOOK_EVERY = 0.05
BEFORE, AFTER = "before", "after"
LEADER = 0


class Sections:
    """All processes of one worker; the first of them runs what is this worker's to run."""

    is_ready_after_setup = True

    def __init__(self, folder: Path, command: EngineCommand) -> None:
        self._begin = str(folder / command.once)
        self._parts = range(1 + len(command.others))

    def status(self) -> int | None:
        """ENDED when every process has come to its section after: then there is no load any more."""
        return ENDED if all(self._path(part, AFTER, ".waits").exists() for part in self._parts) else None

    def run_setup(self, seconds: float) -> bytes:
        """The variables that before made, as JSON. Raises ScriptThrew."""
        made = json.dumps(self._run(BEFORE, seconds).get("vars") or {}, ensure_ascii=False, separators=(",", ":")).encode()
        self.give_setup(made)
        return made

    def give_setup(self, data: bytes) -> None:
        """To each process that has no order yet."""
        for part in self._parts:
            self._order(part, BEFORE, {"run": False, "vars": json.loads(data)})

    def run_teardown(self, seconds: float) -> None:
        self._run(AFTER, seconds)

    def let_go(self, process: EngineProcess) -> None:
        for part in self._parts:
            self._order(part, AFTER, {"run": False})

    def _run(self, section: str, seconds: float) -> dict[str, Any]:
        self._order(LEADER, section, {"run": True})
        answer, until = self._path(LEADER, section, ".done"), time.monotonic() + seconds
        while not answer.exists():
            if time.monotonic() > until:
                raise ScriptThrew(f"The script's section {section} took longer than {seconds:g} s.")
            time.sleep(LOOK_EVERY)
        said: dict[str, Any] = json.loads(answer.read_bytes())
        if "error" in said:
            raise ScriptThrew(f"The script's section {section} failed: {said['error']}")
        return said

    def _order(self, part: int, section: str, words: dict[str, Any]) -> None:
        """The first order stands."""
        path = self._path(part, section, "")
        if not path.exists():
            draft = path.with_name(path.name + ".draft")
            draft.write_text(json.dumps(words))
            draft.rename(path)

    def _path(self, part: int, section: str, what: str) -> Path:
        return Path(f"{self._begin}.{part}.{section}{what}")
