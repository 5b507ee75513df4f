"""Reads k6's csv output, one line per sample: the fallback for when the cloud output should fail or be doubted.

Half as much CPU again as the cloud output, for the same counts, sums, extremes and buckets. Lines carry no type, so the
kind of a custom metric is looked up in the script; a metric whose kind nobody knows makes its block unreadable.
"""

from __future__ import annotations

import csv
import io
import re
import tarfile
from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np

from portal.core.errors import EngineOutputBroken
from portal.core.histogram import buckets_of
from portal.core.snapshot import Kind, Point, SeriesKey

PIPE = "knopfdruck-samples"
"""A named pipe, because a file would grow by a kilobyte for every request."""
OUTPUT = f"csv=fileName={PIPE},timeFormat=unix_milli,saveInterval=500ms"
COUNTERS = ("http_reqs", "iterations", "dropped_iterations", "data_sent", "data_received", "ws_sessions", "ws_msgs_sent",
            "ws_msgs_received", "browser_data_sent", "browser_data_received")  # fmt: skip
RATES = ("checks", "http_req_failed", "browser_http_req_failed")
GAUGES = ("vus", "vus_max")
TRENDS = ("iteration_duration", "group_duration", "http_req_duration", "http_req_blocked", "http_req_connecting",
          "http_req_tls_handshaking", "http_req_sending", "http_req_waiting", "http_req_receiving", "grpc_req_duration",
          "ws_connecting", "ws_session_duration", "ws_ping", "browser_http_req_duration")  # fmt: skip
BUILT_IN: Mapping[str, Kind] = {
    **dict.fromkeys(COUNTERS, Kind.COUNTER), **dict.fromkeys(RATES, Kind.RATE), **dict.fromkeys(GAUGES, Kind.GAUGE),
    **dict.fromkeys(TRENDS, Kind.TREND),
}  # fmt: skip
FIXED = ("metric_name", "timestamp", "metric_value")
LONGEST_TEXT = 1_000
_DECLARED = re.compile(rb"""new\s+(?:\w+\.)?(Counter|Gauge|Rate|Trend)\(\s*(?:['"`](\w+)['"`])?""")
_SCRIPTS = re.compile(r"\.(m?js|ts|cjs)$")


def declared(archive: bytes) -> tuple[dict[str, Kind], Kind | None]:
    """The custom metrics that an archive's scripts name, and the kind of those without a literal name where there is one."""
    kinds: dict[str, Kind] = {}
    unnamed: set[Kind] = set()
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for member in files:
            content = files.extractfile(member) if member.isfile() else None
            for kind, name in _DECLARED.findall(content.read()) if content and _is_script(member.name) else ():
                found = Kind[kind.decode().upper()]
                if name:
                    kinds[name.decode()] = found
                else:
                    unnamed.add(found)
    return kinds, unnamed.pop() if len(unnamed) == 1 else None


def _is_script(name: str) -> bool:
    """The main script lies in the archive under the name `data`."""
    return name == "data" or _SCRIPTS.search(name) is not None


class CsvReader:
    """Remembers the columns, which only the first line names: blocks must come in order."""

    def __init__(self, archive: bytes) -> None:
        custom, self._unnamed = declared(archive)
        self._kinds = {**custom, **BUILT_IN}
        self._columns: tuple[str, ...] = ()

    def read(self, block: bytes) -> tuple[Point, ...]:
        """The points of some whole lines; raises EngineOutputBroken, and then gives none of them."""
        samples: dict[tuple[str, int, tuple[str, ...]], list[float]] = defaultdict(list)
        try:
            for row in csv.reader(io.StringIO(block.decode(), newline=""), strict=True):
                if row[:3] == [*FIXED]:
                    self._columns = tuple(row)
                elif len(row) != len(self._columns):
                    raise EngineOutputBroken("A line of k6's csv output has another number of columns than its first.")
                else:
                    samples[row[0], int(row[1]) // 1000, tuple(row[3:])].append(float(row[2]))
        except (ValueError, IndexError, csv.Error) as error:
            raise EngineOutputBroken(f"A line of k6's csv output cannot be read: {error}") from error
        return tuple(self._point(*key, values) for key, values in samples.items())

    def _point(self, metric: str, second: int, tags: tuple[str, ...], values: list[float]) -> Point:
        kind = self._kinds.get(metric, Kind.TREND if metric.startswith("browser_web_vital_") else self._unnamed)
        if kind is None:
            raise EngineOutputBroken(f"k6's csv output does not say of what kind the metric {metric} is, nor does the script.")
        array = np.array(values, dtype=np.float64)
        if not np.isfinite(array).all():
            raise EngineOutputBroken("k6 wrote a number that is not finite.")
        key = SeriesKey(metric, kind, tuple(sorted(self._labels(tags))))
        if kind is Kind.COUNTER:
            return Point(second, key, total=float(array.sum()))
        if kind is Kind.GAUGE:
            return Point(second, key, count=len(values), total=values[-1])
        if kind is Kind.RATE:
            return Point(second, key, count=len(values), total=float(np.count_nonzero(array)))
        buckets, counts = np.unique(buckets_of(array), return_counts=True)
        bins = dict(zip(buckets.tolist(), counts.tolist(), strict=True))
        return Point(second, key, len(values), float(array.sum()), float(array.min()), float(array.max()), bins)

    def _labels(self, tags: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        for name, value in zip(self._columns[3:], tags, strict=True):
            if name == "extra_tags":
                yield from _extra(value)
            elif value and name != "metadata":
                yield name, value[:LONGEST_TEXT]


def _extra(text: str) -> Iterator[tuple[str, str]]:
    """`a=1&b=2`, unescaped: a part without an equals sign belongs to the value before it."""
    found: list[list[str]] = []
    for part in text.split("&") if text else ():
        name, sign, value = part.partition("=")
        if sign:
            found.append([name, value])
        elif found:
            found[-1][1] += f"&{part}"
    return ((name, value[:LONGEST_TEXT]) for name, value in found)
