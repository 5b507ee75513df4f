"""Sorted ranges of whole numbers that do not touch: seconds accounted for, snapshots counted. Few, however long a run is."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import TypeAlias

Spans: TypeAlias = tuple[tuple[int, int], ...]
"""Each from its first number to before its second."""


def joined(ranges: Iterable[tuple[int, int]]) -> Spans:
    """The same numbers as Spans; empty ranges are nothing."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        elif start < end:
            found.append((start, end))
    return tuple(found)


def added(spans: Spans, start: int, end: int) -> Spans:
    """Mostly a range goes on where the last one ended."""
    if spans and spans[-1][0] <= start <= spans[-1][1] <= end:
        return (*spans[:-1], (spans[-1][0], end))
    return joined((*spans, (start, end)))


def overlaps(spans: Spans, start: int, end: int) -> bool:
    """Whether any number from `start` to before `end` is in one of them."""
    place = bisect_right(spans, end - 1, key=lambda span: span[0])
    return place > 0 and spans[place - 1][1] > start


def gaps(spans: Spans, start: int, end: int) -> Spans:
    """What is missing between `start` and before `end`."""
    found, reached = [], start
    for first, last in (*spans, (end, end)):
        if reached < min(first, end):
            found.append((reached, min(first, end)))
        reached = max(reached, last)
    return tuple(found)


def first_missing(spans: Spans) -> int:
    """The first number from 0 on that is in none."""
    return spans[0][1] if spans and spans[0][0] == 0 else 0
