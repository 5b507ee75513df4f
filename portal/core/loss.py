"""Lost workers: what a run does about them, and how the hole one leaves is told. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import StrEnum

from portal.core.counted import Gap

MOST_PER_SLOT = 2
TAKE_OVER_SECONDS = {"k6": 2, "artillery": 4}
"""What an engine may take to get ready: k6 half a second, Artillery three."""
SLOWEST_SECONDS = 4
"""Of an engine nobody measured."""
UNHURRIED = 2
"""Times that, where the slot's load is being made meanwhile."""
HAND_OVER_LEAD = 0.1
"""Seconds before the other begins in which an engine is asked to stop: a little too few requests, and none twice."""
HAND_OVER_PATIENCE = 30.0
"""Seconds for which a worker that is taken away waits for another; platforms give it 110 at least."""
SHORTEST_HOLE = 2
"""Seconds; the edges of snapshots may leave less than that between a worker and its replacement."""


class OnWorkerLoss(StrEnum):
    """The policy of a run. CONTINUE: the others go on, and coverage tells whether the result still carries a verdict."""

    CONTINUE = "continue"
    REPLACE = "replace"
    ABORT = "abort"


def most_replacements(workers: int) -> int:
    """How often a whole run may replace: losing more than that, it is the place that is ill."""
    return max(MOST_PER_SLOT, workers // 2)


def may_replace(epochs: Collection[int], epoch: int, *, slots_each: int = 1) -> bool:
    """Whether the worker of `epoch` may be replaced; `epochs` are the newest of all slots, of which a worker may hold several
    and take them along."""
    return epoch <= MOST_PER_SLOT and sum(one - 1 for one in epochs) < most_replacements(len(epochs)) * slots_each


def take_over_at(engine: str, epoch: int, *, now: float, t0: int) -> int:
    """The whole unix second at which a replacement that starts its engine now begins. Every further one takes more time."""
    return max(t0, math.ceil(now) + TAKE_OVER_SECONDS.get(engine, SLOWEST_SECONDS) * (epoch - 1))


def relief_at(engine: str, *, now: float, t0: int) -> int:
    """The same for a worker whom nobody waits for: with time to spare."""
    return take_over_at(engine, 1 + UNHURRIED, now=now, t0=t0)


def stops_for(begins: int | None, *, now: float, asked_at: float) -> bool:
    """Whether who was asked to leave at `asked_at` ends its load now; `begins` is when another goes on with it."""
    if begins is None:
        return now - asked_at > HAND_OVER_PATIENCE
    return now >= begins - HAND_OVER_LEAD


def holes(gaps: Iterable[Gap], t0: int, ends: Mapping[int, int], *, slots: Collection[int]) -> Iterator[str]:
    """What is missing of `slots`, a sentence each; `gaps` and `ends` as of MergedRun.missing.

    A hole that ends before its slot does was ended by a replacement.
    """
    for gap in gaps:
        seconds = gap.end - gap.start
        if seconds < SHORTEST_HOLE or gap.slot not in slots:
            continue
        back = f" and replaced at {clock(gap.end - t0)}" if gap.end < ends[gap.slot] else ""
        yield f"Worker {gap.slot} was lost at {clock(gap.start - t0)}{back}; {seconds} s of its load are missing."


def clock(seconds: int) -> str:
    """`0:31`, `61:05`: minutes and seconds since the start."""
    return f"{seconds // 60}:{seconds % 60:02d}"
