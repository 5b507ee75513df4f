"""Artillery's log lines and exit codes in our words. Pure; the codes were all provoked, see reference/engines.md B2."""

from __future__ import annotations

import re

from portal.core.ports import Ending
from portal.core.protocol import DoneReason

MEANINGS = {
    0: (DoneReason.COMPLETED, ""),
    1: (DoneReason.SCRIPT_ERROR, "Artillery does not accept the script."),
    11: (DoneReason.SCRIPT_ERROR, "The script's processor could not be loaded."),
    # Failed expectations are counted as checks; whether they fail the run is for the thresholds to say.
    21: (DoneReason.COMPLETED, ""),
    130: (DoneReason.TERMINATED, "Artillery was told to end by a signal."),
    143: (DoneReason.TERMINATED, "Artillery was told to end by a signal."),
    -2: (DoneReason.TERMINATED, "Artillery was told to end by a signal."),
    -15: (DoneReason.TERMINATED, "Artillery was told to end by a signal."),
    -9: (DoneReason.ENGINE_FAILED, "Artillery was killed, most likely because memory ran out."),
    134: (DoneReason.ENGINE_FAILED, "Node ran out of memory."),
    137: (DoneReason.ENGINE_FAILED, "Artillery was killed, most likely because memory ran out."),
    -6: (DoneReason.ENGINE_FAILED, "Node ran out of memory."),
}
_WORKER_ERROR = re.compile(r"^worker error, id: \d+ (.*)$")
_ERROR = re.compile(r"^(?:Uncaught )?((?:\w*Error\b(?: \[\w+\])?|Scenario validation error|TypeError): .*)$")
_FOLDER = re.compile(r"(?:file://)?/(?:[^\s/:'\"]+/)+(?=[^\s/:'\"]+)")
_IMPORTED = re.compile(r" imported from \S+$")


def ending(exit_code: int, log: tuple[str, ...]) -> Ending:
    reason, message = MEANINGS.get(exit_code, (DoneReason.ENGINE_FAILED, f"Artillery ended with exit code {exit_code}."))
    said = last_error(log) if reason in (DoneReason.SCRIPT_ERROR, DoneReason.ENGINE_FAILED) else ""
    return Ending(reason, said or message)


def is_script_error(line: str) -> bool:
    """An exception of the user's processor, or a function of it that is not there."""
    return bool(_WORKER_ERROR.match(line)) or ("custom function" in line and "could not be found" in line)


def sentence(line: str) -> str:
    match = _WORKER_ERROR.match(line)
    return clean(match[1] if match else line)


def last_error(log: tuple[str, ...]) -> str:
    for line in reversed(log):
        match = _WORKER_ERROR.match(line) or _ERROR.match(line)
        if match:
            return clean(match[1])
    return ""


def clean(text: str) -> str:
    """Without folders of ours and without Node's words for where it looked."""
    return " ".join(_FOLDER.sub("", _IMPORTED.sub("", text)).removeprefix("Error: ").split())
