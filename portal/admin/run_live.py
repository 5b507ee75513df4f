"""What the page of a run asks for each second: its parts as HTML, and the points of its charts since it last asked.

One look at the database serves all viewers of a second in this process; a run without news is answered with 304.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any  # Any: the answer's JSON

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.cache import get_conditional_response

from portal.core.access import Actor
from portal.core.run_state import WATCHED
from portal.core.timeline import TimePoint
from portal.models import Run
from portal.stores.run_store import RunStore
from portal.usecases.chart_run import as_plain, columns
from portal.usecases.live_timeline import LATE_SECONDS, read_timeline
from portal.usecases.present_run import PARTS, lost_workers, page_context, points_of
from portal.usecases.read_run import find_run, plan_of, progress_of
from portal.wiring import Parts

MOST_RUNS, KEPT_SECONDS, FRESH = 64, 120, 1.0
AFTER_LOOK = 0.3
"""The ticker looks up to 0.2 s after a run is due and needs a moment for it; only then is there news."""
CROWD, MANY_WORKERS = 25, 20
"""With more questions a second than this, or with workers that ship rarely, pages ask half as often."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A run as all viewers of this moment see it; `tail` are its newest points."""

    run: Run
    head: dict[str, Any]
    until: int
    tail: tuple[TimePoint, ...]
    stale_at: float


@dataclass(slots=True)
class _Kept:
    lock: threading.Lock
    snapshot: Snapshot | None = None
    asked: int = 0
    """How often since the snapshot was made."""


class LiveRuns:
    """The snapshots of this process, by run."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def forget(self) -> None:
        self._kept.clear()

    def of(self, run_id: str, parts: Parts, *, by: Actor) -> Snapshot:
        """For who may see the run; raises NotFound."""
        with self._lock:
            kept = self._kept.setdefault(run_id, _Kept(threading.Lock()))
            self._kept.move_to_end(run_id)
            if len(self._kept) > MOST_RUNS:
                self._kept.popitem(last=False)
        with kept.lock:
            now = parts.clock.now()
            if kept.snapshot is None or now >= kept.snapshot.stale_at:
                kept.snapshot = take(run_id, parts.store, now, by=by, is_crowded=kept.asked > CROWD)
                kept.asked = 0
            kept.asked += 1
            return kept.snapshot


LIVE = LiveRuns()


def take(run_id: str, store: Callable[[str], RunStore], now: float, *, by: Actor, is_crowded: bool = False) -> Snapshot:
    run = find_run(run_id, by=by)
    page = page_context(run)
    until = int(progress_of(run).get("timeline_until") or 0)
    tail = () if run.is_over else read_timeline(store(run_id), until, max(0, until - KEPT_SECONDS))
    head = {
        "state": run.state,
        "verdict": run.verdict,
        "over": run.is_over,
        "started": run.started.timestamp() if run.started else None,
        "until": until,
        "seconds_between": 2 if is_crowded or run.workers > MANY_WORKERS else 1,
        "lost": lost_workers(run, page["workers"]),
        "parts": {part: render_to_string(f"portal/run/{part}.html", {"page": page}) for part in PARTS},
    }
    due = run.next_poll + AFTER_LOOK if run.state in WATCHED else 0.0
    return Snapshot(run, head, until, tail, min(max(due, now + AFTER_LOOK), now + FRESH) if due else now + FRESH)


def answer(request: HttpRequest, snapshot: Snapshot, parts: Parts) -> HttpResponse:
    """`?since=N`: the points from a little before second N on, because late numbers change them; without it, all."""
    plan = plan_of(snapshot.run)
    since = _since(request, snapshot)
    body: dict[str, Any] = {**snapshot.head, "whole": since is None}
    if since is None:
        body |= {"charts": as_plain(plan), "points": columns(*points_of(snapshot.run, parts.store))}
    else:
        body["points"] = columns(_points_since(snapshot, since, parts), snapshot.until)
    data = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    etag = f'"{hashlib.sha256(data).hexdigest()[:24]}"'
    response = HttpResponse(data, content_type="application/json", headers={"ETag": etag})
    found = get_conditional_response(request, etag=etag, response=response) or response
    now = parts.clock.now()
    wait = max(0.2, snapshot.stale_at - now + 0.02) + snapshot.head["seconds_between"] - 1
    found["Cache-Control"], found["ETag"] = "no-cache, private", etag
    found["X-Now"], found["X-Ask-In"] = f"{now:.3f}", f"{wait:.2f}"
    return found


def _since(request: HttpRequest, snapshot: Snapshot) -> int | None:
    """None: the page wants everything, or the run is over and its result has other steps."""
    text = request.GET.get("since", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 and not snapshot.head["over"] else None


def _points_since(snapshot: Snapshot, since: int, parts: Parts) -> tuple[TimePoint, ...]:
    start = max(0, since - LATE_SECONDS)
    if start >= snapshot.until - KEPT_SECONDS:
        return tuple(point for point in snapshot.tail if point.second >= start)
    return read_timeline(parts.store(snapshot.run.id), snapshot.until, start)
