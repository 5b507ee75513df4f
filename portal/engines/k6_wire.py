"""Reads the body of one k6 cloud-output post (snappy around protobuf, protocol 2.0) into Points.

Only the fields named here are read; the numbers come from recorded bodies, see reference/engines.md section G.
Any malformed body raises EngineOutputBroken and nothing else, before a single point of it is given out. Gauges use last
only: k6 1.1 swaps their min and max.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any  # Any: protobuf messages made at run time have no static type

import cramjam
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from portal.core.errors import EngineOutputBroken
from portal.core.snapshot import Kind, Point, SeriesKey

MOST_BYTES = 8 << 20
"""Unpacked; 4 kB for each of the series we let k6 post at once. Nothing but empty parts takes 50 times as much when parsed."""
MOST_SERIES, MOST_POINTS, MOST_LABELS, LONGEST_TEXT = 20_000, 100_000, 64, 1_000
MOST_COUNT = 1 << 30
"""Of one series in one second; more cannot have been measured, and would not fit what it is added to."""
LARGEST_SUM = float(1 << 53)
"""Beyond it a sum of whole numbers is no longer exact."""
LAST_BUCKET = 4095
RESOLUTION = 0.001
LATEST_SECOND = 1 << 36
SLACK = 1e-6
"""Relative: k6 adds floats in its own order."""

_TYPES = descriptor_pb2.FieldDescriptorProto
# message: (field, number, type or message name, repeated)
_FIELDS: dict[str, tuple[tuple[str, int, str, bool], ...]] = {
    "Set": (("run", 1, "string", False), ("period", 2, "uint32", False), ("metrics", 3, "Metric", True)),
    "Metric": (("name", 1, "string", False), ("type", 2, "int32", False), ("series", 3, "Series", True)),
    "Series": (("labels", 1, "Label", True), ("counters", 2, "Counters", False), ("gauges", 3, "Gauges", False),
               ("rates", 4, "Rates", False), ("trends", 5, "Trends", False)),
    "Label": (("name", 1, "string", False), ("value", 2, "string", False)),
    "Counters": (("values", 1, "Counter", True),),
    "Gauges": (("values", 1, "Gauge", True),),
    "Rates": (("values", 1, "Rate", True),),
    "Trends": (("values", 1, "Trend", True),),
    "Time": (("seconds", 1, "int64", False), ("nanos", 2, "int32", False)),
    "Counter": (("time", 1, "Time", False), ("value", 2, "double", False)),
    "Gauge": (("time", 1, "Time", False), ("last", 2, "double", False), ("count", 3, "uint32", False)),
    "Rate": (("time", 1, "Time", False), ("nonzero", 2, "uint32", False), ("total", 3, "uint32", False)),
    "Span": (("offset", 1, "uint32", False), ("length", 2, "uint32", False)),
    "Trend": (("time", 1, "Time", False), ("counters", 2, "uint32", True), ("spans", 3, "Span", True),
              ("sum", 5, "double", False), ("count", 6, "uint32", False), ("min", 7, "double", False),
              ("max", 8, "double", False), ("low", 9, "uint32", False), ("high", 10, "uint32", False),
              ("resolution", 11, "double", False)),
}  # fmt: skip


def _message_class() -> Any:
    """The class of the outer message, built from the table above in a pool of its own."""
    file = descriptor_pb2.FileDescriptorProto(name="k6_cloud.proto", package="k6", syntax="proto3")
    for name, fields in _FIELDS.items():
        message = file.message_type.add(name=name)
        if name == "Series":
            message.oneof_decl.add(name="values")
        for field, number, kind, repeated in fields:
            label = _TYPES.LABEL_REPEATED if repeated else _TYPES.LABEL_OPTIONAL
            entry = message.field.add(name=field, number=number, label=label)
            if name == "Series" and not repeated:
                entry.oneof_index = 0
            if kind in _FIELDS:
                entry.type, entry.type_name = _TYPES.TYPE_MESSAGE, f".k6.{kind}"
            else:
                entry.type = _TYPES.Type.Value(f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("k6.Set"))


_Set = _message_class()


def read_batch(body: bytes) -> tuple[Point, ...]:
    """All points of one post."""
    try:
        if cramjam.snappy.decompress_raw_len(body) > MOST_BYTES:
            raise EngineOutputBroken(f"k6 posted a batch larger than {MOST_BYTES >> 20} MiB.")
        message = _Set.FromString(bytes(cramjam.snappy.decompress_raw(body)))
    except (cramjam.DecompressionError, DecodeError, ValueError, OverflowError, MemoryError) as error:
        raise EngineOutputBroken(f"k6 posted a batch that cannot be read: {error}") from error
    if max(len(message.metrics), sum(len(metric.series) for metric in message.metrics)) > MOST_SERIES:
        raise EngineOutputBroken(f"k6 posted more than {MOST_SERIES:,} series at once.")
    every = (point for metric in message.metrics for series in metric.series for point in _series(metric, series))
    points = tuple(islice(every, MOST_POINTS + 1))
    if len(points) > MOST_POINTS:
        raise EngineOutputBroken(f"k6 posted more than {MOST_POINTS:,} values at once.")
    return points


def _series(metric: Any, series: Any) -> Iterator[Point]:
    name, labels = _text(metric.name), _labels(series)
    if not name:
        raise EngineOutputBroken("k6 posted a metric without a name.")
    found = series.WhichOneof("values")
    if found is None or metric.type not in _READERS or found != _READERS[metric.type][0]:
        raise EngineOutputBroken(f"k6 posted {found or 'nothing'} for {name}, a metric of type {metric.type}.")
    read, key = _READERS[metric.type][1], SeriesKey(name, Kind(metric.type), labels)
    return (read(value, key) for value in getattr(series, found).values)


def _labels(series: Any) -> tuple[tuple[str, str], ...]:
    if len(series.labels) > MOST_LABELS:
        raise EngineOutputBroken(f"k6 posted a series with more than {MOST_LABELS} labels.")
    return tuple(sorted((_text(label.name), _text(label.value)) for label in series.labels))


def _counter(value: Any, key: SeriesKey) -> Point:
    return Point(_second(value), key, total=_number(value.value))


def _gauge(value: Any, key: SeriesKey) -> Point:
    return Point(_second(value), key, count=_count(value.count), total=_number(value.last))


def _rate(value: Any, key: SeriesKey) -> Point:
    if value.nonzero > value.total:
        raise EngineOutputBroken("k6 posted a rate with more hits than tries.")
    return Point(_second(value), key, count=_count(value.total), total=value.nonzero)


def _trend(value: Any, key: SeriesKey) -> Point:
    if value.resolution != RESOLUTION:
        raise EngineOutputBroken(f"k6 posted a histogram with a unit of {value.resolution}; this version reads {RESOLUTION}.")
    bins, count = _bins(value), _count(value.count)
    if sum(bins.values()) != count:
        raise EngineOutputBroken("k6 posted a histogram whose buckets do not add up to its count.")
    total, low, high = _number(value.sum), _number(value.min), _number(value.max)
    slack = SLACK * count * max(abs(low), abs(high))
    if count and not (low <= high and low * count - slack <= total <= high * count + slack):
        raise EngineOutputBroken("k6 posted a histogram whose sum lies outside its extremes.")
    return Point(_second(value), key, count=count, total=total, low=low, high=high, bins=bins)


_READERS: dict[int, tuple[str, Callable[[Any, SeriesKey], Point]]] = {
    Kind.COUNTER: ("counters", _counter), Kind.GAUGE: ("gauges", _gauge), Kind.RATE: ("rates", _rate),
    Kind.TREND: ("trends", _trend),
}  # fmt: skip
"""By the metric's type: where its values stand, and how one is read."""


