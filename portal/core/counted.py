"""Which snapshots of a run are counted, what they account for, and what is missing. Pure sums over workers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from portal.core.spans import Spans, gaps, joined


@dataclass(frozen=True, slots=True)
class Gap:
    """The unix seconds from `start` to before `end` of which nothing is known for a slot."""

    slot: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Counted:
    """One worker's snapshots that are counted (by seq), the unix seconds they account for, and what was unreadable."""

    slot: int
    epoch: int
    seqs: Spans = ()
    seconds: Spans = ()
    broken: int = 0
    """Batches of the engine that the agent could not read."""
    unreadable: int = 0
    """Snapshots that could not be read here."""


def missing(counted: Iterable[Counted], t0: int, ends: Mapping[int, int]) -> tuple[Gap, ...]:
    """Per slot, the seconds between `t0` and its end in `ends` that no snapshot of any epoch accounts for."""
    known: dict[int, list[tuple[int, int]]] = {}
    for one in counted:
        known.setdefault(one.slot, []).extend(one.seconds)
    return tuple(
        Gap(slot, start, end) for slot in sorted(ends) for start, end in gaps(joined(known.get(slot, ())), t0, ends[slot])
    )


def reached(counted: Iterable[Counted]) -> Mapping[int, int]:
    """By slot: the first unix second that it does not account for yet."""
    found: dict[int, int] = {}
    for one in counted:
        found[one.slot] = max(found.get(one.slot, 0), one.seconds[-1][1] if one.seconds else 0)
    return found
