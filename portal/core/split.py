"""Who does which part: exact fractions of a plan, so that N workers together make the load of one.

A worker gets the whole plan and its segment (start, end] of it and computes its share alone. Shares of a whole
number sum to that number for every N: nothing is rounded twice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import TypeVar

from portal.core.plan import LoadPlan
from portal.core.slices import bounds

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Segment:
    """The part (start, end] of the whole; slot `index` of `count` equal parts."""

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise ValueError(f"There is no part {self.index} of {self.count}.")

    @property
    def start(self) -> Fraction:
        return Fraction(self.index, self.count)

    @property
    def end(self) -> Fraction:
        return Fraction(self.index + 1, self.count)

    def as_k6(self) -> str:
        """k6's `--execution-segment`."""
        return f"{self.start}:{self.end}"

    def sequence(self) -> str:
        """k6's `--execution-segment-sequence`; without it k6 rounds each part alone and the sum is wrong."""
        return ",".join(str(Fraction(part, self.count)) for part in range(self.count + 1))

    def share(self, total: int) -> int:
        """How many of `total` equal things (arrivals, virtual users) this part takes: thing n goes to slot n mod count."""
        return (total + self.count - 1 - self.index) // self.count

    def arrivals(self, before: Fraction, after: Fraction) -> int:
        """This part's arrivals between two exact cumulative totals; summed over parts it is floor(after) - floor(before)."""
        return self.share(math.floor(after)) - self.share(math.floor(before))

    def rows(self, rows: Sequence[T]) -> tuple[T, ...]:
        """This part's rows of a data file: row n goes to slot n mod count; the whole file where that leaves none."""
        return tuple(rows[self.index :: self.count]) or tuple(rows)

    def parts(self, count: int) -> tuple[Segment, ...]:
        """This part again in `count` parts: thing by thing, they take what it takes."""
        return tuple(Segment(self.index + part * self.count, self.count * count) for part in range(count))


@dataclass(frozen=True, slots=True)
class WorkerAssignment:
    """All a worker needs: the plan, its slot's segment, and the epoch that tells a replacement from the one it replaced."""

    plan: LoadPlan
    segment: Segment
    epoch: int = 1
    elapsed: timedelta = timedelta()
    """How much of the load is over when this worker begins; a replacement sets it and runs the rest."""
    part: int = 0
    """Which slice of a load that is sliced."""
    relieves: bool = False
    """Who has the slot goes on until this worker begins, and for good where it never does."""

    @property
    def slot(self) -> int:
        return self.segment.index

    @property
    def begins(self) -> timedelta:
        """Time after the common start from which on the slot's load is this worker's to make."""
        return bounds(self.plan.duration, self.plan.slices, self.part)[0]

    @property
    def ends(self) -> timedelta:
        return bounds(self.plan.duration, self.plan.slices, self.part)[1]

    @property
    def is_last(self) -> bool:
        """No other worker follows by plan."""
        return self.part == self.plan.slices - 1

    @property
    def deadline(self) -> timedelta:
        """Time after the common start at which this worker stops by itself, whatever happens."""
        return self.plan.deadline - (self.plan.duration - self.ends)


def split(plan: LoadPlan) -> tuple[WorkerAssignment, ...]:
    """One assignment per worker; together they are the plan."""
    return tuple(WorkerAssignment(plan, Segment(index, plan.workers)) for index in range(plan.workers))
