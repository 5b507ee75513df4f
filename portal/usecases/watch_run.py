"""One look at an active run, a second's work at most: who is ready, what arrived, is it time to go on. Repeatable.

All it knows lies in the database and the store; `Watches` only saves reading the same snapshots again.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any  # Any: what is known of each threshold, as it lies in the row

from portal.core.errors import StoreFull, StoreUnavailable
from portal.core.plan import LoadPlan
from portal.core.protocol import DoneReason, Pulse, Start
from portal.core.run_state import WATCHED, EndReason, RunState
from portal.core.thresholds import ThresholdResult
from portal.core.trailing import Assessment
from portal.models import Run
from portal.stores.run_store import RunStore
from portal.usecases.assess_run import assess_on, begin_assessment, in_progress
from portal.usecases.census import FIRST_WORD_SECONDS, Census, take_census
from portal.usecases.end_run import collect_run, end_reason_of, end_run, end_without_store, message_of
from portal.usecases.gather_series import GatheredSeries
from portal.usecases.hand_over import staffed
from portal.usecases.live_timeline import LiveTimeline, final_until
from portal.usecases.note_lines import NotedLines
from portal.usecases.note_places import note_places
from portal.usecases.notify import Moment, notify
from portal.usecases.progress import progress_of
from portal.wiring import Parts

log = logging.getLogger("portal.watch")
PULSE_EVERY = 30.0
STORE_PATIENCE = 120.0
"""Seconds a full or absent store is waited for before the run is ended."""
HUNG_SECONDS, HEARD_LATER = 5.0, 20.0
"""A look that took so long hung in a store which came back. A worker may hang so much longer in a call that got lost there: a
read times out after 20 s."""
TERM_AFTER, KILL_AFTER = 20.0, 30.0
"""Seconds beyond the drain after which a stopping worker is told, then forced, by its backend."""


@dataclass(slots=True)
class Watch:
    """What one process remembers of one run between two looks."""

    store: RunStore
    plan: LoadPlan
    gathered: GatheredSeries | None = None
    """None until the load begins."""
    live: LiveTimeline = field(default_factory=LiveTimeline)
    lines: NotedLines = field(default_factory=NotedLines)
    assessment: Assessment | None = None
    pulse_at: float = 0.0
    store_fails_since: float | None = None
    heard_since: float = 0.0
    """From when on workers can be heard: since this watch began, or some time after the store was away."""


class Watches:
    """By run id; forgetting one costs a re-read, never a number."""

    def __init__(self) -> None:
        self._watches: dict[str, Watch] = {}

    def of(self, run: Run, parts: Parts) -> Watch:
        if run.id not in self._watches:
            live, now = LiveTimeline(run.progress.get("timeline_until", 0)), parts.clock.now()
            self._watches[run.id] = Watch(parts.store(run.id), run.load_plan(), live=live, heard_since=now)
        return self._watches[run.id]

    def forget(self, run_id: str) -> None:
        self._watches.pop(run_id, None)

    def keep(self, run_ids: Iterable[str]) -> None:
        """Forgets all others: a run that ended is never looked at again, and its numbers would stay in memory."""
        kept = frozenset(run_ids)
        for run_id in tuple(self._watches):
            if run_id not in kept:
                self.forget(run_id)


def watch_run(run_id: str, parts: Parts, watches: Watches) -> None:
    """For the holder of the run's lease. A store that is away ends the run only after `STORE_PATIENCE`."""
    run = Run.objects.select_related("environment").filter(pk=run_id, state__in=WATCHED).first()
    if run is None:
        watches.forget(run_id)
        return
    try:
        watch = watches.of(run, parts)
    except StoreUnavailable as error:
        end_without_store(run, error, parts, after=STORE_PATIENCE)
        return
    began = parts.clock.now()
    try:
        _look(run, watch, began, parts)
    except StoreUnavailable as error:
        _store_failed(run, watch, error, parts)
        return
    if watch.store_fails_since is not None or parts.clock.now() - began > HUNG_SECONDS:
        watch.heard_since = parts.clock.now() + HEARD_LATER
    watch.store_fails_since = None


def _look(run: Run, watch: Watch, now: float, parts: Parts) -> None:
    if watch.store_fails_since is not None:
        watch.heard_since = now
    if now - watch.pulse_at >= PULSE_EVERY:
        watch.store.pulse(Pulse(now))
        watch.pulse_at = now
    backend = parts.backend(run.where(), run.backend)
    first_word = max(FIRST_WORD_SECONDS, watch.plan.ready_within.total_seconds())
    census = take_census(run, watch.store, backend, now, heard_since=watch.heard_since, first_word=first_word)
    watch.lines.note_new(run, watch.store, census.pieces)
    if run.state == RunState.LAUNCHING:
        _launching(run, watch, census, now, parts)
    if run.state == RunState.READY:
        _start(run, watch, parts)
    elif run.state in (RunState.RUNNING, RunState.STOPPING):
        _running(run, watch, census, now, parts)


def _launching(run: Run, watch: Watch, census: Census, now: float, parts: Parts) -> None:
    if census.all_ready and Run.objects.advance(run.id, RunState.READY, old=(RunState.LAUNCHING,)):
        run.state = RunState.READY
        return
    waited = now - run.state_since.timestamp()
    over = len(census.dones) + len(census.lost)
    if over:
        broken = census.messages(DoneReason.SCRIPT_ERROR)
        said = broken or census.messages(*DoneReason) or tuple(row.message for row in census.rows if row.message)
        reason = EndReason.SCRIPT_ERROR if broken else EndReason.LAUNCH_FAILED
        end_run(run.id, reason, parts, message=" ".join(said) or "A worker ended before the start.")
    elif waited > watch.plan.ready_within.total_seconds() and len(census.rows) == census.expected:
        ready = census.counts()["ready"]
        end_run(
            run.id,
            EndReason.LAUNCH_FAILED,
            parts,
            message=f"Only {ready} of {census.expected} workers got ready in {waited:.0f} s.",
        )


