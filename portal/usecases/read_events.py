"""What happened to a run since a caller last asked: changes of state, log lines, and seconds that were merged."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any  # Any: JSON answers

from portal.core.errors import RequestRejected
from portal.models import Run, RunEvent
from portal.usecases.read_run import moment, progress_of, result_of

MOST = 500
"""Events in one answer; the next answer goes on behind them."""
_CURSOR = re.compile(r"(\d{1,18})\.(\d{1,9})", re.ASCII)
_LIVE = ("second", "requests", "failed", "requests_per_second", "iterations", "vus", "p95_ms", "p95_total_ms")


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


def read_events(run: Run, since: Cursor) -> Happened:
    """At most MOST events; with the cursor given back nothing is missed and nothing comes twice."""
    rows = list(RunEvent.objects.filter(run_id=run.id, id__gt=since.event)[:MOST])
    told = [_told(row) for row in rows]
    seconds = list(_seconds(run, since.second))[: MOST - len(told)]
    event = rows[-1].id if rows else since.event
    second = seconds[-1]["second"] + 1 if seconds else since.second
    return Happened((*told, *seconds), Cursor(event, second), run.is_over and len(told) + len(seconds) < MOST)


def _told(row: RunEvent) -> dict[str, Any]:
    return {"kind": row.kind, "at": moment(row.at), "state": row.state or None, "text": row.text}


def _seconds(run: Run, since: int) -> Iterator[dict[str, Any]]:
    """While a run goes on its newest second; afterwards all that were measured. A second nobody measured is left out."""
    result = result_of(run)
    points = result.timeline if result else [{name: progress_of(run).get(name) for name in _LIVE}]
    for point in points:
        second = point.get("second")
        if isinstance(second, int) and second >= since and point.get("requests") is not None:
            yield {"kind": "second", **point}
