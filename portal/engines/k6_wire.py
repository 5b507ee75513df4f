"""Reads the body of one k6 cloud-output post (snappy around protobuf, protocol 2.0) into Points.

Only the fields named here are read; the numbers come from recorded bodies, see reference/engines.md section G.
Any malformed body raises EngineOutputBroken and nothing else. Gauges use last only: k6 1.1 swaps their min and max.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from typing import Any  # Any: protobuf messages made at run time have no static type

import cramjam
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from portal.core.errors import EngineOutputBroken
from portal.core.snapshot import Kind, Point, SeriesKey

MOST_BYTES = 64 << 20
LAST_BUCKET = 4095
RESOLUTION = 0.001
LATEST_SECOND = 1 << 36

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
        for field, number, kind, repeated in fields:
            label = _TYPES.LABEL_REPEATED if repeated else _TYPES.LABEL_OPTIONAL
            entry = message.field.add(name=field, number=number, label=label)
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
            raise EngineOutputBroken("k6 posted a batch larger than 64 MiB.")
        message = _Set.FromString(bytes(cramjam.snappy.decompress_raw(body)))
    except (cramjam.DecompressionError, DecodeError, ValueError, OverflowError, MemoryError) as error:
        raise EngineOutputBroken(f"k6 posted a batch that cannot be read: {error}") from error
    return tuple(point for metric in message.metrics for series in metric.series for point in _series(metric, series))


def _series(metric: Any, series: Any) -> Iterator[Point]:
    labels = tuple(sorted((label.name, label.value) for label in series.labels))
    if not metric.name:
        raise EngineOutputBroken("k6 posted a metric without a name.")
    for value in series.counters.values:
        yield Point(_second(value), SeriesKey(metric.name, Kind.COUNTER, labels), total=_finite(value.value))
    for value in series.gauges.values:
        yield Point(_second(value), SeriesKey(metric.name, Kind.GAUGE, labels), count=value.count, total=_finite(value.last))
    for value in series.rates.values:
        if value.nonzero > value.total:
            raise EngineOutputBroken("k6 posted a rate with more hits than tries.")
        key = SeriesKey(metric.name, Kind.RATE, labels)
        yield Point(_second(value), key, count=value.total, total=value.nonzero)
    for value in series.trends.values:
        yield _trend(value, SeriesKey(metric.name, Kind.TREND, labels))


def _trend(value: Any, key: SeriesKey) -> Point:
    if value.resolution != RESOLUTION:
        raise EngineOutputBroken(f"k6 posted a histogram with a unit of {value.resolution}; this version reads {RESOLUTION}.")
    bins = _bins(value)
    if sum(bins.values()) != value.count:
        raise EngineOutputBroken("k6 posted a histogram whose buckets do not add up to its count.")
    low, high = _finite(value.min), _finite(value.max)
    return Point(_second(value), key, count=value.count, total=_finite(value.sum), low=low, high=high, bins=bins)


def _bins(value: Any) -> dict[int, int]:
    """Counts by bucket; values outside k6's range are in the first and the last one."""
    counters = iter(value.counters)
    if sum(span.length for span in value.spans) != len(value.counters):
        raise EngineOutputBroken("k6 posted a histogram whose spans do not match its counters.")
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


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise EngineOutputBroken("k6 posted a number that is not finite.")
    return number
