"""What all workers saw together: Blocks added, rolled up in time, and read per metric.

Every rule here is addition (minimum and maximum for the extremes), so the order of arrival does not matter.
A gauge of one second adds up over workers; over time its last second stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from portal.core import histogram
from portal.core.block import Block, Columns, Kind, Point, SeriesKey, combine
from portal.core.histogram import BUCKET_BITS, BUCKETS, Ints
from portal.core.snapshot import IntervalSnapshot

CHUNK = 60
_MOST_PENDING = 64
Labels = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, eq=False)
class Sink:
    """Everything measured of one metric: `kind` None where nothing was. A gauge holds the last value of each series."""

    kind: Kind | None
    count: float
    total: float
    low: float
    high: float
    bins: Ints
    """Counts per bucket, dense."""

    @property
    def mean(self) -> float | None:
        """Of a trend's values, of a rate's tries (its ratio), of the workers' last values of a gauge."""
        return self.total / self.count if self.count else None

    def quantile(self, q: float) -> float | None:
        return histogram.quantile(self.bins, q, self.low, self.high) if self.kind is Kind.TREND and self.count else None


NOTHING = Sink(None, 0.0, 0.0, 0.0, 0.0, np.zeros(BUCKETS, dtype=np.int64))


def merge(blocks: Iterable[Block]) -> Block:
    """Only Blocks of different (slot, epoch, seq) may be merged; `MergedRun` sees to that."""
    parts = [block for block in blocks if len(block)]
    if len(parts) < 2:
        return parts[0] if parts else Block.empty()
    ids: dict[SeriesKey, int] = {}
    which = []
    for block in parts:
        lookup = np.array([ids.setdefault(key, len(ids)) for key in block.series], dtype=np.int32)
        which.append(lookup[block.which])
    offsets = np.cumsum([0, *(len(block) for block in parts[:-1])])
    keys = [block.keys + (int(offset) << BUCKET_BITS) for block, offset in zip(parts, offsets, strict=True)]

    def joined(name: str) -> NDArray[np.float64]:
        return np.concatenate([getattr(block, name) for block in parts])

    return combine(tuple(ids), Columns(
        np.concatenate([block.at for block in parts]), np.concatenate(which), joined("count"), joined("total"),
        joined("low"), joined("high"), np.concatenate(keys), np.concatenate([block.counts for block in parts]),
    ))  # fmt: skip


def rollup(block: Block, seconds: int, *, origin: int = 0) -> Block:
    """Steps of `seconds` counted from `origin`, histograms added; a gauge keeps the last second of each step."""
    at = origin + (block.at - origin) // seconds * seconds
    return _moved(block, at, _last_gauges(block, at))


def collapse(block: Block, change: Callable[[SeriesKey], SeriesKey | None], *, over_time: bool = True) -> Block:
    """The series renamed (None: left out) and equal ones added; with `over_time` the whole Block becomes one second."""
    renamed = [change(key) for key in block.series]
    kept = np.array([key is not None for key in renamed], dtype=np.bool_)
    at = np.zeros_like(block.at) if over_time else block.at
    mask = kept[block.which] if len(block) else np.zeros(0, dtype=np.bool_)
    if over_time:
        mask &= _last_gauges(block, at)
    series = tuple(key or SeriesKey("", Kind.COUNTER) for key in renamed)
    return _moved(replace(block, series=series), at, mask)


def _moved(block: Block, at: Ints, mask: NDArray[np.bool_]) -> Block:
    """The masked points moved to the seconds `at`, in canonical form."""
    kept = block.where(mask)
    return combine(kept.series, replace(kept.columns(), at=at[mask]))


def _last_gauges(block: Block, at: Ints) -> NDArray[np.bool_]:
    """Which points stay when seconds move to `at`: all, but of a gauge only each series' last in its step."""
    gauges = np.array([key.kind is Kind.GAUGE for key in block.series], dtype=np.bool_)
    if not gauges.any():
        return np.ones(len(block), dtype=np.bool_)
    step = at * len(block.series) + block.which
    # Points are in order of time, so the first of each step seen from the end is its last.
    _, last = np.unique(step[::-1], return_index=True)
    mask = ~gauges[block.which]
    mask[len(block) - 1 - last] = True
    return mask


def select(block: Block, metric: str, labels: Labels = (), *, since: int | None = None, until: int | None = None) -> Sink:
    """All series of `metric` that have all of `labels`, in the seconds from `since` to before `until`, as one."""
    return total_of(collapse(block.between(since, until), _matching(metric, labels)))


def per_second(block: Block, metric: str, labels: Labels = ()) -> Block:
    """The same as one series without labels, second by second."""
    return collapse(block, _matching(metric, labels), over_time=False)


