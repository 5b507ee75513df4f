"""Points, Blocks and snapshots for tests: given, and as hypothesis strategies (integer values, so that sums are exact)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from hypothesis import strategies as st

from portal.core.histogram import buckets_of
from portal.core.snapshot import Block, IntervalSnapshot, Kind, Point, SeriesKey

KINDS = {"hits": Kind.COUNTER, "vus": Kind.GAUGE, "failed": Kind.RATE, "time": Kind.TREND}


def labelled(**labels: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))


def counter(second: int, metric: str, total: float, **labels: str) -> Point:
    return Point(second, SeriesKey(metric, Kind.COUNTER, labelled(**labels)), total=total)


def gauge(second: int, metric: str, value: float, **labels: str) -> Point:
    return Point(second, SeriesKey(metric, Kind.GAUGE, labelled(**labels)), 1, value, value, value)


def rate(second: int, metric: str, true: float, tries: float, **labels: str) -> Point:
    return Point(second, SeriesKey(metric, Kind.RATE, labelled(**labels)), count=tries, total=true)


def trend(second: int, metric: str, values: Iterable[float], **labels: str) -> Point:
    array = np.array(tuple(values), dtype=np.float64)
    buckets, counts = np.unique(buckets_of(array), return_counts=True)
    bins = dict(zip(buckets.tolist(), counts.tolist(), strict=True))
    return Point(second, SeriesKey(metric, Kind.TREND, labelled(**labels)), float(len(array)), float(array.sum()),
                 float(array.min()), float(array.max()), bins)  # fmt: skip


def request(
    second: int, name: str = "home", *, status: str = "200", error: str = "", times: Iterable[float] = (10.0,)
) -> list[Point]:
    """What k6 reports for some equal requests of one second."""
    values = tuple(times)
    labels = {"name": name, "status": status, **({"error": error} if error else {})}
    failed = not status.startswith(("2", "3"))
    return [
        counter(second, "http_reqs", len(values), **labels),
        rate(second, "http_req_failed", len(values) * failed, len(values), **labels),
        trend(second, "http_req_duration", values, **labels),
        counter(second, "iterations", len(values)),
    ]


def snapshot(
    slot: int = 0, seq: int = 0, *, start: int = 100, end: int = 102, points: Iterable[Point] = (), epoch: int = 1
) -> IntervalSnapshot:
    return IntervalSnapshot(slot, epoch, seq, start, end, Block.of(points))


@st.composite
def any_point(draw: st.DrawFn) -> Point:
    metric = draw(st.sampled_from(sorted(KINDS)))
    label = draw(st.sampled_from(["", "home", "cart", "ä"]))
    key = SeriesKey(metric, KINDS[metric], (("name", label),) if label else ())
    low, high = sorted(draw(st.tuples(st.integers(-50, 2000), st.integers(-50, 2000))))
    bins = draw(st.dictionaries(st.integers(0, 4095), st.integers(1, 1000), max_size=5)) if metric == "time" else {}
    return Point(draw(st.integers(100, 112)), key, float(draw(st.integers(0, 1000))), float(draw(st.integers(-1000, 1000))),
                 float(low), float(high), bins)  # fmt: skip


def any_block() -> st.SearchStrategy[Block]:
    return st.lists(any_point(), max_size=12).map(Block.of)
