"""`systemctl` of an emulated instance: writes down which services are wanted and reads how they are. Exit codes are systemd's."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

NOT_ACTIVE, USAGE = 3, 1
WAIT_SECONDS = 5.0


def main(arguments: list[str]) -> int:
    words = [word for word in arguments if not word.startswith("-")]
    verb, names = (words or [""])[0], [name.removesuffix(".service") for name in words[1:]]
    units = Path(os.environ["KNOPFDRUCK_ROOT"]) / "units"
    units.mkdir(exist_ok=True)
    if verb in ("daemon-reload", "daemon-reexec", "unmask", "reset-failed"):
        return 0
    if verb in ("start", "restart", "reload-or-restart") or (verb == "enable" and "--now" in arguments):
        return max([_start(units, name, again="restart" in verb) for name in names], default=USAGE)
    if verb in ("stop", "kill") or (verb == "disable" and "--now" in arguments):
        return max([_stop(units, name) for name in names], default=USAGE)
    if verb in ("enable", "disable"):
        return 0
    if verb in ("is-active", "status", "is-failed"):
        active = all(_state(units, name).get("active") for name in names)
        print("active" if active else "inactive")
        return 0 if active == (verb != "is-failed") else NOT_ACTIVE
    print(f"systemctl of the emulator does not know {verb!r}", file=sys.stderr)
    return USAGE


def _start(units: Path, name: str, again: bool) -> int:
    if again:
        _stop(units, name)
    (units / f"{name}.wanted").touch()
    return 0 if _comes(units, name, lambda state: state.get("starts", 0) > 0) else USAGE


def _stop(units: Path, name: str) -> int:
    (units / f"{name}.wanted").unlink(missing_ok=True)
    return 0 if _comes(units, name, lambda state: not state.get("active")) else USAGE


def _comes(units: Path, name: str, reached: Callable[[dict[str, int]], bool]) -> bool:
    ends = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < ends:
        if reached(_state(units, name)):
            return True
        time.sleep(0.05)
    return False


def _state(units: Path, name: str) -> dict[str, int]:
    path = units / f"{name}.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
