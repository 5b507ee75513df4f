"""Two runs side by side, as plain values for a template: what changed, what differs, and their curves over each other."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any  # Any: template context

from portal.core.access import Actor
from portal.core.run_state import RunState
from portal.core.words import number
from portal.models import Baseline, Run
from portal.usecases.chart_run import columns
from portal.usecases.compare_runs import compare_runs
from portal.usecases.describe_comparison import shown_comparison
from portal.usecases.describe_run import VERDICTS, key_numbers, load_in_words
from portal.usecases.draw_chart import Chart, Line, draw
from portal.usecases.present_run import VERDICT_KINDS, points_of
from portal.usecases.read_run import find_run, plan_of, result_of

MOST_OFFERED = 50
CURVES = (
    ("Requests per second", "requests", ""),
    ("Response time, p95", "p95", " ms"),
    ("Failed requests", "failed_share", " %"),
)
Column = Mapping[int, float | None]


def present_comparison(run_id: str, other_id: str, *, by: Actor) -> dict[str, Any]:
    """The first run as `now`, the second as `before`. Raises NotFound, and Conflict where one has no result."""
    found = compare_runs(run_id, other_id, by=by)
    now, before = find_run(run_id, by=by), find_run(other_id, by=by)
    return {
        "now": _head(now),
        "before": _head(before),
        "comparison": shown_comparison(found),
        "facts": _facts(now, before),
        "charts": _charts(now, before),
    }


def comparable_runs(run: Run, *, by: Actor) -> list[Run]:
    """What a run may be set beside: ended runs of the same scenario that have a result, newest first."""
    same = Run.objects.seen_by(by).filter(version__scenario=run.version.scenario_id).exclude(pk=run.pk)
    rows = same.filter(state=RunState.ENDED, result__isnull=False).select_related("version__scenario", "environment")
    return list(rows.defer("plan", "version__script", "version__files")[:MOST_OFFERED])


def usual_choice(run: Run, others: list[Run]) -> str:
    """What a run is set beside when nobody says: the baseline of its kind, else the newest before it; empty where none is."""
    same = Baseline.objects.filter(scenario=run.version.scenario_id, environment=run.environment_id, backend=run.backend)
    accepted = same.exclude(run=run).values_list("run_id", flat=True).first()
    earlier = [other.id for other in others if other.created < run.created]
    return accepted or next(iter(earlier), "")


def _head(run: Run) -> dict[str, str]:
    return {
        "id": run.id,
        "title": VERDICTS.get(run.verdict, "Ended"),
        "kind": VERDICT_KINDS.get(run.verdict, "info"),
        "when": f"{run.created:%d %b %Y, %H:%M} UTC",
    }


def _facts(now: Run, before: Run) -> list[dict[str, Any]]:
    """What was asked for and what came of it, by name; `differs` where the two are not the same."""
    mine, others = dict(_known(now)), dict(_known(before))
    names = dict.fromkeys((*mine, *others))
    rows = [(name, others.get(name, ""), mine.get(name, "")) for name in names]
    return [{"name": name, "before": old, "now": new, "differs": old != new} for name, old, new in rows]


def _known(run: Run) -> Iterable[tuple[str, str]]:
    plan, result = plan_of(run), result_of(run)
    yield "Script", str(run.version)
    yield "Environment", run.environment.name
    yield "Backend", run.backend
    yield "Load", load_in_words(plan.load) if plan else ""
    yield "Workers", number(run.workers)
    yield "Note", run.note
    yield from key_numbers(result.summary) if result else ()


def _charts(now: Run, before: Run) -> list[dict[str, Any]]:
    sides = [columns(*points_of(run)) for run in (before, now)]
    step = max((_step(side["second"]) for side in sides), default=1)
    return [chart for title, key, unit in CURVES if (chart := _chart(title, [_at(side, key, step) for side in sides], unit))]


def _chart(title: str, sides: Sequence[Column], unit: str) -> dict[str, Any] | None:
    seconds = sorted({second for side in sides for second in side})
    lines = tuple(
        Line(name, kind, [side.get(second) for second in seconds])
        for name, kind, side in zip(("before", "now"), ("gray", "blue"), sides, strict=True)
    )
    svg = draw(Chart(title, [float(second) for second in seconds], lines, unit))
    return {"title": title, "lines": lines, "svg": svg} if svg else None


def _step(seconds: Sequence[float | None]) -> int:
    """How far apart the points are; a long run keeps fewer."""
    known = [second for second in seconds if second is not None]
    return max(1, round(known[1] - known[0])) if len(known) > 1 else 1


def _at(side: Mapping[str, Sequence[float | None]], key: str, step: int) -> Column:
    """The values on a common grid, the largest where several fall together: percentiles are not averaged."""
    found: dict[int, float | None] = {}
    for second, value in zip(side["second"], side[key], strict=True):
        at = math.floor(second or 0) // step * step
        old = found.get(at)
        found[at] = value if old is None else old if value is None else max(old, value)
    return found
