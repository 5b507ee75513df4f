"""Measurements as columns. A Block is a set of points keyed by (second, series), always in one canonical form.

Adding Blocks is plain addition of points with equal keys, so it may be done in any order and grouping, and equal
content is equal bytes. `combine` is the one place that brings columns into that form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import IntEnum
from operator import attrgetter
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from portal.core.histogram import BUCKET_BITS, BUCKETS, Floats, Ints

Slots: TypeAlias = NDArray[np.int32]
_PARTS = 1e6
_NOISE = 1e-11
"""Relative: an engine's own sums of floats are off by less."""
_DENSE = 4
"""A dense table may be this many times as long as the list of bins; beyond that sorting is cheaper."""


class Kind(IntEnum):
    """k6's four metric types, by k6's own numbers; Artillery's counters and histograms map onto them."""

    COUNTER = 1
    GAUGE = 2
    RATE = 3
    TREND = 4


@dataclass(frozen=True, slots=True, order=True)
class SeriesKey:
    """A metric under one set of labels (sorted by name)."""

    metric: str
    kind: Kind
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Point:
    """One series in one second, as an engine reports it.

    COUNTER: `total` is the sum added. GAUGE: `total` is the last value. RATE: `count` tries, `total` of them true.
    TREND: `count` values, their sum in `total`, `bins` by histogram bucket.
    """

    second: int
    """Unix second in which it was measured."""
    key: SeriesKey
    count: float = 0.0
    total: float = 0.0
    low: float = 0.0
    high: float = 0.0
    bins: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Columns:
    """Points as arrays, in any order and with duplicates; `keys` hold point index << 12 | bucket."""

    at: Ints
    which: Slots
    count: Floats
    total: Floats
    low: Floats
    high: Floats
    keys: Ints
    counts: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Points sorted by (second, series), series sorted and all in use, no duplicates; bins sorted, none of them 0.

    `which` indexes `series`. `keys` hold point index << 12 | bucket, `counts` how many values are in it.
    """

    series: tuple[SeriesKey, ...]
    at: Ints
    which: Slots
    count: Floats
    total: Floats
    low: Floats
    high: Floats
    keys: Ints
    counts: Ints

    @classmethod
    def empty(cls) -> Block:
        return combine((), columns_of((), {}))

    @classmethod
    def of(cls, points: Iterable[Point]) -> Block:
        """Points with the same second and series add up."""
        found = tuple(points)
        ids: dict[SeriesKey, int] = {}
        for point in found:
            ids.setdefault(point.key, len(ids))
        return combine(tuple(ids), columns_of(found, ids))

    def points(self) -> Iterator[Point]:
        edges = self.bin_edges()
        for index in range(len(self.at)):
            part = slice(edges[index], edges[index + 1])
            buckets = (self.keys[part] & (BUCKETS - 1)).tolist()
            yield Point(
                int(self.at[index]), self.series[self.which[index]], float(self.count[index]), float(self.total[index]),
                float(self.low[index]), float(self.high[index]), dict(zip(buckets, self.counts[part].tolist(), strict=True)),
            )  # fmt: skip

    def bin_edges(self) -> Ints:
        """Where each point's bins begin in `keys`, and where the last one's end."""
        return np.searchsorted(self.keys >> BUCKET_BITS, np.arange(len(self.at) + 1)).astype(np.int64)

    def between(self, since: int | None, until: int | None) -> Block:
        """The points of the seconds from `since` to before `until`."""
        first = 0 if since is None else int(np.searchsorted(self.at, since))
        last = len(self.at) if until is None else max(first, int(np.searchsorted(self.at, until)))
        if (first, last) == (0, len(self.at)):
            return self
        mask = np.zeros(len(self.at), dtype=np.bool_)
        mask[first:last] = True
        return self.where(mask)

    def where(self, mask: NDArray[np.bool_]) -> Block:
        """The points where `mask` is true."""
        place = np.cumsum(mask) - 1
        point = self.keys >> BUCKET_BITS
        chosen = mask[point]
        keys = (place[point[chosen]] << BUCKET_BITS) | (self.keys[chosen] & (BUCKETS - 1))
        series, which = _in_order(self.series, self.which[mask])
        return Block(series, self.at[mask], which, self.count[mask], self.total[mask], self.low[mask], self.high[mask],
                     keys, self.counts[chosen])  # fmt: skip

    def columns(self) -> Columns:
        return Columns(**{item.name: getattr(self, item.name) for item in fields(Columns)})

    def __len__(self) -> int:
        return len(self.at)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Block):
            return NotImplemented
        same = (np.array_equal(getattr(self, item.name), getattr(other, item.name)) for item in fields(Columns))
        return self.series == other.series and all(same)

    __hash__ = None  # type: ignore[assignment]  # Arrays have no hash.


def columns_of(points: Sequence[Point], ids: Mapping[SeriesKey, int]) -> Columns:
    keys = [(index << BUCKET_BITS) | bucket for index, point in enumerate(points) for bucket in point.bins]
    counts = [number for point in points for number in point.bins.values()]

    def floats(read: Callable[[Point], float]) -> Floats:
        return np.array([read(point) for point in points], dtype=np.float64)

    return Columns(
        np.array([point.second for point in points], dtype=np.int64),
        np.array([ids[point.key] for point in points], dtype=np.int32),
        floats(attrgetter("count")), floats(attrgetter("total")), floats(attrgetter("low")), floats(attrgetter("high")),
        np.array(keys, dtype=np.int64), np.array(counts, dtype=np.int64),
    )  # fmt: skip


def combine(series: Sequence[SeriesKey], columns: Columns) -> Block:
    """The canonical Block of some points: equal keys added (minimum of low, maximum of high), all sorted."""
    names, which = _in_order(series, columns.which)
    order, starts, inverse = _groups(columns.at * max(1, len(names)) + which)
    keys, counts = _add_bins(columns, inverse, len(starts))
    return Block(
        names, columns.at[order][starts], which[order][starts], _sums(columns.count, order, starts),
        _sums(columns.total, order, starts), _reduce(np.minimum, columns.low, order, starts),
        _reduce(np.maximum, columns.high, order, starts), keys, counts,
    )  # fmt: skip


def _in_order(series: Sequence[SeriesKey], which: Slots) -> tuple[tuple[SeriesKey, ...], Slots]:
    """The series in use, sorted and each once, and the points' new numbers."""
    used = np.zeros(len(series), dtype=np.bool_)
    used[which] = True
    names = sorted({series[index] for index in np.flatnonzero(used).tolist()}, key=attrgetter("metric", "kind", "labels"))
    places = {key: index for index, key in enumerate(names)}
    lookup = np.array([places.get(key, -1) for key in series], dtype=np.int32)
    return tuple(names), lookup[which] if len(which) else which


