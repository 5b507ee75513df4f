"""The timeline of a run that goes on, in small chunks in its store: written by the watcher, read by the web process.

A chunk has a fixed key and a fixed place in time; writing it again, from this or another process, gives the same points.
Beside seconds there are wider steps for long runs, each read from merged histograms once it is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from portal.core.merged_run import MergedRun
from portal.core.timeline import TimePoint, timeline
from portal.stores.run_store import RunStore

CHUNK_POINTS = 60
STEPS = (1, 10, 300)
LATE_SECONDS = 15
"""A wider step is read so long after its end, for snapshots that come late; seconds are read anew while they lie so far back."""
WAIT_SECONDS = 6
"""A worker that is further behind the others than this is not waited for; what it sends later is added then."""
MOST_POINTS, FINE_SECONDS = 1500, 600
"""Of a reading: longer runs come in wider steps, but for the last minutes."""


def final_until(newest: int, reached: Mapping[int, int], measuring: Iterable[int], t0: int) -> int:
    """The unix second before which every measuring slot accounts for all; `reached` is each slot's own."""
    slowest = min((reached.get(slot, t0) for slot in measuring), default=newest)
    return max(t0, min(newest, max(slowest, newest - WAIT_SECONDS)))


@dataclass(slots=True)
class LiveTimeline:
    """What the watcher remembers of one run's timeline: the open chunks. Seconds are counted from t0.

    A new one goes on at `until`, the first second the last watcher had not written yet; what that one wrote stands.
    """

    until: int = 0
    _open: dict[int, dict[int, TimePoint]] = field(default_factory=dict)
    """By step: the points of the chunks that may still change, by second."""
    _changed: int | None = None

    def changed(self, second: int) -> None:
        """Measurements of this unix second and later ones have arrived."""
        self._changed = second if self._changed is None else min(self._changed, second)

    def write(self, store: RunStore, series: MergedRun, t0: int, until: int) -> None:
        """Everything before the unix second `until` that is new or has changed."""
        if not self._open:
            self._open = {step: _last_chunks(store, step, self.until) for step in STEPS}
        until = max(until - t0, self.until)
        changed = until if self._changed is None else max(self._changed - t0, self.until - LATE_SECONDS, 0)
        self._add(store, series, t0, 1, min(self.until, changed), until)
        for step in STEPS[1:]:
            first = max(self._open[step], default=-step) + step
            self._add(store, series, t0, step, first, (until - LATE_SECONDS) // step * step)
        self.until, self._changed = until, None

    def _add(self, store: RunStore, series: MergedRun, t0: int, step: int, since: int, until: int) -> None:
        if until <= since:
            return
        block = series.recent(t0 + since, t0 + until)
        kept = self._open[step]
        for point in timeline(block, t0 + since, t0 + until, covered=series.covered(), step=step):
            kept[point.second + since] = replace(point, second=point.second + since)
        length = step * CHUNK_POINTS
        for chunk in range(since // length, (until - 1) // length + 1):
            inside = tuple(kept[second] for second in sorted(kept) if second // length == chunk)
            store.save_timeline(step, chunk, inside)
        oldest = (until // length - 1) * length
        self._open[step] = {second: point for second, point in kept.items() if second >= oldest}


def _last_chunks(store: RunStore, step: int, until: int) -> dict[int, TimePoint]:
    last = until // (step * CHUNK_POINTS)
    return {point.second: point for point in store.timeline(step, range(max(0, last - 1), last + 1))} if until else {}


def read_timeline(store: RunStore, until: int, since: int = 0) -> tuple[TimePoint, ...]:
    """The points from `since` to before `until` as far as they were written; at most about `MOST_POINTS` of them."""
    step = next((step for step in STEPS if until <= step * (MOST_POINTS if step == 1 else MOST_POINTS - FINE_SECONDS)), STEPS[-1])
    fine_from = 0 if step == 1 else max(0, until - FINE_SECONDS) // step * step
    wide = _read(store, step, since, fine_from) if fine_from > since else ()
    # Wider steps come later than seconds do: up to where they reach, seconds stand in for them.
    reached = wide[-1].second + step if wide else since
    return (*wide, *_read(store, 1, max(since, min(fine_from, reached)), until))


def _read(store: RunStore, step: int, since: int, until: int) -> tuple[TimePoint, ...]:
    length = step * CHUNK_POINTS
    found = store.timeline(step, range(since // length, (until - 1) // length + 1)) if until > since else ()
    return tuple(point for point in found if since <= point.second < until)
