"""The agent's accumulator: takes points as the engine reports them, gives a Block of all seconds that are over.

Labels are reduced to what the results show and the thresholds select on, and the number of distinct values of each
label is bounded, so that ids in URLs cannot fill the memory or the store. Has no clock: the caller says what is over.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from portal.core.block import Block, Kind, Point, SeriesKey
from portal.core.thresholds import Threshold

OTHER = "__other__"
MOST_VALUES = 500
_MOST_REMEMBERED = 10_000
_REQUEST_LABELS = frozenset({"name", "method", "status", "error_code", "error", "check", "group", "scenario"})
_USER_LABELS = frozenset({"group", "scenario"})
LABELS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("http_req_duration", "http_reqs", "http_req_failed", "http_responses", "checks"), _REQUEST_LABELS),
    **dict.fromkeys(("iterations", "iteration_duration", "dropped_iterations", "vus", "vus_max", "data_sent", "data_received"),
                    _USER_LABELS),
    **dict.fromkeys(("errors", "vusers_failed"), frozenset({"error"})),
}  # fmt: skip
"""Which labels the main metrics keep; all others (k6's sub timings, custom metrics) keep none."""


@dataclass(frozen=True, slots=True)
class LabelPolicy:
    """`wanted`: label names by metric that are kept besides the usual ones, whatever their value."""

    wanted: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def for_thresholds(cls, thresholds: Iterable[Threshold]) -> LabelPolicy:
        found: dict[str, frozenset[str]] = {}
        for threshold in thresholds:
            found[threshold.metric] = found.get(threshold.metric, frozenset()).union(name for name, _ in threshold.labels)
        return cls(found)

    def reduce(self, key: SeriesKey) -> SeriesKey:
        """The key without the labels nobody will ask for; empty values and k6's `scenario=default` say nothing."""
        wanted = self.wanted.get(key.metric, frozenset())
        usual = LABELS.get(key.metric, frozenset())
        kept = (
            (name, value)
            for name, value in key.labels
            if value and (name in wanted or (name in usual and (name, value) != ("scenario", "default")))
        )
        return SeriesKey(key.metric, key.kind, tuple(sorted(kept)))


@dataclass(slots=True)
class _Cell:
    """One series in one open second."""

    count: float = 0.0
    total: float = 0.0
    low: float = math.inf
    high: float = -math.inf
    bins: dict[int, int] = field(default_factory=dict)

    def add(self, point: Point) -> None:
        self.low, self.high = min(self.low, point.low), max(self.high, point.high)
        if point.key.kind is Kind.GAUGE:
            self.count, self.total = 1.0, point.total
            return
        self.count += point.count
        self.total += point.total
        for bucket, number in point.bins.items():
            self.bins[bucket] = self.bins.get(bucket, 0) + number


class Window:
    """`names_dropped` counts the request names that were folded into `__other__`, `unreadable` points with NaN or infinity."""

    def __init__(self, keep: LabelPolicy | None = None) -> None:
        self._keep = keep or LabelPolicy()
        self._cells: dict[tuple[int, SeriesKey], _Cell] = {}
        self._reduced: dict[SeriesKey, SeriesKey] = {}
        self._values: dict[str, set[str]] = {}
        self._dropped: set[str] = set()
        self._closed = 0
        self.unreadable = 0

    @property
    def names_dropped(self) -> int:
        return len(self._dropped)

    def add(self, points: Iterable[Point]) -> None:
        """Late points come out with the next close under their own second, except gauges: those must not count twice."""
        for point in points:
            if not all(map(math.isfinite, (point.count, point.total, point.low, point.high))):
                self.unreadable += 1
            elif self._counts(point):
                cell = (point.second, self._reduce(point.key))
                self._cells.setdefault(cell, _Cell()).add(point)

    def close(self, before_second: int) -> Block:
        """All seconds before `before_second`, which are then forgotten."""
        self._closed = max(self._closed, before_second)
        over = [cell for cell in self._cells if cell[0] < before_second]
        return Block.of(_point(second, key, self._cells.pop((second, key))) for second, key in over)

    def _counts(self, point: Point) -> bool:
        if point.key.kind is Kind.GAUGE:
            return point.second >= self._closed
        # A trend without values has no smallest one; adding it would make a minimum of 0.
        return point.key.kind is not Kind.TREND or point.count > 0

    def _reduce(self, key: SeriesKey) -> SeriesKey:
        found = self._reduced.get(key)
        if found is None:
            short = self._keep.reduce(key)
            found = SeriesKey(short.metric, short.kind, tuple((name, self._bounded(name, value)) for name, value in short.labels))
            if len(self._reduced) >= _MOST_REMEMBERED:
                self._reduced.clear()
            self._reduced[key] = found
        return found

    def _bounded(self, name: str, value: str) -> str:
        known = self._values.setdefault(name, set())
        if value in known:
            return value
        if len(known) < MOST_VALUES:
            known.add(value)
            return value
        if name == "name" and len(self._dropped) < _MOST_REMEMBERED:
            self._dropped.add(value)
        return OTHER


def _point(second: int, key: SeriesKey, cell: _Cell) -> Point:
    return Point(second, key, cell.count, cell.total, cell.low, cell.high, cell.bins)
