"""From a run whose load is over to its result: compute gone, everything merged anew, judged, and only then ended."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any  # Any: JSON columns

from django.db import transaction
from django.utils import timezone

from portal.core.errors import PortalError, StoreUnavailable
from portal.core.ports import Backend, WorkerHandle, WorkerStatus
from portal.core.run_state import RunState
from portal.core.wire import to_json, to_plain
from portal.models import Result, Run, RunEvent, Worker
from portal.models.worker import WorkerState
from portal.stores import open_store
from portal.stores.run_store import RunStore
from portal.usecases.compare_runs import with_comparison
from portal.usecases.judge_run import Judged, gather_all, judge_run
from portal.usecases.note_places import note_later_places
from portal.usecases.notify import Moment, notify
from portal.wiring import Parts

log = logging.getLogger("portal.finish")
GONE_WITHIN = 10.0
REFUSED_FOR = timedelta(minutes=10)
"""Somebody may put a bucket or a policy right again."""


def finish_run(run_id: str, parts: Parts) -> None:
    """Does nothing unless the run is collecting; may be repeated: the result is computed from the store each time."""
    run = Run.objects.select_related("environment").filter(pk=run_id, state=RunState.COLLECTING).first()
    if run is None:
        return
    note_later_places(run, lambda: parts.backend(run.where(), run.backend))
    left = _end_compute(run, parts)
    _release(run, parts)
    store = _store_of(run, parts)
    gathered = gather_all(run, store)
    not_kept = _failure_of(gathered.keep_for_good)
    judged = with_comparison(run, judge_run(run, store, gathered))
    summary = to_json(judged.summary)
    if said := not_kept or _failure_of(lambda: store.save_summary(summary)):
        judged = judged.with_note(f"The merged series could not be kept: {said}")
    if left:
        judged = judged.with_note(f"Still there after {GONE_WITHIN:.0f} s and told to end: {', '.join(left)}.")
    _write(run, judged)
    log.info("ended run_id=%s reason=%s verdict=%s", run.id, judged.end_reason, judged.verdict.outcome)


def _store_of(run: Run, parts: Parts) -> RunStore:
    """A store that refuses us for good keeps no run from ending: one without workers at once, others after a while, as if
    nothing had been measured. Raises StoreUnavailable where waiting may help."""
    try:
        store = parts.store(run.id)
        store.stop_asked()
    except StoreUnavailable as error:
        if not error.permanent or (run.worker_rows.exists() and timezone.now() - run.state_since < REFUSED_FOR):
            raise
        log.error("ends_without_store run_id=%s: %s", run.id, error.message)
        return RunStore(open_store("memory:"), run.id)
    return store


def _failure_of(write: Callable[[], object]) -> str:
    """A store that takes nothing more costs the series, never the result."""
    try:
        write()
    except StoreUnavailable as error:
        return error.message
    return ""


def _write(run: Run, judged: Judged) -> None:
    """The row says ended only together with its result; of two finishes at once the second changes nothing."""
    verdict = judged.verdict
    with transaction.atomic():
        moved = Run.objects.advance(
            run.id, RunState.ENDED, old=(RunState.COLLECTING,), verdict=str(verdict.outcome), trust=str(verdict.trust),
            ended=timezone.now(),
            end_reason=judged.end_reason, message=judged.message,
        )  # fmt: skip
        if moved:
            Result.objects.update_or_create(run=run, defaults=columns_of(judged))
            RunEvent.objects.bulk_create(RunEvent(run=run, text=line) for line in judged.log)
            notify(run, Moment.ENDED)


def columns_of(judged: Judged) -> dict[str, Any]:
    """A result as its row has it."""
    return {
        "summary": to_plain(judged.summary), "thresholds": to_plain(judged.results), "verdict": to_plain(judged.verdict),
        "timeline": to_plain(judged.timeline), "health": to_plain(judged.health),
    }  # fmt: skip


def _end_compute(run: Run, parts: Parts) -> tuple[str, ...]:
    """Nothing may outlive a run: who is still there is forced. Returns what could not be seen to be gone."""
    rows = tuple(Worker.objects.filter(run=run))
    if not rows:
        return ()
    handles = tuple(row.handle() for row in rows if row.reference)
    done = {(row.slot, row.epoch) for row in rows if row.state == WorkerState.DONE}
    backend = parts.backend(run.where(), run.backend)
    until = parts.clock.now() + GONE_WITHIN
    while alive := _alive(backend, handles):
        now = parts.clock.now()
        if overdue := tuple(
            handle for handle in alive if (handle.slot, handle.epoch) not in done or now > until - GONE_WITHIN / 2
        ):
            backend.stop(overdue, hard=True)
        if now > until:
            return tuple(handle.reference for handle in alive)
        parts.clock.sleep(0.2)
    return ()


def _release(run: Run, parts: Parts) -> None:
    """A place that is out of reach keeps machines for a run that is over until the sweep comes by."""
    try:
        parts.backend(run.where(), run.backend).release(run.id)
    except PortalError as error:
        log.warning("release_failed run_id=%s: %s", run.id, error.message)


def _alive(backend: Backend, handles: tuple[WorkerHandle, ...]) -> tuple[WorkerHandle, ...]:
    """A backend answers by slot, so workers that followed each other in one are asked after apart."""
    found: list[WorkerHandle] = []
    for epoch in sorted({handle.epoch for handle in handles}):
        asked = tuple(handle for handle in handles if handle.epoch == epoch)
        statuses = backend.poll(asked)
        found += [handle for handle in asked if statuses.get(handle.slot) is WorkerStatus.ALIVE]
    return tuple(found)