def _bins(value: Any) -> dict[int, int]:
    """Counts by bucket; values outside k6's range are in the first and the last one."""
    if len(value.spans) > LAST_BUCKET + 1 or sum(span.length for span in value.spans) != len(value.counters):
        raise EngineOutputBroken("k6 posted a histogram whose spans do not match its counters.")
    counters = iter(value.counters)
    bins: dict[int, int] = {}
    index = 0
    for span in value.spans:
        index += span.offset
        if index + span.length > LAST_BUCKET + 1:
            raise EngineOutputBroken("k6 posted a histogram with a bucket out of range.")
        for count in islice(counters, span.length):
            bins[index] = count
            index += 1
    for bucket, extra in ((0, value.low), (LAST_BUCKET, value.high)):
        if extra:
            bins[bucket] = bins.get(bucket, 0) + extra
    return {bucket: count for bucket, count in bins.items() if count}


def _second(value: Any) -> int:
    second = int(value.time.seconds)
    if not 0 <= second < LATEST_SECOND:
        raise EngineOutputBroken("k6 posted a sample with a time out of range.")
    return second


def _count(number: int) -> int:
    if number > MOST_COUNT:
        raise EngineOutputBroken(f"k6 posted a count of {number:,} for one second.")
    return number


def _number(number: float) -> float:
    if not abs(number) <= LARGEST_SUM:  # NaN is in no order with anything.
        raise EngineOutputBroken(f"k6 posted the number {number}.")
    return number


def _text(text: str) -> str:
    """Cut, not refused: a script may well have addresses without end."""
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT]
