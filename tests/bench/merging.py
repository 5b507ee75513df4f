"""What merging costs and how exact it is: snapshots per second, and percentiles of 10 uneven workers against all raw values."""

from __future__ import annotations

import time

import numpy as np

from portal.core.block import Kind, Point, SeriesKey
from portal.core.histogram import Floats, buckets_of
from portal.core.merge import merge, select
from portal.core.merged_run import MergedRun
from portal.core.snapshot import Block, IntervalSnapshot

NAMES, RATE, PERIOD = 20, 1000, 5
QUANTILES = (0.5, 0.95, 0.99, 0.999)


def trend(second: int, name: str, values: Floats) -> Point:
    """Raw latencies in ms as the point an engine would report."""
    buckets, counts = np.unique(buckets_of(values), return_counts=True)
    key = SeriesKey("http_req_duration", Kind.TREND, (("name", name),))
    bins = dict(zip(buckets.tolist(), counts.tolist(), strict=True))
    return Point(second, key, float(len(values)), float(values.sum()), float(values.min()), float(values.max()), bins)


def accuracy(workers: int = 10, samples: int = 100_000) -> dict[str, float]:
    """One worker is eight times as slow as the others and another makes an eighth of the requests."""
    random = np.random.default_rng(7)
    raw, blocks = [], []
    for worker in range(workers):
        size = samples // 8 if worker == 1 else samples
        values = random.lognormal(3.0, 0.6, size) * (8.0 if worker == 0 else 1.0)
        raw.append(values)
        snapshot = IntervalSnapshot(worker, 1, 0, 100, 101, Block.of([trend(100, "page", values)]))
        blocks.append(IntervalSnapshot.decode(snapshot.encode()).block)
    sink, whole = select(merge(blocks), "http_req_duration"), np.concatenate(raw)
    errors = [abs((sink.quantile(q) or 0.0) / float(np.quantile(whole, q)) - 1) for q in QUANTILES]
    return {
        "percentile_error_worst_per_cent": round(100 * max(errors), 3),
        "count_error": sink.count - len(whole),
        "max_error_ms": sink.high - float(whole.max()),
    }


def snapshots(workers: int) -> list[bytes]:
    """One of each worker: 20 names, 1,000 requests/s, 5 s."""
    random = np.random.default_rng(11)
    each = RATE // NAMES
    return [
        IntervalSnapshot(worker, 1, 0, 100, 100 + PERIOD, Block.of(
            trend(100 + second, f"GET /page/{name}", random.lognormal(3.0 + name / NAMES, 0.5, each))
            for second in range(PERIOD) for name in range(NAMES)
        )).encode()
        for worker in range(workers)
    ]  # fmt: skip


def merging(workers: int = 1000) -> dict[str, float]:
    """Decoding and merging one interval of all workers, as the controller does."""
    written = snapshots(workers)
    merged, before = MergedRun(), time.process_time()
    for data in written:
        merged.add(IntervalSnapshot.decode(data))
    count = select(merged.recent(), "http_req_duration").count
    spent = time.process_time() - before
    if count != workers * RATE * PERIOD:
        raise RuntimeError(f"{count} values were merged of {workers * RATE * PERIOD}.")
    return {
        "snapshot_bytes": round(sum(map(len, written)) / workers),
        "snapshots_merged_per_cpu_second": round(workers / spent),
    }


def measure() -> dict[str, float]:
    return {**accuracy(), **merging()}


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name:34} {value:g}")
