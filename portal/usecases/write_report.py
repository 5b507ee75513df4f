"""A run as a file: to keep, to print, or for a CI system to read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from portal.models import Run
from portal.usecases.read_run import plan_of, results_of
from portal.usecases.write_csv_report import TABLES, write_csv_report
from portal.usecases.write_html_report import write_html_report
from portal.usecases.write_junit_report import write_junit_report

TYPES = {
    "html": "text/html; charset=utf-8", "csv": "text/csv; charset=utf-8", "json": "application/json", "xml": "application/xml",
}  # fmt: skip
SHOWN = ("html", "json")
"""A browser shows these itself; the others it saves."""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


@dataclass(frozen=True, slots=True)
class Report:
    """`headers` are those of an HTTP answer that hands it out."""

    content: str | bytes
    headers: Mapping[str, str]


def write_report(run: Run, ending: str, *, public_url: str, table: str = TABLES[0]) -> Report:
    """`ending` is a key of TYPES, `table` the one of TABLES that is wanted as CSV."""
    way = "inline" if ending in SHOWN else "attachment"
    headers = {
        "Content-Type": TYPES[ending], "Content-Disposition": f'{way}; filename="{run.id}.{ending}"',
        "Cache-Control": "no-cache, private", "X-Content-Type-Options": "nosniff",
    }  # fmt: skip
    if ending == "html":
        headers["Content-Security-Policy"] = POLICY
    return Report(_WRITERS[ending](run, public_url, table), headers)


def _json(run: Run, public_url: str, _: str) -> str:
    return json.dumps(results_of(run, public_url=public_url), indent=1)


def _csv(run: Run, public_url: str, table: str) -> str:
    return write_csv_report(results_of(run, public_url=public_url), table)


def _html(run: Run, public_url: str, _: str) -> str:
    return write_html_report(run, public_url=public_url)


def _junit(run: Run, public_url: str, _: str) -> bytes:
    plan = plan_of(run)
    return write_junit_report(results_of(run, public_url=public_url), script_digest=plan.script_digest if plan else "")


_WRITERS: Mapping[str, Callable[[Run, str, str], str | bytes]] = {"html": _html, "csv": _csv, "json": _json, "xml": _junit}
