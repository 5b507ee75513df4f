"""What the engines of all workers wrote, for the events of a run: equal lines once, with whose they are. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from portal.core.protocol import Done

MOST_LINES = 100
"""Told at the end, of what was not told before."""
LONGEST_LINE = 1000
MOST_TOLD = 2000
"""Told while the run goes on."""
MOST_PIECES = 250
"""Of one worker; its log has fewer different lines."""
TOO_MANY = f"More than {MOST_TOLD:,} different lines: what follows is in the workers' logs only."
_STAMP = re.compile(r'^time="[^"]*" ')
"""k6 begins its lines with the time, and that alone makes no other line of it."""
_TIMES = re.compile(r"(.*) \(x (\d[\d,]*)\)", re.DOTALL | re.ASCII)
_WHOSE = re.compile(r"Worker \d+(?: \(and \d+ more\))?: ", re.ASCII)


def new_lines(said: Iterable[tuple[int, str]], told: Collection[str]) -> tuple[str, ...]:
    """Of what workers (by slot) say now, what is in none of the events `told`; at most until there are MOST_TOLD of them."""
    if TOO_MANY in told:
        return ()
    known = _without_names(told)
    whose: dict[str, int] = {}
    for slot, line in said:
        if (text := _cleaned(line)) and text not in known:
            whose.setdefault(text, slot)
    found = tuple(f"{_named([slot])}: {line}" for line, slot in whose.items())
    room = MOST_TOLD - len(known)
    return found if len(found) <= room else (*found[:room], TOO_MANY)


def log_lines(dones: Iterable[Done], told: Collection[str] = ()) -> tuple[str, ...]:
    """At the end, each worker's in its own order: at most MOST_LINES, and how many were left out.

    Of the events `told` only those lines come again that were written several times, with how often.
    """
    known = _without_names(told)
    lines: dict[str, _Line] = {}
    for done in sorted(dones, key=lambda done: (done.slot, done.epoch)):
        for said in done.log_tail:
            line, times = _counted(said)
            lines.setdefault(_cleaned(line), _Line()).add(done.slot, times)
    found = [line.told(text) for text, line in lines.items() if text and (line.was_repeated or text not in known)]
    if len(found) <= MOST_LINES:
        return tuple(found)
    return (*found[:MOST_LINES], f"{len(found) - MOST_LINES} more lines are in the workers' logs.")


@dataclass(slots=True)
class _Line:
    slots: list[int] = field(default_factory=list)
    entries: int = 0
    """In how many logs it is; each says how often."""
    times: int = 0

    def add(self, slot: int, times: int) -> None:
        self.entries, self.times = self.entries + 1, self.times + times
        if slot not in self.slots[-1:]:
            self.slots.append(slot)

    @property
    def was_repeated(self) -> bool:
        return self.times > self.entries

    def told(self, text: str) -> str:
        return f"{_named(self.slots)}: {text}" + (f" (x {self.times:,})" if self.was_repeated else "")


def _cleaned(line: str) -> str:
    # PostgreSQL's texts know no zero bytes.
    return _STAMP.sub("", line).replace("\x00", "?")[:LONGEST_LINE].rstrip()


def _counted(line: str) -> tuple[str, int]:
    """As the agent writes what came several times."""
    match = _TIMES.fullmatch(line)
    times = int(match[2].replace(",", "")) if match else 1
    return (match[1], times) if match and times > 1 else (line, 1)


def _without_names(told: Iterable[str]) -> frozenset[str]:
    return frozenset(text[match.end() :] for text in told if (match := _WHOSE.match(text)))


def _named(slots: list[int]) -> str:
    return f"Worker {slots[0]}" if len(slots) == 1 else f"Worker {slots[0]} (and {len(slots) - 1} more)"