def head_start(workers: int) -> float:
    """Seconds in which all of them see the start: they ask every 0.2 s, and a store answers many askers more slowly."""
    return min(0.4 + workers / 100, 5.0)


def _start(run: Run, watch: Watch, parts: Parts) -> None:
    """The start time is written once; who comes second takes the one that stands."""
    now = parts.clock.now()
    start = watch.store.start(Start(math.ceil(now + head_start(run.workers)), now))
    started = datetime.fromtimestamp(start.t0, UTC)
    if Run.objects.advance(run.id, RunState.RUNNING, old=(RunState.READY,), started=started):
        notify(run, Moment.STARTED)
        note_places(run, parts.backend(run.where(), run.backend))


def _running(run: Run, watch: Watch, census: Census, now: float, parts: Parts) -> None:
    gathered = watch.gathered = watch.gathered or GatheredSeries(watch.store, watch.plan.flush_every.total_seconds())
    gathered.read_new(((row.slot, row.epoch) for row in (*census.former, *census.rows)), now)
    start = watch.store.started()
    t0 = start.t0 if start else None
    breach, thresholds = _assess(run, watch, gathered, census, t0)
    shown = show_new(watch, gathered, census, t0)
    newest = (t0 or 0) + shown if shown else gathered.merged.newest
    progress = progress_of(gathered.merged, census, thresholds, t0=t0, newest=newest)
    Run.objects.filter(pk=run.id).update(progress={**progress, "timeline_until": shown})
    gathered.keep_if_due(now)
    if run.state == RunState.RUNNING and t0 is not None and staffed(run, watch.store, watch.plan, census, t0, parts):
        return
    if census.all_over:
        # From the state that was seen only: a stop that came in between has its own reason, which the next look reads.
        collect_run(run.id, end_reason_of(run, census), old=(RunState(run.state),),
                    message=message_of(run, census), by=run.stop_requested_by)  # fmt: skip
        return
    if run.state == RunState.STOPPING:
        _insist(run, watch, census, now, parts)
        return
    if breach is not None:
        end_run(run.id, EndReason.THRESHOLD_ABORT, parts, message=f"Aborted: {breach.evidence}")
        return
    if t0 is not None and now > t0 + watch.plan.over_within.total_seconds() + 30:
        end_run(run.id, EndReason.DEADLINE, parts, message="Workers did not end at their deadline.", hard=True)


def _assess(
    run: Run, watch: Watch, gathered: GatheredSeries, census: Census, t0: int | None
) -> tuple[ThresholdResult | None, list[dict[str, Any]]]:
    """The crossing that ends the run, if there is one, and what is known of each threshold."""
    if t0 is None or gathered.merged.newest <= t0:
        return None, []
    assessment = watch.assessment
    if assessment is None:
        assessment = watch.assessment = begin_assessment(watch.plan, t0, gathered.merged, run.progress)
    results = assess_on(assessment, gathered.merged, _spoken_until(gathered, census, t0))
    return assessment.breach(results), in_progress(results, assessment)


def _spoken_until(gathered: GatheredSeries, census: Census, t0: int) -> int:
    measuring = census.states.keys() - set(census.slots("done", "lost"))
    return final_until(gathered.merged.newest, gathered.merged.reached(), measuring, t0)


def show_new(watch: Watch, gathered: GatheredSeries, census: Census, t0: int | None) -> int:
    """Writes the live timeline as far as its seconds are final; how many it has."""
    if t0 is not None:
        if (changed := gathered.take_changed()) is not None:
            watch.live.changed(changed)
        watch.live.write(watch.store, gathered.merged, t0, _spoken_until(gathered, census, t0))
    return watch.live.until


def _insist(run: Run, watch: Watch, census: Census, now: float, parts: Parts) -> None:
    """Workers that do not end are told, then forced, by their backend."""
    over = {*census.slots("done", "lost")}
    left = tuple(row.handle() for row in census.rows if row.slot not in over)
    waited = now - run.state_since.timestamp() - watch.plan.ending_within.total_seconds()
    if left and waited > TERM_AFTER:
        parts.backend(run.where(), run.backend).stop(left, hard=waited > KILL_AFTER)


def _store_failed(run: Run, watch: Watch, error: StoreUnavailable, parts: Parts) -> None:
    """Workers keep what they measured and try again; only when it lasts is the run ended, by the backend if need be."""
    now = parts.clock.now()
    if watch.store_fails_since is None:
        watch.store_fails_since = now
    log.warning("store_unavailable run_id=%s: %s", run.id, error.message)
    full = isinstance(error, StoreFull)
    if now - watch.store_fails_since < (STORE_PATIENCE / 4 if full else STORE_PATIENCE):
        return
    handles = tuple(row.handle() for row in run.worker_rows.all())
    parts.backend(run.where(), run.backend).stop(handles, hard=False)
    message = " ".join(filter(None, (run.message, f"The run store failed: {error.message}")))
    reason = EndReason(run.end_reason or EndReason.WORKERS_LOST)
    collect_run(run.id, reason, old=(RunState(run.state),), message=message, by=run.stop_requested_by)
