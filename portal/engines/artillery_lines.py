"""Reads one line of our Artillery plugin into Points under the metric names k6 uses.

Everything about requests comes from one row per (name, status or error), so the sum over names is the total.
Any malformed line raises EngineOutputBroken and nothing else.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any  # Any: foreign JSON

from portal.core.errors import EngineOutputBroken
from portal.core.health import LAG
from portal.core.snapshot import Kind, Point, SeriesKey

LAST_BUCKET = 4095
LONGEST_LABEL = 200
FAILED_FROM = 400
Labels = tuple[tuple[str, str], ...]


def is_ready(line: bytes) -> bool:
    """Whether this is the line with which the plugin says that it waits at the gate."""
    return line.startswith(b'{"t":"ready"')


def read_line(line: bytes) -> tuple[Point, ...]:
    try:
        found = json.loads(line)
        if not isinstance(found, dict) or found.get("t") not in ("ready", "second"):
            raise EngineOutputBroken("A line of Artillery's plugin has an unknown kind.")
        return () if found["t"] == "ready" else tuple(_second(found))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise EngineOutputBroken(f"A line of Artillery's plugin cannot be read: {error}") from error


def _second(found: Mapping[str, Any]) -> Iterator[Point]:
    second = _whole(found["s"])
    for table, read in _TABLES.items():
        for row in found.get(table, ()):
            yield from read(second, row)
    for field, metric in (("vus", "vus"), ("lag", LAG)):
        if field in found:
            yield Point(second, SeriesKey(metric, Kind.GAUGE), count=1, total=_number(found[field]))


def _requests(second: int, row: list[Any]) -> Iterator[Point]:
    name, status, error, count, _ = row
    number = _whole(count)
    outcome = ("error", _text(error)) if error else ("status", _text(status))
    labels = tuple(sorted((("name", _text(name)), outcome)))
    failed = bool(error) or int(status) >= FAILED_FROM
    yield Point(second, SeriesKey("http_reqs", Kind.COUNTER, labels), total=number)
    yield Point(second, SeriesKey("http_req_failed", Kind.RATE, (("name", _text(name)),)), count=number, total=number * failed)
    if not error:
        yield Point(second, SeriesKey("http_responses", Kind.COUNTER, labels), total=number)


def _latency(second: int, row: list[Any]) -> Iterator[Point]:
    name, status, histogram = row
    yield _trend(second, "http_req_duration", (("name", _text(name)), ("status", _text(status))), histogram)


def _users(second: int, row: list[Any]) -> Iterator[Point]:
    what, count, _ = row
    number = _whole(count)
    for metric in _USERS[what]:
        yield Point(second, SeriesKey(metric, Kind.COUNTER), total=number)


_USERS = {
    "created": ("vusers_created",),
    "completed": ("vusers_completed", "iterations"),
    "failed": ("vusers_failed", "iterations"),
    "skipped": ("dropped_iterations",),
}


def _sessions(second: int, row: list[Any]) -> Iterator[Point]:
    yield _trend(second, "iteration_duration", (), row[0])


def _errors(second: int, row: list[Any]) -> Iterator[Point]:
    error, count, _ = row
    yield Point(second, SeriesKey("errors", Kind.COUNTER, (("error", _text(error)),)), total=_whole(count))


def _checks(second: int, row: list[Any]) -> Iterator[Point]:
    check, name, passed, tried = row
    if not 0 <= _whole(passed) <= _whole(tried):
        raise ValueError("more checks passed than were tried")
    labels = (("check", _text(check)), ("name", _text(name)))
    yield Point(second, SeriesKey("checks", Kind.RATE, labels), count=tried, total=passed)


def _received(second: int, row: list[Any]) -> Iterator[Point]:
    yield Point(second, SeriesKey("data_received", Kind.COUNTER), total=_number(row[0]))


def _counters(second: int, row: list[Any]) -> Iterator[Point]:
    name, value, _ = row
    yield Point(second, SeriesKey(_metric(name), Kind.COUNTER), total=_number(value))


def _histograms(second: int, row: list[Any]) -> Iterator[Point]:
    name, histogram = row
    yield _trend(second, _metric(name), (), histogram)


_TABLES: Mapping[str, Callable[[int, list[Any]], Iterator[Point]]] = {
    "requests": _requests,
    "latency": _latency,
    "users": _users,
    "sessions": _sessions,
    "errors": _errors,
    "checks": _checks,
    "bytes": _received,
    "counters": _counters,
    "histograms": _histograms,
}


def _trend(second: int, metric: str, labels: Labels, histogram: Mapping[str, Any]) -> Point:
    bins: dict[int, int] = {}
    for bucket, count in histogram["bins"]:
        if not 0 <= _whole(bucket) <= LAST_BUCKET:
            raise ValueError("a bucket is out of range")
        bins[bucket] = bins.get(bucket, 0) + _whole(count)
    count = _whole(histogram["n"])
    if sum(bins.values()) != count:
        raise ValueError("the buckets do not add up to the count")
    low, high = _number(histogram["min"]), _number(histogram["max"])
    return Point(second, SeriesKey(metric, Kind.TREND, labels), count, _number(histogram["sum"]), low, high, bins)


def _metric(name: object) -> str:
    """The user's own metric in k6's alphabet, so that thresholds can name it."""
    return re.sub(r"[^A-Za-z0-9_]", "_", _text(name)) or "_"


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a label is not text")
    return value[:LONGEST_LABEL]


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 53:
        raise ValueError("a count is not a whole number")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError("a value is not a finite number")
    return float(value)