def by_label(block: Block, metric: str, label: str) -> dict[str, Sink]:
    """One Sink per value of `label`, over all the time; series without it stand under the empty value."""

    def change(key: SeriesKey) -> SeriesKey | None:
        return SeriesKey(metric, key.kind, ((label, dict(key.labels).get(label, "")),)) if key.metric == metric else None

    return {point.key.labels[0][1]: _sink(point) for point in collapse(block, change).points()}


def total_of(block: Block) -> Sink:
    """The Sink of a Block of one point; nothing where there is none."""
    return next((_sink(point) for point in block.points()), NOTHING)


def _matching(metric: str, labels: Labels) -> Callable[[SeriesKey], SeriesKey | None]:
    wanted = set(labels)

    def change(key: SeriesKey) -> SeriesKey | None:
        return SeriesKey(metric, key.kind) if key.metric == metric and wanted.issubset(key.labels) else None

    return change


def _sink(point: Point) -> Sink:
    bins = np.zeros(BUCKETS, dtype=np.int64)
    bins[list(point.bins)] = list(point.bins.values())
    return Sink(point.key.kind, point.count, point.total, point.low, point.high, bins)


@dataclass(frozen=True, slots=True)
class Gap:
    """The unix seconds from `start` to before `end` of which nothing is known for a slot."""

    slot: int
    start: int
    end: int


class MergedRun:
    """All snapshots of a run, each counted once. Adding is cheap; merging waits until someone asks."""

    def __init__(self) -> None:
        self._seen: set[tuple[int, int, int]] = set()
        self._pending: list[Block] = []
        self._chunks: dict[int, Block] = {}
        self._minutes: dict[int, Block] = {}
        self._ranges: dict[int, list[tuple[int, int]]] = {}
        self.broken: dict[int, int] = {}
        """Unreadable batches by slot."""

    def add(self, snapshot: IntervalSnapshot) -> bool:
        """False, and no effect, when this (slot, epoch, seq) was added before."""
        identity = (snapshot.slot, snapshot.epoch, snapshot.seq)
        if identity in self._seen:
            return False
        self._seen.add(identity)
        self.broken[snapshot.slot] = self.broken.get(snapshot.slot, 0) + snapshot.broken
        ranges = self._ranges.get(snapshot.slot, [])
        self._ranges[snapshot.slot] = _joined([*ranges, (snapshot.start, snapshot.end)])
        self._pending.append(snapshot.block)
        if len(self._pending) >= _MOST_PENDING:
            self._settle()
        return True

    def block(self, since: int | None = None, until: int | None = None) -> Block:
        """Everything measured in these seconds, at a resolution of one second."""
        self._settle()
        inside = (
            minute for minute in sorted(self._chunks)
            if (since is None or (minute + 1) * CHUNK > since) and (until is None or minute * CHUNK < until)
        )  # fmt: skip
        return merge(self._chunks[minute] for minute in inside).between(since, until)

    def minutes(self) -> Block:
        """The same rolled up to minutes: cheap to ask for again and again in a long run."""
        self._settle()
        for minute, chunk in self._chunks.items():
            if minute not in self._minutes:
                self._minutes[minute] = rollup(chunk, CHUNK)
        return merge(self._minutes[minute] for minute in sorted(self._minutes))

    def coverage(self, t0: int, ends: Mapping[int, int]) -> float:
        """Which part (0..1) of the planned worker-seconds is accounted for; `ends` is each slot's planned end."""
        planned = sum(max(0, end - t0) for end in ends.values())
        return 1 - sum(gap.end - gap.start for gap in self.missing(t0, ends)) / planned if planned else 0.0

    def missing(self, t0: int, ends: Mapping[int, int]) -> tuple[Gap, ...]:
        """Per slot, the seconds between `t0` and its planned end that no snapshot accounts for."""
        return tuple(gap for slot in sorted(ends) for gap in _gaps(slot, self._ranges.get(slot, []), t0, ends[slot]))

    def covered(self) -> frozenset[int]:
        """The seconds that at least one worker accounts for."""
        whole = _joined([part for ranges in self._ranges.values() for part in ranges])
        return frozenset(second for start, end in whole for second in range(start, end))

    def _settle(self) -> None:
        fresh = merge(self._pending)
        self._pending.clear()
        for minute in np.unique(fresh.at // CHUNK).tolist():
            part = fresh.between(minute * CHUNK, (minute + 1) * CHUNK)
            self._chunks[minute] = merge((self._chunks[minute], part)) if minute in self._chunks else part
            self._minutes.pop(minute, None)


def _joined(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sorted ranges that do not touch each other."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        elif start < end:
            found.append((start, end))
    return found


def _gaps(slot: int, ranges: list[tuple[int, int]], start: int, end: int) -> list[Gap]:
    found, reached = [], start
    for first, last in [*ranges, (end, end)]:
        if reached < min(first, end):
            found.append(Gap(slot, reached, min(first, end)))
        reached = max(reached, last)
    return found
