"""What the engines of all workers wrote, for the events of a run: equal lines once, with whose they are. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from portal.core.protocol import Done

MOST_LINES = 100
LONGEST_LINE = 1000
_STAMP = re.compile(r'^time="[^"]*" ')
"""k6 begins its lines with the time, and that alone makes no other line of it."""


def log_lines(dones: Iterable[Done]) -> tuple[str, ...]:
    """At most MOST_LINES, each worker's in its own order, and how many were left out."""
    whose: dict[str, list[int]] = {}
    for done in sorted(dones, key=lambda done: (done.slot, done.epoch)):
        for line in done.log_tail:
            # PostgreSQL's texts know no zero bytes.
            slots = whose.setdefault(_STAMP.sub("", line).replace("\x00", "?")[:LONGEST_LINE], [])
            if done.slot not in slots[-1:]:
                slots.append(done.slot)
    found = [f"{_named(slots)}: {line}" for line, slots in whose.items() if line.strip()]
    if len(found) <= MOST_LINES:
        return tuple(found)
    return (*found[:MOST_LINES], f"{len(found) - MOST_LINES} more lines are in the workers' logs.")


def _named(slots: list[int]) -> str:
    return f"Worker {slots[0]}" if len(slots) == 1 else f"Worker {slots[0]} (and {len(slots) - 1} more)"
