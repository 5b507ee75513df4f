"""What all workers saw together: Blocks added, rolled up in time, and read per metric.

Every rule here is addition (minimum and maximum for the extremes), so the order of arrival does not matter.
A gauge of one second adds up over workers; over time its last second stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from portal.core import histogram
from portal.core.block import Block, Columns, Kind, Point, SeriesKey, combine
from portal.core.histogram import BUCKET_BITS, BUCKETS, Ints

EVER = 1 << 40
"""A step that is longer than time: everything comes to second 0."""
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


def split_gauges(block: Block) -> tuple[Block, Block]:
    """What adds up over time, and the gauges, of which the last second stands."""
    gauges = np.array([key.kind is Kind.GAUGE for key in block.series], dtype=np.bool_)
    if not gauges.any():
        return block, Block.empty()
    mask = gauges[block.which]
    return block.where(~mask), block.where(mask)


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