def _groups(points: Ints) -> tuple[Ints, Ints, Ints]:
    """The order that sorts the keys, where each group of equal keys starts in it, and every point's group."""
    order = np.argsort(points, kind="stable")
    ordered = points[order]
    fresh = np.ones(len(ordered), dtype=np.bool_)
    fresh[1:] = ordered[1:] != ordered[:-1]
    inverse = np.empty(len(ordered), dtype=np.int64)
    inverse[order] = np.cumsum(fresh) - 1
    return order.astype(np.int64), np.flatnonzero(fresh), inverse


def _sums(values: Floats, order: Ints, starts: Ints) -> Floats:
    """Sums that come out the same in any order and grouping, which sums of floats do not.

    Engines measure in whole numbers and whole nanoseconds, millionths of our unit; both are added apart and as integers, so
    each sum is exact: to 2**53 for whole numbers, to 2**31 for others. What an engine's own floats are off is no part of it.
    """
    whole = np.floor(values)
    parts = np.rint((values - whole) * _PARTS)
    rest = values - _number(whole, parts)
    rest = np.where(np.abs(rest) <= np.abs(values) * _NOISE, 0.0, rest)
    added = _reduce(np.add, parts, order, starts)
    carried = np.floor(added / _PARTS)
    found = _number(_reduce(np.add, whole, order, starts) + carried, added - carried * _PARTS)
    return found + _reduce(np.add, rest, order, starts)


def _number(whole: Floats, parts: Floats) -> Floats:
    """The nearest double, the very one an engine prints; beyond 2**31 there is no room for all the parts."""
    small = np.where(np.abs(whole) < 1 << 31, whole, 0.0)
    return np.where(small == whole, (small * _PARTS + parts) / _PARTS, whole + parts / _PARTS)


def _reduce(operation: np.ufunc, values: Floats, order: Ints, starts: Ints) -> Floats:
    # Adding 0.0 turns -0.0 into 0.0: the two are equal, but their bytes are not.
    ordered = values[order] + 0.0
    return operation.reduceat(ordered, starts) if len(starts) else ordered


def _add_bins(columns: Columns, inverse: Ints, points: int) -> tuple[Ints, Ints]:
    if not len(columns.keys):
        return columns.keys, columns.counts
    keys = (inverse[columns.keys >> BUCKET_BITS] << BUCKET_BITS) | (columns.keys & (BUCKETS - 1))
    if points << BUCKET_BITS <= _DENSE * len(keys):
        table = np.bincount(keys, weights=columns.counts)
        used = np.flatnonzero(table)
        return used, table[used].astype(np.int64)
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.concatenate((np.ones(1, dtype=np.bool_), ordered[1:] != ordered[:-1])))
    counts = np.add.reduceat(columns.counts[order], starts)
    return ordered[starts][counts != 0], counts[counts != 0]
