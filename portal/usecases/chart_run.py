"""What the charts of a run show: which curves there are, their numbers as columns, and what was planned. Plain values only.

The run page's script draws them with uPlot; `drawn` gives the same as SVG, for reports and where no script runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any  # Any: JSON for the page

from portal.core.load import ClosedLoad, OpenLoad, level_at
from portal.core.plan import LoadPlan
from portal.core.timeline import TimePoint
from portal.usecases.draw_chart import Chart, Line, draw

PER_SECOND = ("requests", "failed", "iterations", "dropped")
AS_THEY_ARE = ("vus", "p50", "p95", "p99", "high")


@dataclass(frozen=True, slots=True)
class Curve:
    """`key` names its column, `kind` its colour in the style sheet; `is_right`: on an axis of its own."""

    key: str
    label: str
    kind: str
    is_area: bool = False
    is_right: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """One chart. `limits` are thresholds as lines: their text and their bound."""

    title: str
    curves: tuple[Curve, ...]
    unit: str = ""
    limits: tuple[tuple[str, float], ...] = ()


LATENCIES = (Curve("high", "max", "gray"), Curve("p99", "p99", "red"), Curve("p95", "p95", "amber"), Curve("p50", "p50", "teal"))
REQUESTS = (Curve("requests", "requests", "blue", is_area=True), Curve("failed", "failed", "red", is_area=True))
FAILED = (Curve("failed_share", "of all requests", "red", is_area=True),)
USERS = Curve("vus", "running", "violet", is_area=True)
PLANNED = Curve("planned", "planned", "plan")
ARRIVALS = (Curve("iterations", "made", "violet", is_area=True), PLANNED, Curve("dropped", "dropped", "red"),
            Curve("vus", "virtual users", "teal", is_right=True))  # fmt: skip


def pictures(plan: LoadPlan | None) -> tuple[Picture, ...]:
    load = plan.load if plan else None
    users = (USERS, PLANNED) if isinstance(load, ClosedLoad) else (USERS,)
    made = Picture("Arrivals per second", ARRIVALS) if isinstance(load, OpenLoad) else Picture("Virtual users", users)
    return (
        Picture("Requests per second", REQUESTS),
        Picture("Response time", LATENCIES, "ms", _limits(plan)),
        made,
        Picture("Failed requests", FAILED, "%"),
    )


def _limits(plan: LoadPlan | None) -> tuple[tuple[str, float], ...]:
    rules = plan.thresholds if plan else ()
    return tuple(
        (f"p{rule.percentile:g} {rule.operator} {rule.bound:g} ms", rule.bound)
        for rule in rules
        if rule.metric == "http_req_duration" and not rule.labels and rule.percentile is not None
    )


def corners(plan: LoadPlan | None) -> list[list[float]]:
    """Second and level of the planned load where its slope changes; empty where the script alone knows."""
    if plan is None or not isinstance(plan.load, (ClosedLoad, OpenLoad)):
        return []
    found, elapsed = [[0.0, float(plan.load.start)]], 0.0
    for stage in plan.load.stages:
        elapsed += stage.duration.total_seconds()
        found.append([elapsed, float(stage.target)])
    return found


def columns(points: Sequence[TimePoint], until: float | None = None) -> dict[str, list[float | None]]:
    """By key of a curve, and `second`. Counts become rates: a point lasts up to the next one, the last one up to `until`."""
    steps = [after.second - point.second for point, after in pairwise(points)]
    last = steps[-1] if steps else 1
    steps.append(max(1, min(last, round(until) - points[-1].second)) if until and points else last)
    found: dict[str, list[float | None]] = {"second": [float(point.second) for point in points]}
    for key in PER_SECOND:
        found[key] = [_rounded(getattr(point, key), step) for point, step in zip(points, steps, strict=False)]
    for key in AS_THEY_ARE:
        found[key] = [_rounded(getattr(point, key)) for point in points]
    found["failed_share"] = [
        None if point.failed is None or not point.requests else _rounded(100 * point.failed / point.requests) for point in points
    ]
    return found


def _rounded(value: float | None, step: float = 1.0) -> float | None:
    return None if value is None else round(value / step, 3)


def as_plain(plan: LoadPlan | None) -> dict[str, Any]:
    """For the page's script, which draws."""
    planned = plan.duration.total_seconds() if plan else None
    return {"pictures": [asdict(picture) for picture in pictures(plan)], "corners": corners(plan), "planned_seconds": planned}


def drawn(points: Sequence[TimePoint], until: float | None, plan: LoadPlan | None) -> list[dict[str, Any]]:
    """The same as SVG with title and curves; a picture without numbers is left out."""
    if len(points) < 2:
        return []
    found = columns(points, until)
    seconds = [float(point.second) for point in points]
    if plan and isinstance(plan.load, (ClosedLoad, OpenLoad)):
        found["planned"] = [level_at(plan.load, second) for second in seconds]
    answer = []
    for picture in pictures(plan):
        curves = [curve for curve in picture.curves if curve.key in found and not curve.is_right]
        lines = tuple(Line(curve.label, curve.kind, found[curve.key], curve.is_area) for curve in curves)
        unit = f" {picture.unit}" if picture.unit else ""
        if svg := draw(Chart(picture.title, seconds, lines, unit)):
            answer.append({"title": picture.title, "lines": lines, "svg": svg})
    return answer
