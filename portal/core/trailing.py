"""Thresholds with windows, judged second by second as a run goes on: `p(95)<300 over 60s`, `rate<0.01 for 30s`.

Every second is fed once, in order, so a look at a run of days costs what is new in it. The result does not depend on how
the seconds are cut into portions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from portal.core.block import Block, Kind, Point
from portal.core.histogram import BUCKETS
from portal.core.merge import Sink, per_second
from portal.core.observe import evaluate, observe
from portal.core.thresholds import Threshold, ThresholdResult

PORTION = 3600
"""Seconds that are taken apart at once."""
MADE = frozenset({Kind.COUNTER, Kind.GAUGE})
"""Kinds of which there is less when load is no longer made: their windows end with the plan, not with the last answer."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """The seconds of one window, or of `looks` windows on end that all cross the threshold; `observed` is the worst value."""

    since: int
    until: int
    observed: float
    looks: int = 1


@dataclass(frozen=True, slots=True)
class Memory:
    """All that a threshold with windows needs to know of the time before: its worst window, and its longest crossing."""

    worst: Stretch | None = None
    longest: Stretch | None = None


class Assessment:
    """All thresholds of a run: those with windows as they are fed, the others from totals. `planned`: seconds of load."""

    def __init__(
        self, thresholds: Sequence[Threshold], t0: int, planned: int | None = None, *, since: int | None = None,
        remembered: Mapping[str, Memory] = MappingProxyType({}),
    ) -> None:  # fmt: skip
        """`since`: the unix second to begin with where those before it are not at hand; `remembered`: what they were like."""
        self._thresholds, self.t0 = tuple(thresholds), t0
        self.fed_until = max(t0, since or t0)
        """The unix second to feed next."""
        begin = self.fed_until - t0
        self._trails = {
            rule: Trail(rule, planned, begin, remembered.get(rule.text, Memory()))
            for rule in self._thresholds if rule.is_windowed
        }  # fmt: skip

    def feed(self, block: Block, until: int) -> None:
        """The seconds from `fed_until` to before `until`; `block` may hold others too."""
        for start in range(self.fed_until, until, PORTION):
            end = min(start + PORTION, until)
            part = block.between(start, end)
            for trail in self._trails.values():
                trail.feed(part, self.t0, end - self.t0)
        self.fed_until = max(self.fed_until, until)

    def results(self, totals: Block, seconds: float, *, final: bool = False) -> tuple[ThresholdResult, ...]:
        """In the thresholds' order. `totals` are all `seconds` of the run, in any resolution; `final`: it is over."""
        plain = iter(evaluate((rule for rule in self._thresholds if not rule.is_windowed), totals, seconds=seconds))
        return tuple(self._trails[rule].result(final=final) if rule.is_windowed else next(plain) for rule in self._thresholds)

    def breach(self, results: Iterable[ThresholdResult]) -> ThresholdResult | None:
        """The first that is crossed, has `abortOnFail` and has waited long enough; `results` are the newest."""
        for result in results:
            rule = result.threshold
            if rule.abort_on_fail and rule.is_windowed and self._trails[rule].breach is not None:
                return self._trails[rule].breach
            is_due = not rule.is_windowed and result.until >= rule.delay_abort.total_seconds()
            if rule.abort_on_fail and is_due and result.passed is False:
                return result
        return None

    def memories(self) -> dict[str, Memory]:
        """For whoever goes on: by the threshold's text."""
        return {rule.text: trail.memory for rule, trail in self._trails.items()}


