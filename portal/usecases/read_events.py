"""What happened to a run since a caller last asked: changes of state, log lines, and seconds that were merged."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any  # Any: JSON answers

from portal.core.errors import RequestRejected
from portal.core.wire import to_plain
from portal.models import Run, RunEvent
from portal.models.event import EventKind
from portal.usecases.live_timeline import read_timeline
from portal.usecases.read_run import moment, progress_of, result_of
from portal.wiring import Parts

MOST = 500
"""Events in one answer; the next answer goes on behind them."""
_CURSOR = re.compile(r"(\d{1,18})\.(\d{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last event seen, and the first second not seen yet."""

    event: int = 0
    second: int = 0

    @classmethod
    def read(cls, text: str) -> Cursor:
        """Raises RequestRejected for what `str` of a cursor never gives."""
        if not text:
            return cls()
        match = _CURSOR.fullmatch(text)
        if match is None:
            raise RequestRejected.because("since", "This is not a cursor of events.", "Leave it out to begin at the start.")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.event}.{self.second}"


@dataclass(frozen=True, slots=True)
class Happened:
    """`over` says that the run has ended and nothing more will come after `cursor`."""

    events: tuple[dict[str, Any], ...]
    cursor: Cursor
    over: bool


def read_events(run: Run, since: Cursor, parts: Parts) -> Happened:
    """At most MOST events; with the cursor given back nothing is missed and nothing comes twice. Raises StoreUnavailable."""
    rows = list(RunEvent.objects.filter(run_id=run.id, id__gt=since.event)[:MOST])
    told = [_told(row) for row in rows]
    seconds = [point for point in _timeline(run, since.second, parts) if _is_new(point, since.second)][: MOST - len(told)]
    event = rows[-1].id if rows else since.event
    second = seconds[-1]["second"] + 1 if seconds else since.second
    happened = (*told, *({"kind": "second", **point} for point in seconds))
    return Happened(happened, Cursor(event, second), run.is_over and len(happened) < MOST)


def read_sentences(run_id: str, since: int) -> tuple[tuple[int, str], ...]:
    """What was said of a run after the event `since`, each with its event: mostly its engines' lines. At most MOST."""
    rows = RunEvent.objects.filter(run_id=run_id, kind=EventKind.LOG, id__gt=since)
    return tuple(rows.values_list("id", "text")[:MOST])


def newest_sentences(run_id: str, most: int) -> tuple[tuple[RunEvent, ...], bool]:
    """The last that were said of a run, in order, and whether there were more before."""
    rows = list(RunEvent.objects.filter(run_id=run_id, kind=EventKind.LOG).order_by("-id")[: most + 1])
    return tuple(reversed(rows[:most])), len(rows) > most


def _told(row: RunEvent) -> dict[str, Any]:
    return {"kind": row.kind, "at": moment(row.at), "state": row.state or None, "text": row.text}


def _timeline(run: Run, since: int, parts: Parts) -> list[dict[str, Any]]:
    """While a run goes on, the seconds all its workers account for; afterwards the timeline of its result."""
    result = result_of(run)
    if result:
        return list(result.timeline)
    until = progress_of(run).get("timeline_until")
    if not isinstance(until, int) or until <= since:
        return []
    return [to_plain(point) for point in read_timeline(parts.store(run.id), until, since)]


def _is_new(point: dict[str, Any], since: int) -> bool:
    """A second nobody measured is left out."""
    return point["second"] >= since and point.get("requests") is not None
