"""Measured values as people read them. Pure."""

from __future__ import annotations

import re

NOTHING = "\N{EN DASH}"
TIMES = ("http_req_", "iteration_duration", "group_duration")
"""How the metrics begin whose values are milliseconds."""
_RULE = re.compile(r"(\w+)(?:\{.*\})? (.*)")


def milliseconds(value: float | None) -> str:
    """`43 ms`, `1.25 s`; three digits are all a reader wants, and nothing below a microsecond."""
    if value is None:
        return NOTHING
    if value >= 10_000:
        return f"{value / 1000:.1f} s"
    if value >= 1000:
        return f"{value / 1000:.2f} s"
    if value < 0.001:
        return "0 ms"
    return f"{value:.0f} ms" if value >= 10 else f"{value:.2g} ms"


def number(value: float | None) -> str:
    """`1,234`, `12.5`, `0.42`."""
    if value is None:
        return NOTHING
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def per_cent(part: float | None, whole: float | None = 1.0) -> str:
    if part is None or not whole:
        return NOTHING
    share = 100 * part / whole
    return "0 %" if share == 0 else f"{share:.2f} %" if share < 10 else f"{share:.1f} %".replace(".0 %", " %")


def observed(text: str, value: float | None) -> str:
    """A threshold's observed value in the unit its metric has, short enough for a table."""
    if value is None:
        return "no data"
    kind = _kind(text)
    return per_cent(value) if kind == "share" else milliseconds(value) if kind == "time" else number(value)


def proven(text: str, value: float) -> str:
    """The same with so many digits that it can be held against the bound: `2.517 ms`, `1.04 %`, `12,345`."""
    kind = _kind(text)
    scale, unit = {"share": (100, " %"), "time": (1, " ms")}.get(kind, (1, ""))
    shown = value * scale
    return (f"{shown:,.4g}" if abs(shown) < 10_000 else f"{shown:,.0f}") + unit


def _kind(text: str) -> str:
    """`time`, `share` or neither, of a threshold as it is written; the values of its labels may hold anything."""
    match = _RULE.match(text)
    metric, rule = match.groups() if match else ("", "")
    if rule.startswith("rate"):
        return "share" if metric in ("http_req_failed", "checks") else ""
    is_time = metric.startswith(TIMES) and not rule.startswith("count")
    return "time" if is_time else ""
