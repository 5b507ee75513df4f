"""k6's log lines and exit codes in our words. Pure; the codes were all provoked, see reference/engines.md A5."""

from __future__ import annotations

import json
import re

from portal.core.ports import Ending
from portal.core.protocol import DoneReason

_MESSAGE = re.compile(r'\bmsg=("(?:[^"\\]|\\.)*"|\S+)')
_HINT = re.compile(r'\bhint=("(?:[^"\\]|\\.)*"|\S+)')
_LEVEL = re.compile(r"\blevel=(\w+)")
_WRAPPED = re.compile(r"could not initialize '[^']*': could not load JS test '[^']*': ")
_FOLDER = re.compile(r"file:///(?:[^\s/:'\"]+/)*(?=[^\s/:'\"])|/(?:[^\s/:'\"]+/)*(?=[^\s/:'\"]+\.[cm]?[jt]s\b)")
_FRAMES = re.compile(r"\n\tat (?:go\.k6\.io|reflect|native)[^\n]*")
_EXTERNAL = re.compile(r"\s*Make sure that you've specified the right path.*", re.DOTALL)

MEANINGS = {
    0: (DoneReason.COMPLETED, ""),
    99: (DoneReason.COMPLETED, "A threshold of the script was crossed inside k6."),
    100: (DoneReason.SCRIPT_ERROR, "setup() took too long."),
    101: (DoneReason.SCRIPT_ERROR, "teardown() took too long."),
    102: (DoneReason.SCRIPT_ERROR, "The script's handleSummary took too long."),
    103: (DoneReason.STOPPED, "Stopped through k6's REST API."),
    104: (DoneReason.SCRIPT_ERROR, "k6 does not accept the script's options."),
    105: (DoneReason.TERMINATED, "k6 was told to end by a signal."),
    106: (DoneReason.ENGINE_FAILED, "k6 could not open its REST port."),
    107: (DoneReason.SCRIPT_ERROR, "The script threw outside an iteration."),
    108: (DoneReason.SCRIPT_ERROR, "The script called test.abort()."),
    110: (DoneReason.SCRIPT_ERROR, "The script called test.fail()."),
    -15: (DoneReason.TERMINATED, "k6 was told to end by a signal."),
    -2: (DoneReason.TERMINATED, "k6 was told to end by a signal."),
    -9: (DoneReason.ENGINE_FAILED, "k6 was killed, most likely because memory ran out."),
    137: (DoneReason.ENGINE_FAILED, "k6 was killed, most likely because memory ran out."),
}
FATAL = (100, 101, 102, 104, 106, 107, 108, 110, 255)
"""Codes after which the last error line of the log says why."""


def ending(exit_code: int, log: tuple[str, ...]) -> Ending:
    reason, message = MEANINGS.get(exit_code, (DoneReason.ENGINE_FAILED, f"k6 ended with exit code {exit_code}."))
    said = last_error(log) if exit_code in FATAL or exit_code not in MEANINGS else ""
    return Ending(reason, said or message)


def is_script_error(line: str) -> bool:
    """An uncaught exception in an iteration, setup or teardown; a failed request is a warning and none of these."""
    return "level=error" in line and ("source=stacktrace" in line or 'hint="script exception"' in line)


def last_error(log: tuple[str, ...]) -> str:
    for line in reversed(log):
        level = _LEVEL.search(line)
        if level and level[1] in ("error", "fatal"):
            return clean(line)
    return ""


def clean(line: str) -> str:
    """The message alone: no time, no level, no folder of ours, no frames of k6's own code."""
    match = _MESSAGE.search(line)
    text = _unquoted(match[1]) if match else line
    for pattern in (_WRAPPED, _FRAMES, _FOLDER, _EXTERNAL):
        text = pattern.sub("", text)
    return " ".join(text.replace("\n\tat ", " at ").split())


def hint(line: str) -> str:
    match = _HINT.search(line)
    text = _unquoted(match[1]) if match else ""
    return "" if text == "script exception" else text


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    try:
        return str(json.loads(text))
    except ValueError:
        return text.strip('"')
