"""A run over time, for charts. A second nobody measured is a hole, never a zero."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from portal.core.block import Block
from portal.core.histogram import BUCKETS, sparse_quantile
from portal.core.merge import merge, per_second, rollup
from portal.core.spans import Spans, overlaps

COUNTED = ("http_reqs", "http_req_failed", "iterations", "vus", "dropped_iterations")


@dataclass(frozen=True, slots=True)
class TimePoint:
    """What happened in one step that begins `second` seconds after t0; counts are per step, latencies ms.

    All None: no worker accounts for it. Latencies None: no request ended in it.
    """

    second: int
    requests: float | None = None
    failed: float | None = None
    iterations: float | None = None
    vus: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    high: float | None = None
    dropped: float | None = None

    def moved(self, seconds: int) -> TimePoint:
        """Never to before the start."""
        return replace(self, second=max(0, self.second + seconds))


def timeline(block: Block, t0: int, until: int, *, covered: Spans, step: int = 1) -> tuple[TimePoint, ...]:
    """One TimePoint per `step` seconds from `t0` to before `until` (unix seconds); `covered` as MergedRun says."""
    part = block.between(t0, until)
    counts = {metric: _totals(part, metric, t0, step) for metric in COUNTED}
    latencies = _latencies(part, t0, step)
    found = []
    for start in range(t0, until, step):
        if not overlaps(covered, start, min(start + step, until)):
            found.append(TimePoint(start - t0))
            continue
        p50, p95, p99, high = latencies.get(start, (None, None, None, None))
        found.append(TimePoint(
            start - t0, counts["http_reqs"].get(start, 0.0), counts["http_req_failed"].get(start, 0.0),
            counts["iterations"].get(start, 0.0), counts["vus"].get(start), p50, p95, p99, high,
            counts["dropped_iterations"].get(start, 0.0),
        ))  # fmt: skip
    return tuple(found)


def streamed(pieces: Iterable[Block], t0: int, until: int, *, covered: Spans, step: int = 1) -> Iterator[TimePoint]:
    """The same as `timeline` of all pieces merged, with one of them and an unfinished step in memory at a time.

    Pieces come in order of time, and no two have a second in common.
    """
    rest, done = Block.empty(), t0
    last = t0 + (until - t0) // step * step
    for piece in pieces:
        rest = merge((rest, piece))
        newest = int(rest.at.max(initial=t0))
        edge = min(last, t0 + (newest - t0) // step * step)
        if edge > done:
            yield from (point.moved(done - t0) for point in timeline(rest, done, edge, covered=covered, step=step))
            rest, done = rest.between(edge, None), edge
    yield from (point.moved(done - t0) for point in timeline(rest, done, until, covered=covered, step=step))


def _totals(block: Block, metric: str, t0: int, step: int) -> dict[int, float]:
    found = rollup(per_second(block, metric), step, origin=t0)
    return dict(zip(found.at.tolist(), found.total.tolist(), strict=True))


def _latencies(block: Block, t0: int, step: int) -> dict[int, tuple[float, float, float, float]]:
    found = rollup(per_second(block, "http_req_duration"), step, origin=t0)
    edges = found.bin_edges()
    answer = {}
    for index, (second, low, high) in enumerate(zip(found.at.tolist(), found.low.tolist(), found.high.tolist(), strict=True)):
        part = slice(edges[index], edges[index + 1])
        buckets, numbers = found.keys[part] & (BUCKETS - 1), found.counts[part]
        p50, p95, p99 = (sparse_quantile(buckets, numbers, q, low, high) for q in (0.5, 0.95, 0.99))
        answer[second] = (p50, p95, p99, high)
    return answer
