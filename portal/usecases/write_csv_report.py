"""A run as one table in CSV: its requests by name, its timeline, errors or thresholds. Opens in any spreadsheet, and safely."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any  # Any: the results, as JSON

TABLES = ("requests", "timeline", "errors", "thresholds")
_LATENCY = ("mean", "low", "p50", "p90", "p95", "p99", "p999", "high")
_POINT = ("second", "requests", "failed", "iterations", "vus", "p50", "p95", "p99", "high")
_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_csv_report(results: dict[str, Any], table: str) -> str:
    """Takes what `read_run.results_of` gives, and a name of TABLES. Latencies are ms; an empty field was not measured."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    for row in _ROWS[table](results):
        writer.writerow([_cell(value) for value in row])
    return text.getvalue()


def _requests(results: dict[str, Any]) -> Iterator[list[object]]:
    yield ["name", "count", "failed", "per_second", *(f"{name}_ms" for name in _LATENCY)]
    summary = results["summary"] or {}
    total = {**summary, "name": "(all)", "count": summary.get("requests"), "per_second": summary.get("requests_per_second")}
    for row in (total, *(summary.get("by_name") or ())):
        latency = row.get("latency") or {}
        yield [row["name"], row["count"], row.get("failed"), row["per_second"], *(latency.get(name) for name in _LATENCY)]


def _timeline(results: dict[str, Any]) -> Iterator[list[object]]:
    yield [name if name not in _LATENCY else f"{name}_ms" for name in _POINT]
    for point in results["timeline"]:
        yield [point.get(name) for name in _POINT]


def _errors(results: dict[str, Any]) -> Iterator[list[object]]:
    yield ["kind", "name", "count"]
    for row in (results["summary"] or {}).get("errors") or ():
        yield [row["kind"], row["name"], row["count"]]


def _thresholds(results: dict[str, Any]) -> Iterator[list[object]]:
    yield ["threshold", "observed", "passed"]
    for item in results["thresholds"]:
        yield [item["text"], item["observed"], item["passed"]]


def _cell(value: object) -> object:
    # A spreadsheet runs what begins like a formula; names of requests come from scripts and targets.
    return f"'{value}" if isinstance(value, str) and value.startswith(_STARTS_FORMULA) else value


_ROWS = {"requests": _requests, "timeline": _timeline, "errors": _errors, "thresholds": _thresholds}
