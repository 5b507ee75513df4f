"""What a killed emulator leaves behind: functions, and what tasks and instances had put in the background."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import psutil

GRACE_SECONDS = 3.0


def end_all_of(folder: Path) -> list[int]:
    """The ids of those that were ended: whatever was started with this folder, or a path in it, as the value of a variable."""
    found = [process for process in psutil.process_iter() if process.pid not in _ours() and _belongs(process, folder)]
    for process in found:
        _signal(process, hard=False)
    _, alive = psutil.wait_procs(found, timeout=GRACE_SECONDS)
    for process in alive:
        _signal(process, hard=True)
    psutil.wait_procs(alive, timeout=GRACE_SECONDS)
    return [process.pid for process in found]


def is_within(environment: Mapping[str, str], folder: Path) -> bool:
    """Also in a list of paths; a folder whose name only begins like ours is another."""
    words = (word for value in environment.values() for word in value.split(os.pathsep))
    return any(word == str(folder) or word.startswith(f"{folder}/") for word in words)


def _belongs(process: psutil.Process, folder: Path) -> bool:
    """Of a process that is nobody's business of ours, or gone, nothing can be read."""
    try:
        return is_within(process.environ(), folder)
    except (psutil.Error, OSError):
        return False


def _ours() -> set[int]:
    """Whoever asks, and those above it: a command may have been given the folder as a variable."""
    return {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}


def _signal(process: psutil.Process, *, hard: bool) -> None:
    try:
        process.kill() if hard else process.terminate()
    except psutil.NoSuchProcess:
        return
