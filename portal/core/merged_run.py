"""All that has arrived of a run, each snapshot counted once, in memory that does not grow with its length.

Held are the last minutes second by second, the totals of all time, and an outline of the minutes between. What is
`fresh` has not been kept in the store yet and is forgotten by nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from portal.core.block import Block, SeriesKey
from portal.core.counted import Counted, Gap, missing, reached
from portal.core.merge import EVER, collapse, merge, per_second, rollup, split_gauges
from portal.core.snapshot import IntervalSnapshot
from portal.core.spans import Spans, added, first_missing, joined, overlaps

MINUTE = 60
RECENT_MINUTES = 16
"""Second by second: every window of 15 minutes is in them."""
OUTLINE_SECONDS, COARSE = 6 * 3600, 600
"""How far back the outline is by the minute; before that it is by ten minutes."""
OUTLINED = frozenset({"http_reqs", "http_req_failed", "http_req_duration", "iterations", "dropped_iterations", "vus", "vus_max"})
USERS = ("vus", "vus_max")
_MOST_PENDING = 64


class MergedRun:
    """Adding is cheap; merging waits until someone asks."""

    def __init__(self, counted: Iterable[Counted] = (), peaks: Mapping[str, float] | None = None) -> None:
        """Begins where another one stopped, with `counted`; what was measured follows by `resume`."""
        self._counted = {(one.slot, one.epoch): one for one in counted}
        self._peaks = dict(peaks or {})
        self._pending: list[Block] = []
        self._seconds: dict[int, Block] = {}
        self._fresh: dict[int, Block] = {}
        self._horizon = 0
        self._outline = self._sums = self._gauges = Block.empty()
        self._totals: Block | None = None
        self.newest = max((one.seconds[-1][1] for one in self._counted.values() if one.seconds), default=0)
        """The first unix second that no worker accounts for yet."""

    def resume(self, older: Iterable[Block], recent: Iterable[Block]) -> None:
        """What was kept before: rolled up to minutes in order of time, then the seconds of the minutes after those."""
        for block in older:
            self._count(block)
            self._outline = merge((self._outline, _by_minute(block)))
            self._horizon = max(self._horizon, int(block.at.max(initial=-MINUTE)) + MINUTE)
            self._thin()
        for block in recent:
            self._count(block)
            self._hold(block, self._seconds)

    # What has arrived

    def add(self, snapshot: IntervalSnapshot) -> bool:
        """False, and no effect, when this (slot, epoch, seq) was added before."""
        one = self._of(snapshot.slot, snapshot.epoch)
        if overlaps(one.seqs, snapshot.seq, snapshot.seq + 1):
            return False
        self._counted[one.slot, one.epoch] = replace(
            one, seqs=added(one.seqs, snapshot.seq, snapshot.seq + 1), broken=one.broken + snapshot.broken,
            seconds=added(one.seconds, snapshot.start, snapshot.end),
        )  # fmt: skip
        self.newest = max(self.newest, snapshot.end)
        self._pending.append(snapshot.block)
        if len(self._pending) >= _MOST_PENDING:
            self._settle()
        return True

    def pass_over(self, slot: int, epoch: int, seq: int) -> None:
        """A snapshot that cannot be read is not asked for again, and its seconds stay a hole."""
        one = self._of(slot, epoch)
        if not overlaps(one.seqs, seq, seq + 1):
            unreadable = one.unreadable + 1
            self._counted[slot, epoch] = replace(one, seqs=added(one.seqs, seq, seq + 1), unreadable=unreadable)

    def next_seq(self, slot: int, epoch: int) -> int:
        """The first snapshot of a worker that is not counted."""
        return first_missing(self._of(slot, epoch).seqs)

    def has(self, slot: int, epoch: int, seq: int) -> bool:
        return overlaps(self._of(slot, epoch).seqs, seq, seq + 1)

    @property
    def counted(self) -> tuple[Counted, ...]:
        return tuple(self._counted[worker] for worker in sorted(self._counted))

    @property
    def snapshots(self) -> int:
        return sum(end - start for one in self._counted.values() for start, end in one.seqs)

    @property
    def unreadable(self) -> int:
        return sum(one.unreadable for one in self._counted.values())

    # What it says

    def recent(self, since: int | None = None, until: int | None = None) -> Block:
        """What was measured in these seconds, at a resolution of one second; the last 15 minutes at least are there."""
        self._settle()
        inside = (
            minute for minute in sorted(self._seconds)
            if (since is None or minute + MINUTE > since) and (until is None or minute < until)
        )  # fmt: skip
        return merge(self._seconds[minute] for minute in inside).between(since, until)

    @property
    def horizon(self) -> int:
        """The first unix second from which on `recent` is complete; 0: it is from the start."""
        return self._horizon

    def totals(self) -> Block:
        """All time as one second, every series: counters, histograms and the gauges' last values of the whole run."""
        self._settle()
        if self._totals is None:
            self._totals = merge((self._sums, rollup(self._gauges, EVER)))
        return self._totals

    def outline(self) -> Block:
        """The main metrics without labels, from the start to now: by the minute, days by ten minutes."""
        self._settle()
        return merge((self._outline, *(_by_minute(self._seconds[minute]) for minute in sorted(self._seconds))))

    def users(self) -> int:
        """The most virtual users that ran in one second, over all workers.

        k6 samples `vus` once a second: with short iterations of an open load all may be idle then, and the prepared ones count.
        """
        self._settle()
        self.note_peaks(self._gauges.between(self._horizon or None, None))
        return next((round(self._peaks[metric]) for metric in USERS if self._peaks.get(metric)), 0)

    @property
    def peaks(self) -> Mapping[str, float]:
        self.users()
        return self._peaks

    def note_peaks(self, block: Block) -> None:
        """Whole seconds of all workers; later snapshots of the same second only raise them."""
        for metric in USERS:
            most = float(np.max(per_second(block, metric).total, initial=0.0))
            self._peaks[metric] = max(most, self._peaks.get(metric, 0.0))

    def coverage(self, t0: int, ends: Mapping[int, int]) -> float:
        """Which part (0..1) of the planned worker-seconds is accounted for; `ends` is each slot's planned end."""
        planned = sum(max(0, end - t0) for end in ends.values())
        return 1 - sum(gap.end - gap.start for gap in self.missing(t0, ends)) / planned if planned else 0.0

    def missing(self, t0: int, ends: Mapping[int, int]) -> tuple[Gap, ...]:
        """Per slot, the seconds between `t0` and its planned end that no snapshot accounts for."""
        return missing(self._counted.values(), t0, ends)

    def reached(self) -> Mapping[int, int]:
        """By slot: the first unix second that it does not account for yet."""
        return reached(self._counted.values())

    def covered(self) -> Spans:
        """The seconds that at least one worker accounts for."""
        return joined(span for one in self._counted.values() for span in one.seconds)

    # What is kept elsewhere

    def fresh(self) -> Mapping[int, Block]:
        """What was added since the last `settle_kept`, second by second, by the minute in which it was measured."""
        self._settle()
        return self._fresh

    def settle_kept(self) -> None:
        """Everything fresh is in the store: it is no longer fresh, and old seconds may be forgotten."""
        self._fresh = {}
        newest = max(self._seconds, default=0)
        for minute in sorted(self._seconds):
            if minute <= newest - RECENT_MINUTES * MINUTE:
                self._forget(minute)
        self._thin()

    def _of(self, slot: int, epoch: int) -> Counted:
        return self._counted.get((slot, epoch)) or Counted(slot, epoch)

    def _settle(self) -> None:
        block = merge(self._pending)
        self._pending.clear()
        if not len(block):
            return
        late, recent = block.between(None, self._horizon), block.between(self._horizon, None)
        self._hold(block, self._fresh)
        self._hold(recent, self._seconds)
        self._count(recent)
        # A gauge of long ago says nothing of now; the counters do.
        sums, _ = split_gauges(late)
        self._count(sums)
        self._outline = merge((self._outline, _by_minute(sums)))

    def _hold(self, block: Block, minutes: dict[int, Block]) -> None:
        for minute in (np.unique(block.at // MINUTE) * MINUTE).tolist():
            part = block.between(minute, minute + MINUTE)
            minutes[minute] = merge((minutes[minute], part)) if minute in minutes else part

    def _count(self, block: Block) -> None:
        sums, last = split_gauges(block)
        self._sums = merge((self._sums, rollup(sums, EVER)))
        self._gauges = merge((self._gauges, last))
        self._totals = None

    def _forget(self, minute: int) -> None:
        self.users()
        self._outline = merge((self._outline, _by_minute(self._seconds.pop(minute))))
        self._horizon = max(self._horizon, minute + MINUTE)

    def _thin(self) -> None:
        """Of gauges before the horizon the last stands, of the outline's old minutes ten become one."""
        old = self._gauges.between(None, self._horizon)
        self._gauges = merge((rollup(old, EVER), self._gauges.between(self._horizon, None)))
        edge = (self._horizon - OUTLINE_SECONDS) // COARSE * COARSE
        self._outline = merge((rollup(self._outline.between(None, edge), COARSE), self._outline.between(edge, None)))


def outlined(block: Block) -> Block:
    """The main metrics without labels."""
    return collapse(block, lambda key: SeriesKey(key.metric, key.kind) if key.metric in OUTLINED else None, over_time=False)


def _by_minute(block: Block) -> Block:
    """In this order: a gauge's workers are summed within a second, then its last second stands for the minute."""
    return rollup(outlined(block), MINUTE)
