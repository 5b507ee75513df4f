"""A load in consecutive slices of time, each made by workers of its own: for places that end a worker after minutes.

The next worker of a slot is started early, waits paused, and takes over at a second that the plan alone decides.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import timedelta

from portal.core.errors import Problem

OVERLAP = timedelta(seconds=45)
"""How long before its second the next worker is started, at most: a cold start and a few refused calls are in it."""
MOST_SLICES = 30
SECOND = timedelta(seconds=1)


def slices_needed(length: timedelta, longest: timedelta) -> int:
    """The fewest equal slices of at most `longest`."""
    return max(1, math.ceil(length / longest))


def bounds(length: timedelta, slices: int, part: int) -> tuple[timedelta, timedelta]:
    """From when to when slice `part` makes the load: whole seconds, so that all slots change over in the same one."""
    whole = length // SECOND
    end = length if part == slices - 1 else SECOND * (whole * (part + 1) // slices)
    return SECOND * (whole * part // slices), end


def due(length: timedelta, slices: int, now: timedelta) -> int:
    """The slice whose workers should have been started `now` after the start."""
    early = now + min(OVERLAP, length / slices / 2)
    return max((part for part in range(slices) if bounds(length, slices, part)[0] <= early), default=0)


def slice_problems(slices: int, *, longest: timedelta | None, whole_only: str, backend: str) -> Iterator[Problem]:
    """Why a load cannot be sliced as asked; `longest` None: that backend never needs it."""
    if longest is None:
        yield Problem("sliced", f"{backend} slices no load.", "Leave sliced out, and choose a backend that runs as long.")
    if slices > MOST_SLICES:
        yield Problem(
            "duration", f"{slices} slices are more than the {MOST_SLICES} a run may have.", "Start it on fargate or ec2."
        )
    if slices > 1 and whole_only:
        yield Problem("sliced", whole_only, "Start it on fargate or ec2 instead.")