class Trail:
    """One threshold with windows. Seconds count from the run's start; a window is never longer than the planned load."""

    def __init__(self, threshold: Threshold, planned: int | None, begin: int, memory: Memory) -> None:
        over = max(1, int(threshold.over.total_seconds()))
        self.threshold, self._planned, self.memory = threshold, planned, memory
        self._over = min(over, planned or over)
        self._lasting = max(1, int(threshold.lasting.total_seconds()))
        self._ring = Ring(self._over)
        self._begin = self._fed = begin
        self._streak: Stretch | None = None
        self.breach: ThresholdResult | None = None
        """The first crossing that the threshold's own delay does not excuse."""

    def feed(self, block: Block, t0: int, until: int) -> None:
        """The seconds up to before `until`, of which `block` has the measurements."""
        found = {point.second - t0: point for point in per_second(block, self.threshold.metric, self.threshold.labels).points()}
        for second in range(self._fed, until):
            self._ring.push(second, found.get(second))
            self._fed = second + 1
            if self._fed - self._begin >= self._over and not self._is_after_load():
                self._look()

    def result(self, *, final: bool) -> ThresholdResult:
        """So far, or with `final` for good: then a run that was shorter than its windows is one window."""
        if final and 0 < self._fed < self._over:
            self._look()
        worst, longest = self.memory.worst, self.memory.longest
        if worst is None:
            return ThresholdResult(self.threshold, None, None, 0.0, float(self._fed))
        if not self.threshold.lasting:
            return self._result(worst, self.threshold.holds(worst.observed))
        needed = min(self._lasting, max(1, self._fed - self._over + 1)) if final else self._lasting
        if longest is not None and longest.looks >= needed:
            return self._result(longest, False)
        return self._result(worst, True)

    def _look(self) -> None:
        """At the window that ends with the newest second; one without measurements says nothing."""
        since = max(self._begin, self._fed - self._over)
        observed = observe(self.threshold, self._ring.sink(self._fed - 1), float(self._fed - since))
        if observed is None:
            return
        window = Stretch(since, self._fed, observed)
        worst, longest = self.memory.worst, self.memory.longest
        if worst is None or self.threshold.is_worse(observed, worst.observed):
            worst = window
        self._streak = None if self.threshold.holds(observed) else self._joined(window)
        if self._streak is not None and (longest is None or self._streak.looks > longest.looks):
            longest = self._streak
        self.memory = Memory(worst, longest)
        is_due = self._fed >= self.threshold.delay_abort.total_seconds()
        if self.breach is None and is_due and self._streak is not None and self._streak.looks >= self._lasting:
            self.breach = self._result(self._streak, False)

    def _joined(self, window: Stretch) -> Stretch:
        before = self._streak
        if before is None or not self.threshold.lasting:
            return window
        worst = window.observed if self.threshold.is_worse(window.observed, before.observed) else before.observed
        first = before.until - before.looks
        return Stretch(before.since, window.until, worst, window.until - first)

    def _result(self, stretch: Stretch, passed: bool) -> ThresholdResult:
        return ThresholdResult(self.threshold, stretch.observed, passed, float(stretch.since), float(stretch.until))

    def _is_after_load(self) -> bool:
        return self._planned is not None and self._fed > self._planned and self._ring.kind in MADE


class Ring:
    """What was measured of one series in the last `length` seconds."""

    def __init__(self, length: int) -> None:
        self._length = length
        self.kind: Kind | None = None
        self._held: list[Point | None] = [None] * length
        self._count, self._total = np.zeros(length), np.zeros(length)
        self._low, self._high = np.full(length, math.inf), np.full(length, -math.inf)
        self._bins = np.zeros(BUCKETS, dtype=np.int64)

    def push(self, second: int, point: Point | None) -> None:
        """`second` takes the place of the one `length` seconds before it; without a point nothing was measured in it."""
        place = second % self._length
        self._add_bins(self._held[place], -1)
        self._add_bins(point, 1)
        self._held[place] = point
        self._count[place], self._total[place] = (point.count, point.total) if point else (0.0, 0.0)
        self._low[place], self._high[place] = (point.low, point.high) if point else (math.inf, -math.inf)
        self.kind = point.key.kind if point else self.kind

    def sink(self, last: int) -> Sink:
        """All of it as one; of a gauge its newest value, `last` being the second pushed last."""
        if self.kind is Kind.GAUGE:
            held = (self._held[second % self._length] for second in range(last, last - self._length, -1))
            point = next((point for point in held if point is not None), None)
            count, total = (point.count, point.total) if point else (0.0, 0.0)
            return Sink(self.kind, count, total, total, total, self._bins)
        return Sink(self.kind, float(self._count.sum()), float(self._total.sum()), float(self._low.min()),
                    float(self._high.max()), self._bins)  # fmt: skip

    def _add_bins(self, point: Point | None, sign: int) -> None:
        if point is not None and point.bins:
            self._bins[list(point.bins)] += sign * np.fromiter(point.bins.values(), np.int64, len(point.bins))
